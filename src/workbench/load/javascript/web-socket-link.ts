/** Messages as WebSocket text messages, through ws. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { RingwireError } from '../../../errors.js';
import { connectTimeoutMs } from '../../../limits.js';
import { formatEndpoint, type WebSocketEndpoint } from '../../../transports/endpoint.js';
import { statusError } from '../../../transports/http/client/answer-reader.js';
import { requestError } from '../../../transports/http/client/client-errors.js';
import { closeError, messageError } from '../../../transports/websocket/ws-errors.js';
import { type Link, type LinkEvents, maxMessageBytes, maxWaitingBytes, noEvents } from './link.js';
import { cancelMessage, type Message, textOf } from './message.js';
import { type Address, tlsOptions } from './sockets.js';

class WebSocketLink implements Link {
  events: LinkEvents = noEvents;
  readonly #webSocket: WebSocket;
  readonly #socket: Socket;
  #isCorked = false;
  #turnIsDue = false;
  #isOver = false;

  constructor(webSocket: WebSocket, socket: Socket, shown: string) {
    this.#webSocket = webSocket;
    this.#socket = socket;
    webSocket.on('message', (data) => this.#read(data as Buffer));
    socket.on('drain', () => this.events.onTurn());
    webSocket.on('error', (error) => this.#lose(messageError(error)));
    webSocket.on('close', (code, reason) => {
      const text = `${shown} closed the WebSocket.`;
      this.#lose(closeError(code, reason.toString('utf8')) ?? new RingwireError('CONNECTION_CLOSED', text));
    });
  }

  get isFull(): boolean {
    return this.#socket.writableLength > maxWaitingBytes;
  }

  send(message: Message, id: number): void {
    this.reply(textOf(message, id));
  }

  flush(): void {
    if (!this.#isCorked) return;
    this.#isCorked = false;
    this.#socket.uncork();
  }

  cancel(id: number): void {
    this.send(cancelMessage(id), id);
  }

  reply(text: string): void {
    if (this.#isOver) return;
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#socket.cork();
    }
    this.#webSocket.send(Buffer.from(text, 'latin1'), { binary: false });
  }

  settle(): void {}

  async close(): Promise<void> {
    this.#isOver = true;
    this.events = noEvents;
    this.#webSocket.terminate();
  }

  #read(data: Buffer): void {
    if (this.#isOver) return;
    this.events.onMessage(data.toString('latin1'), undefined);
    if (this.#turnIsDue) return;
    // Several messages come in one read; ws does not tell of the last.
    this.#turnIsDue = true;
    process.nextTick(() => {
      this.#turnIsDue = false;
      this.events.onTurn();
    });
  }

  #lose(error: RingwireError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.events.onLost(error);
  }
}

/** The headers, and the sub-protocols among them, which ws takes apart. */
function handshakeOf(headers: Readonly<Record<string, string>>): [string[], Record<string, string>] {
  const protocols: string[] = [];
  const others: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (name.toLowerCase() !== 'sec-websocket-protocol') others[name] = value;
    else protocols.push(...value.split(',').map((each) => each.trim()));
  }
  return [protocols, others];
}

/** @throws RingwireError as connectWebSocket() of the transports does. */
export async function openWebSocket(
  address: Address,
  headers: Readonly<Record<string, string>>,
): Promise<Link> {
  const { shown } = address;
  const [protocols, fields] = handshakeOf(headers);
  const webSocket = new WebSocket(formatEndpoint(address.endpoint as WebSocketEndpoint), protocols, {
    ...(await tlsOptions(address)),
    headers: fields,
    handshakeTimeout: connectTimeoutMs,
    maxPayload: maxMessageBytes,
    perMessageDeflate: false,
    followRedirects: false,
    skipUTF8Validation: true,
  });
  return new Promise((resolve, reject) => {
    let socket: Socket | undefined;
    const fail = (error: RingwireError): void => {
      webSocket.on('error', () => {});
      webSocket.terminate();
      reject(error);
    };
    const onError = (error: Error): void => fail(requestError(error, shown, connectTimeoutMs));
    webSocket.once('upgrade', (answer: IncomingMessage) => {
      socket = answer.socket;
    });
    webSocket.once('error', onError);
    webSocket.once('unexpected-response', (_request, answer: IncomingMessage) => {
      answer.resume();
      fail(statusError(shown, Number(answer.statusCode), answer.headers, Buffer.alloc(0)));
    });
    webSocket.once('open', () => {
      webSocket.removeListener('error', onError);
      resolve(new WebSocketLink(webSocket, socket!, shown));
    });
  });
}

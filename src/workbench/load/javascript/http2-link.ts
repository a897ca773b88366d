/** HTTP/2 through node:http2: a session for each connection, a stream for each request. */
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { RingwireError } from '../../../errors.js';
import { connectTimeoutMs } from '../../../limits.js';
import type { HttpEndpoint } from '../../../transports/endpoint.js';
import { requestError } from '../../../transports/http/client/client-errors.js';
import { type AnswerHeaders, headerOf } from '../../../transports/http/client/http-client.js';
import { HttpAnswerText, SessionFields } from './http-answer.js';
import { type Link, type LinkEvents, noEvents } from './link.js';
import { type Message, textOf } from './message.js';
import { type Address, openSocket } from './sockets.js';

/** Bytes of answers a server may send before we read. */
const windowBytes = 1024 * 1024;

const goawayNames: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(constants)
    .filter(([name]) => name.startsWith('NGHTTP2_') && !name.startsWith('NGHTTP2_ERR_'))
    .filter(([name]) =>
      /^NGHTTP2_(?:NO_ERROR|\w+_ERROR|ENHANCE_YOUR_CALM|\w+_SECURITY|REFUSED_STREAM)$/.test(name),
    )
    .map(([name, code]) => [code, name.slice('NGHTTP2_'.length)]),
);

class Http2Link implements Link {
  events: LinkEvents = noEvents;
  readonly isFull = false;
  readonly #session: ClientHttp2Session;
  readonly #shown: string;
  readonly #path: string;
  readonly #fields: SessionFields;
  readonly #streams = new Map<number, ClientHttp2Stream>();
  #reason: string | undefined;
  #isOver = false;

  constructor(session: ClientHttp2Session, address: Address, headers: Readonly<Record<string, string>>) {
    this.#session = session;
    this.#shown = address.shown;
    this.#path = (address.endpoint as HttpEndpoint).path;
    this.#fields = new SessionFields(headers);
    session.on('goaway', (code) => {
      this.#reason = `${this.#shown} ended the HTTP/2 session (${goawayNames[code] ?? `code ${code}`}).`;
      // Streams that the server still answers come to their end; new ones need another session.
      session.close();
    });
    session.on('error', (error) => {
      this.#reason ??= requestError(error, this.#shown, connectTimeoutMs).message;
    });
    session.on('close', () => {
      if (this.#isOver) return;
      this.#isOver = true;
      const text = this.#reason ?? `${this.#shown} closed the connection.`;
      this.events.onLost(new RingwireError('CONNECTION_CLOSED', text));
    });
  }

  send(message: Message, id: number): void {
    if (this.#session.closed || this.#session.destroyed) {
      // The end of the session is about to be told.
      queueMicrotask(() => {
        this.events.onFailed(id, this.#reason ?? 'The HTTP/2 session is over.', false);
        this.events.onTurn();
      });
      return;
    }
    const stream = this.#session.request({
      ...this.#fields.with(message.fields),
      ':method': 'POST',
      ':path': this.#path,
    });
    this.#streams.set(id, stream);
    this.#listen(stream, id, message.tail === undefined);
    stream.end(textOf(message, id), 'latin1');
  }

  flush(): void {}

  cancel(id: number): void {
    const stream = this.#streams.get(id);
    this.#streams.delete(id);
    stream?.close(constants.NGHTTP2_CANCEL);
    queueMicrotask(() => this.events.onTurn());
  }

  reply(): void {}

  settle(protocolVersion: string): void {
    this.#fields.settle(protocolVersion);
  }

  async close(): Promise<void> {
    this.#isOver = true;
    this.events = noEvents;
    this.#session.destroy();
  }

  #listen(stream: ClientHttp2Stream, id: number, isNotification: boolean): void {
    const answer = new HttpAnswerText(id, isNotification);
    stream.on('response', (fields) => {
      const headers = fields as unknown as AnswerHeaders;
      const session = headerOf(headers, 'mcp-session-id');
      if (session !== '') this.#fields.session(session);
      answer.head(Number(fields[':status']), headerOf(headers, 'content-type'), this.events);
    });
    stream.on('data', (chunk: Buffer) => {
      if (this.#streams.has(id)) answer.data(chunk, this.events);
    });
    stream.on('end', () => {
      const isWhole = !stream.aborted && stream.rstCode === constants.NGHTTP2_NO_ERROR;
      if (!isWhole || !this.#streams.delete(id)) return;
      answer.end(this.events);
      this.events.onTurn();
    });
    stream.on('error', (error) => {
      const text = this.#reason ?? requestError(error, this.#shown, connectTimeoutMs).message;
      this.#fail(id, text);
    });
    stream.on('close', () => this.#fail(id, `The stream was reset (code ${stream.rstCode}).`));
  }

  #fail(id: number, reason: string): void {
    if (!this.#streams.delete(id)) return;
    this.events.onFailed(id, reason, false);
    this.events.onTurn();
  }
}

/** `h2` by ALPN on https, prior knowledge on http. */
export async function openHttp2(address: Address, headers: Readonly<Record<string, string>>): Promise<Link> {
  const { endpoint, shown } = address;
  const { isSecure, host, port } = endpoint as HttpEndpoint;
  const socket: Socket = await openSocket(address, ['h2']);
  if (isSecure && (socket as TLSSocket).alpnProtocol !== 'h2') {
    socket.destroy();
    throw new RingwireError('CONFIG_INVALID', `${shown} does not offer HTTP/2: measure it over HTTP/1.1.`);
  }
  const name = host.includes(':') ? `[${host}]` : host;
  const session = connect(`http${isSecure ? 's' : ''}://${name}:${port}`, {
    createConnection: () => socket,
    settings: { enablePush: false, initialWindowSize: windowBytes },
  });
  const link = new Http2Link(session, address, headers);
  await new Promise<void>((resolve, reject) => {
    const fail = (error?: Error): void =>
      reject(
        new RingwireError(
          'HTTP_STATUS',
          `${shown} does not speak HTTP/2${error === undefined ? '' : ` (${error.message})`}.`,
          { cause: error },
        ),
      );
    const timer = setTimeout(fail, connectTimeoutMs);
    // Node tells of the connection at once; only the server's SETTINGS prove that it speaks HTTP/2.
    session.once('remoteSettings', () => {
      clearTimeout(timer);
      session.setLocalWindowSize(windowBytes * 16);
      resolve();
    });
    session.once('error', fail);
    session.once('close', () => fail());
  }).catch(async (error: unknown) => {
    await link.close();
    throw error;
  });
  return link;
}

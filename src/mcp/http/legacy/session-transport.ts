/**
 * The transport of the Peer that stands for a whole session. It answers initialize; from then on it carries what the
 * server says of its own accord over the stream that the client opens with GET. While none is open it is full: the
 * Peer keeps requests within its limits, and changes of lists wait as one notice of each kind.
 */
import type { RingwireError } from '../../../errors.js';
import { answerCode, jsonHead } from '../../../rpc/http/exchange-transport.js';
import type { HttpExchange } from '../../../transports/http/http-server.js';
import type { PeerInfo, SendResult, Transport, TransportHandlers } from '../../../transports/transport.js';
import { refuse, unavailable } from '../refusal.js';
import { ExchangeHolder } from './exchange-holder.js';
import type { HttpSession } from './http-session.js';
import { initializeStatus } from './post-transport.js';
import { SessionStream } from './session-stream.js';

export const shuttingDown = unavailable('CONNECTION_CLOSED', 'The server is shutting down.');

/** The number of the stream that GET opens. */
export const sessionStreamId = 0;

export class SessionTransport extends ExchangeHolder implements Transport {
  readonly kind = 'http';
  readonly implementation = 'twin';
  readonly peer: PeerInfo;
  readonly stream: SessionStream;
  readonly #session: HttpSession;
  /** The initialize request, until it is answered. */
  #initialize: HttpExchange | undefined;
  #handlers: TransportHandlers | undefined;
  #isClosing = false;
  #isEnded = false;

  constructor(session: HttpSession, initialize: HttpExchange) {
    super();
    this.#session = session;
    this.#initialize = initialize;
    this.peer = initialize.peer;
    this.stream = new SessionStream(session, sessionStreamId);
    this.stream.onDrain = () => this.#handlers?.onDrain?.();
    this.hold(initialize);
  }

  get bufferedBytes(): number {
    return this.stream.bufferedBytes;
  }

  start(handlers: TransportHandlers): void {
    this.#handlers = handlers;
  }

  feed(frame: Buffer): void {
    this.#handlers?.onFrame(frame);
    this.#handlers?.onTickEnd?.();
  }

  send(frame: Uint8Array | string): SendResult {
    if (this.#isEnded) return 'full';
    const text = typeof frame === 'string' ? frame : Buffer.from(frame).toString();
    this.#session.checkSize(text);
    const code = answerCode(text);
    if (code !== undefined) return this.#answer(text, code);
    if (this.#isClosing) {
      this.#session.onUndelivered();
      return 'sent';
    }
    return this.stream.isLive ? this.stream.send(text) : 'full';
  }

  /** The server closes: what waits for a client to open a stream waits no longer. */
  stopWaiting(): void {
    this.#isClosing = true;
    this.#handlers?.onDrain?.();
  }

  override onExchangeGone(exchange: HttpExchange): void {
    if (this.#initialize !== exchange) return;
    // Its id reached nobody.
    this.#initialize = undefined;
    this.#session.end();
  }

  pause(): void {}

  resume(): void {}

  /** The session ends once its calls did. */
  close(): Promise<void> {
    this.#end(undefined);
    void this.#session.close();
    return Promise.resolve();
  }

  destroy(error?: RingwireError): void {
    this.#end(error);
    this.#session.end();
  }

  #end(error: RingwireError | undefined): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.stream.end();
    if (this.#initialize !== undefined) refuse(this.#initialize, shuttingDown);
    this.#initialize = undefined;
    this.#handlers?.onClose(error);
  }

  #answer(text: string, code: number): SendResult {
    const exchange = this.#initialize;
    // Not initialize: a frame that is no message, which the POST that brought it was told.
    if (exchange === undefined) return 'sent';
    this.#initialize = undefined;
    if (code === 0 && this.#session.begin()) {
      exchange.respond(200, [...jsonHead, 'mcp-session-id', this.#session.id], text);
      return 'sent';
    }
    exchange.respond(code === 0 ? 200 : initializeStatus(code), jsonHead, text);
    queueMicrotask(() => this.#session.end());
    return 'sent';
  }
}

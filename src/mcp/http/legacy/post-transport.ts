/**
 * The transport of a Peer that serves one POST of a session. Unlike a connection it survives its client: the call goes
 * on when the client is gone, and what it sends is stored or dropped (2025-11-25, basic/transports: "Disconnection
 * SHOULD NOT be interpreted as the client cancelling its request").
 */
import { RingwireError, RpcErrorCode } from '../../../errors.js';
import type { DeadlineEntry } from '../../../rpc/deadline-queue.js';
import { answerCode, jsonHead } from '../../../rpc/http/exchange-transport.js';
import type { Peer } from '../../../rpc/peer.js';
import type { IdText } from '../../../rpc/types.js';
import type { HttpExchange } from '../../../transports/http/http-server.js';
import type { PeerInfo, SendResult, Transport, TransportHandlers } from '../../../transports/transport.js';
import type { ClosableStream } from '../../context.js';
import { ExchangeHolder } from './exchange-holder.js';
import type { HttpSession } from './http-session.js';
import { refuseUnknownSession } from './refusals.js';
import type { SessionStream } from './session-stream.js';

/** Our requests as src/rpc/json-text.ts writes them; their ids are numbers. */
const ownRequestId = /^\{"jsonrpc":"2\.0","id":(\d+),"method":/;

export class PostTransport extends ExchangeHolder implements Transport, ClosableStream, DeadlineEntry {
  readonly kind = 'http';
  readonly implementation = 'twin';
  /** Ids of requests made on its stream. */
  readonly asked: IdText[] = [];
  expiresAt = 0;
  heapIndex = -1;
  readonly #session: HttpSession;
  /** undefined once it was answered as a whole, or its client is gone. */
  #exchange: HttpExchange | undefined;
  #stream: SessionStream | undefined;
  #peer: PeerInfo | undefined;
  #handlers: TransportHandlers | undefined;
  #served: Peer | undefined;
  /** Reading the body: an answer that comes now was there at once. */
  #isReading = true;
  /** The Peer holds something back until onDrain. */
  #isFull = false;
  #isAnswered = false;
  #isEnded = false;

  constructor(session: HttpSession, exchange: HttpExchange) {
    super();
    this.#session = session;
    this.#exchange = exchange;
    this.hold(exchange);
  }

  /** Asked of the engine when somebody wants to know: finding it out costs more than the rest of a short call. */
  get peer(): PeerInfo {
    this.#peer ??= this.#exchange?.peer ?? this.#session.transport.peer;
    return this.#peer;
  }

  get bufferedBytes(): number {
    return this.#stream?.bufferedBytes ?? 0;
  }

  /** The Peer on this transport; known once serve() was called. */
  get served(): Peer | undefined {
    return this.#served;
  }

  start(handlers: TransportHandlers): void {
    this.#handlers = handlers;
  }

  /** Gives the body to the Peer. What is not answered then will be later, as events or as JSON. */
  serve(served: Peer, body: Buffer): void {
    this.#served = served;
    this.feed(body);
    this.#isReading = false;
    if (this.#isAnswered || this.#isEnded || this.#stream !== undefined) return;
    // Whoever asks later may find no exchange to ask.
    void this.peer;
    if (this.#session.primes) this.#openStream();
    else this.#session.keepAlive(this);
  }

  /** Another frame for the Peer: a reply to what it asked, a cancellation. */
  feed(frame: Buffer): void {
    this.#handlers?.onFrame(frame);
    this.#handlers?.onTickEnd?.();
    this.#endIfUnanswered();
  }

  send(frame: Uint8Array | string): SendResult {
    if (this.#isEnded || this.#isAnswered) return 'full';
    const text = typeof frame === 'string' ? frame : Buffer.from(frame).toString();
    this.#session.checkSize(text);
    const code = answerCode(text);
    const result = code === undefined ? this.#sendBefore(text) : this.#answer(text);
    this.#isFull = result === 'full';
    return result;
  }

  closeStream(retryMs = this.#session.retryMs): void {
    if (!(retryMs >= 0))
      throw new RingwireError('CONFIG_INVALID', '"retryMs" must be a number of at least 0.');
    if (this.#isAnswered || this.#isEnded || !this.#session.primes) return;
    (this.#stream ?? this.#openStream()).release(Math.ceil(retryMs));
  }

  /** Nothing was sent for long: proxies must see that somebody is at work. */
  expire(): void {
    if (this.#exchange !== undefined) this.#openStream();
  }

  override onExchangeGone(exchange: HttpExchange): void {
    if (this.#exchange === exchange) this.#exchange = undefined;
  }

  pause(): void {}

  resume(): void {}

  close(): Promise<void> {
    this.destroy();
    return Promise.resolve();
  }

  /** The session ended, or its client does not read. */
  destroy(error?: RingwireError): void {
    if (this.#isEnded) return;
    this.#stream?.end();
    if (this.#exchange !== undefined) refuseUnknownSession(this.#exchange, null);
    this.#end(error);
  }

  /** A notification, or a request of ours. */
  #sendBefore(text: string): SendResult {
    const id = ownRequestId.exec(text)?.[1];
    if (id !== undefined) {
      this.asked.push(id);
      this.#session.onAsk(this, id);
    }
    return (this.#stream ?? this.#openStream()).send(text);
  }

  #openStream(): SessionStream {
    void this.peer;
    const stream = this.#session.openStream();
    this.#stream = stream;
    // Without an exchange its events go to the store, or nowhere.
    if (this.#exchange !== undefined) stream.open(this.#exchange);
    this.#exchange = undefined;
    stream.onDrain = () => this.#onDrain();
    this.#session.deadlines.remove(this);
    return stream;
  }

  #answer(text: string): SendResult {
    let result: SendResult = 'sent';
    if (this.#stream === undefined && (this.#isReading || !this.#session.primes)) {
      // An error without an id answers what was no request at all.
      const status = text.startsWith('{"jsonrpc":"2.0","id":null,') ? 400 : 200;
      if (this.#exchange === undefined) this.#session.onUndelivered();
      else this.#exchange.respond(status, jsonHead, text);
      this.#exchange = undefined;
    } else {
      const stream = this.#stream ?? this.#openStream();
      result = stream.send(text);
      if (result === 'full') return result;
      stream.end();
    }
    this.#isAnswered = true;
    // Not from inside send(), where the Peer is in the middle of something.
    queueMicrotask(() => this.#end(undefined));
    return result;
  }

  #onDrain(): void {
    this.#isFull = false;
    this.#handlers?.onDrain?.();
    this.#endIfUnanswered();
  }

  /** Every request of the body was cancelled: there will be no answer. */
  #endIfUnanswered(): void {
    if (this.#isAnswered || this.#isEnded || this.#isFull || this.#served?.inFlight !== 0) return;
    this.#isAnswered = true;
    if (this.#stream !== undefined) this.#session.dropStream(this.#stream);
    this.#exchange?.respond(202, []);
    this.#exchange = undefined;
    this.#end(undefined);
  }

  #end(error: RingwireError | undefined): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#session.deadlines.remove(this);
    this.#handlers?.onClose(error);
    this.#session.leave(this, this.#stream);
  }
}

/** What an answer is refused with that is larger than a frame may be. */
export function checkFrameSize(text: string, maxFrameBytes: number): void {
  // UTF-8 takes at most three bytes for each UTF-16 unit.
  if (text.length * 3 <= maxFrameBytes || Buffer.byteLength(text) <= maxFrameBytes) return;
  throw new RingwireError(
    'FRAME_TOO_LARGE',
    `A message of ${Buffer.byteLength(text)} bytes exceeds maxFrameBytes (${maxFrameBytes}).`,
  );
}

/** What the JSON-RPC code of an answer to initialize is answered with as a status. */
export function initializeStatus(code: number): number {
  return code === RpcErrorCode.UnsupportedProtocolVersion ? 400 : 200;
}

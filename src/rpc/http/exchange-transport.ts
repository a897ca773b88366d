/**
 * The transport of a Peer that serves one HTTP exchange: the body of a POST is its only frame, and what the Peer sends
 * is the answer. A response that comes first is answered as JSON in one write; where another message comes before it,
 * the answer becomes a stream of server-sent events that ends behind the response.
 */
import { RingwireError } from '../../errors.js';
import { maxFrameBytes } from '../../limits.js';
import { EventStream } from '../../transports/http/event-stream.js';
import type { HeaderList, HttpExchange } from '../../transports/http/http-server.js';
import type { PeerInfo, SendResult, Transport, TransportHandlers } from '../../transports/transport.js';
import { Peer } from '../peer.js';
import type { PeerOptions } from '../peer-options.js';

export interface ExchangeTransportOptions {
  /**
   * 'auto' (default): JSON, or events where a message comes before the response. 'json', for callers that accept
   * nothing else: notifications are dropped, requests fail. 'events': events always, except for an error whose status
   * is not 200.
   */
  readonly form?: 'auto' | 'json' | 'events';
  /** The status of an answer that is an error, by its JSON-RPC code. Default: 200 always. Events are always 200. */
  readonly statusOf?: (code: number) => number;
  /** Header fields beside those that say what the body is. */
  readonly head?: HeaderList;
  /** A larger message is refused with FRAME_TOO_LARGE. Default maxFrameBytes of src/limits.ts. */
  readonly maxFrameBytes?: number;
  /** See EventStream. */
  readonly keepAliveMs?: number;
  /** Called once, when the Peer has nothing to do with the exchange any more: answered, aborted or cut. */
  readonly onEnd?: (transport: ExchangeTransport) => void;
}

/** The head of every answer that is JSON. */
export const jsonHead: HeaderList = ['content-type', 'application/json'];

export class ExchangeTransport implements Transport {
  readonly kind = 'http';
  readonly implementation = 'twin';
  readonly exchange: HttpExchange;
  readonly #options: ExchangeTransportOptions;
  #handlers: TransportHandlers | undefined;
  #events: EventStream | undefined;
  /** The response is given, or none is to be given. */
  #isAnswered = false;
  #isAccepted = false;
  #isEnded = false;

  constructor(exchange: HttpExchange, options: ExchangeTransportOptions = {}) {
    this.exchange = exchange;
    this.#options = options;
  }

  get peer(): PeerInfo {
    return this.exchange.peer;
  }

  get bufferedBytes(): number {
    return this.#isEnded ? 0 : (this.#events?.bufferedBytes ?? 0);
  }

  /** Whether the status and the head of the answer are given. */
  get hasBegun(): boolean {
    return this.#isAnswered || this.#events !== undefined;
  }

  /** Whether the answer is a stream of events that has not ended. */
  get isStreaming(): boolean {
    return this.#events !== undefined && !this.#isAnswered && !this.#isEnded;
  }

  start(handlers: TransportHandlers): void {
    this.#handlers = handlers;
  }

  /**
   * Serves the body with a Peer of its own, which ends with the answer; see deliver(). Throws what the constructor of
   * Peer throws.
   */
  serve(body: Buffer, options: PeerOptions, isNotification = false): Peer {
    const peer = new Peer(this, options);
    peer.auth = this.exchange.principal;
    this.deliver(body, peer, isNotification);
    return peer;
  }

  /**
   * Gives the body to the Peer that was made on this transport. Notifications are answered 202 at once; of one that
   * `isNotification` says is one, before its handler might send something of its own.
   */
  deliver(body: Buffer, peer: Peer, isNotification = false): void {
    if (isNotification) this.accept();
    this.receive(body);
    // What came up while an answer was being sent (that it is too large, for instance) has not left yet.
    if (!this.hasBegun && peer.inFlight === 0) void peer.drained();
    // Neither answered nor at work on an answer: it was a notification, or an array of nothing else.
    if (!isNotification && (this.hasBegun || peer.inFlight > 0)) return;
    if (this.#isEnded) return;
    this.accept();
    // Handlers of notifications may still be at work; the end of the Peer would abort them.
    void peer.calls.inFlight.idle().then(() => this.#end(undefined));
  }

  /** The body has come: gives it to the Peer as the only frame. The view is borrowed. */
  receive(body: Buffer): void {
    this.#handlers?.onFrame(body);
    this.#handlers?.onTickEnd?.();
  }

  send(frame: Uint8Array | string): SendResult {
    if (this.#isEnded) return 'full';
    if (this.#isAnswered && !this.#isAccepted) return 'full';
    const text = typeof frame === 'string' ? frame : Buffer.from(frame).toString();
    const code = answerCode(text);
    if (code === undefined && (this.#isAccepted || this.#options.form === 'json')) {
      // Nobody would ever answer it.
      if (text.startsWith(idMessage))
        throw new RingwireError('CONNECTION_CLOSED', noWayBack, { retryable: false });
      return 'sent';
    }
    if (this.#isAccepted) return 'sent';
    const tooLarge = frameSizeError(text, this.#options.maxFrameBytes ?? maxFrameBytes);
    if (tooLarge !== undefined) throw tooLarge;
    return code === undefined ? this.openEvents().send(text) : this.#answer(text, code);
  }

  /** Answers that there is nothing to answer: notifications. What the Peer sends from now on is dropped. */
  accept(status = 202): void {
    if (this.hasBegun || this.#isEnded) return;
    this.#isAnswered = true;
    this.#isAccepted = true;
    this.exchange.respond(status, this.#options.head ?? []);
  }

  /** The client went away before the answer was complete; for the application's onAbort(). */
  abort(): void {
    this.#events?.abandon();
    const message = 'The client closed the connection before the answer was complete.';
    this.#end(new RingwireError('CONNECTION_CLOSED', message));
  }

  /** There is but one frame. */
  pause(): void {}

  resume(): void {}

  /** Ends the events, or cuts the connection of an exchange that was not answered. */
  close(): Promise<void> {
    if (!this.#isEnded && !this.#isAnswered) {
      if (this.#events === undefined) this.exchange.destroy();
      else this.#events.end();
    }
    this.#end(undefined);
    return Promise.resolve();
  }

  destroy(error?: RingwireError): void {
    if (!this.#isEnded && !this.#isAnswered) {
      this.#events?.abandon();
      this.exchange.destroy();
    }
    this.#end(error);
  }

  /** The stream of events, opened where it is not yet. For messages that do not come from the Peer. */
  openEvents(): EventStream {
    if (this.#events === undefined) {
      const { head, keepAliveMs } = this.#options;
      this.#events = new EventStream(this.exchange, head, keepAliveMs);
      this.#events.onDrain = () => this.#handlers?.onDrain?.();
    }
    return this.#events;
  }

  #answer(text: string, code: number): SendResult {
    const { form, statusOf, head } = this.#options;
    const status = code === 0 || statusOf === undefined ? 200 : statusOf(code);
    let result: SendResult = 'sent';
    if (this.#events === undefined && (form !== 'events' || status !== 200)) {
      this.exchange.respond(status, head === undefined ? jsonHead : [...jsonHead, ...head], text);
    } else {
      const events = this.openEvents();
      result = events.send(text);
      // Not accepted: the Peer sends it again when there is room.
      if (result === 'full') return result;
      events.end();
    }
    this.#isAnswered = true;
    // Not from inside send(), where the Peer is in the middle of something.
    queueMicrotask(() => this.#end(undefined));
    return result;
  }

  #end(error: RingwireError | undefined): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#handlers?.onClose(error);
    this.#options.onEnd?.(this);
  }
}

const noWayBack =
  'The caller cannot be called back: it came by HTTP and takes nothing but the answer. Over WebSocket it can.';

const idMessage = '{"jsonrpc":"2.0","id":';
const notification = '{"jsonrpc":"2.0","method":';
const errorMember = '"error":{"code":';

/**
 * What a message is, from its beginning alone where it was written by src/rpc/json-text.ts (or is an array, which only
 * a batch of responses can be): undefined for a request or a notification, 0 for a response with a result, the
 * JSON-RPC code for one with an error.
 */
export function answerCode(text: string): number | undefined {
  if (text.startsWith(notification)) return undefined;
  if (text.startsWith('[')) return 0;
  if (text.startsWith(idMessage)) {
    const next = endOfScalar(text, idMessage.length) + 1;
    if (text.startsWith('"result":', next)) return 0;
    if (text.startsWith('"method":', next)) return undefined;
    if (text.startsWith(errorMember, next))
      return Number.parseInt(text.slice(next + errorMember.length, next + errorMember.length + 8), 10);
  }
  // Written by somebody else, in an order of their own.
  const message = JSON.parse(text) as { method?: unknown; error?: { code?: unknown } };
  if (message.method !== undefined) return undefined;
  if (message.error === undefined) return 0;
  return typeof message.error.code === 'number' ? message.error.code : 0;
}

/** What a message is refused with that is larger than a frame may be; undefined where it is not. */
export function frameSizeError(text: string, maxBytes: number): RingwireError | undefined {
  // UTF-8 takes at most three bytes for each UTF-16 unit.
  if (text.length * 3 <= maxBytes) return undefined;
  const bytes = Buffer.byteLength(text);
  if (bytes <= maxBytes) return undefined;
  const message = `A message of ${bytes} bytes is larger than maxFrameBytes (${maxBytes}).`;
  return new RingwireError('FRAME_TOO_LARGE', message);
}

/** Where a string, a number or null that begins at `start` ends. */
function endOfScalar(text: string, start: number): number {
  if (text[start] !== '"') return text.indexOf(',', start);
  for (let at = start + 1; ; at += 1) {
    const character = text[at];
    if (character === '\\') at += 1;
    else if (character === '"' || character === undefined) return at + 1;
  }
}

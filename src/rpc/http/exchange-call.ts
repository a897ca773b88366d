/**
 * The call of one exchange, as its handler sees it, before it is known whether a Peer is needed: a handler that returns
 * its result at once and asks for nothing but params is answered without one, which takes a third of the time.
 */
import type { HttpExchange } from '../../transports/http/http-server.js';
import type { PeerInfo } from '../../transports/transport.js';
import { asObject } from '../json-text.js';
import type { Peer } from '../peer.js';
import { ServedCall } from '../served-call.js';
import type { AuthInfo, CallContext, Connection, IdText, LogLevel, TraceContext } from '../types.js';

/** Makes the Peer that serves the exchange of a call; it is the one that answers from then on. */
export type PeerFactory = (exchange: HttpExchange) => Peer;

export class ExchangeCall implements CallContext {
  readonly exchange: HttpExchange;
  readonly method: string;
  readonly id: IdText;
  readonly #params: unknown;
  readonly #makePeer: PeerFactory;
  #served: ServedCall | undefined = undefined;

  constructor(exchange: HttpExchange, method: string, id: IdText, params: unknown, makePeer: PeerFactory) {
    this.exchange = exchange;
    this.method = method;
    this.id = id;
    this.#params = params;
    this.#makePeer = makePeer;
  }

  /** Whether something was asked for that only a Peer has; then the answer is to be given through it. */
  get isServed(): boolean {
    return this.#served !== undefined;
  }

  /** The call on a Peer of its own. */
  get served(): ServedCall {
    this.#served ??= new ServedCall(this.#makePeer(this.exchange), this.method, this.id, this.#params);
    return this.#served;
  }

  get peer(): PeerInfo {
    return this.exchange.peer;
  }

  get auth(): AuthInfo | undefined {
    return this.exchange.principal;
  }

  get meta(): Readonly<Record<string, unknown>> | undefined {
    return asObject(asObject(this.#params)?._meta);
  }

  get signal(): AbortSignal {
    return this.served.signal;
  }

  get deadline(): number {
    return this.served.deadline;
  }

  get connection(): Connection {
    return this.served.connection;
  }

  get trace(): TraceContext | undefined {
    return this.served.trace;
  }

  extendDeadline(timeoutMs: number): void {
    this.served.extendDeadline(timeoutMs);
  }

  /** Restarts the deadline of a call at work. The answer is one JSON text, so the caller is not told. */
  progress(progress: number, total?: number, message?: string): void {
    this.#served?.progress(progress, total, message);
  }

  /** The answer is one JSON text, with no place for messages before it. */
  log(_level: LogLevel, _data: unknown, _logger?: string): void {}
}

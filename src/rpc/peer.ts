/**
 * One end of a JSON-RPC 2.0 connection: calls the other side and serves its calls, over any transport.
 */
import type { RingwireError, RpcError } from '../errors.js';
import type { SendResult, Transport } from '../transports/transport.js';
import type { Dispatcher } from './dispatcher.js';
import type { CloseOptions, PeerCounters, PeerOptions } from './peer-options.js';
import type { ServedCall } from './served-call.js';
import type { AuthInfo, Connection, LogLevel, RequestOptions } from './types.js';

export declare class Peer implements Connection {
  readonly transport: Transport;
  readonly dispatcher: Dispatcher;
  readonly data: Map<unknown, unknown>;
  readonly closed: Promise<RingwireError | undefined>;
  readonly counters: Readonly<PeerCounters>;
  /** Who is at the other end, where an authorization layer knows. Calls take it as their context.auth. */
  auth: AuthInfo | undefined;
  /** The least level of log messages sent to calls that do not ask for one of their own. */
  logLevel: LogLevel | undefined;

  /** Starts the transport. */
  constructor(transport: Transport, options?: PeerOptions);
  /** Calls of the other side whose handlers are at work. */
  get inFlight(): number;
  /** Our own requests that wait for an answer. */
  get pending(): number;
  request<R = unknown>(method: string, params?: unknown, options?: RequestOptions): Promise<R>;
  notify(method: string, params?: unknown): SendResult;
  /** notify() with params that are JSON text already. */
  notifyText(method: string, paramsText: string): SendResult;
  drained(): Promise<void>;
  /** Refuses new calls of the other side and waits until those at work are answered; then aborts the rest. */
  drain(options?: CloseOptions): Promise<void>;
  /** drain(), then sends what is queued and closes. Our own requests that are still open reject. Idempotent. */
  close(options?: CloseOptions): Promise<void>;
  /** Ends the connection at once. */
  destroy(error?: RingwireError): void;

  // For whoever makes ServedCalls beside this class (the native batch path).
  /** Whether a call with this id may start: undefined, or the error to answer with. Cheap; call it before the handler. */
  admit(id: string): RpcError | undefined;
  /** Registers a call whose handler turned out to be asynchronous; false where it was refused (and answered). */
  track(call: ServedCall): boolean;
  /** Forgets a tracked call without answering it. */
  untrack(call: ServedCall): void;
  /** The one place an outcome of a tracked call comes to. Answers it, unless it may not be answered any more. */
  settle(call: ServedCall, outcome: Outcome): void;
  /** Takes a call out of tracking and says whether its outcome may still be sent: settle() for those who send themselves. */
  conclude(call: ServedCall): boolean;
  /** The response text for an outcome. Never throws. */
  responseText(call: ServedCall, outcome: Outcome): string;
  /** Sends a reply in order with the others. */
  reply(id: string, text: string): void;
  servedDeadline(): number;
  restartServedDeadline(call: ServedCall): void;
  extendServedDeadline(call: ServedCall, timeoutMs: number): void;
  expireServed(call: ServedCall): void;
}

/** What became of a call: a result or what was thrown. */
export type Outcome = { readonly result: unknown } | { readonly error: unknown };

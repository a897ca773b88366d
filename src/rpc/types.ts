/** The words the JSON-RPC layer is made of. */
import type { RingwireError } from '../errors.js';
import type { PeerInfo, SendResult, Transport } from '../transports/transport.js';

/**
 * An id as it stood on the wire, as JSON text: `7`, `"7"` and `12345678901234567890` are three different ids and go
 * back byte for byte.
 */
export type IdText = string;

export type LogLevel = 'debug' | 'info' | 'notice' | 'warning' | 'error' | 'critical' | 'alert' | 'emergency';

/** One connection, on which both sides may call. Peer is the implementation. */
export interface Connection {
  readonly transport: Transport;
  /** Attachments of upper layers, for the life of the connection. Use an object or symbol of your own as key. */
  readonly data: Map<unknown, unknown>;
  /** Resolves once, at the end of the connection: with the error that ended it, or undefined. Never rejects. */
  readonly closed: Promise<RingwireError | undefined>;
  /** Calls the other side; the result is not checked against R. Rejects with RpcError or RingwireError. */
  request<R = unknown>(method: string, params?: unknown, options?: RequestOptions): Promise<R>;
  /** False once the connection ended. */
  readonly isOpen: boolean;
  /**
   * Tells the other side. 'full' means it was not accepted: await drained() and try again. Throws CONNECTION_CLOSED
   * after the end of the connection.
   */
  notify(method: string, params?: unknown): SendResult;
  /** notify() with params that are JSON text already, '' for none. */
  notifyText(method: string, paramsText: string): SendResult;
  /** The least level of log messages sent to calls that do not ask for one of their own. */
  logLevel: LogLevel | undefined;
  /** Resolves when nothing waits for the transport any more, or when the connection ended. */
  drained(): Promise<void>;
}

/** What a handler knows of the call it serves. Getters are lazy: what is not read costs nothing. */
export interface CallContext {
  readonly method: string;
  /** The id as JSON text; undefined in a notification. */
  readonly id: IdText | undefined;
  /** Aborts on cancellation, deadline and disconnect (where the transport makes that a cancellation). */
  readonly signal: AbortSignal;
  /** On the clock of performance.now(), in milliseconds. */
  readonly deadline: number;
  /** Sends notifications/progress if the caller gave a progress token; otherwise does nothing. Values must rise. */
  progress(progress: number, total?: number, message?: string): void;
  /** Sends notifications/message if the caller asked for this level; otherwise does nothing. */
  log(level: LogLevel, data: unknown, logger?: string): void;
  readonly peer: PeerInfo;
  /** The connection the call came by: for calls back to the caller, and for attachments. */
  readonly connection: Connection;
  /** Starts the deadline anew from now. Infinity lifts it, for calls that stay open such as subscriptions. */
  extendDeadline(timeoutMs: number): void;
  /** Set by an authorization layer; undefined where there is none. */
  readonly auth: AuthInfo | undefined;
  /** W3C trace context from `_meta`. */
  readonly trace: TraceContext | undefined;
  /** params._meta as sent. */
  readonly meta: Readonly<Record<string, unknown>> | undefined;
}

export interface AuthInfo {
  readonly principal: string;
  readonly scopes: readonly string[];
}

export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate?: string;
  readonly baggage?: string;
}

/** Returns the result, or a promise of it. Throw RpcError to answer with a chosen error. */
export type Handler<Params = unknown, Result = unknown> = (
  params: Params,
  context: CallContext,
) => Result | Promise<Result>;

/** A call on its way to a handler, as interceptors see it. */
export interface Call {
  readonly method: string;
  readonly params: unknown;
  readonly context: CallContext;
}

/** Cross-cutting behaviour around a call: call next() to go on, or answer or throw instead. */
export type Interceptor = (
  call: Call,
  next: (call: Call) => unknown | Promise<unknown>,
) => unknown | Promise<unknown>;

export interface RequestOptions {
  /** Default defaultTimeoutMs of src/limits.ts. Progress restarts it, up to maxTimeoutMs. */
  readonly timeoutMs?: number;
  readonly maxTimeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Called once with the id the request goes out under, before it does. */
  readonly onSend?: (id: IdText) => void;
  readonly onProgress?: (progress: { progress: number; total?: number; message?: string }) => void;
}

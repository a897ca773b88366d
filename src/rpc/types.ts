/** The words the JSON-RPC layer is made of. */
import type { PeerInfo } from '../transports/transport.js';

/**
 * An id as it stood on the wire, as JSON text: `7`, `"7"` and `12345678901234567890` are three different ids and go
 * back byte for byte.
 */
export type IdText = string;

export type LogLevel = 'debug' | 'info' | 'notice' | 'warning' | 'error' | 'critical' | 'alert' | 'emergency';

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
  readonly onProgress?: (progress: { progress: number; total?: number; message?: string }) => void;
}

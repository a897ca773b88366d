/**
 * One call being served, as its handler sees it. Made for every message on the hot path, so the constructor stores
 * and computes nothing; what a handler does not ask for is never made.
 */
import type { CallTimer } from '../observability/call-meter.js';
import type { PeerInfo } from '../transports/transport.js';
import type { BatchReply } from './batch-reply.js';
import type { DeadlineEntry } from './deadline-queue.js';
import { asObject } from './json-text.js';
import type { Peer } from './peer.js';
import type { AuthInfo, CallContext, IdText, LogLevel, TraceContext } from './types.js';

/**
 * Where `_meta` comes from: the params as parsed, or a function that yields params._meta and is called when a
 * handler reads it (the batch path, which has not parsed `_meta`).
 */
export type MetaSource = unknown | (() => Record<string, unknown> | undefined);

/** How far a call is. Only an Open call may still be answered. */
export const CallState = { Open: 0, Settled: 1, Aborted: 2 } as const;

const severity: Record<LogLevel, number> = {
  debug: 0,
  info: 1,
  notice: 2,
  warning: 3,
  error: 4,
  critical: 5,
  alert: 6,
  emergency: 7,
};

/** The key in `_meta` by which a caller asks for log messages (MCP 2026-07-28, server/utilities/logging). */
const logLevelKey = 'io.modelcontextprotocol/logLevel';

export class ServedCall implements CallContext, DeadlineEntry {
  readonly connection: Peer;
  readonly method: string;
  readonly id: IdText | undefined;
  /** `_meta.progressToken` as JSON text. Set by whoever makes the call when the scanner saw a token. */
  progressTokenText: string | undefined = undefined;
  /** Set for an element of a batch array: the reply is collected there. */
  batch: BatchReply | undefined = undefined;
  /** A CallState. Changed by the peer alone. */
  state: number = CallState.Open;
  /** Registered as in flight. Changed by the peer alone. */
  tracked = false;
  /** On the deadline queue's clock; 0 until somebody asked or the call was tracked. */
  expiresAt = 0;
  /** Where it is one that a CallMeter times. */
  timer: CallTimer | undefined = undefined;
  heapIndex = -1;
  /** Overrides the connection's auth for this call. */
  authInfo: AuthInfo | undefined = undefined;
  readonly #metaSource: MetaSource;
  #meta: Record<string, unknown> | undefined = undefined;
  #metaRead = false;
  #controller: AbortController | undefined = undefined;
  #abortReason: unknown = undefined;
  #lastProgress = Number.NEGATIVE_INFINITY;

  /** id is undefined for a notification. */
  constructor(connection: Peer, method: string, id: IdText | undefined, metaSource: MetaSource) {
    this.connection = connection;
    this.method = method;
    this.id = id;
    this.#metaSource = metaSource;
  }

  get peer(): PeerInfo {
    return this.connection.transport.peer;
  }

  get auth(): AuthInfo | undefined {
    return this.authInfo ?? this.connection.auth;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.state === CallState.Aborted) this.#controller.abort(this.#abortReason);
    }
    return this.#controller.signal;
  }

  get deadline(): number {
    if (this.expiresAt === 0) this.expiresAt = this.connection.calls.inFlight.nextDeadline();
    return this.expiresAt;
  }

  get meta(): Readonly<Record<string, unknown>> | undefined {
    if (!this.#metaRead) {
      this.#metaRead = true;
      const source = this.#metaSource;
      this.#meta = typeof source === 'function' ? source() : asObject(asObject(source)?._meta);
    }
    return this.#meta;
  }

  get trace(): TraceContext | undefined {
    return traceOf(this.meta);
  }

  /**
   * Also starts the call's deadline anew. Values that do not rise are dropped, and so is a notification that the
   * transport has no room for: the next one says more.
   */
  progress(progress: number, total?: number, message?: string): void {
    if (this.state !== CallState.Open || !(progress > this.#lastProgress)) return;
    this.#lastProgress = progress;
    this.connection.calls.restartDeadline(this);
    if (this.progressTokenText === undefined || !this.connection.isOpen) return;
    const rest = JSON.stringify({ progress, total, message }).slice(1);
    this.connection.notifyText(
      'notifications/progress',
      `{"progressToken":${this.progressTokenText},${rest}`,
    );
  }

  log(level: LogLevel, data: unknown, logger?: string): void {
    if (this.state !== CallState.Open || !this.connection.isOpen) return;
    const wanted = (this.meta?.[logLevelKey] as LogLevel | undefined) ?? this.connection.logLevel;
    if (wanted === undefined || !(severity[level] >= severity[wanted])) return;
    this.connection.notify('notifications/message', { level, logger, data });
  }

  extendDeadline(timeoutMs: number): void {
    this.connection.calls.extendDeadline(this, timeoutMs);
  }

  /** The deadline passed; called by the deadline queue. */
  expire(): void {
    this.connection.calls.expire(this);
  }

  /** Marks the call as not to be answered any more and tells the handler. For the peer alone. */
  abort(reason: unknown): void {
    this.state = CallState.Aborted;
    this.#abortReason = reason;
    this.#controller?.abort(reason);
  }
}

/** The W3C trace context in a request's `_meta`. */
export function traceOf(meta: Readonly<Record<string, unknown>> | undefined): TraceContext | undefined {
  if (typeof meta?.traceparent !== 'string') return undefined;
  return {
    traceparent: meta.traceparent,
    ...(typeof meta.tracestate === 'string' && { tracestate: meta.tracestate }),
    ...(typeof meta.baggage === 'string' && { baggage: meta.baggage }),
  };
}

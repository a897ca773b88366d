/** Our own requests that wait for an answer: ids, timeouts, cancellation, progress. */
import { RingwireError } from '../errors.js';
import type { DeadlineEntry } from './deadline-queue.js';
import { asObject, notificationText, requestText, serialiseParams } from './json-text.js';
import type { Outbox } from './outbox.js';
import type { PeerCounters, ResolvedPeerOptions } from './peer-options.js';
import type { IdText, RequestOptions } from './types.js';

type OnProgress = NonNullable<RequestOptions['onProgress']>;

/** One request. It is its own deadline entry and abort listener, so that a call makes no closures. */
class PendingCall implements DeadlineEntry {
  expiresAt = 0;
  heapIndex = -1;
  /** Progress cannot move the deadline past this. */
  lastDeadline = Number.POSITIVE_INFINITY;
  timeoutMs = 0;
  signal: AbortSignal | undefined = undefined;
  onProgress: OnProgress | undefined = undefined;
  readonly #calls: PendingCalls;

  constructor(
    calls: PendingCalls,
    readonly id: IdText,
    readonly method: string,
    readonly resolve: (result: unknown) => void,
    readonly reject: (error: unknown) => void,
  ) {
    this.#calls = calls;
  }

  expire(): void {
    this.#calls.expire(this);
  }

  /** The caller's signal aborted. */
  handleEvent(): void {
    this.#calls.cancel(this);
  }
}

/** What connections have that never asked for anything. */
const noCalls = new Map<IdText, PendingCall>();

export class PendingCalls {
  readonly #outbox: Outbox;
  readonly #options: ResolvedPeerOptions;
  readonly #counters: PeerCounters;
  #calls: Map<IdText, PendingCall> = noCalls;
  #lastId = 0;

  constructor(outbox: Outbox, options: ResolvedPeerOptions, counters: PeerCounters) {
    this.#outbox = outbox;
    this.#options = options;
    this.#counters = counters;
  }

  get size(): number {
    return this.#calls.size;
  }

  /** Sends a request. The promise rejects with RpcError when the peer says so, else with RingwireError. */
  start(method: string, params: unknown, options: RequestOptions): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { signal } = options;
      if (signal?.aborted) {
        reject(cancelled(method, signal));
        return;
      }
      this.#lastId = this.#options.nextRequestId?.() ?? this.#lastId + 1;
      const call = new PendingCall(this, String(this.#lastId), method, resolve, reject);
      // These throw for what the caller got wrong, which rejects the promise before anything is sent.
      const paramsText = serialiseParams(
        method,
        options.onProgress === undefined ? params : withProgressToken(method, params, this.#lastId),
      );
      options.onSend?.(call.id);
      this.#setDeadline(call, options);
      if (this.#calls === noCalls) this.#calls = new Map();
      this.#calls.set(call.id, call);
      if (signal !== undefined) {
        call.signal = signal;
        signal.addEventListener('abort', call);
      }
      call.onProgress = options.onProgress;
      this.#outbox.post(requestText(call.id, method, paramsText), call);
    });
  }

  /** The call that this id answers, no longer pending; undefined for an id that nobody waits for. */
  take(id: IdText): PendingCall | undefined {
    const call = this.#calls.get(id);
    if (call !== undefined) this.#forget(call);
    return call;
  }

  /** A notifications/progress came in. False when its token is not one of ours. */
  progress(params: unknown): boolean {
    const { progressToken, progress, total, message } = asObject(params) ?? {};
    const call = typeof progressToken === 'number' ? this.#calls.get(String(progressToken)) : undefined;
    if (call?.onProgress === undefined || typeof progress !== 'number') return false;
    const { deadlines } = this.#options;
    if (call.heapIndex >= 0) {
      deadlines.schedule(call, Math.min(deadlines.clock.now() + call.timeoutMs, call.lastDeadline));
    }
    call.onProgress({
      progress,
      ...(typeof total === 'number' && { total }),
      ...(typeof message === 'string' && { message }),
    });
    return true;
  }

  /** The call of this id fails by itself, on a connection that lives on. */
  failById(id: IdText, error: RingwireError): void {
    const call = this.#calls.get(id);
    if (call !== undefined) this.fail(call, error);
  }

  /** The message of this call cannot be sent, or the connection ended. */
  fail(call: PendingCall, error: unknown): void {
    this.#forget(call);
    call.reject(error);
  }

  failAll(error: (method: string) => RingwireError): void {
    for (const call of [...this.#calls.values()]) this.fail(call, error(call.method));
  }

  /** failAll(), and the other side is told. */
  cancelAll(error: (method: string) => RingwireError): void {
    for (const call of [...this.#calls.values()]) this.#giveUp(call, error(call.method), undefined);
  }

  cancel(call: PendingCall): void {
    const error = cancelled(call.method, call.signal);
    this.#giveUp(call, error, reasonText(call.signal?.reason));
  }

  expire(call: PendingCall): void {
    this.#counters.deadlinesExceeded += 1;
    const error = new RingwireError('DEADLINE_EXCEEDED', `"${call.method}" was not answered in time.`);
    this.#giveUp(call, error, 'Deadline exceeded');
  }

  /** Tells the other side, unless the request never left. */
  #giveUp(call: PendingCall, error: RingwireError, reason: string | undefined): void {
    this.fail(call, error);
    if (this.#outbox.takeBack(call)) return;
    const reasonMember = reason === undefined ? '' : `,"reason":${JSON.stringify(reason)}`;
    const paramsText = `{"requestId":${call.id}${reasonMember}}`;
    this.#outbox.post(notificationText('notifications/cancelled', paramsText), undefined);
  }

  #forget(call: PendingCall): void {
    this.#calls.delete(call.id);
    this.#options.deadlines.remove(call);
    call.signal?.removeEventListener('abort', call);
  }

  #setDeadline(call: PendingCall, options: RequestOptions): void {
    const timeoutMs = options.timeoutMs ?? this.#options.defaultTimeoutMs;
    const maxTimeoutMs = options.maxTimeoutMs ?? Math.max(this.#options.maxTimeoutMs, timeoutMs);
    if (!(timeoutMs > 0) || !(maxTimeoutMs > 0)) {
      throw new RingwireError('CONFIG_INVALID', '"timeoutMs" and "maxTimeoutMs" must be numbers above 0.');
    }
    const { deadlines } = this.#options;
    const now = deadlines.clock.now();
    call.timeoutMs = Math.min(timeoutMs, maxTimeoutMs);
    call.lastDeadline = now + maxTimeoutMs;
    deadlines.schedule(call, now + call.timeoutMs);
  }
}

export type { PendingCall };

function cancelled(method: string, signal: AbortSignal | undefined): RingwireError {
  return new RingwireError('CANCELLED', `"${method}" was cancelled by its caller.`, {
    cause: signal?.reason,
  });
}

/** What the other side gets to read. The default reason of AbortController says nothing and is left out. */
function reasonText(reason: unknown): string | undefined {
  if (typeof reason === 'string') return reason;
  return reason instanceof Error && reason.name !== 'AbortError' ? reason.message : undefined;
}

function withProgressToken(method: string, params: unknown, token: number): unknown {
  const object = params === undefined ? {} : asObject(params);
  if (object === undefined) {
    throw new RingwireError('CONFIG_INVALID', `"${method}": onProgress needs params that are an object.`);
  }
  return { ...object, _meta: { ...asObject(object._meta), progressToken: token } };
}

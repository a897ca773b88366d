/**
 * The calls of the other side whose handlers are at work. Decides, in one place, whether a call may start and whether
 * its outcome may still be sent: each tracked call leaves here exactly once, by an outcome, a cancellation, its
 * deadline or the end of the connection, and whoever comes second finds nothing to answer.
 */
import { RpcError, RpcErrorCode } from '../errors.js';
import { internalError } from './json-text.js';
import type { PeerCounters, ResolvedPeerOptions } from './peer-options.js';
import { CallState, type ServedCall } from './served-call.js';
import type { IdText } from './types.js';

/** What connections have that never had an asynchronous call: their tables would be half of what an idle one costs. */
const noCalls = new Map<IdText, ServedCall>();
const noNotifications = new Set<ServedCall>();

export class InFlight {
  readonly #options: ResolvedPeerOptions;
  readonly #counters: PeerCounters;
  #calls: Map<IdText, ServedCall> = noCalls;
  /** Notifications have no id, but their handlers too must end before a drain does. */
  #notifications: Set<ServedCall> = noNotifications;
  #idleWaiters: (() => void)[] = [];
  /** New calls are refused: the peer drains. */
  draining = false;

  constructor(options: ResolvedPeerOptions, counters: PeerCounters) {
    this.#options = options;
    this.#counters = counters;
  }

  /** Requests at work. */
  get size(): number {
    return this.#calls.size;
  }

  /** How many more may start now. */
  get room(): number {
    return this.#options.maxInFlight - this.#calls.size - this.#notifications.size;
  }

  /** Whatever asked now would be admitted. */
  get admitsAll(): boolean {
    return !this.draining && this.#isIdle();
  }

  /** Whether a request with this id may start: undefined, or the error to answer it with. */
  admit(id: IdText): RpcError | undefined {
    if (this.draining) return internalError('CONNECTION_CLOSED', 'The server is shutting down.', true);
    if (this.#isIdle()) return undefined;
    if (this.#calls.has(id)) {
      return new RpcError(RpcErrorCode.InvalidRequest, `The id ${id} is already in use by a call in flight.`);
    }
    return this.#hasRoom() ? undefined : this.#overloaded();
  }

  /** admit() for a notification, which nobody can be told about. */
  admitNotification(): boolean {
    if (this.#hasRoom()) return true;
    this.#counters.overloaded += 1;
    return false;
  }

  /** Registers a call whose handler is asynchronous; the error to answer with when it may not go on. */
  track(call: ServedCall): RpcError | undefined {
    if (call.id === undefined) {
      if (this.#notifications === noNotifications) this.#notifications = new Set();
      this.#notifications.add(call);
    } else {
      const refusal = this.admit(call.id);
      if (refusal !== undefined) {
        call.abort(refusal);
        return refusal;
      }
      if (this.#calls === noCalls) this.#calls = new Map();
      this.#calls.set(call.id, call);
    }
    call.tracked = true;
    this.#options.deadlines.schedule(call, call.deadline);
    return undefined;
  }

  /** Forgets a call; false when it was not tracked (any more). */
  untrack(call: ServedCall): boolean {
    if (!call.tracked) return false;
    call.tracked = false;
    if (call.id === undefined) this.#notifications.delete(call);
    else this.#calls.delete(call.id);
    this.#options.deadlines.remove(call);
    if (this.#isIdle()) this.#releaseWaiters();
    return true;
  }

  /** An outcome came: whether it may be sent. At most one caller per call hears true. */
  conclude(call: ServedCall, canSend: boolean): boolean {
    this.untrack(call);
    if (canSend && call.state === CallState.Open) {
      call.state = CallState.Settled;
      return true;
    }
    this.#counters.lateOutcomes += 1;
    return false;
  }

  get(id: IdText): ServedCall | undefined {
    return this.#calls.get(id);
  }

  /** A copy: calls may leave while it is walked. */
  all(): ServedCall[] {
    return [...this.#calls.values(), ...this.#notifications];
  }

  /** From now, servedTimeoutMs ahead. */
  nextDeadline(): number {
    return this.#options.deadlines.clock.now() + this.#options.servedTimeoutMs;
  }

  /** Moves the deadline; takes effect for untracked calls when they are tracked. */
  setDeadline(call: ServedCall, expiresAt: number): void {
    if (call.tracked) this.#options.deadlines.schedule(call, expiresAt);
    else call.expiresAt = expiresAt;
  }

  /** Resolves when no handler is at work. */
  idle(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  #isIdle(): boolean {
    return this.#calls.size === 0 && this.#notifications.size === 0;
  }

  #hasRoom(): boolean {
    return this.room > 0;
  }

  #overloaded(): RpcError {
    this.#counters.overloaded += 1;
    const most = this.#options.maxInFlight;
    return internalError('OVERLOADED', `More than ${most} calls in flight on this connection.`, true);
  }

  #releaseWaiters(): void {
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const release of waiters) release();
  }
}

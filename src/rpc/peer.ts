/** One end of a JSON-RPC 2.0 connection: calls the other side and serves its calls, over any transport. */
import { performance } from 'node:perf_hooks';
import { RingwireError, type RpcError, RpcErrorCode } from '../errors.js';
import * as limits from '../limits.js';
import type { SendResult, Transport, TransportHandlers } from '../transports/transport.js';
import { batchReply, CallServer, noId, type Outcome } from './call-server.js';
import type { DeadlineEntry } from './deadline-queue.js';
import type { Dispatcher } from './dispatcher.js';
import { FrameReader } from './frame-reader.js';
import { guarded } from './guarded.js';
import { errorText, notificationText, serialiseParams } from './json-text.js';
import { Outbox, type Owner } from './outbox.js';
import {
  type CloseOptions,
  newCounters,
  type PeerCounters,
  type PeerOptions,
  type ResolvedPeerOptions,
  resolvePeerOptions,
} from './peer-options.js';
import { type PendingCall, PendingCalls } from './pending-calls.js';
import type { ServedCall } from './served-call.js';
import type { AuthInfo, Connection, IdText, LogLevel, RequestOptions } from './types.js';

export type { Outcome };

/** After a drain, what is queued gets this long to leave before the connection is cut. */
const flushGraceMs = 1_000;

export class Peer implements Connection {
  readonly transport: Transport;
  readonly dispatcher: Dispatcher;
  readonly closed: Promise<RingwireError | undefined>;
  /** Who is at the other end, where an authorization layer knows. Calls take it as their context.auth. */
  auth: AuthInfo | undefined = undefined;
  /** The least level of log messages for calls that ask for none of their own; undefined sends none. */
  logLevel: LogLevel | undefined = undefined;
  /** The calls of the other side; for ServedCall and for the methods below that stand for it. */
  readonly calls: CallServer;
  /** By performance.now(); 0 for an exchange of HTTP, which is none of the connections that are listed. */
  readonly openedAt: number;

  readonly #options: ResolvedPeerOptions;
  readonly #counters: PeerCounters;
  readonly #outbox: Outbox;
  readonly #pending: PendingCalls;
  #data: Map<unknown, unknown> | undefined;
  #resolveClosed: (error: RingwireError | undefined) => void = () => {};
  #isOpen = true;
  /** The other side sends no more: what we ask from now on cannot be answered. */
  #peerEnded = false;
  #closing: Promise<void> | undefined;

  /**
   * Starts the transport; frames may be delivered before the constructor returns (options.onOpen comes first).
   * Throws CONFIG_INVALID for a bad option, and what the transport's start() throws.
   */
  constructor(transport: Transport, options: PeerOptions = {}) {
    this.transport = transport;
    this.openedAt = transport.kind === 'http' ? 0 : performance.now();
    this.#options = resolvePeerOptions(options);
    this.dispatcher = this.#options.dispatcher;
    this.#counters = this.#options.counters ?? newCounters();
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    const outbox = new Outbox(transport, {
      deadlines: this.#options.deadlines,
      maxBacklogBytes: this.#options.maxBacklogBytes,
      stallTimeoutMs: this.#options.stallTimeoutMs,
      onStuck: (error) => this.destroy(error),
      onUnsendable: (owner, error) => this.#onUnsendable(owner, error),
    });
    this.#outbox = outbox;
    this.#pending = new PendingCalls(outbox, this.#options, this.#counters);
    this.calls = new CallServer(this, outbox, this.#options, this.#counters);
    const parts = { outbox, calls: this.calls, pending: this.#pending };
    const reader = new FrameReader(this, parts, this.#options, this.#counters);
    guarded(() => this.#options.onOpen?.(this));
    const handlers: TransportHandlers = {
      onFrame: (frame) => reader.read(frame),
      onTickEnd: () => outbox.flush(),
      onDrain: () => outbox.onDrain(),
      onFrameError: (error) => reader.refuseFrame(error),
      onEnd: () => this.#onEnd(),
      onLeave: () => void this.close(),
      onClose: (error) => this.#end(error),
    };
    try {
      transport.start(handlers);
    } catch (error) {
      // Started already by somebody else, for instance. Whoever heard onOpen hears onClose.
      this.#end(undefined);
      throw error;
    }
  }

  get data(): Map<unknown, unknown> {
    this.#data ??= new Map();
    return this.#data;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get counters(): Readonly<PeerCounters> {
    return this.#counters;
  }

  /** Requests of the other side whose handlers are at work. */
  get inFlight(): number {
    return this.calls.inFlight.size;
  }

  /** Bytes that wait for the other side to read, here and in the transport. */
  get unsentBytes(): number {
    return this.transport.bufferedBytes + this.#outbox.backlogBytes;
  }

  /** Our own requests that wait for an answer. */
  get pending(): number {
    return this.#pending.size;
  }

  /**
   * Calls the other side. Rejects with RpcError when it answers with an error, else with RingwireError: CANCELLED,
   * DEADLINE_EXCEEDED, CONNECTION_CLOSED, OVERLOADED (too much waits to be sent), FRAME_INVALID (params that JSON
   * cannot carry), FRAME_TOO_LARGE, CONFIG_INVALID. The result is not checked against R.
   */
  request<R = unknown>(method: string, params?: unknown, options: RequestOptions = {}): Promise<R> {
    if (!this.#isOpen || this.#peerEnded) return Promise.reject(closedError(method));
    return this.#pending.start(method, params, options) as Promise<R>;
  }

  notify(method: string, params?: unknown): SendResult {
    return this.notifyText(method, serialiseParams(method, params));
  }

  /** notify() with params that are JSON text already; '' for none. */
  notifyText(method: string, paramsText: string): SendResult {
    if (!this.#isOpen) throw closedError(method);
    return this.#outbox.sendNow(notificationText(method, paramsText));
  }

  drained(): Promise<void> {
    return this.#outbox.drained();
  }

  /**
   * Refuses new calls of the other side from now on and waits until those at work are answered and sent; those that
   * take longer are answered with -32603 and aborted.
   */
  async drain({ drainTimeoutMs = limits.drainTimeoutMs }: CloseOptions = {}): Promise<void> {
    const { inFlight } = this.calls;
    const { clock } = this.#options.deadlines;
    this.beforeDrain?.();
    inFlight.draining = true;
    const end = clock.now() + drainTimeoutMs;
    await this.#within(drainTimeoutMs, inFlight.idle());
    this.calls.giveUp();
    await this.#within(Math.max(end - clock.now(), flushGraceMs), this.#outbox.drained());
  }

  /** drain(), then closes the transport. Our own requests that are open by then are cancelled. Idempotent. */
  close(options?: CloseOptions): Promise<void> {
    this.#closing ??= this.#drainAndClose(options);
    return this.#closing;
  }

  /** Ends the connection at once and drops what is queued. */
  destroy(error?: RingwireError): void {
    if (!this.#isOpen) return;
    this.transport.destroy(error);
    this.#end(error);
  }

  // For whoever makes ServedCalls beside the generic path: the batch path of the native transports.

  /** No request can be refused at this moment: nothing is at work and no drain has begun. Spares admit() its id. */
  get admitsAll(): boolean {
    return this.calls.inFlight.admitsAll;
  }

  /** Called when a drain begins: the moment to track() the calls that are at work and not yet known here. */
  beforeDrain: (() => void) | undefined = undefined;

  /** Whether a request with this id may start: undefined, or the error to answer with. Call it before the handler. */
  admit(id: IdText): RpcError | undefined {
    return this.calls.inFlight.admit(id);
  }

  /** To be called when replies were sent past reply(): cuts the connection where too much of them waits. */
  checkTransport(highWatermarkBytes: number): void {
    this.#outbox.checkTransport(highWatermarkBytes);
  }

  /** admit() for notifications. */
  admitNotification(): boolean {
    return this.calls.inFlight.admitNotification();
  }

  /**
   * Registers a call whose handler turned out to be asynchronous: from now on it is in flight, under its deadline,
   * and can be cancelled. False when it was refused and has been answered; drop its outcome then.
   */
  track(call: ServedCall): boolean {
    return this.calls.track(call);
  }

  /** Forgets a tracked call and its deadline without answering it. */
  untrack(call: ServedCall): void {
    this.calls.inFlight.untrack(call);
  }

  /** track(), then settle() with what becomes of the promise. */
  follow(call: ServedCall, promise: PromiseLike<unknown>): void {
    this.calls.follow(call, promise);
  }

  /**
   * The one place where outcomes of tracked calls arrive. Answers, unless the call was cancelled, met its deadline or
   * lost its connection: then the outcome is counted and dropped.
   */
  settle(call: ServedCall, outcome: Outcome): void {
    this.calls.settle(call, outcome);
  }

  /** settle() for those who send themselves: true, at most once per call, when its outcome is to be sent. */
  conclude(call: ServedCall): boolean {
    return this.calls.conclude(call);
  }

  /** The response as text. Never throws: a result that JSON cannot carry becomes an error. */
  responseText(call: ServedCall, outcome: Outcome): string {
    return this.calls.responseText(call, outcome);
  }

  /**
   * Rejects our own request of this id; does nothing where it is settled. For transports that carry each request by
   * itself, so that one can be lost while the others go on.
   */
  failRequest(id: IdText, error: RingwireError): void {
    this.#pending.failById(id, error);
  }

  /** Queues a response behind those before it. */
  reply(id: IdText, text: string): void {
    this.#outbox.post(text, id);
  }

  /** reply() for those who end a turn themselves: hands the response over at once where nothing waits before it. */
  replyNow(id: IdText, text: string): void {
    this.#outbox.postNow(text, id);
  }

  #onUnsendable(owner: Owner, error: unknown): void {
    if (typeof owner === 'object') {
      this.#pending.fail(owner as PendingCall, error);
      return;
    }
    const tooLarge = error instanceof RingwireError && error.code === 'FRAME_TOO_LARGE';
    if (tooLarge && owner !== undefined && owner !== noId) {
      const { code, message, retryable } = error;
      const id = owner === batchReply ? null : owner;
      // Posted without an owner of its own: should even this not fit, the connection ends instead of going round.
      this.#outbox.post(errorText(id, RpcErrorCode.InternalError, message, { code, retryable }), noId);
      return;
    }
    this.destroy(
      error instanceof RingwireError ? error : new RingwireError('IO_ERROR', String(error), { cause: error }),
    );
  }

  async #drainAndClose(options: CloseOptions | undefined): Promise<void> {
    if (this.#isOpen) await this.drain(options);
    if (!this.#isOpen) return;
    // Told so, the other side need not finish what nobody waits for.
    this.#pending.cancelAll((method) => closedError(method));
    this.#outbox.flush();
    const gone = await this.#within(flushGraceMs, this.transport.close());
    if (gone) this.#end(undefined);
    else this.destroy();
  }

  /** The other side sends no more, but may still read: half a connection, as behind `printf … | server`. */
  #onEnd(): void {
    this.#peerEnded = true;
    this.#pending.failAll((method) => closedError(method));
    if (!this.#options.answerAfterEnd) void this.transport.close();
    else if (this.#closing === undefined) void this.#answerAndClose();
  }

  async #answerAndClose(): Promise<void> {
    this.beforeDrain?.();
    this.calls.endOpenEnded();
    await this.drain();
    await this.#leave();
    if (!this.#isOpen) return;
    await this.transport.close();
    this.#end(undefined);
  }

  /** Waits until the transport took everything, for as long as the other side reads. */
  async #leave(): Promise<void> {
    const { stallTimeoutMs } = this.#options;
    for (let last = Number.POSITIVE_INFINITY; this.#isOpen && this.unsentBytes < last; ) {
      last = this.unsentBytes;
      if (await this.#within(stallTimeoutMs, this.#outbox.drained())) return;
    }
  }

  #end(error: RingwireError | undefined): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#outbox.close();
    this.#pending.failAll((method) => closedError(method, error));
    this.calls.disconnect(error);
    this.#resolveClosed(error);
    guarded(() => this.#options.onClose?.(error, this));
  }

  /** Whether the promise settled within the time. A rejection counts as settled. */
  #within(timeoutMs: number, promise: Promise<unknown>): Promise<boolean> {
    const { deadlines } = this.#options;
    return new Promise((resolve) => {
      const entry: DeadlineEntry = { expiresAt: 0, heapIndex: -1, expire: () => resolve(false) };
      deadlines.schedule(entry, deadlines.clock.now() + timeoutMs);
      const settled = (): void => {
        deadlines.remove(entry);
        resolve(true);
      };
      promise.then(settled, settled);
    });
  }
}

function closedError(method: string, cause?: RingwireError): RingwireError {
  const message = `The connection ended before "${method}" was answered.`;
  return new RingwireError('CONNECTION_CLOSED', message, { cause });
}

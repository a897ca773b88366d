/**
 * One end of a JSON-RPC 2.0 connection: calls the other side and serves its calls, over any transport. Frames are
 * scanned, not parsed: only params and results become JavaScript values, ids stay text.
 */
import { EnvelopeField, EnvelopeFlag, EnvelopeKind, ScanVerdict } from '../binding/constants.generated.js';
import { RingwireError, type RpcError, RpcErrorCode } from '../errors.js';
import * as limits from '../limits.js';
import { createScanner, idText, methodText } from '../serialization/envelope.js';
import type { SendResult, Transport } from '../transports/transport.js';
import { BatchReply } from './batch-reply.js';
import { elementRanges } from './batch-split.js';
import type { DeadlineEntry } from './deadline-queue.js';
import type { Dispatcher } from './dispatcher.js';
import { deadlineError, InFlight } from './in-flight.js';
import {
  asObject,
  errorFromWire,
  errorText,
  internalError,
  notificationText,
  resultText,
  scalarMemberText,
  serialiseParams,
} from './json-text.js';
import { Outbox, type Owner } from './outbox.js';
import type { CloseOptions, PeerCounters, PeerOptions, ResolvedPeerOptions } from './peer-options.js';
import { resolvePeerOptions } from './peer-options.js';
import { type PendingCall, PendingCalls } from './pending-calls.js';
import { type Refusal, refusalError, refusalOf } from './refusals.js';
import { CallState, ServedCall } from './served-call.js';
import type { AuthInfo, Connection, IdText, LogLevel, RequestOptions } from './types.js';

/** What became of a call: a result or what was thrown. */
export type Outcome = { readonly result: unknown } | { readonly error: unknown };

/** Owner in the outbox of a reply without an id of its own. */
const noId = '';
/** Owner in the outbox of the reply to a batch. No id looks like this. */
const batchReply = '[]';

/** After a drain, what is queued gets this long to leave before the connection is cut. */
const flushGraceMs = 1_000;

export class Peer implements Connection {
  readonly transport: Transport;
  readonly dispatcher: Dispatcher;
  readonly data = new Map<unknown, unknown>();
  readonly closed: Promise<RingwireError | undefined>;
  /** Who is at the other end, where an authorization layer knows. Calls take it as their context.auth. */
  auth: AuthInfo | undefined = undefined;
  /** The least level of log messages for calls that ask for none of their own; undefined sends none. */
  logLevel: LogLevel | undefined = undefined;

  readonly #options: ResolvedPeerOptions;
  readonly #counters: PeerCounters = {
    malformedFrames: 0,
    unknownReplies: 0,
    lateOutcomes: 0,
    overloaded: 0,
    cancelled: 0,
    deadlinesExceeded: 0,
  };
  readonly #scanner: ReturnType<typeof createScanner>;
  readonly #record = new Int32Array(EnvelopeField.Count);
  readonly #outbox: Outbox;
  readonly #pending: PendingCalls;
  readonly #inFlight: InFlight;
  #resolveClosed: (error: RingwireError | undefined) => void = () => {};
  #isOpen = true;
  #closing: Promise<void> | undefined;

  /**
   * Starts the transport; frames may be delivered before the constructor returns (options.onOpen comes first).
   * Throws CONFIG_INVALID.
   */
  constructor(transport: Transport, options: PeerOptions = {}) {
    this.transport = transport;
    this.#options = resolvePeerOptions(options);
    this.dispatcher = this.#options.dispatcher;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.#scanner = createScanner({ maxDepth: this.#options.maxDepth });
    this.#outbox = new Outbox(transport, {
      deadlines: this.#options.deadlines,
      maxBacklogBytes: this.#options.maxBacklogBytes,
      stallTimeoutMs: this.#options.stallTimeoutMs,
      onStuck: (error) => this.destroy(error),
      onUnsendable: (owner, error) => this.#onUnsendable(owner, error),
    });
    this.#pending = new PendingCalls(this.#outbox, this.#options, this.#counters);
    this.#inFlight = new InFlight(this.#options, this.#counters);
    this.#options.onOpen?.(this);
    transport.start({
      onFrame: (frame) => this.#receive(frame, undefined),
      onTickEnd: () => this.#outbox.flush(),
      onDrain: () => this.#outbox.onDrain(),
      onFrameError: (error) =>
        this.#refuse({ code: RpcErrorCode.InvalidRequest, message: error.message }, error),
      onClose: (error) => this.#end(error),
    });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get counters(): Readonly<PeerCounters> {
    return this.#counters;
  }

  /** Requests of the other side whose handlers are at work. */
  get inFlight(): number {
    return this.#inFlight.size;
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
    if (!this.#isOpen) return Promise.reject(closedError(method));
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
    this.#inFlight.draining = true;
    const { clock } = this.#options.deadlines;
    const end = clock.now() + drainTimeoutMs;
    await this.#within(drainTimeoutMs, this.#inFlight.idle());
    for (const call of this.#inFlight.all()) {
      const error = internalError('CONNECTION_CLOSED', 'The server shut down before the call ended.', true);
      this.#inFlight.untrack(call);
      this.#answer(call, this.#errorText(call, error));
      call.abort(error);
    }
    await this.#within(Math.max(end - clock.now(), flushGraceMs), this.#outbox.drained());
  }

  /** drain(), then closes the transport. Our own requests that are open by then reject. Idempotent. */
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

  // ---- For whoever makes ServedCalls beside this class: the batch path of the native transports. ----

  /** Whether a request with this id may start: undefined, or the error to answer with. Call it before the handler. */
  admit(id: IdText): RpcError | undefined {
    return this.#inFlight.admit(id);
  }

  /** admit() for notifications. */
  admitNotification(): boolean {
    return this.#inFlight.admitNotification();
  }

  /**
   * Registers a call whose handler turned out to be asynchronous, from now on in flight, under its deadline and open
   * to cancellation. False when it was refused and has been answered; drop its outcome then.
   */
  track(call: ServedCall): boolean {
    const refusal = this.#inFlight.track(call);
    if (refusal === undefined) return true;
    this.#answer(call, this.#errorText(call, refusal));
    return false;
  }

  /** Forgets a tracked call and its deadline without answering it. */
  untrack(call: ServedCall): void {
    this.#inFlight.untrack(call);
  }

  /**
   * The one place where outcomes of tracked calls arrive. Answers, unless the call was cancelled, met its deadline or
   * lost its connection: then the outcome is counted and dropped.
   */
  settle(call: ServedCall, outcome: Outcome): void {
    if (!this.conclude(call)) return;
    if (call.id === undefined) {
      if ('error' in outcome) this.#reportHandlerError(outcome.error, call.method);
      return;
    }
    this.#answer(call, this.responseText(call, outcome));
  }

  /** settle() for those who send themselves: true, at most once per call, when its outcome is to be sent. */
  conclude(call: ServedCall): boolean {
    return this.#inFlight.conclude(call) && this.#isOpen;
  }

  /** Tracks the call and settles it with the promise. */
  follow(call: ServedCall, promise: PromiseLike<unknown>): void {
    const tracked = this.track(call);
    Promise.resolve(promise).then(
      (result) => {
        if (tracked) this.settle(call, { result });
      },
      (error: unknown) => {
        if (tracked) this.settle(call, { error });
      },
    );
  }

  /** The response as text. Never throws: a result that JSON cannot carry becomes an error. */
  responseText(call: ServedCall, outcome: Outcome): string {
    return 'error' in outcome ? this.#errorText(call, outcome.error) : this.#resultText(call, outcome.result);
  }

  /** Queues a response behind those before it. */
  reply(id: IdText, text: string): void {
    this.#outbox.post(text, id);
  }

  // ---- For ServedCall. ----

  servedDeadline(): number {
    return this.#inFlight.nextDeadline();
  }

  /** Progress was made: the deadline moves, but never closer. */
  restartServedDeadline(call: ServedCall): void {
    const next = this.#inFlight.nextDeadline();
    if (next > call.deadline) this.#inFlight.setDeadline(call, next);
  }

  extendServedDeadline(call: ServedCall, timeoutMs: number): void {
    if (!(timeoutMs > 0)) {
      throw new RingwireError('CONFIG_INVALID', '"timeoutMs" must be a number above 0, or Infinity.');
    }
    this.#inFlight.setDeadline(call, this.#options.deadlines.clock.now() + timeoutMs);
  }

  /** The caller is told at the deadline, so that it is not left waiting for a handler that hangs. */
  expireServed(call: ServedCall): void {
    this.#counters.deadlinesExceeded += 1;
    this.#inFlight.untrack(call);
    const error = deadlineError();
    this.#answer(call, this.#errorText(call, error));
    call.abort(new RingwireError('DEADLINE_EXCEEDED', `"${call.method}" met its deadline.`));
  }

  // ---- Receiving. ----

  #receive(frame: Buffer, batch: BatchReply | undefined): void {
    const record = this.#record;
    const verdict = this.#scanner.scan(frame, record);
    if (verdict !== ScanVerdict.Ok) {
      if (verdict === ScanVerdict.BatchArray && batch === undefined && this.#options.batches(this)) {
        this.#receiveBatch(frame);
        return;
      }
      const refusal = refusalOf(verdict, record[EnvelopeField.ErrorOffset]);
      this.#refuse(refusal, refusalError(refusal), batch);
      return;
    }
    // A handler may receive on this peer again before it returns (memory transport), and the record is reused:
    // everything is read from it before a handler runs.
    switch (record[EnvelopeField.Kind]) {
      case EnvelopeKind.Request:
        this.#receiveRequest(frame, record, batch);
        break;
      case EnvelopeKind.Notification:
        this.#receiveNotification(frame, record);
        break;
      default:
        this.#receiveReply(frame, record);
    }
  }

  #receiveBatch(frame: Buffer): void {
    const most = this.#options.maxBatchMessages;
    const ranges = elementRanges(frame, most);
    if (ranges === undefined || ranges.length === 0) {
      const message = ranges
        ? 'Invalid Request: a batch must not be empty'
        : `Invalid Request: a batch may hold at most ${most} messages`;
      const refusal = { code: RpcErrorCode.InvalidRequest, message };
      this.#refuse(refusal, refusalError(refusal));
      return;
    }
    const batch = new BatchReply((text) => this.#outbox.post(text, batchReply));
    for (let index = 0; index < ranges.length; index += 2) {
      this.#receive(frame.subarray(ranges[index], ranges[index + 1]), batch);
    }
    batch.drop();
  }

  #receiveRequest(frame: Buffer, record: Int32Array, batch: BatchReply | undefined): void {
    const id = idText(frame, record);
    const params = parseRange(frame, record, EnvelopeField.ParamsStart);
    const call = new ServedCall(this, methodText(frame, record), id, params);
    if ((record[EnvelopeField.Flags] & EnvelopeFlag.HasProgressToken) !== 0) {
      call.progressTokenText = rangeText(frame, record, EnvelopeField.ProgressTokenStart);
    }
    if (batch !== undefined) {
      batch.expect();
      call.batch = batch;
    }
    const refusal = this.#inFlight.admit(id);
    if (refusal === undefined) this.#run(call, params);
    else this.#answer(call, this.#errorText(call, refusal));
  }

  #run(call: ServedCall, params: unknown): void {
    let text: string;
    try {
      const result = this.dispatcher.dispatch(call.method, params, call);
      if (isThenable(result)) {
        this.follow(call, result);
        return;
      }
      text = call.id === undefined ? '' : this.#resultText(call, result);
    } catch (error) {
      if (call.id === undefined) {
        call.state = CallState.Settled;
        this.#reportHandlerError(error, call.method);
        return;
      }
      text = this.#errorText(call, error);
    }
    call.state = CallState.Settled;
    this.#answer(call, text);
  }

  #receiveNotification(frame: Buffer, record: Int32Array): void {
    const method = methodText(frame, record);
    const isProgress = method === 'notifications/progress';
    const isCancellation = method === 'notifications/cancelled';
    const paramsText = isCancellation ? rangeText(frame, record, EnvelopeField.ParamsStart) : '';
    const params = parseRange(frame, record, EnvelopeField.ParamsStart);
    if (isCancellation) {
      this.#cancelServed(scalarMemberText(paramsText, 'requestId'), asObject(params)?.reason);
    } else if (isProgress) {
      this.#guarded(() => this.#pending.progress(params));
    }
    if ((isProgress || isCancellation) && !this.dispatcher.has(method)) return;
    if (this.#inFlight.admitNotification())
      this.#run(new ServedCall(this, method, undefined, params), params);
  }

  #cancelServed(id: IdText | undefined, reason: unknown): void {
    if (id === undefined) return;
    const call = this.#inFlight.get(id);
    if (call === undefined) {
      // Answered, but the answer is still here: nothing is sent for a cancelled id.
      if (this.#outbox.takeBack(id)) this.#counters.cancelled += 1;
      return;
    }
    this.#counters.cancelled += 1;
    const detail = typeof reason === 'string' ? `: ${reason}` : '.';
    this.#inFlight.abort(
      call,
      new RingwireError('CANCELLED', `The caller cancelled "${call.method}"${detail}`),
    );
    call.batch?.drop();
  }

  #receiveReply(frame: Buffer, record: Int32Array): void {
    const hasId = record[EnvelopeField.IdStart] >= 0;
    const call = hasId ? this.#pending.take(idText(frame, record)) : undefined;
    if (call === undefined) {
      this.#counters.unknownReplies += 1;
      const id = hasId ? idText(frame, record) : 'null';
      this.#reportProtocolError(
        new RingwireError('FRAME_INVALID', `A reply to no request of ours, id ${id}.`),
      );
      return;
    }
    const value = parseRange(frame, record, EnvelopeField.ResultStart);
    if (record[EnvelopeField.Kind] === EnvelopeKind.Response) call.resolve(value);
    else call.reject(errorFromWire(value));
  }

  #refuse({ code, message }: Refusal, error: RingwireError, batch?: BatchReply): void {
    this.#counters.malformedFrames += 1;
    if (this.#options.answerMalformed) {
      const text = errorText(null, code, message);
      if (batch === undefined) {
        this.#outbox.post(text, noId);
      } else {
        batch.expect();
        batch.add(text);
      }
    }
    this.#reportProtocolError(error);
  }

  // ---- Answering. ----

  #answer(call: ServedCall, text: string): void {
    if (call.id === undefined) return;
    if (call.batch === undefined) this.#outbox.post(text, call.id);
    else call.batch.add(text);
  }

  #resultText(call: ServedCall, result: unknown): string {
    try {
      return resultText(call.id as IdText, result);
    } catch (cause) {
      const message = `The result of "${call.method}" cannot be written as JSON.`;
      return this.#errorText(call, new RingwireError('INTERNAL', message, { cause }));
    }
  }

  #errorText(call: ServedCall, error: unknown): string {
    const id = call.id as IdText;
    const shown = error as Partial<RpcError>;
    if (error instanceof RingwireError && error.code === 'RPC_ERROR' && Number.isInteger(shown.rpcCode)) {
      return errorText(id, shown.rpcCode as number, error.message, shown.data);
    }
    this.#reportHandlerError(error, call.method);
    if (!this.#options.exposeErrors) return errorText(id, RpcErrorCode.InternalError, 'Internal error');
    const message = error instanceof Error ? error.message : String(error);
    const data =
      error instanceof RingwireError ? { code: error.code, retryable: error.retryable } : undefined;
    return errorText(id, RpcErrorCode.InternalError, message, data);
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

  // ---- The end. ----

  async #drainAndClose(options: CloseOptions | undefined): Promise<void> {
    await this.drain(options);
    if (!this.#isOpen) return;
    const gone = await this.#within(flushGraceMs, this.transport.close());
    if (gone) this.#end(undefined);
    else this.destroy();
  }

  #end(error: RingwireError | undefined): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#outbox.close();
    this.#pending.failAll((method) => closedError(method, error));
    if (this.#options.cancelOnDisconnect) {
      this.#inFlight.abortAll(
        new RingwireError('CONNECTION_CLOSED', 'The caller is gone.', { cause: error }),
      );
    }
    this.#resolveClosed(error);
    this.#guarded(() => this.#options.onClose?.(error, this));
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

  // ---- Telling the owner. ----

  #reportHandlerError(error: unknown, method: string): void {
    const { onHandlerError } = this.#options;
    if (onHandlerError !== undefined) this.#guarded(() => onHandlerError(error, method, this));
  }

  #reportProtocolError(error: RingwireError): void {
    const { onProtocolError } = this.#options;
    if (onProtocolError !== undefined) this.#guarded(() => onProtocolError(error, this));
  }

  /** What a callback of the owner throws is an uncaught exception of the owner, not a broken connection. */
  #guarded(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}

function closedError(method: string, cause?: RingwireError): RingwireError {
  const message = `The connection ended before "${method}" was answered.`;
  return new RingwireError('CONNECTION_CLOSED', message, { cause });
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}

/** The text of the range that begins at this field of the record and ends at the next; '' where it is absent. */
function rangeText(frame: Buffer, record: Int32Array, startField: number): string {
  const start = record[startField];
  if (start < 0) return '';
  const isAscii = (record[EnvelopeField.Flags] & EnvelopeFlag.Ascii) !== 0;
  return frame.toString(isAscii ? 'latin1' : 'utf8', start, record[startField + 1]);
}

function parseRange(frame: Buffer, record: Int32Array, startField: number): unknown {
  const text = rangeText(frame, record, startField);
  return text === '' ? undefined : JSON.parse(text);
}

/**
 * Serves the calls of the other side: runs handlers, answers, cancels, ends calls at their deadline. Outcomes of
 * handlers go through settle() and nowhere else.
 */
import { RingwireError, RpcError, RpcErrorCode } from '../errors.js';
import { BatchReply } from './batch-reply.js';
import type { Dispatcher } from './dispatcher.js';
import { guarded } from './guarded.js';
import { InFlight } from './in-flight.js';
import { errorText, internalError, resultText } from './json-text.js';
import type { Outbox } from './outbox.js';
import type { Peer } from './peer.js';
import type { PeerCounters, ResolvedPeerOptions } from './peer-options.js';
import { CallState, type ServedCall } from './served-call.js';
import type { IdText } from './types.js';

/** What became of a call: a result or what was thrown. */
export type Outcome = { readonly result: unknown } | { readonly error: unknown };

/** Owner in the outbox of a reply without an id of its own. */
export const noId = '';
/** Owner in the outbox of the reply to a batch. No id looks like this. */
export const batchReply = '[]';

/** What connections have that never sent an array. */
const noBatches = new Set<BatchReply>();

export class CallServer {
  readonly inFlight: InFlight;
  /** Requests and notifications of this connection, while its server is watched. */
  count = 0;
  readonly #peer: Peer;
  readonly #dispatcher: Dispatcher;
  readonly #outbox: Outbox;
  readonly #options: ResolvedPeerOptions;
  readonly #counters: PeerCounters;
  /** Why calls are aborted since the connection ended; undefined while it is open, or where they may go on. */
  #callerGone: RingwireError | undefined = undefined;
  /** The connection ended, and its calls with it; what ended it stands beside it. */
  #isCallerGone = false;
  #endedBy: RingwireError | undefined = undefined;
  /** Batches that wait for some of their elements. */
  #batches: Set<BatchReply> = noBatches;

  constructor(peer: Peer, outbox: Outbox, options: ResolvedPeerOptions, counters: PeerCounters) {
    this.#peer = peer;
    this.#dispatcher = options.dispatcher;
    this.#outbox = outbox;
    this.#options = options;
    this.#counters = counters;
    this.inFlight = new InFlight(options, counters);
  }

  /** Runs a call, or refuses it. */
  serve(call: ServedCall, params: unknown): void {
    if (this.#options.meter.isOn) this.#measure(call);
    if (call.id === undefined) {
      if (this.inFlight.admitNotification()) this.#run(call, params);
      return;
    }
    call.batch?.expect();
    const refusal = this.inFlight.admit(call.id);
    if (refusal === undefined) this.#run(call, params);
    else this.answer(call, this.#errorText(call, refusal));
  }

  /** Of HTTP the exchanges are counted. */
  #measure(call: ServedCall): void {
    this.count += 1;
    if (this.#peer.transport.kind !== 'http') call.timer = this.#options.meter.begin();
  }

  #run(call: ServedCall, params: unknown): void {
    let text = '';
    try {
      const result = this.#dispatcher.dispatch(call.method, params, call);
      if (isThenable(result)) {
        this.follow(call, result);
        return;
      }
      if (call.id !== undefined) text = this.#resultText(call, result);
    } catch (error) {
      if (call.id === undefined) this.#reportHandlerError(error, call.method);
      else text = this.#errorText(call, error);
    }
    call.state = CallState.Settled;
    this.answer(call, text);
  }

  /** Registers an asynchronous call. False when it was refused, and answered, or when its caller is gone. */
  track(call: ServedCall): boolean {
    if (this.#isCallerGone) {
      // The connection ended while the handler ran, which nobody would tell it any more.
      call.abort(this.#goneReason());
      return false;
    }
    const refusal = this.inFlight.track(call);
    if (refusal === undefined) return true;
    this.answer(call, this.#errorText(call, refusal));
    return false;
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

  /** Answers, unless the call was cancelled, met its deadline or lost its connection: then the outcome is dropped. */
  settle(call: ServedCall, outcome: Outcome): void {
    if (!this.conclude(call)) return;
    if (call.id !== undefined) this.answer(call, this.responseText(call, outcome));
    else if ('error' in outcome) this.#reportHandlerError(outcome.error, call.method);
  }

  /** Whether an outcome is to be sent: true at most once per call. */
  conclude(call: ServedCall): boolean {
    return this.inFlight.conclude(call, this.#peer.isOpen);
  }

  /** The response as text. Never throws: a result that JSON cannot carry becomes an error. */
  responseText(call: ServedCall, outcome: Outcome): string {
    return 'error' in outcome ? this.#errorText(call, outcome.error) : this.#resultText(call, outcome.result);
  }

  /** Sends a response, or puts it into the batch it belongs to. Notifications are not answered. */
  answer(call: ServedCall, text: string): void {
    if (call.id === undefined) return;
    call.timer?.end();
    if (call.batch === undefined) this.#outbox.post(text, call.id);
    else call.batch.add(call.id, text);
  }

  /** A reply to the elements that will be read from a batch array. Call its drop() when all were read. */
  openBatch(): BatchReply {
    const batch: BatchReply = new BatchReply((text) => {
      this.#batches.delete(batch);
      if (text !== undefined) this.#outbox.post(text, batchReply);
    });
    if (this.#batches === noBatches) this.#batches = new Set();
    this.#batches.add(batch);
    return batch;
  }

  /** The caller cancelled: nothing more is sent for this id. */
  cancel(id: IdText, reason: unknown): void {
    const call = this.inFlight.get(id);
    if (call !== undefined) {
      this.#counters.cancelled += 1;
      const detail = typeof reason === 'string' ? `: ${reason}` : '.';
      this.inFlight.untrack(call);
      call.abort(new RingwireError('CANCELLED', `The caller cancelled "${call.method}"${detail}`));
      call.batch?.drop();
      return;
    }
    // Answered already, but perhaps the answer is still here.
    if (this.#outbox.takeBack(id) || this.#takeBackFromBatches(id)) {
      this.#counters.cancelled += 1;
      return;
    }
    // An array that is complete is one message and cannot be taken apart: it leaves before this cancellation counts.
    this.#outbox.flush();
  }

  /** The caller is told at the deadline, so that it is not left waiting for a handler that hangs. */
  expire(call: ServedCall): void {
    this.#counters.deadlinesExceeded += 1;
    this.#end(call, internalError('DEADLINE_EXCEEDED', 'The call met its deadline.', true));
  }

  /** Answers everything at work with an error and aborts it: a drain took too long. */
  giveUp(): void {
    for (const call of this.inFlight.all()) {
      this.#end(
        call,
        internalError('CONNECTION_CLOSED', 'The server shut down before the call ended.', true),
      );
    }
  }

  /** Ends the calls without a deadline, such as subscriptions: the caller sends no more and could not end them. */
  endOpenEnded(): void {
    for (const call of this.inFlight.all()) {
      if (call.deadline === Number.POSITIVE_INFINITY)
        this.#end(call, internalError('CONNECTION_CLOSED', 'The caller ended the connection.', false));
    }
  }

  /** The connection ended; nobody can be answered. */
  disconnect(error: RingwireError | undefined): void {
    this.#batches.clear();
    if (!this.#options.cancelOnDisconnect) return;
    this.#isCallerGone = true;
    this.#endedBy = error;
    for (const call of this.inFlight.all()) {
      this.inFlight.untrack(call);
      call.abort(this.#goneReason());
    }
  }

  /** Made when the first call needs it: a stack trace costs more than the whole end of a connection without calls. */
  #goneReason(): RingwireError {
    this.#callerGone ??= new RingwireError('CONNECTION_CLOSED', 'The caller is gone.', {
      cause: this.#endedBy,
    });
    return this.#callerGone;
  }

  /** Moves the deadline of a call to timeoutMs from now. */
  extendDeadline(call: ServedCall, timeoutMs: number): void {
    if (!(timeoutMs > 0)) {
      throw new RingwireError('CONFIG_INVALID', '"timeoutMs" must be a number above 0, or Infinity.');
    }
    this.inFlight.setDeadline(call, this.#options.deadlines.clock.now() + timeoutMs);
  }

  /** Progress was made: the deadline moves, but never closer. */
  restartDeadline(call: ServedCall): void {
    const next = this.inFlight.nextDeadline();
    if (next > call.deadline) this.inFlight.setDeadline(call, next);
  }

  #end(call: ServedCall, error: RpcError): void {
    this.inFlight.untrack(call);
    this.answer(call, this.#errorText(call, error));
    const { code } = error.data as { code: 'DEADLINE_EXCEEDED' | 'CONNECTION_CLOSED' };
    call.abort(new RingwireError(code, `"${call.method}": ${error.message}`));
  }

  #takeBackFromBatches(id: IdText): boolean {
    for (const batch of this.#batches) {
      if (batch.takeBack(id)) return true;
    }
    return false;
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
    if (this.#options.meter.isOn) this.#options.meter.errors += 1;
    if (error instanceof RpcError && Number.isInteger(error.rpcCode)) {
      return errorText(id, error.rpcCode, error.message, error.data);
    }
    this.#reportHandlerError(error, call.method);
    if (!this.#options.exposeErrors) return errorText(id, RpcErrorCode.InternalError, 'Internal error');
    const message = error instanceof Error ? error.message : String(error);
    const data =
      error instanceof RingwireError ? { code: error.code, retryable: error.retryable } : undefined;
    return errorText(id, RpcErrorCode.InternalError, message, data);
  }

  #reportHandlerError(error: unknown, method: string): void {
    const { onHandlerError } = this.#options;
    if (onHandlerError !== undefined) guarded(() => onHandlerError(error, method, this.#peer));
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}

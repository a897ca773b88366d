/**
 * A tools/call over HTTP past the generic path. It is a few fields until its handler asks for more than arguments and
 * `_meta`: then a Peer and a ServedCall are made for it, and it goes on as they would have it.
 */
import { RingwireError, RpcError, RpcErrorCode } from '../../errors.js';
import type { DeadlineEntry, DeadlineQueue } from '../../rpc/deadline-queue.js';
import { type ExchangeTransport, frameSizeError, jsonHead } from '../../rpc/http/exchange-transport.js';
import { errorText, resultText } from '../../rpc/json-text.js';
import type { Peer } from '../../rpc/peer.js';
import type { PeerCounters } from '../../rpc/peer-options.js';
import { CallState, ServedCall, traceOf } from '../../rpc/served-call.js';
import type { AuthInfo, CallContext, Connection, IdText, LogLevel, TraceContext } from '../../rpc/types.js';
import type { HttpExchange } from '../../transports/http/http-server.js';
import type { PeerInfo } from '../../transports/transport.js';
import type { AnswerForm } from './media-types.js';
import { statusOf } from './refusal.js';

/** What light calls of one application share. */
export interface LightCallOwner {
  readonly deadlines: DeadlineQueue;
  readonly servedTimeoutMs: number;
  readonly maxFrameBytes: number;
  readonly counters: Pick<PeerCounters, 'lateOutcomes' | 'deadlinesExceeded'>;
  /** Calls whose handlers are asynchronous and at work. */
  readonly lightCalls: Set<LightCall>;
  /** A call is answered with an error of its own. */
  onLightError(): void;
  /** A call left lightCalls. */
  onLightEnd(): void;
  /** A Peer for an exchange that has not been answered, whose answer takes this form. */
  openPeer(exchange: HttpExchange, form: AnswerForm): Peer;
}

/** In place of bytes that were given back. */
const gone = '';

export class LightCall implements CallContext, DeadlineEntry {
  readonly method = 'tools/call';
  readonly id: IdText;
  expiresAt = 0;
  heapIndex = -1;
  readonly #owner: LightCallOwner;
  readonly #exchange: HttpExchange;
  readonly #form: AnswerForm;
  /** The request's bytes while they are there, then the text of `_meta`. */
  #source: Buffer | string;
  readonly #metaStart: number;
  readonly #metaEnd: number;
  #meta: Record<string, unknown> | undefined = undefined;
  #state: number = CallState.Open;
  #isTracked = false;
  #abortReason: unknown = undefined;
  #served: ServedCall | undefined = undefined;
  #transport: ExchangeTransport | undefined = undefined;

  /** metaStart and metaEnd are offsets into body, which is borrowed until keep() is called or the call is over. */
  constructor(
    owner: LightCallOwner,
    exchange: HttpExchange,
    form: AnswerForm,
    id: IdText,
    body: Buffer,
    metaStart: number,
    metaEnd: number,
  ) {
    this.#owner = owner;
    this.#exchange = exchange;
    this.#form = form;
    this.id = id;
    this.#source = body;
    this.#metaStart = metaStart;
    this.#metaEnd = metaEnd;
  }

  // ---- What handlers see. ----

  get peer(): PeerInfo {
    return this.#exchange.peer;
  }

  get auth(): AuthInfo | undefined {
    return this.#exchange.principal;
  }

  get meta(): Readonly<Record<string, unknown>> | undefined {
    // A handler that has answered may have kept its context; the bytes are gone then.
    if (this.#meta === undefined && this.#source !== gone)
      this.#meta = JSON.parse(this.#metaText()) as Record<string, unknown>;
    return this.#meta;
  }

  get trace(): TraceContext | undefined {
    return traceOf(this.meta);
  }

  get signal(): AbortSignal {
    return this.#materialised().signal;
  }

  get connection(): Connection {
    return this.#materialised().connection;
  }

  get deadline(): number {
    if (this.#served !== undefined) return this.#served.deadline;
    if (this.expiresAt === 0) this.expiresAt = this.#nextDeadline();
    return this.expiresAt;
  }

  extendDeadline(timeoutMs: number): void {
    this.#materialised().extendDeadline(timeoutMs);
  }

  /** Light calls have no progress token, so progress does nothing but start the deadline anew. */
  progress(progress: number, total?: number, message?: string): void {
    if (this.#served !== undefined) {
      this.#served.progress(progress, total, message);
      return;
    }
    if (this.#state !== CallState.Open) return;
    const next = this.#nextDeadline();
    if (next <= this.expiresAt) return;
    if (this.heapIndex >= 0) this.#owner.deadlines.schedule(this, next);
    else this.expiresAt = next;
  }

  /** Light calls ask for no log messages. */
  log(_level: LogLevel, _data: unknown, _logger?: string): void {}

  // ---- What the route that serves the call does with it. ----

  /** Whether an answer is still wanted. Counts an outcome that comes too late. */
  get isWanted(): boolean {
    if (this.#state === CallState.Open && (this.#served?.state ?? CallState.Open) === CallState.Open)
      return true;
    this.#owner.counters.lateOutcomes += 1;
    return false;
  }

  /** The handler is asynchronous: from now on the call is under its deadline, and the client may go away. */
  track(): void {
    if (this.#isTracked) return;
    this.#isTracked = true;
    this.#source = this.#metaText();
    this.#exchange.state = this;
    if (this.#served !== undefined) {
      this.#served.connection.track(this.#served);
      return;
    }
    this.#owner.lightCalls.add(this);
    this.#owner.deadlines.schedule(this, this.deadline);
  }

  /** Answers with the text of a response. */
  answer(text: string): void {
    this.#answer(text, 200);
  }

  /** Answers with the result. Throws nothing: what JSON cannot carry is answered as an error. */
  answerResult(result: unknown): void {
    let text: string;
    try {
      text = resultText(this.id, result);
    } catch (cause) {
      const message = 'The result of "tools/call" cannot be written as JSON.';
      this.fail(new RingwireError('INTERNAL', message, { cause }));
      return;
    }
    this.#answer(text, 200);
  }

  /** Answers with an error. */
  fail(error: unknown): void {
    if (error instanceof RpcError && Number.isInteger(error.rpcCode)) {
      this.#owner.onLightError();
      this.#answer(errorText(this.id, error.rpcCode, error.message, error.data), statusOf(error.rpcCode));
      return;
    }
    // The Peer knows what may be told of it, and tells the log the rest.
    const served = this.#materialised();
    this.#answer(served.connection.responseText(served, { error }), 200);
  }

  // ---- Ends that come from elsewhere. ----

  /** The client went away. */
  onExchangeGone(): void {
    if (this.#transport !== undefined) {
      this.#transport.abort();
      return;
    }
    this.#abort(new RingwireError('CONNECTION_CLOSED', 'The caller is gone.'));
  }

  expire(): void {
    this.#owner.counters.deadlinesExceeded += 1;
    this.#end('DEADLINE_EXCEEDED', 'The call met its deadline.');
  }

  /** A drain took too long. */
  giveUp(): void {
    this.#end('CONNECTION_CLOSED', 'The server shut down before the call ended.');
  }

  #end(code: 'DEADLINE_EXCEEDED' | 'CONNECTION_CLOSED', message: string): void {
    this.#respondError(message, code, true);
    this.#abort(new RingwireError(code, `"tools/call": ${message}`));
  }

  #respondError(message: string, code: string, retryable: boolean): void {
    const text = errorText(this.id, RpcErrorCode.InternalError, message, { code, retryable });
    this.#exchange.respond(200, jsonHead, text);
  }

  #abort(reason: RingwireError): void {
    this.#state = CallState.Aborted;
    this.#abortReason = reason;
    this.#untrack();
  }

  #answer(text: string, status: number): void {
    const served = this.#served;
    this.#state = CallState.Settled;
    this.#source = gone;
    if (served === undefined) {
      if (this.#isTracked) this.#untrack();
      const tooLarge = frameSizeError(text, this.#owner.maxFrameBytes);
      if (tooLarge === undefined) this.#exchange.respond(status, jsonHead, text);
      else this.#respondError(tooLarge.message, tooLarge.code, tooLarge.retryable);
      return;
    }
    if (served.connection.conclude(served)) served.connection.reply(this.id, text);
  }

  #untrack(): void {
    this.#owner.deadlines.remove(this);
    if (this.#owner.lightCalls.delete(this)) this.#owner.onLightEnd();
  }

  #nextDeadline(): number {
    return this.#owner.deadlines.clock.now() + this.#owner.servedTimeoutMs;
  }

  #metaText(): string {
    const source = this.#source;
    return typeof source === 'string' ? source : source.toString('utf8', this.#metaStart, this.#metaEnd);
  }

  /** The call as the generic path knows it, on a Peer of its own. */
  #materialised(): ServedCall {
    if (this.#served !== undefined) return this.#served;
    const peer = this.#owner.openPeer(this.#exchange, this.#form);
    const transport = peer.transport as ExchangeTransport;
    const served = new ServedCall(
      peer,
      this.method,
      this.id,
      () => this.meta as Record<string, unknown> | undefined,
    );
    served.expiresAt = this.expiresAt;
    this.#served = served;
    if (this.#state !== CallState.Open) {
      // A handler that has answered, or whose caller is gone, kept its context: nothing can come of it any more.
      served.state = this.#state;
      if (this.#state === CallState.Aborted) served.abort(this.#abortReason);
      transport.abort();
      return served;
    }
    this.#transport = transport;
    if (this.#isTracked) {
      peer.track(served);
      this.#untrack();
    }
    return served;
  }
}

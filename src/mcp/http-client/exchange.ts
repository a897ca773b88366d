/**
 * One message of ours and what comes back for it: nothing, one JSON body, or an event stream that ends with the
 * response. Where the server can, a stream that broke goes on where it stopped, if its events had ids.
 */
import { EnvelopeKind } from '../../binding/constants.generated.js';
import { HttpError, RingwireError } from '../../errors.js';
import { closeLingerMs, defaultTimeoutMs } from '../../limits.js';
import { errorFromWire } from '../../rpc/json-text.js';
import { type FrameSink, statusError } from '../../transports/http/client/answer-reader.js';
import type { AnswerHeaders, HttpCall } from '../../transports/http/client/http-client.js';
import { isReply, type Message, resultOf } from './message.js';

/** How one message is carried. */
export interface ExchangeTraits {
  /** The protocol's revision where each message names it, else ''. */
  readonly version: string;
  /** Whether a broken event stream can be asked to go on. */
  readonly isResumable: boolean;
  /** Whether the response comes by another stream. */
  readonly answeredElsewhere: boolean;
  readonly hooks?: MessageHooks;
}

/** What whoever sends a message adds to it, and wants to know of it. */
export interface MessageHooks {
  /** Header fields of this message alone. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The server took it; messages may follow. */
  readonly onTaken?: () => void;
  /** The end, once: without an error it was answered, or accepted where it wants no answer. */
  readonly onEnd?: (error: RingwireError | undefined) => void;
}

/** What an exchange needs of its transport. */
export interface ExchangeOwner {
  readonly url: string;
  /** Sends the message of the exchange, or (with an event id) asks for what follows that event. */
  transmit(exchange: Exchange, lastEventId: string | undefined): HttpCall;
  scan(frame: Buffer): Message | undefined;
  /** A message for whoever listens: the response, or what came before it. */
  deliver(message: Message, exchange: Exchange): void;
  /** Something came that has no place here. */
  report(error: RingwireError): void;
  /** The answer's head is there. */
  opened(exchange: Exchange, headers: AnswerHeaders): void;
  /** The end, once. Without an error a request was answered, and everything else was accepted. */
  ended(exchange: Exchange, error: RingwireError | undefined): void;
}

/** Attempts in a row to resume a stream that brought no event. */
const maxFruitlessResumes = 5;

/** Before a broken stream is asked for again, where the server names no time. */
const defaultRetryMs = 1_000;

/** No server can make a client wait longer than this with `retry`, or come back sooner. */
const maxRetryMs = 60_000;
const minRetryMs = 100;

export class Exchange implements FrameSink {
  readonly message: Message;
  readonly traits: ExchangeTraits;
  /** Under which session it was sent. */
  sessionId: string | undefined;
  /** HTTP status of the answer; 0 before it. */
  status = 0;

  readonly #owner: ExchangeOwner;
  #call: HttpCall | undefined;
  #answerHeaders: AnswerHeaders = {};
  #answered = false;
  #isOver = false;
  #isStream = false;
  #foreignId: string | undefined;
  #lastEventId: string | undefined;
  #retryMs = defaultRetryMs;
  #fruitless = 0;
  #isResuming = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(owner: ExchangeOwner, message: Message, traits: ExchangeTraits) {
    this.#owner = owner;
    this.message = message;
    this.traits = traits;
  }

  /** Whether the server began to answer, so that it may have carried the message out. */
  get wasTaken(): boolean {
    return this.#isResuming;
  }

  get isRequest(): boolean {
    return this.message.kind === EnvelopeKind.Request;
  }

  start(): void {
    this.#call = this.#owner.transmit(this, undefined);
    // Requests are given up by who made them.
    if (!this.isRequest && !this.#isOver) this.#limit();
  }

  /** Gives it up without telling the owner. */
  abort(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#call?.abort();
  }

  onOpen(status: number, headers: AnswerHeaders, isStream: boolean): void {
    this.status = status;
    this.#answerHeaders = headers;
    this.#isStream = isStream;
    this.#owner.opened(this, headers);
    if (isStream) this.traits.hooks?.onTaken?.();
  }

  onFrame(frame: Buffer): void {
    if (this.#isOver || this.#answered) return;
    this.#fruitless = 0;
    const message = this.#owner.scan(frame);
    if (message === undefined) this.#notAMessage(frame);
    else if (!isReply(message)) this.#owner.deliver(message, this);
    else this.#onReply(message);
  }

  onEventId(id: string): void {
    this.#lastEventId = id === '' ? undefined : id;
    this.#fruitless = 0;
  }

  onRetry(retryMs: number): void {
    this.#retryMs = Math.min(Math.max(retryMs, minRetryMs), maxRetryMs);
  }

  onNamedEvent(): void {
    // Types other than 'message' belong to HTTP+SSE and to extensions; there is nothing to do for them.
  }

  onEnd(): void {
    if (this.#isOver) return;
    if (!this.isRequest || this.#answered || (this.traits.answeredElsewhere && this.status < 300)) {
      this.#finish(undefined);
      return;
    }
    const { method } = this.message;
    const { url } = this.#owner;
    if (this.#foreignId !== undefined) {
      const text = `${url} answered "${method}" with the id ${this.#foreignId}, not ${this.message.id}.`;
      this.#finish(new RingwireError('FRAME_INVALID', text));
    } else if (this.#isStream) {
      const text = `The event stream of ${url} ended before "${method}" was answered.`;
      this.#lost(new RingwireError('CONNECTION_CLOSED', text));
    } else if (this.status >= 300) {
      this.#finish(statusError(url, this.status, this.#answerHeaders, Buffer.alloc(0)));
    } else {
      const text = `${url} answered "${method}" with ${this.status} and no message.`;
      this.#finish(new HttpError('HTTP_STATUS', text, { status: this.status }));
    }
  }

  onRefused(error: HttpError): void {
    if (this.#isOver) return;
    this.status = error.status;
    if (!this.#isResuming) {
      this.#finish(this.#answered ? undefined : error);
      return;
    }
    const { method } = this.message;
    const text = `The answer to "${method}" broke off, and the server does not resume it. ${error.message}`;
    this.#finish(new RingwireError('CONNECTION_CLOSED', text, { cause: error }));
  }

  onFail(error: RingwireError): void {
    if (this.#isOver) return;
    if (this.#answered || !this.isRequest) this.#finish(this.#answered ? undefined : error);
    else this.#lost(error);
  }

  #onReply(message: Message): void {
    const { id } = this.message;
    const isOurs = message.id === id;
    // Servers that could not read the request, or refuse it before they do, know no id.
    const isUnnamed = message.kind === EnvelopeKind.Error && (message.id === 'null' || message.id === '');
    if (isOurs) {
      this.#answered = true;
      this.#owner.deliver(message, this);
      this.#linger();
    } else if (isUnnamed && !this.#isStream) {
      this.#refusedWith(errorFromWire(resultOf(message)));
    } else {
      this.#foreignId = message.id;
      const text = `A reply to no request of ours, with the id ${message.id}.`;
      this.#owner.report(new RingwireError('FRAME_INVALID', text));
    }
  }

  #refusedWith(error: RingwireError): void {
    this.#answered = true;
    this.#finish(error);
  }

  /** A body that is JSON and no JSON-RPC is what an error status was explained with, or no answer at all. */
  #notAMessage(frame: Buffer): void {
    const { url } = this.#owner;
    if (this.#isStream) {
      const text = `${url} sent an event that is no JSON-RPC 2.0 message.`;
      this.#owner.report(new RingwireError('FRAME_INVALID', text));
      return;
    }
    this.#answered = true;
    if (this.status >= 300 || this.isRequest)
      this.#finish(statusError(url, this.status, this.#answerHeaders, frame));
  }

  /** Nobody waits for ever to hear that a notification was taken. */
  #limit(): void {
    this.#timer = setTimeout(() => {
      this.#call?.abort();
      const text = `${this.#owner.url} did not take "${this.message.method}" within ${defaultTimeoutMs} ms.`;
      this.#finish(new RingwireError('DEADLINE_EXCEEDED', text));
    }, defaultTimeoutMs).unref();
  }

  /** A stream is to end with the response; one that does not is cut. */
  #linger(): void {
    if (!this.#isStream) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#call?.abort();
      this.#finish(undefined);
    }, closeLingerMs).unref();
  }

  #lost(error: RingwireError): void {
    const canResume =
      this.#lastEventId !== undefined &&
      this.traits.isResumable &&
      error.code !== 'FRAME_TOO_LARGE' &&
      error.code !== 'FRAME_INVALID';
    if (!canResume || this.#fruitless >= maxFruitlessResumes) {
      this.#finish(error);
      return;
    }
    this.#fruitless += 1;
    this.#isResuming = true;
    // Not unreferenced: a caller waits.
    this.#timer = setTimeout(() => {
      this.#call = this.#owner.transmit(this, this.#lastEventId);
    }, this.#retryMs);
  }

  #finish(error: RingwireError | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#owner.ended(this, error);
  }
}

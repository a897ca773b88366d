/** One request and its answer over uWebSockets.js. */
import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import type { RingwireError } from '../../../errors.js';
import type { PeerInfo } from '../../transport.js';
import { decodeBody } from '../content-coding.js';
import type { HeaderList, HttpApplication, HttpExchange, HttpPrincipal, HttpStream } from '../http-server.js';
import {
  bodyTooLarge,
  bodyTooSlow,
  expectationUnknown,
  headTooLarge,
  serverFailed,
  tooManyFields,
  warnOfThrown,
} from '../problems.js';
import { BodyBuffer } from './body.js';
import { callbackScope } from './callback-scope.js';
import { KeptHead } from './head.js';
import { endsConnection, expectsMore } from './request-check.js';
import type { ListenerState } from './state.js';
import { UwsStream } from './stream.js';

/** Larger answers are given to uWebSockets.js as the client takes them, so that it holds no second copy. */
const largeBytes = 16 * 1024;

/** What is unread of a body behind an answer is read over up to this; beyond, the client is told to go away. */
const discardableBytes = 64 * 1024;

const closeHead = '\r\nconnection: close';
const emptyBody = Buffer.alloc(0);
const noPeer: PeerInfo = { kind: 'http' };

/** What sendAnswer() sends: a function made once, instead of one for each answer that comes later. */
let leaving: UwsExchange | undefined;

function sendLeaving(): void {
  leaving?.sendAnswer();
}

export class UwsExchange implements HttpExchange {
  state: unknown = undefined;
  application: HttpApplication;
  principal: HttpPrincipal | undefined = undefined;
  timer: { end(): void } | undefined = undefined;
  isAborted = false;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly #state: ListenerState;
  readonly #response: HttpResponse;
  readonly #acceptEncoding: string;
  readonly #contentEncoding: string;
  readonly #announced: number;
  readonly #isChunked: boolean;
  #kept: KeptHead | undefined = undefined;
  #peer: PeerInfo | undefined = undefined;
  /** Answered, or about to be: no further answer is taken. */
  #isAnswered = false;
  #isEnded = false;
  /**
   * The connection ends with this answer, which leaves after everything that was read is parsed: until it is answered
   * uWebSockets.js cuts the connection at a further request, so that none is served behind a body whose end is unsure.
   */
  #mustClose: boolean;
  #answerText = '';
  #answerStatus = 0;
  #answerBody: string | Uint8Array | undefined = undefined;
  // The body.
  #maxBytes = 0;
  #wantsBody = false;
  #isReading = false;
  #isComplete: boolean;
  #isDelivered = false;
  #error: RingwireError | undefined = undefined;
  #buffer: BodyBuffer | undefined = undefined;
  #stream: UwsStream | undefined = undefined;
  bodyBytes = 0;

  constructor(state: ListenerState, response: HttpResponse, request: HttpRequest) {
    const { head } = state;
    // First: uWebSockets.js ends the process where a request is left without it.
    response.onAborted(() => this.#onAborted());
    this.#state = state;
    this.#response = response;
    this.application = state.application;
    this.method = request.getCaseSensitiveMethod();
    this.path = request.getUrl();
    this.query = request.getQuery() ?? '';
    head.owner = this;
    head.read(request);
    this.#acceptEncoding = head.acceptEncoding;
    this.#contentEncoding = head.contentEncoding;
    this.#announced = head.contentLengths === 0 ? 0 : Number(head.contentLength);
    this.#isChunked = head.transferEncodings > 0;
    this.#isComplete = this.#announced === 0 && !this.#isChunked;
    this.#mustClose = endsConnection(head, this.method);
  }

  get peer(): PeerInfo {
    if (this.#peer === undefined) {
      if (this.isAborted || this.#isEnded) return noPeer;
      this.#peer = { kind: 'http', address: addressText(this.#response.getRemoteAddressAsText()) };
    }
    return this.#peer;
  }

  get isSecure(): boolean {
    return this.#state.isSecure;
  }

  header(name: string): string {
    if (this.#kept !== undefined) return this.#kept.header(name);
    const { head } = this.#state;
    return head.owner === this ? head.header(name) : '';
  }

  eachHeader(visit: (name: string, value: string) => void): void {
    const { head } = this.#state;
    const fields = this.#kept ?? (head.owner === this ? head : undefined);
    if (fields === undefined) return;
    const { names, values, count } = fields;
    for (let index = 0; index < count; index++) visit(names[index], values[index]);
  }

  /** Serves the request, as the callback of uWebSockets.js does. Throws nothing. */
  serve(): void {
    const state = this.#state;
    state.counters.requests++;
    state.begin();
    callbackScope.owner = this;
    try {
      const problem = state.check.problem(state.head, this.method, this.path, this.query);
      if (problem !== undefined) this.#refuse(400, problem);
      else if (expectsMore(state.head)) this.#refuse(417, expectationUnknown);
      else if (state.head.count > state.options.http.maxHeaderFields) this.#refuseHead('fields');
      else if (
        state.head.bytes + this.method.length + this.path.length + this.query.length >
        state.options.http.maxHeaderBytes
      )
        this.#refuseHead('bytes');
      else this.application.onRequest(this);
    } catch (error) {
      this.#fail(error);
    } finally {
      state.head.owner = undefined;
      callbackScope.owner = undefined;
    }
  }

  #refuseHead(what: 'fields' | 'bytes'): void {
    const { maxHeaderFields, maxHeaderBytes } = this.#state.options.http;
    this.#refuse(431, what === 'fields' ? tooManyFields(maxHeaderFields) : headTooLarge(maxHeaderBytes));
  }

  /** Answers what never reaches the application, and closes the connection. */
  #refuse(status: number, problem: string): void {
    this.#state.counters.refused++;
    this.#mustClose = true;
    const { head, body } = this.#state.application.refusal(status, problem);
    this.respond(status, head, body);
  }

  /** What the error says is ours to know, not the client's. */
  #fail(error: unknown): void {
    warnOfThrown(error);
    if (this.#isAnswered) {
      this.#stream?.abandon();
      if (!this.#isEnded) this.destroy();
      return;
    }
    try {
      const { head, body } = this.#state.application.refusal(500, serverFailed);
      this.respond(500, head, body);
    } catch {
      this.destroy();
    }
  }

  keepHead(): void {
    if (this.#kept !== undefined || this.#state.head.owner !== this) return;
    this.#kept = new KeptHead(this.#state.head);
    void this.peer;
    // What comes of the body must find somebody: uWebSockets.js drops what nobody takes.
    this.#maxBytes = this.#state.options.http.maxBodyBytes;
    this.#startReading();
  }

  readBody(maxBytes: number = this.#state.options.http.maxBodyBytes): void {
    if (this.#wantsBody || this.#isAnswered || this.isAborted) return;
    this.#wantsBody = true;
    this.#maxBytes = maxBytes;
    if (this.#announced > maxBytes) this.#error ??= bodyTooLarge(maxBytes);
    else this.#startReading();
    if (this.#error !== undefined || this.#isComplete) this.#deliver();
  }

  #startReading(): void {
    if (this.#isReading || this.#isComplete || this.#announced > this.#maxBytes) return;
    this.#isReading = true;
    this.#response.onData((chunk, isLast) => this.#onData(chunk, isLast));
  }

  #onData(chunk: ArrayBuffer, isLast: boolean): void {
    // A piece can still come behind the answer.
    if (this.#isAnswered || this.isAborted || this.#error !== undefined) return;
    callbackScope.owner = this;
    try {
      this.bodyBytes += chunk.byteLength;
      if (this.bodyBytes > this.#maxBytes) this.#bodyError(bodyTooLarge(this.#maxBytes));
      else if (isLast && this.#buffer === undefined && this.#wantsBody) {
        this.#isComplete = true;
        this.#giveBody(Buffer.from(chunk));
      } else {
        this.#gather(chunk);
        if (isLast) {
          this.#isComplete = true;
          this.#state.pace.remove(this);
          if (this.#wantsBody) this.#deliver();
        }
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      callbackScope.owner = undefined;
    }
  }

  #gather(chunk: ArrayBuffer): void {
    if (this.#buffer === undefined) {
      this.#buffer = new BodyBuffer(this.#announced);
      this.#state.pace.add(this);
    }
    this.#buffer.add(new Uint8Array(chunk));
  }

  /** The body, or what became of it, now that it is asked for and here. */
  #deliver(): void {
    const buffer = this.#buffer;
    if (this.#error !== undefined) this.#bodyError(this.#error);
    else if (this.bodyBytes > this.#maxBytes) this.#bodyError(bodyTooLarge(this.#maxBytes));
    else this.#giveBody(buffer === undefined ? emptyBody : buffer.view());
  }

  #giveBody(body: Buffer): void {
    if (this.#isDelivered) return;
    this.#isDelivered = true;
    if (this.#contentEncoding !== '' && body.length > 0) this.#decode(body);
    else this.application.onBody(this, body);
    this.#buffer = undefined;
  }

  #decode(body: Buffer): void {
    // A single piece is borrowed from uWebSockets.js; a gathered one is ours.
    const own = this.#buffer === undefined ? Buffer.from(body) : body;
    decodeBody(this.#contentEncoding, own, this.#maxBytes).then(
      (decoded) => this.#later(() => this.application.onBody(this, decoded)),
      (error: RingwireError) => this.#later(() => this.application.onBodyError(this, error)),
    );
  }

  #later(act: () => void): void {
    if (this.isAborted || this.#isAnswered) return;
    try {
      act();
    } catch (error) {
      this.#fail(error);
    }
  }

  #bodyError(error: RingwireError): void {
    this.#error = error;
    this.#buffer = undefined;
    this.#state.pace.remove(this);
    if (!this.#wantsBody || this.#isDelivered) return;
    this.#isDelivered = true;
    this.application.onBodyError(this, error);
  }

  /** See PacedBody. */
  onTooSlow(): void {
    const { minBodyBytesPerSecond } = this.#state.options.http;
    this.#mustClose = true;
    this.#later(() => this.#bodyError(bodyTooSlow(minBodyBytesPerSecond)));
  }

  /** See PacedBody. Pausing and resuming is what starts the timer of uWebSockets.js anew. */
  renewTimeout(): void {
    if (this.isAborted || this.#isEnded) return;
    this.#response.pause();
    this.#response.resume();
  }

  respond(status: number, head: HeaderList, body?: string | Uint8Array): void {
    if (this.#isAnswered || this.isAborted) return;
    this.timer?.end();
    const { compressor } = this.#state;
    if (compressor !== undefined && body !== undefined && body.length >= compressor.thresholdBytes) {
      this.#respondCoded(status, head, body);
      return;
    }
    this.#answer(status, this.#state.texts.get(status, head), body);
  }

  #respondCoded(status: number, head: HeaderList, body: string | Uint8Array): void {
    const compressor = this.#state.compressor!;
    const coding = compressor.choose(this.#acceptEncoding, body.length, head);
    const text = this.#state.texts.get(status, compressor.headFor(coding, head));
    if (coding === undefined || this.method === 'HEAD') {
      this.#answer(status, text, body);
      return;
    }
    const coded = compressor.encode(
      coding,
      typeof body === 'string' ? body : Uint8Array.prototype.slice.call(body),
    );
    if (!(coded instanceof Promise)) {
      this.#answer(status, text, coded);
      return;
    }
    this.#isAnswered = true;
    this.#state.pace.remove(this);
    coded.then(
      (bytes) => {
        if (!this.isAborted) this.#answer(status, text, bytes);
      },
      () => this.destroy(),
    );
  }

  #answer(status: number, text: string, body: string | Uint8Array | undefined): void {
    this.#isAnswered = true;
    this.#answerStatus = status;
    this.#answerText = text;
    this.#answerBody = body;
    if (this.#isReading && !this.#isComplete) this.#state.pace.remove(this);
    const { owner } = callbackScope;
    if (owner === this && !this.#mustClose) this.sendAnswer();
    else if (this.#mustClose || owner !== undefined) {
      if (typeof body === 'object') this.#answerBody = Uint8Array.prototype.slice.call(body);
      setImmediate(() => this.#cork());
    } else this.#cork();
  }

  #cork(): void {
    if (this.isAborted) return;
    leaving = this;
    this.#response.cork(sendLeaving);
    leaving = undefined;
  }

  /** Only for sendLeaving(). */
  sendAnswer(): void {
    const response = this.#response;
    const body = this.#answerBody;
    const status = this.#answerStatus;
    const isClosing = this.#mustClose || this.#state.isClosing;
    let text = this.#answerText;
    // The rest is read over until uWebSockets.js ends the idle connection: closing now would reset it, and the client
    // could lose the answer.
    if (isClosing ? this.#isLarge(body) : !this.#isComplete && this.#announced > discardableBytes)
      text += closeHead;
    const isHead = this.method === 'HEAD';
    if (isHead || status === 204 || status === 304) {
      // Given the length, uWebSockets.js would wait for the body.
      if (isHead && !this.#mustClose) text += `\r\ncontent-length: ${byteLength(body)}`;
      response.writeStatus(isClosing && !this.#mustClose ? text + closeHead : text);
      if (this.#mustClose) response.end(undefined, true);
      else response.endWithoutBody();
      this.#finish(status);
      return;
    }
    response.writeStatus(text);
    if (body !== undefined && this.#isLarge(body)) {
      this.#sendLarge(typeof body === 'string' ? Buffer.from(body) : body);
      return;
    }
    response.end(body, isClosing);
    this.#answerBody = undefined;
    this.#finish(status);
  }

  #isLarge(body: string | Uint8Array | undefined): boolean {
    return body !== undefined && body.length >= largeBytes && !this.#mustClose && this.method !== 'HEAD';
  }

  #sendLarge(bytes: Uint8Array): void {
    const response = this.#response;
    const total = bytes.length;
    this.#answerBody = undefined;
    if (response.tryEnd(bytes, total)[1]) {
      this.#finish(this.#answerStatus);
      return;
    }
    // The caller may use its bytes for something else meanwhile.
    const first = response.getWriteOffset();
    const rest = Uint8Array.prototype.slice.call(bytes, first);
    // uWebSockets.js cuts a client that takes nothing for 10 s.
    response.onWritable((offset) => {
      const [isWritten, isDone] = response.tryEnd(rest.subarray(offset - first), total);
      if (isDone) this.#finish(this.#answerStatus);
      return isWritten;
    });
  }

  openStream(status: number, head: HeaderList): HttpStream {
    const stream = new UwsStream(this, this.#response, this.#state.options, () => this.#finish(status));
    if (this.#isAnswered || this.isAborted) {
      stream.abandon();
      return stream;
    }
    this.#isAnswered = true;
    this.#stream = stream;
    this.#state.pace.remove(this);
    let text = this.#state.texts.get(status, head);
    const isClosing = this.#mustClose || this.#state.isClosing;
    if (isClosing) text += closeHead;
    const begin = (): void => {
      stream.begin(text, {
        hasBody: this.method !== 'HEAD',
        isEvents: head.includes('text/event-stream'),
        mustClose: isClosing,
        isLate: this.#mustClose,
      });
    };
    if (callbackScope.owner === this) begin();
    else this.#response.cork(begin);
    return stream;
  }

  destroy(): void {
    if (this.#isEnded || this.isAborted) return;
    this.#isAnswered = true;
    // Calls #onAborted.
    this.#response.close();
  }

  #finish(status: number): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const family = Math.trunc(status / 100) - 1;
    this.#state.counters.responses[family]++;
    this.#state.end();
  }

  #onAborted(): void {
    this.isAborted = true;
    this.#buffer = undefined;
    this.#state.pace.remove(this);
    this.#stream?.abandon();
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#state.counters.aborted++;
    try {
      this.application.onAbort(this);
    } catch {
      // The connection is gone; there is nobody to tell.
    } finally {
      this.#state.end();
    }
  }
}

function byteLength(body: string | Uint8Array | undefined): number {
  return body === undefined ? 0 : Buffer.byteLength(body);
}

/** IPv4 peers of an IPv6 socket under their IPv4 address, as Node.js and people write it. */
export function addressText(bytes: ArrayBuffer): string {
  const text = Buffer.from(bytes).toString('latin1');
  if (!text.includes(':')) return text;
  const groups = text.split(':').map((group) => Number.parseInt(group, 16));
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff)
    return `${groups[6] >> 8}.${groups[6] & 255}.${groups[7] >> 8}.${groups[7] & 255}`;
  return new URL(`http://[${text}]/`).hostname.slice(1, -1);
}

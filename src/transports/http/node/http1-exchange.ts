/** One HTTP/1 request and its answer, over node's IncomingMessage and ServerResponse. */
import { IncomingMessage, type ServerResponse } from 'node:http';
import type { SendResult } from '../../transport.js';
import type { ClientCertificate, HeaderList, HttpStream } from '../http-server.js';
import { splitTarget } from '../request-syntax.js';
import type { Connection } from './connection.js';
import type { EngineContext } from './context.js';
import { NodeExchange } from './node-exchange.js';
import { hasNoBody } from './refusal.js';

/** A request that knows its exchange, so that its listeners are shared by all. */
export class Http1Request extends IncomingMessage {
  exchange: Http1Exchange | undefined = undefined;
  /** The connection whose handshake this is. */
  upgradeOf: Connection | undefined = undefined;
  /** The body goes to the exchange from the parser, past the stream's buffer and its events: 3.6 of 39 µs of a request. */
  isDirect = false;

  override push(chunk: Buffer | null): boolean {
    if (!this.isDirect) return super.push(chunk);
    const exchange = this.exchange as Http1Exchange;
    if (chunk !== null) {
      exchange.bodyChunk(chunk);
      return true;
    }
    // Node must see the end, or the connection could not serve the next request.
    const wantsMore = super.push(null);
    exchange.bodyEnd();
    return wantsMore;
  }
}

/** A refused body's rest up to this size is read and thrown away; beyond it, closing is cheaper. */
const discardBytes = 64 * 1024;

/** Text of this size is made into bytes before it is written. */
const textBytes = 4 * 1024;

function onData(this: Http1Request, chunk: Buffer): void {
  this.exchange?.bodyChunk(chunk);
}

function onEnd(this: Http1Request): void {
  this.exchange?.bodyEnd();
}

export class Http1Exchange extends NodeExchange {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly #connection: Connection;
  readonly #request: Http1Request;
  readonly #response: ServerResponse;
  readonly #expectsContinue: boolean;
  #stream: Http1Stream | undefined = undefined;

  constructor(
    context: EngineContext,
    connection: Connection,
    request: Http1Request,
    response: ServerResponse,
    expectsContinue: boolean,
  ) {
    super(context);
    this.#connection = connection;
    this.#request = request;
    this.#response = response;
    this.#expectsContinue = expectsContinue;
    this.method = request.method as string;
    const url = originForm(request.url as string);
    const { path, query } = splitTarget(url);
    this.path = path;
    this.query = query;
    request.exchange = this;
    connection.open.push(this);
  }

  get peer() {
    return this.#connection.peer;
  }

  get isSecure(): boolean {
    return this.#connection.isSecure;
  }

  get clientCertificate(): ClientCertificate | undefined {
    return this.#connection.clientCertificate;
  }

  header(name: string): string {
    return headerOf(this.#request, name);
  }

  eachHeader(visit: (name: string, value: string) => void): void {
    visitHeaders(this.#request, visit);
  }

  begin(): void {
    try {
      this.application.onRequest(this);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Whether the whole request arrived. */
  get isWhole(): boolean {
    return this.#request.complete;
  }

  /** Ends without an answer of its own, because its request turned out to be malformed. False where one was begun. */
  giveWay(): boolean {
    if (this.isAnswered) return false;
    this.isAnswered = true;
    return true;
  }

  bodyChunk(chunk: Buffer): void {
    this.received(chunk);
  }

  bodyEnd(): void {
    this.ended();
  }

  checkStall(now: number): void {
    this.checkBodyRate(now);
  }

  protected override startBody(): void {
    const request = this.#request;
    if (this.#expectsContinue) this.#response.writeContinue();
    if (request.readableLength === 0 && !request.complete) {
      request.isDirect = true;
      return;
    }
    // Some of it came while the application made up its mind.
    request.on('data', onData);
    request.on('end', onEnd);
  }

  protected override stopBody(): void {
    this.#request.pause();
  }

  protected override writeAnswer(status: number, head: HeaderList, body: string | Uint8Array): void {
    const response = this.#response;
    const bytes = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
    const fields = hasNoBody(status) ? [...head] : [...head, 'content-length', String(bytes)];
    this.#endKeepAlive(status, fields);
    response.writeHead(status, fields);
    this.#connection.answered(bytes);
    this.#leave();
    if (bytes === 0) response.end();
    else response.end(body);
  }

  protected override startStream(status: number, head: HeaderList): HttpStream {
    const fields = [...head];
    this.#endKeepAlive(status, fields);
    this.#response.writeHead(status, fields);
    this.#stream = new Http1Stream(this.#response, this.context, () => this.#leave());
    return this.#stream;
  }

  protected override cut(): void {
    this.#connection.socket.destroy();
  }

  /** The answer is complete as far as the application goes. */
  #leave(): void {
    this.#connection.finished(this);
  }

  #endKeepAlive(status: number, fields: string[]): void {
    const request = this.#request;
    const response = this.#response;
    if (!request.complete && (status === 408 || isLongRest(request))) {
      fields.push('connection', 'close');
      this.#connection.lingerOnClose();
      return;
    }
    if (!request.complete) this.#connection.readsOver(this);
    if (this.context.isDraining || this.#connection.isRefused) fields.push('connection', 'close');
    // HTTP/1.1 connections live on by default; node would say so in two fields of every answer.
    else if (request.httpVersionMinor === 1) response.removeHeader('connection');
  }
}

export class Http1Stream implements HttpStream {
  onDrain: (() => void) | undefined = undefined;
  readonly #response: ServerResponse;
  readonly #context: EngineContext;
  readonly #onEnd: () => void;
  #isOpen = true;
  #hasHead = false;
  #wantsDrain = false;
  readonly #written = (): void => this.#onWritten();

  constructor(response: ServerResponse, context: EngineContext, onEnd: () => void) {
    this.#response = response;
    this.#context = context;
    this.#onEnd = onEnd;
    // The head leaves with the first part where that comes in the same tick, else alone: clients wait for it.
    process.nextTick(() => {
      if (!this.#hasHead && this.#isOpen) response.flushHeaders();
    });
  }

  get bufferedBytes(): number {
    return this.#response.writableLength;
  }

  write(chunk: string | Uint8Array): SendResult {
    const response = this.#response;
    if (!this.#isOpen || isGone(response)) return 'full';
    if (response.writableLength >= this.#context.options.highWatermarkBytes) {
      this.#wantsDrain = true;
      return 'full';
    }
    this.#hasHead = true;
    if (chunk.length === 0) return 'sent';
    const isBehind = hasUnsent(response);
    // What waits is bytes: text that waits would be held a second time, as the bytes being written.
    const isText = typeof chunk === 'string' && (isBehind || chunk.length >= textBytes);
    response.write(isText ? Buffer.from(chunk) : chunk, this.#written);
    if (!isBehind) return 'sent';
    this.#wantsDrain = true;
    return 'queued';
  }

  end(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#response.end();
    this.#onEnd();
  }

  #onWritten(): void {
    if (!this.#wantsDrain || !this.#isOpen || isGone(this.#response)) return;
    if (this.bufferedBytes > this.#context.options.lowWatermarkBytes) return;
    this.#wantsDrain = false;
    this.onDrain?.();
  }
}

/** A socket that was cut tells so to the response later, and until then takes what is written and forgets it. */
function isGone(response: ServerResponse): boolean {
  return response.destroyed || response.socket?.destroyed === true;
}

/** Whether bytes wait for the client, not just for the end of the tick, at which node writes what came together. */
function hasUnsent(response: ServerResponse): boolean {
  if (response.writableLength === 0) return false;
  const { socket } = response;
  return socket === null || socket.writableCorked === 0 || response.writableNeedDrain;
}

/** The value of a field, or '' (joinDuplicateHeaders of the server joins several). */
export function headerOf(request: IncomingMessage, name: string): string {
  const value: unknown = request.headers[name];
  if (typeof value === 'string') return value;
  return Array.isArray(value) ? value.join(', ') : '';
}

export function visitHeaders(request: IncomingMessage, visit: (name: string, value: string) => void): void {
  for (const name of Object.keys(request.headers)) visit(name, headerOf(request, name));
}

/** A request target as path and query; proxies may send it whole (RFC 9112, section 3.2.2). */
export function originForm(target: string): string {
  if (target.charCodeAt(0) === 0x2f) return target;
  const match = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*(.*)$/i.exec(target);
  if (match === null) return target;
  return match[1].startsWith('/') ? match[1] : `/${match[1]}`;
}

function isLongRest(request: IncomingMessage): boolean {
  const { 'content-length': length, 'transfer-encoding': coding } = request.headers;
  return coding !== undefined || Number(length ?? 0) > discardBytes;
}

/** One HTTP/2 request and its answer, over node's core stream API. */
import {
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { stallTimeoutMs } from '../../../limits.js';
import type { PeerInfo, SendResult } from '../../transport.js';
import type { ClientCertificate, HeaderList, HttpStream } from '../http-server.js';
import { splitTarget } from '../request-syntax.js';
import type { EngineContext } from './context.js';
import type { Http2Link } from './http2-link.js';
import { Http2Writer } from './http2-writer.js';
import { NodeExchange } from './node-exchange.js';

/** A stream that knows its exchange, so that its listeners are shared by all. */
interface ExchangeStream extends ServerHttp2Stream {
  exchange: Http2Exchange;
}

/** An answer up to this size is given to node whole. */
const wholeBytes = 64 * 1024;

function onData(this: ServerHttp2Stream, chunk: Buffer): void {
  (this as ExchangeStream).exchange.bodyChunk(chunk);
}

function onEnd(this: ServerHttp2Stream): void {
  (this as ExchangeStream).exchange.bodyEnd();
}

function onClose(this: ServerHttp2Stream): void {
  (this as ExchangeStream).exchange.closed();
}

/** What goes wrong with a stream closes it, and that is what counts. */
function ignore(): void {}

export class Http2Exchange extends NodeExchange {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly #link: Http2Link;
  readonly #stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;
  readonly #raw: readonly string[];
  #joined: Map<string, string> | undefined = undefined;
  #writer: Http2Writer | undefined = undefined;
  #isComplete = false;
  #progress = -1;
  #stalledSince = 0;

  constructor(
    context: EngineContext,
    link: Http2Link,
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    raw: readonly string[],
  ) {
    super(context);
    this.#link = link;
    this.#stream = stream;
    this.#headers = headers;
    this.#raw = raw;
    this.method = headers[':method'] as string;
    const target = (headers[':path'] as string | undefined) ?? '';
    const { path, query } = splitTarget(target);
    this.path = path;
    this.query = query;
    (stream as ExchangeStream).exchange = this;
    stream.on('close', onClose);
    stream.on('error', ignore);
  }

  get peer(): PeerInfo {
    return this.#link.peer;
  }

  get isSecure(): boolean {
    return this.#link.isSecure;
  }

  get clientCertificate(): ClientCertificate | undefined {
    return this.#link.clientCertificate;
  }

  begin(): void {
    if (this.#stream.destroyed) {
      this.closed();
      return;
    }
    try {
      this.application.onRequest(this);
    } catch (error) {
      this.fail(error);
    }
  }

  header(name: string): string {
    if (name === 'host') return this.#host();
    // Node keeps the first of several fields that should be one, which would let two readers see different values.
    if (this.#hasDuplicates()) return this.#joinedFields().get(name) ?? '';
    const value: unknown = this.#headers[name];
    return typeof value === 'string' ? value : Array.isArray(value) ? value.join(', ') : '';
  }

  eachHeader(visit: (name: string, value: string) => void): void {
    const fields = this.#joinedFields();
    if (!fields.has('host') && this.#host() !== '') visit('host', this.#host());
    for (const [name, value] of fields) visit(name, value);
  }

  bodyChunk(chunk: Buffer): void {
    this.received(chunk);
  }

  bodyEnd(): void {
    // Looked at again: requests that came together were all begun before the first of them was answered.
    if (!this.isAnswered && this.#link.isOverBacklog) this.#refuse();
    else this.ended();
  }

  get waitingBytes(): number {
    return this.#writer?.bufferedBytes ?? 0;
  }

  /** The stream is gone. */
  closed(): void {
    this.#link.left(this);
    if (this.#isComplete) return;
    if (this.#stream.rstCode !== constants.NGHTTP2_NO_ERROR) this.#link.guard.reset();
    this.abort();
  }

  /** Resets the stream of a client that takes nothing of what waits for it, or sends its body too slowly. */
  check(now: number): void {
    this.checkBodyRate(now);
    const stream = this.#stream;
    const waiting = this.waitingBytes + stream.writableLength;
    if (waiting === 0) {
      this.#progress = -1;
      return;
    }
    const progress = this.#writer?.pieces ?? 0;
    if (progress !== this.#progress) {
      this.#progress = progress;
      this.#stalledSince = now;
    } else if (now - this.#stalledSince >= stallTimeoutMs) this.#giveUp();
  }

  #giveUp(): void {
    // A session that nghttp2 ended for a malformed frame says no more, not even this; node leaves it open.
    if (this.#stream.closed) this.#link.session.destroy();
    else this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  protected override startBody(): void {
    this.#stream.on('data', onData);
    this.#stream.on('end', onEnd);
  }

  protected override stopBody(): void {
    this.#stream.pause();
  }

  protected override writeAnswer(status: number, head: HeaderList, body: string | Uint8Array): void {
    const stream = this.#stream;
    if (stream.destroyed || stream.closed) return;
    this.#isComplete = true;
    const bytes = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
    const fields = headerObject(status, head);
    if (status !== 204 && status !== 304) fields['content-length'] = bytes;
    const isBodyless = bytes === 0 || this.method === 'HEAD' || status === 204 || status === 304;
    // A rest of the request is not needed: the client is told to stop (RFC 9113, section 8.1).
    if (!this.isBodyComplete && !stream.readableEnded) stream.once('finish', () => this.#dropRest());
    stream.respond(fields, { endStream: isBodyless });
    if (isBodyless) {
      if (!this.isBodyComplete && !stream.readableEnded) this.#dropRest();
      return;
    }
    if (bytes <= wholeBytes) stream.end(body);
    else {
      this.#writer = new Http2Writer(stream);
      this.#writer.write(toBuffer(body));
      this.#writer.end();
    }
  }

  protected override startStream(status: number, head: HeaderList): HttpStream {
    const stream = this.#stream;
    stream.respond(headerObject(status, head));
    const writer = new Http2Writer(stream);
    this.#writer = writer;
    return new Http2Answer(stream, writer, this.context, () => {
      this.#isComplete = true;
    });
  }

  protected override cut(): void {
    this.#isComplete = true;
    this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  /** Says that nothing of the request was done, so that it may be sent again (RFC 9113, section 8.7). */
  #refuse(): void {
    this.context.counters.refused++;
    this.isAnswered = true;
    this.#isComplete = true;
    this.#stream.close(constants.NGHTTP2_REFUSED_STREAM);
    this.abort();
  }

  #dropRest(): void {
    const stream = this.#stream;
    if (stream.destroyed) return;
    // What arrived already ends the stream in order; a client that still sends is reset.
    stream.resume();
    if (!stream.readableEnded) setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR));
  }

  #host(): string {
    const authority = this.#headers[':authority'];
    return typeof authority === 'string' ? authority : (this.#headers.host ?? '');
  }

  #hasDuplicates(): boolean {
    return this.#joined !== undefined || this.#raw.length !== Object.keys(this.#headers).length * 2;
  }

  #joinedFields(): Map<string, string> {
    if (this.#joined !== undefined) return this.#joined;
    const fields = new Map<string, string>();
    for (let index = 0; index < this.#raw.length; index += 2) {
      const name = this.#raw[index];
      if (name.startsWith(':')) continue;
      const value = this.#raw[index + 1];
      const before = fields.get(name);
      fields.set(name, before === undefined ? value : before + (name === 'cookie' ? '; ' : ', ') + value);
    }
    this.#joined = fields;
    return fields;
  }
}

class Http2Answer implements HttpStream {
  onDrain: (() => void) | undefined = undefined;
  readonly #stream: ServerHttp2Stream;
  readonly #writer: Http2Writer;
  readonly #context: EngineContext;
  readonly #onEnd: () => void;
  #isOpen = true;
  #wantsDrain = false;

  constructor(stream: ServerHttp2Stream, writer: Http2Writer, context: EngineContext, onEnd: () => void) {
    this.#stream = stream;
    this.#writer = writer;
    this.#context = context;
    this.#onEnd = onEnd;
    writer.onWritten = () => this.#onWritten();
  }

  get bufferedBytes(): number {
    return this.#writer.bufferedBytes;
  }

  write(chunk: string | Uint8Array): SendResult {
    if (!this.#isOpen || this.#stream.destroyed || this.#stream.closed) return 'full';
    const { bufferedBytes } = this.#writer;
    if (bufferedBytes >= this.#context.options.highWatermarkBytes) {
      this.#wantsDrain = true;
      return 'full';
    }
    if (chunk.length > 0) this.#writer.write(toBuffer(chunk));
    if (bufferedBytes === 0) return 'sent';
    this.#wantsDrain = true;
    return 'queued';
  }

  end(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#onEnd();
    if (!this.#stream.destroyed) this.#writer.end();
  }

  #onWritten(): void {
    if (!this.#wantsDrain || !this.#isOpen || this.#stream.destroyed) return;
    if (this.bufferedBytes > this.#context.options.lowWatermarkBytes) return;
    this.#wantsDrain = false;
    this.onDrain?.();
  }
}

/** Bytes that stay as they are: the caller may change its own after a write. */
function toBuffer(body: string | Uint8Array): Buffer {
  return Buffer.from(body as string);
}

function headerObject(status: number, head: HeaderList): OutgoingHttpHeaders {
  const fields: OutgoingHttpHeaders = { ':status': status };
  for (let index = 0; index < head.length; index += 2) {
    const name = head[index];
    // Fields of the connection have no place in HTTP/2 (RFC 9113, section 8.2.2).
    if (name === 'upgrade') continue;
    const before = fields[name];
    if (before === undefined) fields[name] = head[index + 1];
    else fields[name] = [...(Array.isArray(before) ? before : [String(before)]), head[index + 1]];
  }
  return fields;
}

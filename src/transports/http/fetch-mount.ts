/** An application as a handler of the fetch standard: a Request in, a Response out. */
import { RingwireError } from '../../errors.js';
import type { ResolvedOptions } from '../options.js';
import type { PeerInfo, SendResult } from '../transport.js';
import { AnswerCompressor } from './content-coding.js';
import type { FetchHandler } from './handlers.js';
import type { HeaderList, HttpStream, ServerApplication } from './http-server.js';
import { type EngineContext, newCounters } from './node/context.js';
import { NodeExchange } from './node/node-exchange.js';
import { hasNoBody } from './node/refusal.js';
import { isLoopbackName } from './origin-policy.js';
import { Site } from './site.js';

const peer: PeerInfo = { kind: 'http' };

/**
 * Code and state of one handler. Nothing tells which address a request came to: a server on a loopback address that
 * browsers of its machine can reach should name its `allowedHosts`.
 */
export function mountOnFetch(application: ServerApplication, options: ResolvedOptions): FetchHandler {
  const { http } = options;
  const contextOf = (isLoopback: boolean): EngineContext => ({
    application: new Site(application, http, { path: undefined, isLoopback }),
    options,
    counters: newCounters(),
    compressor: http.compression === false ? undefined : new AnswerCompressor(http.compression),
    isDraining: false,
  });
  const near = contextOf(true);
  const far = contextOf(false);
  return (request) =>
    new Promise((resolve, reject) => {
      const url = new URL(request.url);
      const context = isLoopbackName(url.hostname) ? near : far;
      new FetchExchange(context, request, url, resolve, reject).begin();
    });
}

class FetchExchange extends NodeExchange {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly isSecure: boolean;
  readonly peer = peer;
  readonly clientCertificate = undefined;
  readonly #request: Request;
  readonly #host: string;
  readonly #resolve: (response: Response) => void;
  readonly #reject: (error: RingwireError) => void;
  readonly #onAbort = (): void => this.#left();
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #answer: FetchAnswer | undefined;
  #isComplete = false;

  constructor(
    context: EngineContext,
    request: Request,
    url: URL,
    resolve: (response: Response) => void,
    reject: (error: RingwireError) => void,
  ) {
    super(context);
    this.#request = request;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#host = url.host;
    this.method = request.method;
    this.path = url.pathname;
    this.query = url.search.slice(1);
    this.isSecure = url.protocol === 'https:';
  }

  begin(): void {
    this.context.counters.requests++;
    this.#request.signal.addEventListener('abort', this.#onAbort, { once: true });
    this.guard(() => this.application.onRequest(this));
  }

  header(name: string): string {
    const value = this.#request.headers.get(name);
    return value ?? (name === 'host' ? this.#host : '');
  }

  eachHeader(visit: (name: string, value: string) => void): void {
    if (!this.#request.headers.has('host')) visit('host', this.#host);
    this.#request.headers.forEach((value, name) => {
      visit(name, value);
    });
  }

  protected override startBody(): void {
    const { body, bodyUsed } = this.#request;
    if (bodyUsed) {
      process.nextTick(() =>
        this.guard(() => {
          throw new Error('The body of the Request was read before it came here. Hand on a clone().');
        }),
      );
    } else if (body === null) process.nextTick(() => this.ended());
    else {
      this.#reader = body.getReader();
      void this.#read(this.#reader);
    }
  }

  protected override stopBody(): void {
    this.#reader?.cancel().catch(() => {});
  }

  protected override writeAnswer(status: number, head: HeaderList, body: string | Uint8Array): void {
    this.#complete();
    const headers = headersOf(head);
    if (hasNoBody(status)) {
      this.#resolve(new Response(null, { status, headers }));
      return;
    }
    const bytes = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
    headers.set('content-length', String(bytes));
    this.#resolve(new Response(this.method === 'HEAD' ? null : body, { status, headers }));
  }

  protected override startStream(status: number, head: HeaderList): HttpStream {
    const answer = new FetchAnswer(
      this.context,
      () => this.#complete(),
      () => this.#left(),
    );
    this.#answer = answer;
    this.#resolve(new Response(answer.body, { status, headers: headersOf(head) }));
    return answer;
  }

  protected override cut(): void {
    this.#complete();
    const error = new RingwireError('CONNECTION_CLOSED', 'The server cut the answer.');
    this.#answer?.fail(error);
    this.#reject(error);
  }

  async #read(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        this.received(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
      }
    } catch {
      this.#left();
      return;
    }
    this.ended();
  }

  /** The client is gone. */
  #left(): void {
    if (this.#isComplete) return;
    this.#complete();
    this.abort();
    const error = new RingwireError('CONNECTION_CLOSED', 'The client left before it was answered.');
    this.#answer?.fail(error);
    this.#reject(error);
  }

  #complete(): void {
    this.#isComplete = true;
    this.#request.signal.removeEventListener('abort', this.#onAbort);
  }
}

class FetchAnswer implements HttpStream {
  readonly body: ReadableStream<Uint8Array>;
  onDrain: (() => void) | undefined = undefined;
  readonly #context: EngineContext;
  readonly #onEnd: () => void;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #isOpen = true;
  #wantsDrain = false;

  constructor(context: EngineContext, onEnd: () => void, onCancel: () => void) {
    this.#context = context;
    this.#onEnd = onEnd;
    const { highWatermarkBytes } = context.options;
    this.body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#onPull(),
        cancel: () => {
          this.#isOpen = false;
          onCancel();
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: highWatermarkBytes }),
    );
  }

  get bufferedBytes(): number {
    return this.#context.options.highWatermarkBytes - (this.#controller.desiredSize ?? 0);
  }

  write(chunk: string | Uint8Array): SendResult {
    if (!this.#isOpen) return 'full';
    const { bufferedBytes } = this;
    if (bufferedBytes >= this.#context.options.highWatermarkBytes) {
      this.#wantsDrain = true;
      return 'full';
    }
    if (chunk.length > 0) this.#controller.enqueue(Buffer.from(chunk as string));
    if (bufferedBytes === 0) return 'sent';
    this.#wantsDrain = true;
    return 'queued';
  }

  end(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#controller.close();
    this.#onEnd();
  }

  fail(error: RingwireError): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#controller.error(error);
  }

  #onPull(): void {
    if (!this.#wantsDrain || !this.#isOpen) return;
    if (this.bufferedBytes > this.#context.options.lowWatermarkBytes) return;
    this.#wantsDrain = false;
    this.onDrain?.();
  }
}

function headersOf(head: HeaderList): Headers {
  const headers = new Headers();
  for (let index = 0; index < head.length; index += 2) headers.append(head[index], head[index + 1]);
  return headers;
}

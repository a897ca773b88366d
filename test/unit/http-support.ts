/** An HTTP engine in memory: an application sees the exchanges of src/transports/http, the test sees the answers. */
import type { RingwireError } from '../../src/errors.js';
import type {
  HeaderList,
  HttpApplication,
  HttpExchange,
  HttpPrincipal,
  HttpStream,
} from '../../src/transports/http/http-server.js';
import type { SendResult } from '../../src/transports/transport.js';

export interface TestRequest {
  readonly method?: string;
  readonly path?: string;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON. */
  readonly body?: string | Buffer | object;
  readonly principal?: HttpPrincipal;
  /** Events the client reads before the stream is full; the test calls drain() for more. */
  readonly room?: number;
}

export class TestExchange implements HttpExchange {
  state: unknown;
  application: HttpApplication;
  principal: HttpPrincipal | undefined;
  isAborted = false;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly peer = { kind: 'http', address: '127.0.0.1', port: 50_000 } as const;
  readonly isSecure = false;
  status: number | undefined;
  head: Record<string, string> = {};
  /** The body of the answer so far. */
  text = '';
  isEnded = false;
  wasDestroyed = false;
  wantsBody = false;
  room: number;
  stream: HttpStream | undefined;
  readonly #headers: ReadonlyMap<string, string>;
  #headIsReadable = true;
  #wake: (() => void)[] = [];

  constructor(application: HttpApplication, request: TestRequest) {
    this.application = application;
    this.principal = request.principal;
    this.method = request.method ?? 'POST';
    this.path = request.path ?? '/mcp';
    this.query = request.query ?? '';
    this.room = request.room ?? Number.POSITIVE_INFINITY;
    this.#headers = new Map(
      Object.entries(request.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
    );
  }

  header(name: string): string {
    this.#checkHead();
    return this.#headers.get(name) ?? '';
  }

  eachHeader(visit: (name: string, value: string) => void): void {
    this.#checkHead();
    for (const [name, value] of this.#headers) visit(name, value);
  }

  keepHead(): void {}

  readBody(): void {
    this.#checkHead();
    this.wantsBody = true;
  }

  respond(status: number, head: HeaderList, body: string | Uint8Array = ''): void {
    if (this.isAborted) return;
    this.#begin(status, head);
    this.text = typeof body === 'string' ? body : Buffer.from(body).toString();
    this.isEnded = true;
    this.#notify();
  }

  openStream(status: number, head: HeaderList): HttpStream {
    if (!this.isAborted) this.#begin(status, head);
    const exchange = this;
    let waiting = 0;
    this.stream = {
      get bufferedBytes() {
        return waiting;
      },
      onDrain: undefined,
      write(chunk): SendResult {
        if (exchange.isEnded || exchange.isAborted || exchange.room === 0) return 'full';
        exchange.room -= 1;
        waiting = exchange.room === 0 ? 1 : 0;
        exchange.text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
        exchange.#notify();
        return 'sent';
      },
      end() {
        exchange.isEnded = true;
        exchange.#notify();
      },
    };
    return this.stream;
  }

  destroy(): void {
    this.wasDestroyed = true;
    this.isEnded = true;
    this.#notify();
  }

  /** The client reads on. */
  drain(room = Number.POSITIVE_INFINITY): void {
    this.room = room;
    this.stream?.onDrain?.();
  }

  /** The client goes away. */
  abort(): void {
    if (this.isEnded) return;
    this.isAborted = true;
    this.application.onAbort(this);
  }

  closeHead(): void {
    this.#headIsReadable = false;
  }

  get json(): Record<string, unknown> {
    return JSON.parse(this.text);
  }

  /** The messages that came as events so far. */
  get events(): Record<string, unknown>[] {
    return this.text
      .split('\n\n')
      .flatMap((event) => event.split('\n'))
      .filter((line) => line.startsWith('data: '))
      .map((line) => JSON.parse(line.slice(6)));
  }

  /** Resolves when the condition holds. */
  async until(condition: () => boolean): Promise<this> {
    while (!condition()) await new Promise<void>((resolve) => this.#wake.push(resolve));
    return this;
  }

  ended(): Promise<this> {
    return this.until(() => this.isEnded);
  }

  #begin(status: number, head: HeaderList): void {
    if (this.status !== undefined) throw new Error(`answered twice: ${this.status} and ${status}`);
    this.status = status;
    for (let index = 0; index < head.length; index += 2) this.head[head[index]] = head[index + 1];
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }

  #checkHead(): void {
    if (!this.#headIsReadable) throw new Error('the head was read after onRequest() returned');
  }
}

/** Sends one request; what is answered at once is there when this returns. */
export function send(application: HttpApplication, request: TestRequest): TestExchange {
  const exchange = new TestExchange(application, request);
  application.onRequest(exchange);
  exchange.closeHead();
  if (!exchange.wantsBody || exchange.isEnded) return exchange;
  const body = bytesOf(request.body);
  exchange.application.onBody(exchange, body);
  // The view is borrowed: whoever keeps it reads this.
  body.fill(0x21);
  return exchange;
}

/** As send(), but the engine cannot give the body. */
export function sendUnreadable(
  application: HttpApplication,
  request: TestRequest,
  error: RingwireError,
): TestExchange {
  const exchange = new TestExchange(application, request);
  application.onRequest(exchange);
  exchange.closeHead();
  if (exchange.wantsBody) exchange.application.onBodyError(exchange, error);
  return exchange;
}

function bytesOf(body: TestRequest['body']): Buffer {
  if (Buffer.isBuffer(body)) return Buffer.from(body);
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body ?? ''));
}

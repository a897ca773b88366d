/** A uWebSockets.js listener with a small application, and a client that writes bytes as they are. */
import { connect, type Socket } from 'node:net';
import { parseListenEndpoint } from '../../src/transports/endpoint.js';
import type { HttpOptions } from '../../src/transports/http/http-options.js';
import type { HttpApplication, HttpExchange, HttpListener } from '../../src/transports/http/http-server.js';
import { listenHttp } from '../../src/transports/http/listen.js';
import { resolveOptions } from '../../src/transports/options.js';
import type { TransportOptions } from '../../src/transports/transport.js';

export interface Served {
  readonly listener: HttpListener;
  readonly port: number;
  /** What came to the application: method, path and body of each request. */
  readonly seen: string[];
}

export type Overrides = Partial<HttpApplication> & {
  readonly options?: TransportOptions;
  readonly url?: string;
};

/** Answers every request with "method path body" and keeps a note of it. */
export async function serve(http: HttpOptions = {}, overrides: Overrides = {}): Promise<Served> {
  const seen: string[] = [];
  const note = (exchange: HttpExchange, body: string): void => {
    const text = `${exchange.method} ${exchange.path} ${body}`;
    seen.push(text);
    exchange.respond(200, ['content-type', 'text/plain'], text);
  };
  const application: HttpApplication = {
    onRequest: (exchange) => exchange.readBody(),
    onBody: (exchange, body) => note(exchange, body.toString()),
    onBodyError: (exchange, error) => {
      seen.push(error.code);
      exchange.respond(error.code === 'DEADLINE_EXCEEDED' ? 408 : 413, [], error.message);
    },
    onAbort: () => {},
    refusal: (status, problem) => ({ head: ['content-type', 'text/plain'], body: `${status} ${problem}` }),
    ...overrides,
  };
  const endpoint = parseListenEndpoint(overrides.url ?? 'http://127.0.0.1:0/');
  if (endpoint.kind !== 'http' && endpoint.kind !== 'ws') throw new Error('the test serves HTTP');
  const options = resolveOptions({ ...overrides.options, http: { engine: 'uws', ...http } });
  const listener = await listenHttp(endpoint, options, application);
  return { listener, port: Number(new URL(listener.url).port), seen };
}

/** A connection that collects what it reads. */
export class RawClient {
  readonly socket: Socket;
  text = '';
  isClosed = false;
  #waiters: { readonly done: () => boolean; readonly resolve: () => void }[] = [];

  constructor(port: number, host = '127.0.0.1') {
    this.socket = connect(port, host);
    this.socket.setNoDelay(true);
    this.socket.on('data', (bytes) => {
      this.text += bytes.toString('latin1');
      this.#check();
    });
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.isClosed = true;
      this.#check();
    });
  }

  write(...pieces: readonly (string | Uint8Array)[]): this {
    for (const piece of pieces)
      this.socket.write(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece);
    return this;
  }

  /** Resolves once the condition holds, or the connection ended. */
  until(done: () => boolean): Promise<void> {
    if (done() || this.isClosed) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ done, resolve }));
  }

  closed(): Promise<void> {
    return this.until(() => this.isClosed);
  }

  /** Resolves once the text holds this many answers. */
  answers(count: number): Promise<void> {
    return this.until(() => this.statuses.length >= count && this.text.endsWith('\n\n') === false);
  }

  get statuses(): number[] {
    return [...this.text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
  }

  destroy(): void {
    this.socket.destroy();
  }

  #check(): void {
    this.#waiters = this.#waiters.filter((waiter) => {
      if (!waiter.done() && !this.isClosed) return true;
      waiter.resolve();
      return false;
    });
  }
}

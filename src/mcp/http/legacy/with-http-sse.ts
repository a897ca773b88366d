/** Serves HTTP+SSE beside an application, on paths of its own. */
import type { RingwireError } from '../../../errors.js';
import type { CloseOptions } from '../../../rpc/peer-options.js';
import type {
  HeaderList,
  HttpExchange,
  HttpUpgrade,
  ServerApplication,
} from '../../../transports/http/http-server.js';
import type { McpServer } from '../../server.js';
import { HttpSseEndpoint } from './http-sse.js';

/** The application itself where the server's options do not ask for HTTP+SSE. */
export function withHttpSse(
  application: ServerApplication,
  server: McpServer,
  maxFrameBytes: number,
): ServerApplication {
  const { http } = server.catalogue.options;
  const { legacySse = false } = http;
  if (legacySse === false) return application;
  const paths = legacySse === true ? {} : legacySse;
  return new WithHttpSse(application, new HttpSseEndpoint(server, { ...http, ...paths, maxFrameBytes }));
}

class WithHttpSse implements ServerApplication {
  readonly paths: readonly string[];
  readonly onUpgrade: ((upgrade: HttpUpgrade) => void) | undefined;
  readonly #application: ServerApplication;
  readonly #sse: HttpSseEndpoint;

  constructor(application: ServerApplication, sse: HttpSseEndpoint) {
    this.#application = application;
    this.#sse = sse;
    this.paths = [...(application.paths ?? []), ...sse.paths];
    if (application.onUpgrade !== undefined) this.onUpgrade = (upgrade) => application.onUpgrade?.(upgrade);
  }

  onRequest(exchange: HttpExchange): void {
    const next = this.#sse.paths.includes(exchange.path) ? this.#sse : this.#application;
    exchange.application = next;
    next.onRequest(exchange);
  }

  // Exchanges were handed on; an engine that kept the application it first asked comes here.

  onBody(exchange: HttpExchange, body: Buffer): void {
    exchange.application.onBody(exchange, body);
  }

  onBodyError(exchange: HttpExchange, error: RingwireError): void {
    exchange.application.onBodyError(exchange, error);
  }

  onAbort(exchange: HttpExchange): void {
    exchange.application.onAbort(exchange);
  }

  refusal(status: number, problem: string): { readonly head: HeaderList; readonly body: string } {
    return this.#application.refusal(status, problem);
  }

  async close(options?: CloseOptions): Promise<void> {
    await Promise.all([this.#application.close(options), this.#sse.close(options)]);
  }

  gauges(): readonly (readonly [name: string, help: string, value: number])[] {
    return [
      ...(this.#application.gauges?.() ?? []),
      ['mcp_http_sse_connections', 'Open streams of the transport of 2024-11-05.', this.#sse.connections],
    ];
  }
}

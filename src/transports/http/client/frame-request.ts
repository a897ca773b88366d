/** A request whose answer is read as frames: with the caller's own header fields, and over redirects on the same server. */
import { RingwireError } from '../../../errors.js';
import { formatEndpoint, type HttpConnectEndpoint } from '../../endpoint.js';
import type { ResolvedOptions } from '../../options.js';
import { AnswerReader, type FrameSink } from './answer-reader.js';
import { checkHeaders } from './client-options.js';
import {
  type AnswerHeaders,
  type HttpAnswer,
  type HttpCall,
  type HttpClient,
  type HttpRequest,
  headerOf,
} from './http-client.js';

/** Redirects within the server that one request follows. */
const maxRedirects = 3;

/** Where requests go, and how. */
export interface FrameServer {
  readonly client: HttpClient;
  /** For messages: without the query, which may hold secrets. */
  readonly url: string;
  readonly options: ResolvedOptions;
}

/** The URL of an endpoint as it may stand in a message. */
export function shownUrl(endpoint: HttpConnectEndpoint): string {
  return formatEndpoint(endpoint).split('?', 1)[0];
}

/** Sends the request and tells the sink what comes of it, never before this returns. */
export function requestFrames(server: FrameServer, request: HttpRequest, sink: FrameSink): HttpCall {
  return new FrameRequest(server, request, sink);
}

class FrameRequest implements HttpAnswer, HttpCall {
  readonly #server: FrameServer;
  readonly #reader: AnswerReader;
  #request: HttpRequest;
  #call: HttpCall | undefined;
  #redirects = 0;
  #redirectTo: string | undefined;
  #isAborted = false;

  constructor(server: FrameServer, request: HttpRequest, sink: FrameSink) {
    const { options } = server;
    this.#server = server;
    this.#request = request;
    this.#reader = new AnswerReader(sink, server.url, options.maxFrameBytes);
    this.#reader.abort = () => this.abort();
    const { headers } = options.httpClient;
    if (headers === undefined) this.#send();
    else if (typeof headers === 'object') this.#sendWith(headers);
    else void this.#ask(headers);
  }

  abort(): void {
    this.#isAborted = true;
    this.#call?.abort();
  }

  onHead(status: number, headers: AnswerHeaders): void {
    if ((status === 307 || status === 308) && this.#redirects < maxRedirects) {
      this.#redirectTo = this.#pathOnServer(headerOf(headers, 'location'));
      if (this.#redirectTo !== undefined) return;
    }
    this.#reader.onHead(status, headers);
  }

  onData(chunk: Buffer): void {
    if (this.#redirectTo === undefined) this.#reader.onData(chunk);
  }

  onEnd(): void {
    if (this.#redirectTo === undefined) {
      this.#reader.onEnd();
      return;
    }
    this.#request = { ...this.#request, path: this.#redirectTo };
    this.#redirectTo = undefined;
    this.#redirects += 1;
    this.#send();
  }

  onFail(error: RingwireError): void {
    this.#reader.onFail(error);
  }

  async #ask(headers: () => unknown): Promise<void> {
    let given: unknown;
    try {
      given = await headers();
    } catch (cause) {
      if (this.#isAborted) return;
      const text = 'httpClient.headers() threw, so the request was not sent.';
      this.#reader.onFail(
        cause instanceof RingwireError ? cause : new RingwireError('CONFIG_INVALID', text, { cause }),
      );
      return;
    }
    if (!this.#isAborted) this.#sendWith(given as Record<string, string>);
  }

  #sendWith(given: Readonly<Record<string, string>>): void {
    try {
      // What the protocol sets wins.
      this.#request = { ...this.#request, headers: { ...checkHeaders(given), ...this.#request.headers } };
    } catch (error) {
      queueMicrotask(() => this.#reader.onFail(error as RingwireError));
      return;
    }
    this.#send();
  }

  #send(): void {
    this.#call = this.#server.client.send(this.#request, this);
  }

  /** The path of a redirect that stays on the server; credentials must not go to another. */
  #pathOnServer(location: string): string | undefined {
    const { origin } = this.#server.client;
    try {
      const from = new URL(this.#request.path, origin);
      const to = new URL(location, from);
      return location !== '' && to.origin === from.origin ? `${to.pathname}${to.search}` : undefined;
    } catch {
      return undefined;
    }
  }
}

/** HTTP/1.1 through a pool of undici. */
import type { Duplex } from 'node:stream';
import { type Dispatcher, Pool } from 'undici';
import { RingwireError } from '../../../errors.js';
import { formatEndpoint, type HttpEndpoint } from '../../endpoint.js';
import type { ResolvedOptions } from '../../options.js';
import type { PeerInfo } from '../../transport.js';
import { clientClosed, failed, requestError, tooManyRequests } from './client-errors.js';
import type { AnswerHeaders, HttpAnswer, HttpCall, HttpClient, HttpRequest } from './http-client.js';

/** Makes a connection under TLS; without one undici connects by plain TCP. */
export type ConnectSecurely = () => Promise<Duplex>;

export class UndiciClient implements HttpClient {
  readonly origin: string;
  readonly peer: PeerInfo;
  readonly connectTimeoutMs: number;
  readonly #pool: Pool;
  readonly #maxRequests: number;
  #requests = 0;
  #closing: Promise<void> | undefined;

  constructor(endpoint: HttpEndpoint, options: ResolvedOptions, connect?: ConnectSecurely) {
    this.origin = formatEndpoint({ ...endpoint, path: '' });
    this.peer = { kind: 'http', address: endpoint.host, port: endpoint.port };
    this.connectTimeoutMs = options.connectTimeoutMs;
    const { connections, maxRequests, keepAliveTimeoutMs } = options.httpClient;
    this.#maxRequests = maxRequests;
    this.#pool = new Pool(this.origin, {
      connections,
      // A second request on a connection would wait for the first, and fail with it.
      pipelining: 1,
      keepAliveTimeout: keepAliveTimeoutMs,
      // Calls have deadlines of their own, and event streams may be silent for hours.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect:
        connect === undefined
          ? { timeout: options.connectTimeoutMs }
          : (_options, callback) => {
              connect().then(
                (socket) => callback(null, socket as never),
                (error: Error) => callback(error, null),
              );
            },
    });
  }

  send(request: HttpRequest, answer: HttpAnswer): HttpCall {
    if (this.#closing !== undefined) return failed(answer, clientClosed(this.origin));
    if (this.#requests >= this.#maxRequests)
      return failed(answer, tooManyRequests(this.origin, this.#maxRequests));
    this.#requests += 1;
    const call = new UndiciCall(this, answer);
    this.#pool.dispatch(
      {
        method: request.method,
        path: request.path,
        headers: request.headers as Record<string, string>,
        body: request.body ?? null,
      },
      call,
    );
    return call;
  }

  /** A call came to its end. */
  ended(): void {
    this.#requests -= 1;
  }

  close(): Promise<void> {
    this.#closing ??= this.#pool.destroy(clientClosed(this.origin));
    return this.#closing;
  }
}

class UndiciCall implements Dispatcher.DispatchHandler, HttpCall {
  readonly #client: UndiciClient;
  readonly #answer: HttpAnswer;
  #controller: Dispatcher.DispatchController | undefined;
  #isOver = false;
  #isAborted = false;

  constructor(client: UndiciClient, answer: HttpAnswer) {
    this.#client = client;
    this.#answer = answer;
  }

  abort(): void {
    if (this.#isOver) return;
    this.#isAborted = true;
    this.#over();
    this.#controller?.abort(new RingwireError('CANCELLED', 'The request was given up.'));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isAborted) controller.abort(new RingwireError('CANCELLED', 'The request was given up.'));
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: AnswerHeaders): void {
    // 1xx is told before the answer and is none.
    if (status >= 200 && !this.#isOver) this.#answer.onHead(status, headers);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#isOver) this.#answer.onData(chunk);
  }

  onResponseEnd(): void {
    if (this.#isOver) return;
    this.#over();
    this.#answer.onEnd();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#isOver) return;
    this.#over();
    this.#answer.onFail(requestError(error, this.#client.origin, this.#client.connectTimeoutMs));
  }

  #over(): void {
    this.#isOver = true;
    this.#client.ended();
  }
}

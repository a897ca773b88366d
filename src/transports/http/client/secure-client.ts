/** HTTPS: the handshake tells whether the server speaks HTTP/2 or HTTP/1.1. */
import { connect, type TLSSocket } from 'node:tls';
import { RingwireError } from '../../../errors.js';
import { formatEndpoint, type HttpEndpoint } from '../../endpoint.js';
import type { ResolvedOptions } from '../../options.js';
import { whenConnected } from '../../socket-connect.js';
import { connectError } from '../../system-errors.js';
import type { PeerInfo } from '../../transport.js';
import { tlsClientOptions, tlsFailure } from '../tls-client.js';
import { clientClosed, failed } from './client-errors.js';
import type { HttpAnswer, HttpCall, HttpClient, HttpRequest } from './http-client.js';
import { Http2Client } from './http2-client.js';
import { UndiciClient } from './undici-client.js';

/** The names of application protocols under TLS (RFC 7301). */
const http2 = 'h2';
const http1 = 'http/1.1';

export class SecureClient implements HttpClient {
  readonly origin: string;
  readonly peer: PeerInfo;
  readonly #endpoint: HttpEndpoint;
  readonly #options: ResolvedOptions;
  /** What the server turned out to speak. */
  #chosen: HttpClient | undefined;
  #choosing: Promise<HttpClient> | undefined;
  /** The connection that told, for the first request. */
  #first: TLSSocket | undefined;
  #isClosed = false;

  constructor(endpoint: HttpEndpoint, options: ResolvedOptions) {
    this.origin = formatEndpoint({ ...endpoint, path: '' });
    this.peer = { kind: 'http', address: endpoint.host, port: endpoint.port };
    this.#endpoint = endpoint;
    this.#options = options;
  }

  send(request: HttpRequest, answer: HttpAnswer): HttpCall {
    if (this.#chosen !== undefined) return this.#chosen.send(request, answer);
    const call = new WaitingCall();
    this.#choosing ??= this.#choose().finally(() => {
      this.#choosing = undefined;
    });
    this.#choosing.then(
      (client) => call.begin(() => client.send(request, answer)),
      (error: RingwireError) => call.begin(() => failed(answer, error)),
    );
    return call;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#choosing?.catch(() => {});
    await this.#chosen?.close();
    this.#first?.destroy();
  }

  async #choose(): Promise<HttpClient> {
    const offered = this.#options.httpClient.http2 ? [http2, http1] : [http1];
    const socket = await this.#connect(offered);
    if (this.#isClosed) {
      socket.destroy();
      throw clientClosed(this.origin);
    }
    const isHttp2 = socket.alpnProtocol === http2;
    this.#first = socket;
    const next = (): Promise<TLSSocket> => this.#next(isHttp2);
    this.#chosen = isHttp2
      ? new Http2Client(this.origin, this.peer, this.#options, next)
      : new UndiciClient(this.#endpoint, this.#options, next);
    return this.#chosen;
  }

  async #next(isHttp2: boolean): Promise<TLSSocket> {
    const first = this.#first;
    this.#first = undefined;
    if (first !== undefined && !first.destroyed) return first;
    const socket = await this.#connect([isHttp2 ? http2 : http1]);
    if (!isHttp2 || socket.alpnProtocol === http2) return socket;
    // Another server took over the address: what comes next asks anew.
    socket.destroy();
    this.#chosen = undefined;
    const text = `${this.origin} spoke HTTP/2 and does so no more.`;
    throw new RingwireError('CONNECTION_RESET', text);
  }

  async #connect(protocols: string[]): Promise<TLSSocket> {
    const { host, port } = this.#endpoint;
    const tls = await tlsClientOptions(this.#options.tls, host);
    const socket = connect({ ...tls, host, port, ALPNProtocols: protocols });
    const explain = (error: Error): RingwireError =>
      tlsFailure(error, this.origin) ?? connectError(error, this.origin);
    await whenConnected(socket, this.origin, this.#options, 'secureConnect', explain);
    socket.setNoDelay(true);
    // Until somebody takes it, which nobody does where the request was given up meanwhile.
    socket.on('error', () => {});
    return socket;
  }
}

/** A request that waits until the protocol is known. */
class WaitingCall implements HttpCall {
  #call: HttpCall | undefined;
  #isAborted = false;

  begin(send: () => HttpCall): void {
    if (!this.#isAborted) this.#call = send();
  }

  abort(): void {
    this.#isAborted = true;
    this.#call?.abort();
  }
}

/** TCP under TLS, through node:tls, into the same framing as plain TCP. */
import { createServer, type Server, type Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import type { RingwireError } from '../errors.js';
import { formatEndpoint, type TlsEndpoint } from './endpoint.js';
import type { TlsOptions } from './http/http-server.js';
import { tlsClientOptions, tlsFailure } from './http/tls-client.js';
import { TlsServer } from './http/tls-server.js';
import type { OnConnection } from './implementations.js';
import type { ResolvedOptions } from './options.js';
import { SocketTransport } from './socket.js';
import { whenConnected } from './socket-connect.js';
import { bindServer, boundUrl } from './socket-listen.js';
import { aborted, connectError } from './system-errors.js';
import type { Listener, Transport } from './transport.js';

class TlsTransport extends SocketTransport {
  readonly #url: string;

  constructor(socket: TLSSocket, url: string, options: ResolvedOptions) {
    super(socket, 'tls', url, options);
    this.#url = url;
  }

  /** With TLS 1.3 a client learns after the handshake that its certificate is refused. */
  protected override explain(failure: Error): RingwireError | undefined {
    return tlsFailure(failure, this.#url);
  }
}

export class TlsListener implements Listener {
  readonly url: string;
  refusedConnections = 0;
  /** Handshakes under way included. */
  connections = 0;
  readonly #server: Server;
  readonly #options: ResolvedOptions;
  readonly #onAbort = (): void => void this.close();
  #tls!: TlsServer;
  #closed: Promise<void> | undefined;

  private constructor(server: Server, url: string, options: ResolvedOptions) {
    this.url = url;
    this.#server = server;
    this.#options = options;
  }

  /** Rejects with CONFIG_INVALID for certificates that cannot be used, before an address is bound. */
  static async listen(
    endpoint: TlsEndpoint,
    options: ResolvedOptions,
    onConnection: OnConnection,
  ): Promise<TlsListener> {
    const server = createServer({ allowHalfOpen: true });
    let listener: TlsListener | undefined;
    const tls = await TlsServer.create(options.tls, undefined, options.connectTimeoutMs, {
      onSecure: (socket) => onConnection(new TlsTransport(socket, listener?.url ?? '', options)),
      onFailed: () => {
        if (listener !== undefined) listener.refusedConnections++;
      },
    });
    try {
      await bindServer(server, endpoint, options);
    } catch (error) {
      tls.close();
      throw error;
    }
    listener = new TlsListener(server, boundUrl(server, endpoint), options);
    listener.#begin(tls);
    return listener;
  }

  /**
   * Takes certificates anew, from the options' files or from `tls`. Connections that are open keep theirs. Rejects with
   * CONFIG_INVALID and changes nothing where the new ones cannot be used.
   */
  reloadTls(tls?: TlsOptions): Promise<void> {
    return this.#tls.reload(tls);
  }

  close(): Promise<void> {
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#closed ??= new Promise((resolve) => {
      this.#tls.close();
      this.#server.close();
      setImmediate(resolve);
    });
    return this.#closed;
  }

  #begin(tls: TlsServer): void {
    this.#tls = tls;
    this.#server.maxConnections = this.#options.maxConnections;
    this.#server.on('connection', (socket) => this.#accept(socket));
    const count = (): void => {
      this.refusedConnections++;
    };
    this.#server.on('drop', count);
    // accept() failed, for instance for want of descriptors (EMFILE). The listener lives on.
    this.#server.on('error', count);
    this.#options.signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  #accept(socket: Socket): void {
    this.connections++;
    socket.once('close', () => {
      this.connections--;
    });
    this.#tls.accept(socket);
  }
}

/** @throws RingwireError CONFIG_INVALID, ADDRESS_IN_USE, ADDRESS_INVALID, IO_ERROR, CANCELLED. */
export async function listenTls(
  endpoint: TlsEndpoint,
  options: ResolvedOptions,
  onConnection: OnConnection,
): Promise<Listener> {
  const { signal } = options;
  if (signal?.aborted) throw aborted(`Listening on ${formatEndpoint(endpoint)}`, signal);
  return TlsListener.listen(endpoint, options, onConnection);
}

/** @throws RingwireError TLS_FAILED, CONFIG_INVALID, CONNECTION_REFUSED, DEADLINE_EXCEEDED, IO_ERROR, CANCELLED. */
export async function connectTls(endpoint: TlsEndpoint, options: ResolvedOptions): Promise<Transport> {
  const url = formatEndpoint(endpoint);
  const { signal } = options;
  if (signal?.aborted) throw aborted(`Connecting to ${url}`, signal);
  const { host, port } = endpoint;
  const tls = await tlsClientOptions(options.tls, host);
  const socket: TLSSocket = connect({ ...tls, host, port, ...({ allowHalfOpen: true } as object) });
  await whenConnected(socket, url, options, 'secureConnect', (error) => tlsError(error, url));
  return new TlsTransport(socket, url, options);
}

function tlsError(error: Error, url: string) {
  return tlsFailure(error, url) ?? connectError(error, url);
}

/** Listening on TCP and Unix sockets. */
import { chmodSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { isMainThread } from 'node:worker_threads';
import { formatEndpoint, type TcpEndpoint, type TlsEndpoint, type UnixEndpoint } from './endpoint.js';
import type { ResolvedOptions } from './options.js';
import { SocketTransport } from './socket.js';
import { aborted, listenError } from './system-errors.js';
import type { Listener, Transport } from './transport.js';
import { removeStaleSocket } from './unix-stale.js';

/** Only the owner may connect: a Unix socket has no other access control. */
const socketMode = 0o600;

type OnConnection = (transport: Transport) => void;

class SocketListener implements Listener {
  readonly url: string;
  refusedConnections = 0;
  connections = 0;
  readonly #server: Server;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => void this.close();
  #closed: Promise<void> | undefined;

  constructor(
    server: Server,
    url: string,
    kind: 'tcp' | 'unix',
    options: ResolvedOptions,
    onConnection: OnConnection,
  ) {
    this.url = url;
    this.#server = server;
    server.maxConnections = options.maxConnections;
    server.on('drop', () => {
      this.refusedConnections++;
    });
    server.on('connection', (socket) => {
      this.connections++;
      socket.once('close', () => {
        this.connections--;
      });
      onConnection(new SocketTransport(socket, kind, url, options));
    });
    // accept() failed, for instance for want of descriptors (EMFILE). The listener lives on.
    server.on('error', () => {
      this.refusedConnections++;
    });
    this.#signal = options.signal;
    this.#signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  close(): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#closed ??= new Promise((resolve) => {
      // The callback waits for the connections too; the descriptor is closed when close() returns.
      this.#server.close();
      setImmediate(resolve);
    });
    return this.#closed;
  }
}

export async function listenSocket(
  endpoint: TcpEndpoint | UnixEndpoint,
  options: ResolvedOptions,
  onConnection: OnConnection,
): Promise<Listener> {
  const { signal } = options;
  if (signal?.aborted) throw aborted(`Listening on ${formatEndpoint(endpoint)}`, signal);
  if (endpoint.kind === 'unix') await removeStaleSocket(endpoint);
  const server = createServer({ allowHalfOpen: true });
  await bindServer(server, endpoint, options);
  const url = boundUrl(server, endpoint);
  return new SocketListener(server, url, endpoint.kind, options, onConnection);
}

/** Resolves when it listens; rejects with what the system said. */
export function bindServer(
  server: Server,
  endpoint: TcpEndpoint | TlsEndpoint | UnixEndpoint,
  options: ResolvedOptions,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => reject(listenError(error, formatEndpoint(endpoint)));
    server.once('error', onError);
    server.once('listening', () => {
      server.removeListener('error', onError);
      resolve();
    });
    if (endpoint.kind === 'unix') listenPrivately(server, endpoint.path, options.backlog);
    else server.listen({ host: endpoint.host, port: endpoint.port, backlog: options.backlog });
  });
}

/**
 * Binds with a umask that denies group and others, because between bind() and a later chmod() anybody could
 * connect. Worker threads cannot set the umask; there chmod() follows at once.
 */
function listenPrivately(server: Server, path: string, backlog: number): void {
  if (!isMainThread) {
    server.once('listening', () => chmodSync(path, socketMode));
    server.listen({ path, backlog });
    return;
  }
  const before = process.umask(0o777 & ~socketMode);
  try {
    server.listen({ path, backlog });
  } finally {
    process.umask(before);
  }
}

/** The endpoint with the address and port the kernel chose. */
export function boundUrl(server: Server, endpoint: TcpEndpoint | TlsEndpoint | UnixEndpoint): string {
  if (endpoint.kind === 'unix') return formatEndpoint(endpoint);
  const { address, port } = server.address() as AddressInfo;
  // Certificates are for names: a TLS address stays the one that was given.
  return formatEndpoint({
    kind: endpoint.kind,
    host: endpoint.kind === 'tls' ? endpoint.host : address,
    port,
  });
}

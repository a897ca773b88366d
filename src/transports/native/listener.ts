/** Listening on TCP and Unix sockets with the native engine. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { formatEndpoint, type TcpEndpoint, type UnixEndpoint } from '../endpoint.js';
import type { ResolvedOptions } from '../options.js';
import { aborted, connectError, listenError } from '../system-errors.js';
import type { Listener, Transport } from '../transport.js';
import { removeStaleSocket } from '../unix-stale.js';
import { NativeConnection } from './connection.js';
import type { NativeEngine } from './engine.js';
import { packOptions } from './pack-options.js';
import { applySocketOptions } from './socket-options.js';
import { listenFailure } from './status.js';

type OnConnection = (transport: Transport) => void;

export class NativeListener implements Listener {
  readonly url: string;
  readonly #engine: NativeEngine;
  readonly #index: number;
  readonly #kind: 'tcp' | 'unix';
  readonly #options: ResolvedOptions;
  readonly #onConnection: OnConnection;
  readonly #onAbort = (): void => void this.close();
  readonly #gone: Promise<void>;
  #resolveGone!: () => void;
  #isClosing = false;
  #acceptFailures = 0;
  #last: { connections: number; refused: number } = { connections: 0, refused: 0 };

  constructor(
    engine: NativeEngine,
    index: number,
    endpoint: TcpEndpoint | UnixEndpoint,
    options: ResolvedOptions,
    onConnection: OnConnection,
  ) {
    this.#engine = engine;
    this.#index = index;
    this.#kind = endpoint.kind;
    this.#options = options;
    this.#onConnection = onConnection;
    const port = engine.native.listenerInfo(index)![0];
    this.url = formatEndpoint(endpoint.kind === 'tcp' ? { ...endpoint, port } : endpoint);
    this.#gone = new Promise((resolve) => {
      this.#resolveGone = resolve;
    });
    engine.listeners[index] = this;
    options.signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  get connections(): number {
    return this.#counts().connections;
  }

  get refusedConnections(): number {
    return this.#counts().refused + this.#acceptFailures;
  }

  close(): Promise<void> {
    if (this.#isClosing) return this.#gone;
    this.#counts();
    this.#isClosing = true;
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#engine.native.closeListener(this.#index);
    return this.#gone;
  }

  // ---- What the engine reports. ----

  accepted(index: number, generation: number): void {
    const connection = new NativeConnection({
      engine: this.#engine,
      index,
      generation,
      kind: this.#kind,
      url: this.url,
      options: this.#options,
      notGranted: applySocketOptions(
        this.#engine.native.connectionFd(index, generation),
        this.#kind,
        this.#options,
      ),
    });
    if (this.#isClosing) connection.destroy();
    else this.#onConnection(connection);
  }

  /** accept() failed, for instance for want of descriptors (EMFILE). The listener lives on. */
  acceptFailed(): void {
    this.#acceptFailures++;
  }

  closed(): void {
    this.#engine.listeners[this.#index] = undefined;
    this.#resolveGone();
  }

  #counts(): { connections: number; refused: number } {
    const info = this.#isClosing ? undefined : this.#engine.native.listenerInfo(this.#index);
    if (info !== undefined) this.#last = { connections: info[2], refused: info[3] };
    return this.#last;
  }
}

export async function listenNative(
  engine: NativeEngine,
  endpoint: TcpEndpoint | UnixEndpoint,
  options: ResolvedOptions,
  onConnection: OnConnection,
): Promise<Listener> {
  const { signal } = options;
  const url = formatEndpoint(endpoint);
  if (signal?.aborted) throw aborted(`Listening on ${url}`, signal);
  if (endpoint.kind === 'unix') {
    await removeStaleSocket(endpoint);
    const index = engine.native.listenUnix(
      endpoint.path,
      options.backlog,
      options.maxConnections,
      packOptions(options),
    );
    if (index < 0) throw listenFailure(index, url);
    return new NativeListener(engine, index, endpoint, options, onConnection);
  }
  const host = await addressOf(endpoint.host, (error) => listenError(error, url));
  const index = engine.native.listenTcp(
    host,
    endpoint.port,
    options.backlog,
    options.socket.reusePort ?? false,
    options.maxConnections,
    packOptions(options),
  );
  if (index < 0) throw listenFailure(index, url);
  return new NativeListener(engine, index, { ...endpoint, host }, options, onConnection);
}

/** The first address of a host name, as the resolver orders them. */
export async function addressOf(
  host: string,
  asError: (error: unknown) => Error = (error) => connectError(error, host),
): Promise<string> {
  if (isIP(host) !== 0) return host;
  try {
    return (await lookup(host)).address;
  } catch (error) {
    throw asError(error);
  }
}

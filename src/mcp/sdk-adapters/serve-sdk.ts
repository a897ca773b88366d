import { RingwireError } from '../../errors.js';
import { drainTimeoutMs as defaultDrainTimeoutMs } from '../../limits.js';
import { parseListenEndpoint } from '../../transports/endpoint.js';
import { isHttpListen, listenTransport } from '../../transports/open.js';
import type { Listener, PeerInfo, Transport, TransportOptions } from '../../transports/transport.js';
import type { McpHttpOptions } from '../http/http-server-options.js';
import { claimsModernEra, loadSdk2, startingWith } from './sdk-entry.js';
import type { SdkHttpService } from './sdk-http.js';
import { SdkStreamTransport } from './sdk-transport.js';
import type { SdkServer, SdkServerFactory, SdkStreamEntry } from './sdk-types.js';

export interface ServeSdkOptions extends TransportOptions {
  /**
   * `serveStdio` of `@modelcontextprotocol/server/stdio` (2.x). Without it the package is looked up beside ringwire
   * when a client opens with protocol 2026-07-28; pass it where that finds another copy than the server's own.
   */
  readonly serveStdio?: SdkStreamEntry['serve'];
  /** Errors that end a connection or concern a single frame; without it they go nowhere, as in the SDKs. */
  readonly onError?: (error: Error, peer: PeerInfo) => void;
  /** Sessions, event store and HTTP+SSE on http and https addresses; `http` has the options of the listener. */
  readonly sessions?: McpHttpOptions;
  /** How long close() waits for requests in flight. Default drainTimeoutMs of src/limits.ts. */
  readonly drainTimeoutMs?: number;
}

/** One connection and the way to end it together with its server object. */
interface Session {
  readonly wire: SdkStreamTransport;
  end(): Promise<void>;
}

/**
 * Serves an official SDK server object over ringwire's transports.
 *
 * @param source a function that makes one `McpServer` or `Server` (1.x or 2.x) per connection, or a single such
 *   object, which holds one connection at a time.
 * @param target where to listen (`http:`, `ws:`, `tcp:`, `unix:`, `memory:`, `stdio:` for our own stdin and stdout), or a
 *   transport that is already connected. Over HTTP a function makes one object per session; requests of 2026-07-28
 *   share one.
 * @throws RingwireError ADDRESS_INVALID, ADDRESS_IN_USE, CONFIG_INVALID, IO_ERROR.
 */
export async function serveSdk(
  source: SdkServer | SdkServerFactory,
  target: string | Transport,
  options: ServeSdkOptions = {},
): Promise<SdkService> {
  const { serveStdio, onError, drainTimeoutMs: _drain, sessions, ...transportOptions } = options;
  const service = new SdkService(source, options);
  if (typeof target === 'string' && isHttpListen(parseListenEndpoint(target))) {
    const { SdkHttpService } = await import('./sdk-http.js');
    const http = new SdkHttpService(source, {
      serveStdio,
      http: sessions,
      onError: (error) => onError?.(error, { kind: 'http' }),
    });
    service.attach(await http.listen(target, transportOptions), http);
    return service;
  }
  if (typeof target !== 'string') {
    service.accept(target);
    return service;
  }
  service.attach(await listenTransport(target, transportOptions, (transport) => service.accept(transport)));
  return service;
}

/** An SDK server being served. */
export class SdkService {
  readonly #source: SdkServer | SdkServerFactory;
  readonly #options: ServeSdkOptions;
  readonly #sessions = new Set<Session>();
  #listener: Listener | undefined;
  #http: SdkHttpService | undefined;
  #closing: Promise<void> | undefined;

  constructor(source: SdkServer | SdkServerFactory, options: ServeSdkOptions) {
    this.#source = source;
    this.#options = options;
  }

  /** The endpoint as bound; undefined when a single transport is served. */
  get url(): string | undefined {
    return this.#listener?.url;
  }

  /** Connections, or over HTTP the server objects that are alive. */
  get connections(): number {
    return this.#http?.servers ?? this.#sessions.size;
  }

  /**
   * Stops accepting, lets requests in flight finish, closes every connection. Idempotent.
   *
   * @param drainTimeoutMs how long requests in flight may go on; the option of the same name by default.
   */
  close(drainTimeoutMs = this.#options.drainTimeoutMs ?? defaultDrainTimeoutMs): Promise<void> {
    this.#closing ??= this.#shutDown(drainTimeoutMs);
    return this.#closing;
  }

  /** Resolves when the connections that are open now have ended. */
  async idle(): Promise<void> {
    await Promise.all([...this.#sessions].map(({ wire }) => wire.ended));
  }

  /** Internal: where the connections come from. */
  attach(listener: Listener, http?: SdkHttpService): void {
    this.#listener = listener;
    this.#http = http;
  }

  /** Internal: serves one connection until it ends. */
  accept(transport: Transport): void {
    const wire = new SdkStreamTransport(() => Promise.resolve(transport));
    const report = (error: Error): void => this.#options.onError?.(error, transport.peer);
    wire.onerror = report;
    const busy = this.#sessions.size > 0 && typeof this.#source !== 'function';
    if (busy || this.#closing !== undefined) {
      report(new RingwireError('CONNECTION_LIMIT', busy ? onlyOne : 'The server is shutting down.'));
      transport.close().catch(report);
      return;
    }
    const session: Session = { wire, end: () => wire.close() };
    this.#sessions.add(session);
    wire.ended.then(() => this.#sessions.delete(session));
    this.#serve(session, report).catch((error: Error) => {
      report(error);
      transport.destroy();
    });
  }

  async #serve(session: Session, report: (error: Error) => void): Promise<void> {
    const { wire } = session;
    const source = this.#source;
    const factory: SdkServerFactory = typeof source === 'function' ? source : () => source;
    let entry = this.#options.serveStdio;
    let server: SdkServer | undefined;
    let pick = factory;
    if (entry === undefined) {
      const first = await wire.peek();
      if (first === undefined) return; // gone without a word
      const era = claimsModernEra(first) ? 'modern' : 'legacy';
      const sdk2 = era === 'modern' ? await loadSdk2() : undefined;
      server = await factory({ era });
      if (sdk2?.isServer(server)) {
        entry = sdk2.serve;
        pick = startingWith(server, factory);
      }
    }
    if (entry !== undefined) {
      const handle = entry(pick, { transport: wire, onerror: report });
      session.end = () => handle.close();
    } else if (server !== undefined) {
      const connected = server;
      session.end = () => connected.close();
      await connected.connect(wire);
    }
  }

  async #shutDown(timeoutMs: number): Promise<void> {
    await this.#http?.close(timeoutMs);
    await this.#listener?.close();
    await Promise.all(
      [...this.#sessions].map(async (session) => {
        await session.wire.drain(timeoutMs);
        await session.end();
        await session.wire.ended;
      }),
    );
  }
}

const onlyOne =
  'The SDK server object already serves a connection and can hold only one; pass a function that makes one per connection.';

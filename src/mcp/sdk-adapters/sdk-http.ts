/**
 * SDK server objects over HTTP and WebSocket. One of our servers stands in front and does what HTTP asks for: header
 * checks, sessions, streams, resumption. Its methods are all the SDK server's: each legacy session has a server object
 * of its own, as with the SDK's transports; requests of 2026-07-28, which know no session, share one.
 */
import { RpcError, RpcErrorCode } from '../../errors.js';
import type { CallContext, Connection } from '../../rpc/types.js';
import type { Listener, TransportOptions } from '../../transports/transport.js';
import type { McpHttpOptions } from '../http/http-server-options.js';
import { LegacySession } from '../legacy.js';
import { joinLegacySession, legacySessionOf } from '../methods.js';
import { isModern } from '../modern.js';
import { legacyVersions, MetaKey } from '../protocol.js';
import { createServer, type McpServer } from '../server.js';
import type { ClientCapabilities, Implementation } from '../types.js';
import { SdkBridge } from './sdk-bridge.js';
import { loadSdk2 } from './sdk-entry.js';
import type { SdkServer, SdkServerFactory, SdkStreamEntry } from './sdk-types.js';

export interface SdkHttpOptions {
  readonly serveStdio?: SdkStreamEntry['serve'];
  readonly http?: McpHttpOptions;
  readonly onError?: (error: Error) => void;
}

/** What serves a connection, and how it ends. */
interface Served {
  readonly bridge: SdkBridge;
  end(): Promise<void>;
}

export class SdkHttpService {
  readonly #source: SdkServer | SdkServerFactory;
  readonly #options: SdkHttpOptions;
  readonly #shell: McpServer;
  readonly #bySession = new WeakMap<LegacySession, Served>();
  readonly #served = new Set<Served>();
  #modern: Promise<Served | undefined> | undefined;

  constructor(source: SdkServer | SdkServerFactory, options: SdkHttpOptions) {
    this.#source = source;
    this.#options = options;
    this.#shell = createServer({ name: 'sdk', version: '1.0.0', http: options.http });
    // Nothing may answer in the SDK server's place: neither prepared replies nor methods of ours.
    this.#shell.use((call, next) => next(call));
    const { dispatcher } = this.#shell.rpc;
    for (const name of [...dispatcher.methods(), 'notifications/initialized']) dispatcher.remove(name);
    dispatcher.method('initialize', (params, context) => this.#initialize(params, context));
    dispatcher.fallback((method, params, context) => this.#serve(method, params, context));
  }

  /** Sessions and the shared server of 2026-07-28 that are alive. */
  get servers(): number {
    return this.#served.size;
  }

  listen(url: string, options: TransportOptions): Promise<Listener> {
    return this.#shell.listen(url, options);
  }

  async close(drainTimeoutMs: number): Promise<void> {
    await this.#shell.close({ drainTimeoutMs });
    await Promise.all([...this.#served].map((served) => served.end()));
  }

  async #initialize(params: unknown, context: CallContext): Promise<unknown> {
    const { connection } = context;
    if (legacySessionOf(connection) !== undefined)
      throw new RpcError(RpcErrorCode.InvalidRequest, 'The session is initialized already.');
    const served = await this.#open(connection);
    let result: { protocolVersion?: unknown };
    try {
      result = (await served.bridge.serve('initialize', params, context)) as typeof result;
    } catch (error) {
      await this.#end(served);
      throw error;
    }
    const { clientInfo, capabilities } = (params ?? {}) as {
      clientInfo?: Implementation;
      capabilities?: ClientCapabilities;
    };
    const session = new LegacySession(
      connection,
      String(result.protocolVersion),
      clientInfo,
      capabilities ?? {},
    );
    connection.logLevel = undefined;
    this.#bySession.set(session, served);
    joinLegacySession(connection, session);
    return result;
  }

  async #open(connection: Connection): Promise<Served> {
    const source = this.#source;
    if (typeof source !== 'function' && this.#served.size > 0)
      throw new RpcError(RpcErrorCode.InternalError, onlyOne, { code: 'CONNECTION_LIMIT', retryable: true });
    const server = typeof source === 'function' ? await source({ era: 'legacy' }) : source;
    const bridge = this.#bridge(connection);
    const served = this.#add({ bridge, end: () => server.close() });
    void connection.closed.then(() => this.#end(served));
    await server.connect(bridge);
    return served;
  }

  #serve(method: string, params: unknown, context: CallContext): unknown {
    if (isModern(context.meta)) return this.#serveModern(method, params, context);
    const session = legacySessionOf(context.connection);
    const served = session === undefined ? undefined : this.#bySession.get(session);
    if (served !== undefined) return served.bridge.serve(method, params, context);
    if (method === 'ping') return {};
    if (context.id === undefined) return undefined;
    throw new RpcError(RpcErrorCode.InvalidRequest, `"${method}" came before initialize.`);
  }

  async #serveModern(method: string, params: unknown, context: CallContext): Promise<unknown> {
    this.#modern ??= this.#openModern().catch((error: unknown) => {
      // The next request may find what this one lacked.
      this.#modern = undefined;
      throw error;
    });
    const served = await this.#modern;
    if (served !== undefined) return served.bridge.serve(method, params, context);
    const requested = context.meta?.[MetaKey.ProtocolVersion];
    throw new RpcError(
      RpcErrorCode.UnsupportedProtocolVersion,
      `This server speaks MCP ${legacyVersions.join(', ')}: open with initialize.`,
      { supported: legacyVersions, requested },
    );
  }

  /** The server of all modern requests; undefined where the SDK at hand has no modern era. */
  async #openModern(): Promise<Served | undefined> {
    const source = this.#source;
    const sdk2 = await loadSdk2();
    const serve = this.#options.serveStdio ?? sdk2?.serve;
    if (serve === undefined) return undefined;
    const first = typeof source === 'function' ? await source({ era: 'modern' }) : source;
    if (this.#options.serveStdio === undefined && sdk2?.isServer(first) !== true) {
      if (typeof source === 'function') await first.close();
      return undefined;
    }
    const bridge = this.#bridge(undefined);
    const handle = serve(() => first, {
      transport: bridge,
      onerror: (error) => this.#options.onError?.(error),
    });
    return this.#add({ bridge, end: () => handle.close() });
  }

  #bridge(home: Connection | undefined): SdkBridge {
    const bridge = new SdkBridge(home);
    bridge.onerror = (error) => this.#options.onError?.(error);
    return bridge;
  }

  #add(served: Served): Served {
    this.#served.add(served);
    return served;
  }

  async #end(served: Served): Promise<void> {
    if (!this.#served.delete(served)) return;
    try {
      await served.end();
    } catch (error) {
      this.#options.onError?.(error as Error);
    }
  }
}

const onlyOne =
  'The SDK server object already serves a session and can hold only one; pass a function that makes one per session.';

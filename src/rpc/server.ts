/** Serves JSON-RPC 2.0 on any number of endpoints and connections. */

import { addon } from '../binding/addon.js';
import type { StreamEngineCounters } from '../binding/native.js';
import { RingwireError } from '../errors.js';
import * as limits from '../limits.js';
import { CallMeter } from '../observability/call-meter.js';
import type { Encoding } from '../serialization/codec.js';
import { createScanner } from '../serialization/envelope.js';
import { type HttpListenEndpoint, parseListenEndpoint } from '../transports/endpoint.js';
import {
  type FetchHandler,
  lazyFetchHandler,
  lazyNodeHandler,
  type NodeHandler,
} from '../transports/http/handlers.js';
import type { ServerApplication } from '../transports/http/http-server.js';
import { resolveMountOptions } from '../transports/http/mount-options.js';
import { NativeConnection } from '../transports/native/connection.js';
import { NativeEngine } from '../transports/native/engine.js';
import { isHttpListen, listenTransport } from '../transports/open.js';
import { checkAll, integer } from '../transports/option-checks.js';
import { type ResolvedOptions, resolveOptions } from '../transports/options.js';
import type { Listener, Transport, TransportOptions } from '../transports/transport.js';
import { checkEncodings, offerEncoding } from '../transports/upgrade.js';
import { DeadlineQueue } from './deadline-queue.js';
import { DirectServer } from './direct/direct-server.js';
import { MessageServer } from './direct/message-server.js';
import { ReplyBatch } from './direct/reply-batch.js';
import { type DirectRoutes, methodRoutes } from './direct/routes.js';
import { Dispatcher } from './dispatcher.js';
import { Peer } from './peer.js';
import {
  type CloseOptions,
  type PeerOptions,
  type ResolvedPeerOptions,
  resolvePeerOptions,
} from './peer-options.js';
import { ServerWatch } from './server-watch.js';
import type { Handler, Interceptor } from './types.js';

/** Options of every connection of the server; onOpen and onClose are called for each. */
export interface RpcServerOptions extends PeerOptions {
  /** What answers HTTP requests. Default: plain JSON-RPC by POST and WebSocket. */
  readonly httpApplication?: HttpApplicationFactory;
  /**
   * Plain JSON-RPC by POST: calls of one listener that wait for their handlers at once, over all clients; more are
   * answered 503. Default maxHttpInFlight.
   */
  readonly maxHttpInFlight?: number;
  /** What the native engine routes. Default: every method of the dispatcher, whatever the request says. */
  readonly direct?: DirectRoutes;
  /**
   * Offers these encodings to clients that ask for one in their first message; others never notice. Not on WebSocket,
   * which speaks JSON. Default: none is offered, and asking is an unknown method.
   */
  readonly encodings?: readonly Encoding[];
}

/** Makes the application of one listener or mount; called when the first is asked for, so that its code loads then. */
export type HttpApplicationFactory = (
  server: RpcServer,
  options: ResolvedOptions,
) => Promise<ServerApplication>;

export class RpcServer {
  readonly dispatcher: Dispatcher;
  /** See RpcServerOptions. */
  readonly maxHttpInFlight: number;
  /** Counts the calls of all connections; on while somebody watches. */
  readonly meter = new CallMeter();
  /** For health answers. */
  readonly watch = new ServerWatch(this);
  readonly #peerOptions: ResolvedPeerOptions;
  readonly #batches: PeerOptions['batches'];
  readonly #routes: DirectRoutes;
  readonly #encodings: readonly Encoding[] | undefined;
  /** Serves the calls of native connections; made when the first of them is asked for. */
  #direct: { readonly server: DirectServer; readonly engine: NativeEngine } | undefined;
  /** Serves the calls of connections that deliver message by message, in batches; made for the first of them. */
  #messages: MessageServer | undefined;
  readonly #httpApplication: HttpApplicationFactory;
  readonly #applications = new Set<ServerApplication>();
  readonly #connections = new Set<Peer>();
  readonly #listeners = new Set<Listener>();
  #closing: Promise<void> | undefined;

  /** Throws CONFIG_INVALID that names the option. */
  constructor(options: RpcServerOptions = {}) {
    resolvePeerOptions(options);
    const { maxHttpInFlight = limits.maxHttpInFlight } = options;
    checkAll({ maxHttpInFlight }, { maxHttpInFlight: integer(1, 1_000_000) }, '');
    this.maxHttpInFlight = maxHttpInFlight;
    if (options.encodings !== undefined) checkEncodings(options.encodings);
    this.#encodings = options.encodings;
    this.#batches = options.batches;
    this.dispatcher = options.dispatcher ?? new Dispatcher();
    this.#httpApplication = options.httpApplication ?? plainJsonRpc;
    this.#routes = options.direct ?? methodRoutes(this.dispatcher);
    // Resolved once: every connection would do it anew, and hold a copy.
    this.#peerOptions = resolvePeerOptions({
      ...options,
      dispatcher: this.dispatcher,
      // One timer and one scanner for the calls of all connections.
      deadlines: options.deadlines ?? new DeadlineQueue(),
      meter: this.meter,
      scanner: options.scanner ?? createScanner({ maxDepth: options.maxDepth }),
      onOpen: (peer) => {
        this.#connections.add(peer);
        options.onOpen?.(peer);
      },
      onClose: (error, peer) => {
        this.#connections.delete(peer);
        options.onClose?.(error, peer);
      },
    });
  }

  /** The connections that are open now. */
  get connections(): ReadonlySet<Peer> {
    return this.#connections;
  }

  /** The endpoints that accept connections now. */
  get listeners(): ReadonlySet<Listener> {
    return this.#listeners;
  }

  /** Serves requests of this name; see Dispatcher.method(). */
  method<Params = unknown, Result = unknown>(name: string, handler: Handler<Params, Result>): this {
    this.dispatcher.method(name, handler);
    return this;
  }

  /** Serves notifications of this name; see Dispatcher.notification(). */
  notification<Params = unknown>(name: string, handler: Handler<Params>): this {
    this.dispatcher.notification(name, handler);
    return this;
  }

  /** Puts an interceptor around every call; see Dispatcher.use(). */
  use(interceptor: Interceptor): this {
    this.dispatcher.use(interceptor);
    return this;
  }

  /**
   * Accepts connections on an endpoint URL. `listener.url` is the address as bound, with the port the kernel chose
   * for port 0. Rejects with the errors of listenTransport(), and with CONNECTION_CLOSED after close().
   */
  async listen(url: string, options?: TransportOptions): Promise<Listener> {
    this.#refuseWhenClosed();
    const endpoint = parseListenEndpoint(url);
    if (isHttpListen(endpoint)) return this.#listenHttp(endpoint, options);
    const onConnection = (transport: Transport): void => {
      // A connection accepted in the tick of close() would otherwise outlive it.
      if (this.#closing === undefined) this.attach(transport);
      else transport.destroy();
    };
    const listener = await listenTransport(
      endpoint,
      options,
      onConnection,
      () => this.#nativeServer().engine,
    );
    if (this.#closing !== undefined) {
      await listener.close();
      this.#refuseWhenClosed();
    }
    this.#listeners.add(listener);
    return listener;
  }

  async #listenHttp(endpoint: HttpListenEndpoint, options?: TransportOptions): Promise<Listener> {
    const resolved = resolveOptions(options);
    const [{ listenHttp }, { openSite }] = await Promise.all([
      import('../transports/http/listen.js'),
      import('../transports/http/site.js'),
    ]);
    const application = await this.makeHttpApplication(resolved);
    let listener: Listener;
    try {
      listener = await openSite(endpoint, resolved, application, listenHttp);
    } catch (error) {
      this.#applications.delete(application);
      await application.close();
      throw error;
    }
    if (this.#closing !== undefined) {
      await listener.close();
      this.#refuseWhenClosed();
    }
    this.#listeners.add(listener);
    return listener;
  }

  /** What answers HTTP requests for this server; it is closed with the server. For listeners and mounts. */
  async makeHttpApplication(options: ResolvedOptions): Promise<ServerApplication> {
    this.#refuseWhenClosed();
    const application = await this.#httpApplication(this, options);
    if (this.#closing !== undefined) {
      await application.close();
      this.#refuseWhenClosed();
    }
    this.#applications.add(application);
    return application;
  }

  /**
   * Serves HTTP in a server of your own: node:http, Express, Fastify, and WebSocket through its `upgrade`. Options are
   * those of HTTP that do not belong to the server around it; others throw CONFIG_INVALID. Closed with close().
   */
  toNodeHandler(options?: TransportOptions): NodeHandler {
    const resolved = resolveMountOptions(options);
    return lazyNodeHandler(async () => {
      const [{ mountOnNode }, application] = await Promise.all([
        import('../transports/http/node/mount.js'),
        this.makeHttpApplication(resolved),
      ]);
      return mountOnNode(application, resolved);
    });
  }

  /** As toNodeHandler(), for servers of the fetch standard: a Request in, a Response out. */
  toFetchHandler(options?: TransportOptions): FetchHandler {
    const resolved = resolveMountOptions(options);
    return lazyFetchHandler(async () => {
      const [{ mountOnFetch }, application] = await Promise.all([
        import('../transports/http/fetch-mount.js'),
        this.makeHttpApplication(resolved),
      ]);
      return mountOnFetch(application, resolved);
    });
  }

  /** The options every connection of this server is made with. */
  get peerOptions(): ResolvedPeerOptions {
    return this.#peerOptions;
  }

  /** Those of plain JSON-RPC over HTTP and WebSocket, where batch arrays are served unless `batches` says otherwise. */
  get webPeerOptions(): ResolvedPeerOptions {
    return resolvePeerOptions({ ...this.#peerOptions, batches: this.#batches ?? true });
  }

  /** Serves a connection made elsewhere. `options` replace the server's peerOptions; they should be made from these. */
  attach(transport: Transport, options: PeerOptions = this.#peerOptions): Peer {
    this.#refuseWhenClosed();
    // A WebSocket has frames of its own, whose messages are JSON text.
    const encodings = transport.kind === 'ws' ? undefined : this.#encodings;
    // Without native code the batch costs more than it saves.
    if (transport.kind === 'ws' && addon() !== undefined)
      return this.#messageServer().attach(transport, options);
    if (encodings === undefined) {
      const peer = new Peer(transport, options);
      this.#dispatchNatively(transport, peer);
      return peer;
    }
    const offered = offerEncoding(transport, { encodings });
    const peer = new Peer(offered, options);
    // The engine reads JSON alone, and the first frame may change what the connection speaks.
    void offered.settled.then((encoding) => {
      if (encoding === 'json') this.#dispatchNatively(transport, peer);
    });
    return peer;
  }

  /** Has the native engine dispatch the calls of a connection of its own. */
  #dispatchNatively(transport: Transport, peer: Peer): void {
    const direct = this.#direct;
    const isOurs = transport instanceof NativeConnection && transport.engine === direct?.engine;
    if (direct !== undefined && isOurs && peer.isOpen) direct.server.attach(transport, peer);
  }

  /** The server's counters in the native engine; undefined where none of its connections is native. */
  get nativeCounters(): StreamEngineCounters | undefined {
    return this.#direct?.engine.native.counters();
  }

  /** Requests that were answered with a text that never changes, of which handlers and meters know nothing. */
  get repliesWithoutCalls(): number {
    return (this.nativeCounters?.nativeReplies ?? 0) + (this.#messages?.repliesWithoutCalls ?? 0);
  }

  #nativeServer() {
    if (this.#direct === undefined) {
      const engine = new NativeEngine(this.#peerOptions.maxDepth ?? limits.maxDepth);
      const server = new DirectServer(engine, new ReplyBatch(engine), this.#routes.profiles, this.meter);
      this.#direct = { server, engine };
      this.#routes.install(server);
    }
    return this.#direct;
  }

  #messageServer(): MessageServer {
    this.#messages ??= new MessageServer(this.#routes, this.#peerOptions, this.meter);
    return this.#messages;
  }

  /**
   * Stops accepting, refuses new calls, lets those in flight finish within drainTimeoutMs, then closes every
   * connection. Idempotent.
   */
  close(options: CloseOptions = {}): Promise<void> {
    this.#closing ??= this.#close(options);
    return this.#closing;
  }

  async #close(options: CloseOptions): Promise<void> {
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    // Peers refuse calls from this moment, not from when the listeners are closed.
    const closing = [...this.#connections].map((peer) => peer.close(options));
    const applications = [...this.#applications].map((application) => application.close(options));
    const stopping = listeners.map((listener) => listener.close(options));
    await Promise.all([...stopping, ...closing, ...applications]);
    this.#direct?.server.close();
    this.#direct = undefined;
    this.#messages?.close();
    this.#messages = undefined;
  }

  #refuseWhenClosed(): void {
    if (this.#closing === undefined) return;
    throw new RingwireError('CONNECTION_CLOSED', 'The server is closed and takes no more connections.');
  }
}

const plainJsonRpc: HttpApplicationFactory = async (server, options) =>
  (await import('./http/json-rpc-application.js')).jsonRpcApplication(server, options);

/** A server without methods; add them before or after listen(). */
export function createRpcServer(options?: RpcServerOptions): RpcServer {
  return new RpcServer(options);
}

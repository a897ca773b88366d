/** A bound address: accepts sockets, gives each to the protocol it speaks, watches and ends them. */
import type { Server, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { closeLingerMs, drainTimeoutMs } from '../../../limits.js';
import { formatEndpoint, type HttpEndpoint, type WebSocketEndpoint } from '../../endpoint.js';
import type { HttpListener, TlsOptions } from '../http-server.js';
import { TlsServer } from '../tls-server.js';
import { Connection } from './connection.js';
import type { EngineContext, MutableCounters } from './context.js';
import { createHttp1Server, type Http1Server } from './http1-server.js';
import { NodeHttp2 } from './http2-server.js';
import { whenDecided } from './preface.js';
import { endSocket } from './refusal.js';
import { tuneSocket } from './socket-tuning.js';
import { NodeWebSockets } from './upgrade.js';

/** How often bodies and slow readers are looked at. */
const sweepIntervalMs = 1_000;

/** Connections over maxConnections that get an answer at the same time; each holds a descriptor until it is read. */
const maxRefusing = 100;

export class NodeHttpListener implements HttpListener {
  readonly engine = 'node' as const;
  readonly engineReason: string;
  readonly url: string;
  readonly webSocketUrl: string;
  refusedConnections = 0;
  readonly #server: Server;
  readonly #context: EngineContext;
  readonly #http1: Http1Server;
  readonly #http2: NodeHttp2 | undefined;
  #tls: TlsServer | undefined;
  /** Every socket accepted, those that still shake hands included. */
  readonly #sockets = new Set<Socket>();
  readonly #connections = new Set<Connection>();
  readonly #sweeper: NodeJS.Timeout;
  readonly #onAbort = (): void => void this.#server.close();
  #closed: Promise<void> | undefined;
  #whenEmpty: (() => void) | undefined;
  /** Sockets over maxConnections that are being told so. */
  #refusing = 0;

  /** The server must listen already; sockets it accepts from now on are served. */
  constructor(
    server: Server,
    endpoint: HttpEndpoint | WebSocketEndpoint,
    context: EngineContext,
    reason: string,
  ) {
    this.#server = server;
    this.#context = context;
    this.engineReason = reason;
    this.url = formatEndpoint(endpoint);
    this.webSocketUrl = formatEndpoint({ ...endpoint, kind: 'ws' });
    const { webSocket, http2 } = context.options.http;
    this.#http2 = http2 === false ? undefined : new NodeHttp2(context);
    const isServed = webSocket !== false && context.application.onUpgrade !== undefined;
    this.#http1 = createHttp1Server(context, isServed ? new NodeWebSockets(context, webSocket) : undefined);
    server.on('connection', (socket) => this.#accept(socket));
    // accept() failed, for instance for want of descriptors (EMFILE). The listener lives on.
    server.on('error', () => {
      this.refusedConnections++;
    });
    this.#sweeper = setInterval(() => this.#sweep(), sweepIntervalMs).unref();
    context.options.signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Makes the TLS server in front of a listener; give it to useTls() before the first socket is accepted. */
  static createTls(context: EngineContext, listener: () => NodeHttpListener): Promise<TlsServer> {
    const { options, counters } = context;
    const protocols = options.http.http2 === false ? ['http/1.1'] : ['h2', 'http/1.1'];
    return TlsServer.create(options.tls, protocols, options.http.headersTimeoutMs, {
      onSecure: (socket) => listener().#secured(socket),
      onFailed: () => {
        counters.refused++;
      },
    });
  }

  useTls(tls: TlsServer): void {
    this.#tls = tls;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  get counters(): Readonly<MutableCounters> {
    return this.#context.counters;
  }

  /** Undefined where no TLS is served. */
  get reloadTls(): ((tls?: TlsOptions) => Promise<void>) | undefined {
    const tls = this.#tls;
    return tls === undefined ? undefined : (options) => tls.reload(options);
  }

  close(options: { readonly drainTimeoutMs?: number } = {}): Promise<void> {
    this.#closed ??= this.#close(options.drainTimeoutMs ?? drainTimeoutMs);
    return this.#closed;
  }

  #accept(socket: Socket): void {
    socket.on('error', ignore);
    if (this.#sockets.size >= this.#context.options.maxConnections) {
      this.#refuse(socket);
      return;
    }
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      if (this.#sockets.size === 0) this.#whenEmpty?.();
    });
    const notGranted = tuneSocket(socket, this.#context.options);
    if (this.#tls !== undefined) {
      this.#tls.accept(socket);
      return;
    }
    this.#decide(this.#connected(socket, false, notGranted));
  }

  #secured(socket: TLSSocket): void {
    socket.on('error', ignore);
    if (this.#context.isDraining) {
      socket.destroy();
      return;
    }
    const connection = this.#connected(socket, true, []);
    if (socket.alpnProtocol === 'h2') this.#speakHttp2(connection);
    else this.#decide(connection);
  }

  /** Not before the first bytes: from then on node measures the time of a request's head. */
  #decide(connection: Connection): void {
    whenDecided(connection.socket, (isHttp2) => {
      if (isHttp2 && this.#http2 !== undefined) this.#speakHttp2(connection);
      else this.#speakHttp1(connection);
    });
  }

  #connected(socket: Socket, isSecure: boolean, notGranted: readonly string[]): Connection {
    const connection = new Connection(socket, isSecure, this.#context, notGranted);
    this.#connections.add(connection);
    socket.once('close', () => {
      this.#connections.delete(connection);
      connection.gone();
    });
    return connection;
  }

  #speakHttp1(connection: Connection): void {
    connection.isUndecided = false;
    this.#http1.emit('connection', connection.socket);
  }

  #speakHttp2(connection: Connection): void {
    connection.isUndecided = false;
    connection.http2 = this.#http2?.attach(connection.socket, connection);
    if (this.#context.isDraining) connection.http2?.drain();
  }

  #refuse(socket: Socket): void {
    const { maxConnections } = this.#context.options;
    this.refusedConnections++;
    this.#context.counters.refused++;
    // A client that shakes hands cannot read an answer in plain text, and a flood gets none.
    if (this.#tls !== undefined || this.#refusing >= maxRefusing) {
      socket.destroy();
      return;
    }
    this.#refusing++;
    socket.once('close', () => {
      this.#refusing--;
    });
    const text = `The server has its maximum of ${maxConnections} connections; try again later.`;
    const { head, body } = this.#context.application.refusal(503, text);
    endSocket(new Connection(socket, false, this.#context, []), 503, head, body);
  }

  #sweep(): void {
    const now = Date.now();
    const { keepAliveTimeoutMs, headersTimeoutMs } = this.#context.options.http;
    for (const connection of this.#connections) {
      const { isUndecided, socket, since } = connection;
      const limitMs = socket.bytesRead === 0 ? keepAliveTimeoutMs : headersTimeoutMs;
      if (!isUndecided) connection.check(now, keepAliveTimeoutMs);
      else if (now - since >= limitMs) socket.destroy();
    }
  }

  async #close(drainMs: number): Promise<void> {
    this.#context.options.signal?.removeEventListener('abort', this.#onAbort);
    this.#context.isDraining = true;
    this.#server.close();
    this.#tls?.close();
    const empty = new Promise<void>((resolve) => {
      this.#whenEmpty = resolve;
      if (this.#sockets.size === 0) resolve();
    });
    for (const connection of this.#connections) {
      if (connection.webSocket !== undefined) connection.webSocket.leave();
      else if (connection.http2 !== undefined) connection.http2.drain();
      else connection.endWhenIdle();
    }
    const cut = setTimeout(() => this.#cutAll(), drainMs);
    await empty;
    clearTimeout(cut);
    clearInterval(this.#sweeper);
    this.#http1.close();
  }

  /** What was written may still leave. */
  #cutAll(): void {
    for (const { socket } of this.#connections) socket.destroySoon();
    const sockets = [...this.#sockets];
    setTimeout(() => {
      for (const socket of sockets) socket.destroy();
    }, closeLingerMs);
  }
}

function ignore(): void {}

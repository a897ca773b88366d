/** A bound address: accepts sockets, gives each to the protocol it speaks, watches and ends them. */
import type { Server, Socket } from 'node:net';
import { closeLingerMs, drainTimeoutMs } from '../../../limits.js';
import { formatEndpoint, type HttpEndpoint, type WebSocketEndpoint } from '../../endpoint.js';
import { WsTransport } from '../../websocket/ws-transport.js';
import type { HttpListener } from '../http-server.js';
import { Connection } from './connection.js';
import type { EngineContext, MutableCounters } from './context.js';
import { createHttp1Server, type Http1Server } from './http1-server.js';
import { NodeHttp2 } from './http2-server.js';
import { whenDecided } from './preface.js';
import { endSocket } from './refusal.js';
import { NodeWebSockets } from './upgrade.js';

/** How often bodies and slow readers are looked at. */
const sweepIntervalMs = 1_000;

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
  readonly #isSecure: boolean;
  readonly #connections = new Set<Connection>();
  readonly #sweeper: NodeJS.Timeout;
  readonly #onAbort = (): void => void this.close();
  #closed: Promise<void> | undefined;
  #whenEmpty: (() => void) | undefined;

  constructor(
    server: Server,
    endpoint: HttpEndpoint | WebSocketEndpoint,
    context: EngineContext,
    reason: string,
  ) {
    this.#server = server;
    this.#context = context;
    this.#isSecure = endpoint.isSecure;
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

  get connections(): number {
    return this.#connections.size;
  }

  get counters(): Readonly<MutableCounters> {
    return this.#context.counters;
  }

  close(options: { readonly drainTimeoutMs?: number } = {}): Promise<void> {
    this.#closed ??= this.#close(options.drainTimeoutMs ?? drainTimeoutMs);
    return this.#closed;
  }

  #accept(socket: Socket): void {
    socket.on('error', ignore);
    const connection = new Connection(socket, this.#isSecure);
    if (this.#connections.size >= this.#context.options.maxConnections) {
      this.#refuse(connection);
      return;
    }
    this.#connections.add(connection);
    socket.once('close', () => {
      this.#connections.delete(connection);
      connection.gone();
      if (this.#connections.size === 0) this.#whenEmpty?.();
    });
    if (this.#http2 === undefined) this.#speakHttp1(connection);
    else {
      whenDecided(socket, (isHttp2) => {
        if (isHttp2) this.#speakHttp2(connection);
        else this.#speakHttp1(connection);
      });
    }
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

  #refuse(connection: Connection): void {
    const { maxConnections } = this.#context.options;
    this.refusedConnections++;
    this.#context.counters.refused++;
    const text = `The server has its maximum of ${maxConnections} connections; try again later.`;
    const { head, body } = this.#context.application.refusal(503, text);
    endSocket(connection, 503, head, body);
  }

  #sweep(): void {
    const now = Date.now();
    const { keepAliveTimeoutMs, headersTimeoutMs } = this.#context.options.http;
    for (const connection of this.#connections) {
      if (connection.isUndecided && now - connection.since >= headersTimeoutMs) connection.socket.destroy();
      else connection.check(now, keepAliveTimeoutMs);
    }
  }

  async #close(drainMs: number): Promise<void> {
    this.#context.options.signal?.removeEventListener('abort', this.#onAbort);
    this.#context.isDraining = true;
    this.#server.close();
    const empty = new Promise<void>((resolve) => {
      this.#whenEmpty = resolve;
      if (this.#connections.size === 0) resolve();
    });
    for (const connection of this.#connections) {
      if (connection.webSocket instanceof WsTransport) void connection.webSocket.goAway();
      else if (connection.http2 !== undefined) connection.http2.drain();
      else if (connection.isIdle) connection.socket.destroySoon();
    }
    const cut = setTimeout(() => this.#cutAll(), drainMs);
    await empty;
    clearTimeout(cut);
    clearInterval(this.#sweeper);
    this.#http1.close();
  }

  #cutAll(): void {
    for (const connection of this.#connections) {
      connection.socket.destroySoon();
      setTimeout(() => connection.socket.destroy(), closeLingerMs).unref();
    }
  }
}

function ignore(): void {}

/** An application as a request listener of somebody else's node:http server. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { ResolvedOptions } from '../../options.js';
import { AnswerCompressor } from '../content-coding.js';
import type { NodeHandler } from '../handlers.js';
import type { ServerApplication } from '../http-server.js';
import { isLoopbackName } from '../origin-policy.js';
import { Site } from '../site.js';
import { Connection } from './connection.js';
import { type EngineContext, newCounters } from './context.js';
import type { Http1Request } from './http1-exchange.js';
import { MountExchange } from './mount-exchange.js';
import { NodeWebSockets } from './upgrade.js';

/** How often bodies and slow readers are looked at. */
const sweepIntervalMs = 1_000;

/** Code and state of one handler. */
export function mountOnNode(application: ServerApplication, options: ResolvedOptions): NodeHandler {
  // What was sent to a loopback address may come from a page in a browser on this machine (DNS rebinding).
  const near = new Mount(application, options, true);
  const far = new Mount(application, options, false);
  const mountOf = ({ localAddress = '' }: Socket): Mount =>
    isLoopbackName(localAddress.replace(/^::ffff:/, '')) ? near : far;
  const handler = (request: IncomingMessage, response: ServerResponse, body?: unknown): void => {
    const given =
      body === undefined || typeof body === 'function' ? (request as { body?: unknown }).body : body;
    mountOf(request.socket).serve(request, response, given);
  };
  return Object.assign(handler, {
    upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
      mountOf(socket as Socket).upgrade(request, socket as Socket, head);
    },
  });
}

class Mount {
  readonly #context: EngineContext;
  readonly #webSockets: NodeWebSockets | undefined;
  readonly #open = new Set<MountExchange>();
  #sweeper: NodeJS.Timeout | undefined;

  constructor(application: ServerApplication, options: ResolvedOptions, isLoopback: boolean) {
    const { http } = options;
    const site = new Site(application, http, { path: undefined, isLoopback });
    this.#context = {
      application: site,
      options,
      counters: newCounters(),
      compressor: http.compression === false ? undefined : new AnswerCompressor(http.compression),
      isDraining: false,
    };
    if (http.webSocket !== false && site.onUpgrade !== undefined)
      this.#webSockets = new NodeWebSockets(this.#context, http.webSocket);
  }

  serve(request: IncomingMessage, response: ServerResponse, body: unknown): void {
    const exchange = new MountExchange(this.#context, request, response, body, (ended) =>
      this.#open.delete(ended),
    );
    this.#open.add(exchange);
    this.#sweeper ??= setInterval(() => this.#sweep(), sweepIntervalMs).unref();
    exchange.begin();
  }

  upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    const isSecure = (socket as Partial<TLSSocket>).encrypted === true;
    const connection = new Connection(socket, isSecure, this.#context, []);
    if (this.#webSockets === undefined) socket.destroy();
    else this.#webSockets.serve(connection, request as Http1Request, head);
  }

  #sweep(): void {
    const now = Date.now();
    for (const exchange of this.#open) exchange.check(now);
    if (this.#open.size > 0) return;
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }
}

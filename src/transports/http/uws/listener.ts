/** A bound address that uWebSockets.js serves. */
import type { AppOptions, TemplatedApp, us_listen_socket } from 'uWebSockets.js';
import { RingwireError } from '../../../errors.js';
import { drainTimeoutMs as defaultDrainTimeoutMs } from '../../../limits.js';
import { formatEndpoint, type HttpEndpoint, type WebSocketEndpoint } from '../../endpoint.js';
import type { ResolvedOptions } from '../../options.js';
import { UwsSocketGroup } from '../../websocket/uws-group.js';
import type { HttpApplication, HttpCounters, HttpListener, TlsOptions } from '../http-server.js';
import { fingerprintOfFiles } from '../tls-material.js';
import { bind, freePort } from './bind.js';
import { UwsExchange } from './exchange.js';
import { listeningDescriptor, openSockets, tuneListeningSocket } from './listening-socket.js';
import type { UwsModule } from './load-uws.js';
import { ListenerState } from './state.js';
import { type TlsFiles, withTlsFiles } from './tls.js';
import { isUpgrade, UwsUpgrade } from './upgrade.js';

export type UwsEndpoint = HttpEndpoint | WebSocketEndpoint;

/** What peers send behind our close frame is read this long: closing at once would reset them before they read it. */
const lingerMs = 50;

export class UwsListener implements HttpListener {
  readonly engine = 'uws' as const;
  readonly engineReason: string;
  url = '';
  webSocketUrl = '';
  /** Those that have asked for something and those that have not. */
  connections = 0;
  refusedConnections = 0;
  notGranted: readonly string[] = [];
  readonly reloadTls: ((tls?: TlsOptions) => Promise<void>) | undefined;
  readonly #uws: UwsModule;
  readonly #endpoint: UwsEndpoint;
  readonly #state: ListenerState;
  readonly #group: UwsSocketGroup;
  /** One, and with TLS one more for each time the certificates changed: they serve the connections made before. */
  readonly #apps: TemplatedApp[] = [];
  #tls: TlsOptions | undefined;
  #tlsSeen = '';
  #watcher: NodeJS.Timeout | undefined = undefined;
  #address = '';
  #port = 0;
  #socket: us_listen_socket | undefined = undefined;
  #closing: Promise<void> | undefined = undefined;
  readonly #onAbort = (): void => this.#stopAccepting();

  constructor(
    uws: UwsModule,
    endpoint: UwsEndpoint,
    options: ResolvedOptions,
    application: HttpApplication,
    engineReason: string,
  ) {
    this.engineReason = engineReason;
    this.#uws = uws;
    this.#endpoint = endpoint;
    this.#state = new ListenerState(options, application, endpoint.isSecure);
    this.#tls = options.tls;
    this.reloadTls = endpoint.isSecure ? (tls) => this.#reload(tls) : undefined;
    this.#group = new UwsSocketGroup(options, () => {
      // uWebSockets.js does not report the end of a connection that became a WebSocket as one of a connection.
      this.connections--;
      this.#state.left();
    });
  }

  get counters(): HttpCounters {
    return this.#state.counters;
  }

  async listen(address: string): Promise<void> {
    const { options } = this.#state;
    this.#address = address;
    const url = formatEndpoint(this.#endpoint);
    const isSecure = this.#endpoint.isSecure;
    const isShared = options.socket.reusePort === true;
    const app = isSecure ? await this.#makeSecure(this.#tls, false) : this.#make(this.#uws.App());
    // Under TLS the port is shared from the start: with new certificates a second socket takes over.
    const port =
      isSecure && !isShared ? await freePort(address, this.#endpoint.port, url) : this.#endpoint.port;
    const before = openSockets();
    this.#bound(await bind(app, address, port, isShared || isSecure, url), before);
    this.url = formatEndpoint({ ...this.#endpoint, port: this.#port });
    this.webSocketUrl = formatEndpoint({ ...this.#endpoint, kind: 'ws', port: this.#port });
    options.signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (isSecure) await this.#watch();
  }

  #bound(socket: us_listen_socket, before: ReadonlyMap<string, number>): void {
    this.#stopAccepting();
    this.#socket = socket;
    this.#port = this.#uws.us_socket_local_port(socket as never);
    this.notGranted = tuneListeningSocket(() => listeningDescriptor(before, this.#port), this.#state.options);
  }

  /** An app that serves this listener's requests. */
  #make(app: TemplatedApp, hosts: TlsFiles['hosts'] = []): TemplatedApp {
    const { maxConnections } = this.#state.options;
    const onConnection = (response: { close(): void }, change: number): void => {
      this.connections += change;
      if (change < 0 || this.connections <= maxConnections) return;
      this.refusedConnections++;
      response.close();
    };
    (app as unknown as FilterApp).filter(onConnection);
    this.#route(app);
    for (const { pattern, options } of hosts) {
      app.addServerName(pattern, options);
      this.#route(app.domain(pattern));
    }
    this.#apps.push(app);
    return app;
  }

  #route(app: TemplatedApp): void {
    const state = this.#state;
    if (state.application.onUpgrade !== undefined) {
      app.ws(
        '/*',
        this.#group.behavior(this.#uws, (response, request, context) => {
          if (!isUpgrade(request)) {
            request.setYield(true);
            return;
          }
          new UwsUpgrade(state, this.#group, response, request, context).serve();
        }),
      );
    }
    app.any('/*', (response, request) => new UwsExchange(state, response, request).serve());
  }

  #makeSecure(tls: TlsOptions | undefined, isReload: boolean): Promise<TemplatedApp> {
    return withTlsFiles(tls, isReload, ({ own, hosts }) => this.#make(this.#secureApp(own), hosts));
  }

  #secureApp(own: AppOptions): TemplatedApp {
    try {
      return this.#uws.SSLApp(own);
    } catch (cause) {
      const problem = 'uWebSockets.js takes no certificate and key from "tls.cert" and "tls.key"';
      throw new RingwireError('CONFIG_INVALID', `${problem}. Give others, or use the engine "node".`, {
        cause,
      });
    }
  }

  async #reload(tls: TlsOptions = this.#tls ?? {}): Promise<void> {
    if (this.#closing !== undefined) return;
    const app = await this.#makeSecure(tls, true);
    this.#tls = tls;
    this.#tlsSeen = await fingerprintOfFiles(tls);
    if (this.#closing !== undefined) return;
    this.#bound(await bind(app, this.#address, this.#port, true, this.url), openSockets());
  }

  async #watch(): Promise<void> {
    const { watchIntervalMs = 0 } = this.#tls ?? {};
    if (watchIntervalMs === 0) return;
    this.#tlsSeen = await fingerprintOfFiles(this.#tls ?? {});
    this.#watcher = setInterval(() => void this.#look(), watchIntervalMs).unref();
  }

  async #look(): Promise<void> {
    if ((await fingerprintOfFiles(this.#tls ?? {})) === this.#tlsSeen) return;
    // A certificate and its key are written one after the other: what does not fit yet is tried again.
    await this.#reload().catch((error: Error) => {
      process.emitWarning(`Certificates changed and are not used: ${error.message}`);
    });
  }

  #stopAccepting(): void {
    if (this.#socket !== undefined) this.#uws.us_listen_socket_close(this.#socket);
    this.#socket = undefined;
  }

  close({
    drainTimeoutMs = defaultDrainTimeoutMs,
  }: {
    readonly drainTimeoutMs?: number;
  } = {}): Promise<void> {
    this.#closing ??= this.#drainAndClose(drainTimeoutMs);
    return this.#closing;
  }

  async #drainAndClose(drainTimeoutMs: number): Promise<void> {
    const state = this.#state;
    clearInterval(this.#watcher);
    state.options.signal?.removeEventListener('abort', this.#onAbort);
    this.#stopAccepting();
    state.isClosing = true;
    const mustLinger = this.#group.size > 0;
    this.#group.leave();
    await state.idle(drainTimeoutMs, () => this.#group.size);
    this.#group.cut();
    if (mustLinger) await new Promise((resolve) => setTimeout(resolve, lingerMs));
    // The last answer may have been given inside a callback of uWebSockets.js, which sends it when that returns.
    await new Promise((resolve) => setImmediate(resolve));
    for (const app of this.#apps) app.close();
  }
}

/** What the types of the package describe otherwise than it is. */
interface FilterApp {
  filter(visit: (response: { close(): void }, change: number) => void): void;
}

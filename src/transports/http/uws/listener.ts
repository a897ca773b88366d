/** A bound address that uWebSockets.js serves. */
import type { TemplatedApp, us_listen_socket } from 'uWebSockets.js';
import { drainTimeoutMs as defaultDrainTimeoutMs } from '../../../limits.js';
import { formatEndpoint, type HttpEndpoint, type WebSocketEndpoint } from '../../endpoint.js';
import type { ResolvedOptions } from '../../options.js';
import { UwsSocketGroup } from '../../websocket/uws-group.js';
import type { HttpApplication, HttpCounters, HttpListener } from '../http-server.js';
import { UwsExchange } from './exchange.js';
import { framingProblem } from './head.js';
import type { UwsModule } from './load-uws.js';
import { ListenerState } from './state.js';
import { isUpgrade, UwsUpgrade } from './upgrade.js';

export type UwsEndpoint = HttpEndpoint | WebSocketEndpoint;

/** Close frames and the last answers get this long to leave for the network before their sockets are closed. */
const lingerMs = 50;

export class UwsListener implements HttpListener {
  readonly engine = 'uws' as const;
  readonly engineReason: string;
  url = '';
  webSocketUrl = '';
  connections = 0;
  refusedConnections = 0;
  readonly #uws: UwsModule;
  readonly #endpoint: UwsEndpoint;
  readonly #state: ListenerState;
  readonly #group: UwsSocketGroup;
  readonly #apps = new Set<TemplatedApp>();
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
    this.#group = new UwsSocketGroup(options, () => {
      // A connection that became a WebSocket leaves no trace in the filter when it ends.
      this.connections--;
    });
  }

  get counters(): HttpCounters {
    return this.#state.counters;
  }

  /** Has an app serve this listener's requests. */
  serve(app: TemplatedApp): void {
    const state = this.#state;
    const { maxConnections } = state.options;
    const onConnection = (response: { close(): void }, change: number): void => {
      this.connections += change;
      if (change < 0 || this.connections <= maxConnections) return;
      this.refusedConnections++;
      response.close();
    };
    (app as unknown as FilterApp).filter(onConnection);
    if (state.application.onUpgrade !== undefined) {
      app.ws(
        '/*',
        this.#group.behavior(this.#uws, (response, request, context) => {
          if (!isUpgrade(request)) {
            request.setYield(true);
            return;
          }
          const upgrade = new UwsUpgrade(state, this.#group, response, request, context);
          upgrade.serve(framingProblem(state.head));
        }),
      );
    }
    app.any('/*', (response, request) => new UwsExchange(state, response, request).serve());
    this.#apps.add(app);
  }

  /** The address is bound. */
  bound(socket: us_listen_socket): void {
    this.#socket = socket;
    const port = this.#uws.us_socket_local_port(socket as never);
    this.url = formatEndpoint({ ...this.#endpoint, port });
    this.webSocketUrl = formatEndpoint({ ...this.#endpoint, kind: 'ws', port });
    this.#state.options.signal?.addEventListener('abort', this.#onAbort, { once: true });
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
    state.options.signal?.removeEventListener('abort', this.#onAbort);
    this.#stopAccepting();
    state.isClosing = true;
    if (state.active > 0 && drainTimeoutMs > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, drainTimeoutMs);
        state.onIdle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      state.onIdle = undefined;
    }
    if (this.#group.size > 0) {
      this.#group.leave();
      await new Promise((resolve) => setTimeout(resolve, lingerMs));
    }
    for (const app of this.#apps) app.close();
    this.#apps.clear();
  }
}

/** What the types of the package describe otherwise than it is. */
interface FilterApp {
  filter(visit: (response: { close(): void }, change: number) => void): void;
}

/** What stands between an engine and an application: who may call, which path, health. */
import { RingwireError } from '../../errors.js';
import type { CallMeter } from '../../observability/call-meter.js';
import { type HttpListenEndpoint, parseListenEndpoint } from '../endpoint.js';
import type { ResolvedOptions } from '../options.js';
import {
  Authentication,
  isRefusal,
  isThenable,
  isVerdict,
  ProtectedResource,
  type Verdict,
} from './authentication.js';
import { Cors } from './cors.js';
import { Health } from './health.js';
import type {
  HeaderList,
  HttpApplication,
  HttpExchange,
  HttpListener,
  HttpRequestHead,
  HttpUpgrade,
  ServerApplication,
} from './http-server.js';
import type { listenHttp } from './listen.js';
import { isLoopbackName, OriginPolicy } from './origin-policy.js';
import type { ResolvedHttpOptions } from './resolve-http-options.js';
import { SiteListener } from './site-listener.js';

/** Where a site is served. */
export interface SitePlace {
  /** The path that is the application's; undefined where every path is that the site does not need itself. */
  readonly path: string | undefined;
  /** Whether it can be reached from its own machine alone: decides which hosts and origins are served by default. */
  readonly isLoopback: boolean;
  /** Serves WebSocket alone. */
  readonly isWebSocketOnly?: boolean;
}

const metadataHead: HeaderList = ['content-type', 'application/json', 'vary', 'origin'];

/** Answers what a site refuses, and hands everything else on to the application. */
export class Site implements HttpApplication {
  readonly health: Health | undefined;
  readonly resource: ProtectedResource | undefined;
  readonly onUpgrade: ((upgrade: HttpUpgrade) => void) | undefined;
  readonly #application: ServerApplication;
  readonly #path: string | undefined;
  readonly #isWebSocketOnly: boolean;
  readonly #policy: OriginPolicy;
  readonly #cors: Cors | undefined;
  readonly #authentication: Authentication | undefined;
  /** Counts the exchanges of the application while somebody watches. */
  readonly #meter: CallMeter | undefined;
  readonly #metadataPaths: readonly string[];
  /** The Host that was found good last: nearly every request of a site names the same. */
  #goodHost: string | undefined = undefined;

  constructor(application: ServerApplication, options: ResolvedHttpOptions, place: SitePlace) {
    this.#application = application;
    this.#path = place.path;
    this.#isWebSocketOnly = place.isWebSocketOnly === true;
    this.#policy = new OriginPolicy(options, place.isLoopback);
    this.#cors = options.cors === false ? undefined : new Cors(options.cors, this.#policy.allowsAnyOrigin);
    this.resource =
      options.protectedResource === undefined
        ? undefined
        : new ProtectedResource(options.protectedResource, place.path ?? '/');
    this.#metadataPaths = this.resource?.paths ?? [];
    this.#authentication =
      options.authenticate === undefined
        ? undefined
        : new Authentication(options.authenticate, this.resource);
    this.health =
      options.health === false || options.health.url !== undefined
        ? undefined
        : new Health(
            options.health,
            application instanceof HealthApplication ? application.watched : application,
          );
    this.#meter = application.watch?.meter;
    if (options.webSocket !== false && application.onUpgrade !== undefined)
      this.onUpgrade = (upgrade) => this.#onUpgrade(upgrade);
  }

  onRequest(exchange: HttpExchange): void {
    const host = exchange.header('host');
    if (host !== this.#goodHost && !this.#admitHost(exchange, host)) return;
    const origin = exchange.header('origin');
    if (origin !== '') this.#onCrossOrigin(exchange, origin, host);
    else if (exchange.path === this.#path) this.#onOwnPath(exchange);
    else this.#onOtherPath(exchange);
  }

  /** The body of an exchange goes to its application; this one reads none. */
  onBody(): void {}

  onBodyError(): void {}

  /** The client left while its authentication was at work, which finds out by isAborted. */
  onAbort(): void {}

  refusal(status: number, problem: string): { readonly head: HeaderList; readonly body: string } {
    return this.#application.refusal(status, problem);
  }

  #admitHost(exchange: HttpExchange, host: string): boolean {
    const problem = this.#policy.hostProblem(host);
    if (problem === undefined) {
      this.#goodHost = host;
      return true;
    }
    if (this.health?.isProbe(exchange.path) === true) this.health.answer(exchange);
    else this.#refuse(exchange, 403, problem);
    return false;
  }

  #onCrossOrigin(exchange: HttpExchange, origin: string, host: string): void {
    const problem = this.#policy.originProblem(origin, host);
    if (problem !== undefined) {
      this.#refuse(exchange, 403, problem);
      return;
    }
    const cors = this.#cors;
    if (cors?.answerPreflight(exchange, origin) === true) return;
    const answered = cors === undefined ? exchange : cors.wrap(exchange, origin);
    if (exchange.path === this.#path) this.#onOwnPath(answered);
    else this.#onOtherPath(answered);
  }

  #onOwnPath(exchange: HttpExchange): void {
    if (this.#isWebSocketOnly) {
      const problem = 'This address serves WebSocket alone: ask to upgrade.';
      this.#refuse(exchange, 426, problem, ['upgrade', 'websocket']);
    } else this.#authenticated(exchange);
  }

  #onOtherPath(exchange: HttpExchange): void {
    const { path } = exchange;
    if (this.health?.answer(exchange) === true) return;
    if (this.resource !== undefined && this.#metadataPaths.includes(path)) {
      if (exchange.method === 'GET' || exchange.method === 'HEAD')
        exchange.respond(200, metadataHead, this.resource.metadata(exchange));
      else this.#refuse(exchange, 405, 'The metadata is read with GET.', ['allow', 'GET, HEAD']);
    } else if (this.#path === undefined || this.#application.paths?.includes(path) === true)
      this.#authenticated(exchange);
    else this.#refuse(exchange, 404, this.#nothingAt(path));
  }

  #authenticated(exchange: HttpExchange): void {
    if (this.#authentication === undefined) this.#enter(exchange);
    else this.#authenticate(exchange, this.#authentication);
  }

  #enter(exchange: HttpExchange): void {
    const meter = this.#meter;
    if (meter?.isOn === true) exchange.timer = meter.begin();
    exchange.application = this.#application;
    this.#application.onRequest(exchange);
  }

  #authenticate(exchange: HttpExchange, authentication: Authentication): void {
    const decide = (verdict: Verdict): void => {
      if (exchange.isAborted) return;
      if (verdict !== undefined && isRefusal(verdict)) {
        const { status, problem } = verdict;
        this.#refuse(exchange, status, problem, authentication.challenge(verdict, exchange));
        return;
      }
      exchange.principal = verdict;
      this.#enter(exchange);
    };
    const fail = (): void => this.#refuse(exchange, 500, authenticationFailed);
    ask(authentication, exchange, decide, fail);
  }

  #onUpgrade(upgrade: HttpUpgrade): void {
    const host = upgrade.header('host');
    const origin = upgrade.header('origin');
    const problem =
      this.#policy.hostProblem(host) ??
      (origin === '' ? undefined : this.#policy.originProblem(origin, host));
    if (problem !== undefined) this.#refuseUpgrade(upgrade, 403, problem);
    else if (this.#path !== undefined && upgrade.path !== this.#path)
      this.#refuseUpgrade(upgrade, 404, this.#nothingAt(upgrade.path));
    else if (this.#authentication === undefined) this.#application.onUpgrade?.(upgrade);
    else this.#authenticateUpgrade(upgrade, this.#authentication);
  }

  #authenticateUpgrade(upgrade: HttpUpgrade, authentication: Authentication): void {
    const decide = (verdict: Verdict): void => {
      if (verdict !== undefined && isRefusal(verdict)) {
        const { status, problem } = verdict;
        this.#refuseUpgrade(upgrade, status, problem, authentication.challenge(verdict, upgrade));
        return;
      }
      upgrade.principal = verdict;
      this.#application.onUpgrade?.(upgrade);
    };
    const fail = (): void => this.#refuseUpgrade(upgrade, 500, authenticationFailed);
    ask(authentication, upgrade, decide, fail);
  }

  #nothingAt(path: string): string {
    const shown = path.slice(0, 200).replace(/[^\x20-\x7e]|"/g, '?');
    return `Nothing is served at "${shown}". The endpoint is "${this.#path}".`;
  }

  #refuse(exchange: HttpExchange, status: number, problem: string, fields: HeaderList = []): void {
    const { head, body } = this.#application.refusal(status, problem);
    exchange.respond(status, fields.length === 0 ? head : [...head, ...fields], body);
  }

  #refuseUpgrade(upgrade: HttpUpgrade, status: number, problem: string, fields: HeaderList = []): void {
    const { head, body } = this.#application.refusal(status, problem);
    upgrade.refuse(status, fields.length === 0 ? head : [...head, ...fields], body);
  }
}

const authenticationFailed = 'Who calls could not be found out.';

/** Has an authentication decide, now or later; its failures go to `fail`. */
function ask(
  authentication: Authentication,
  head: HttpRequestHead & { keepHead(): void },
  decide: (verdict: Verdict) => void,
  fail: () => void,
): void {
  let verdict: Verdict | Promise<Verdict>;
  try {
    verdict = authentication.ask(head);
  } catch {
    fail();
    return;
  }
  // What is neither must not let anybody in.
  const settle = (found: Verdict): void => (isVerdict(found) ? decide(found) : fail());
  if (!isThenable(verdict)) {
    settle(verdict);
    return;
  }
  head.keepHead();
  // Nobody is above this who would catch what the application throws.
  verdict.then(settle).catch(fail);
}

/** Binds the endpoint and serves the application on its path. Rejects with the errors of `listen`, and CONFIG_INVALID. */
export async function openSite(
  endpoint: HttpListenEndpoint,
  options: ResolvedOptions,
  application: ServerApplication,
  listen: typeof listenHttp,
): Promise<HttpListener> {
  const place = placeOf(endpoint);
  refuseClash(options.http, place.path);
  // What is on our own stdin comes from no browser.
  const http: ResolvedHttpOptions =
    endpoint.kind === 'stdio-h2' ? { ...options.http, allowedHosts: '*', allowedOrigins: '*' } : options.http;
  const site = new Site(application, http, place);
  const listener = await listen(endpoint, options, site);
  site.health?.start(listener);
  if (site.resource !== undefined && endpoint.kind !== 'stdio-h2' && !isAnyAddress(endpoint.host))
    site.resource.url = listener.url.replace(/^ws/, 'http');
  try {
    return new SiteListener(listener, site.health, await openHealth(options, application, listener, listen));
  } catch (error) {
    site.health?.stop();
    await listener.close({ drainTimeoutMs: 0 });
    throw error;
  }
}

function placeOf(endpoint: HttpListenEndpoint): SitePlace {
  if (endpoint.kind === 'stdio-h2') return { path: undefined, isLoopback: false };
  return {
    path: endpoint.path,
    isLoopback: isLoopbackName(endpoint.host.toLowerCase()),
    isWebSocketOnly: endpoint.kind === 'ws',
  };
}

function isAnyAddress(host: string): boolean {
  return host === '0.0.0.0' || /^[0:]+$/.test(host);
}

function refuseClash({ health }: ResolvedHttpOptions, path: string | undefined): void {
  if (health === false || health.url !== undefined) return;
  for (const name of ['livePath', 'readyPath', 'metricsPath', 'statsPath'] as const) {
    if (health[name] !== path) continue;
    throw new RingwireError(
      'CONFIG_INVALID',
      `"http.health.${name}" is "${path}", the endpoint's own path. Choose another, or give "http.health.url".`,
    );
  }
}

/** The health answers on an address of their own; undefined where none is asked for. */
async function openHealth(
  options: ResolvedOptions,
  application: ServerApplication,
  watched: HttpListener,
  listen: typeof listenHttp,
): Promise<{ listener: HttpListener; health: Health } | undefined> {
  const { health: asked } = options.http;
  if (asked === false || asked.url === undefined) return undefined;
  const endpoint = parseListenEndpoint(asked.url);
  if (endpoint.kind !== 'http')
    throw new RingwireError('CONFIG_INVALID', '"http.health.url" must be an http or https URL.');
  const http: ResolvedHttpOptions = {
    ...options.http,
    health: { ...asked, url: undefined },
    authenticate: undefined,
    protectedResource: undefined,
    cors: false,
    webSocket: false,
  };
  const tls = endpoint.isSecure ? options.tls : undefined;
  const site = new Site(new HealthApplication(application), http, {
    path: undefined,
    isLoopback: isLoopbackName(endpoint.host.toLowerCase()),
  });
  const listener = await listen(endpoint, { ...options, http, tls }, site);
  const health = site.health as Health;
  health.start(watched);
  return { listener, health };
}

/** On an address of health alone there is no endpoint: refusals are those of the application it watches. */
class HealthApplication implements ServerApplication {
  readonly watched: ServerApplication;

  constructor(watched: ServerApplication) {
    this.watched = watched;
  }

  onRequest(exchange: HttpExchange): void {
    const { head, body } = this.refusal(404, 'Only health is served here.');
    exchange.respond(404, head, body);
  }

  onBody(): void {}

  onBodyError(): void {}

  onAbort(): void {}

  refusal(status: number, problem: string): { readonly head: HeaderList; readonly body: string } {
    return this.watched.refusal(status, problem);
  }

  async close(): Promise<void> {}
}

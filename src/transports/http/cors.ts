/** CORS (https://fetch.spec.whatwg.org/#http-cors-protocol): what lets pages of other origins read answers. */
import type {
  ClientCertificate,
  HeaderList,
  HttpApplication,
  HttpExchange,
  HttpPrincipal,
  HttpStream,
} from './http-server.js';
import type { ResolvedCorsOptions } from './resolve-http-options.js';

const methods = 'POST, GET, DELETE, OPTIONS';
/** Fields that clients of the protocol set, beside mcp-param-… which a preflight names. */
const requestFields = [
  'content-type',
  'accept',
  'authorization',
  'mcp-protocol-version',
  'mcp-method',
  'mcp-name',
  'mcp-session-id',
  'last-event-id',
];
const answerFields = ['mcp-session-id', 'www-authenticate'];
const parameterField = /^mcp-param-[!#$%&'*+.^_`|~0-9a-z-]+$/;

/** What pages of one origin are told, as fields made once. */
interface Grant {
  readonly origin: string;
  readonly fields: HeaderList;
  /** The heads of answers with the fields added. */
  readonly heads: WeakMap<HeaderList, HeaderList>;
}

/** Answers preflights, and adds the fields to the answers of exchanges it is given. */
export class Cors {
  readonly #options: ResolvedCorsOptions;
  readonly #allowsAny: boolean;
  readonly #application = new WrappedApplication();
  /** A page sends many requests. */
  #last: Grant | undefined;

  /** allowsAny: every origin may call, so that the answer need not name it. */
  constructor(options: ResolvedCorsOptions, allowsAny: boolean) {
    this.#options = options;
    this.#allowsAny = allowsAny;
  }

  /** The exchange as applications should see it: its answers carry the fields. The origin was found good. */
  wrap(exchange: HttpExchange, origin: string): HttpExchange {
    const wrapped = new CorsExchange(exchange, this.#grant(origin), exchange.application);
    exchange.state = wrapped;
    exchange.application = this.#application;
    return wrapped;
  }

  /** Answers a preflight; false where the request is none. */
  answerPreflight(exchange: HttpExchange, origin: string): boolean {
    if (exchange.method !== 'OPTIONS' || exchange.header('access-control-request-method') === '')
      return false;
    const { fields } = this.#grant(origin);
    const requested = exchange
      .header('access-control-request-headers')
      .toLowerCase()
      .split(/[\s,]+/);
    const allowed = [
      ...requestFields,
      ...this.#options.allowedHeaders,
      ...requested.filter((name) => parameterField.test(name)),
    ];
    exchange.respond(204, [
      ...fields.filter((_, index) => !exposes(fields[index - (index % 2)])),
      'access-control-allow-methods',
      methods,
      'access-control-allow-headers',
      allowed.join(', '),
      'access-control-max-age',
      String(this.#options.maxAgeSeconds),
    ]);
    return true;
  }

  #grant(origin: string): Grant {
    const last = this.#last;
    if (last !== undefined && last.origin === origin) return last;
    const exposed = [...answerFields, ...this.#options.exposedHeaders].join(', ');
    const fields = ['access-control-allow-origin', this.#allowsAny ? '*' : origin];
    if (this.#options.credentials) fields.push('access-control-allow-credentials', 'true');
    fields.push('access-control-expose-headers', exposed);
    if (!this.#allowsAny) fields.push('vary', 'origin');
    this.#last = { origin, fields, heads: new WeakMap() };
    return this.#last;
  }
}

function exposes(name: string): boolean {
  return name === 'access-control-expose-headers';
}

/** Stands before the real application of wrapped exchanges: the engine calls it with what it knows. */
class WrappedApplication implements HttpApplication {
  onRequest(exchange: HttpExchange): void {
    const wrapped = exchange.state as CorsExchange;
    wrapped.application.onRequest(wrapped);
  }

  onBody(exchange: HttpExchange, body: Buffer): void {
    const wrapped = exchange.state as CorsExchange;
    wrapped.application.onBody(wrapped, body);
  }

  onBodyError(exchange: HttpExchange, error: Parameters<HttpApplication['onBodyError']>[1]): void {
    const wrapped = exchange.state as CorsExchange;
    wrapped.application.onBodyError(wrapped, error);
  }

  onAbort(exchange: HttpExchange): void {
    const wrapped = exchange.state as CorsExchange;
    wrapped.application.onAbort(wrapped);
  }

  refusal(_status: number, problem: string): { head: HeaderList; body: string } {
    return { head: ['content-type', 'text/plain'], body: problem };
  }
}

/** An exchange whose answers carry the fields of a grant. */
class CorsExchange implements HttpExchange {
  state: unknown = undefined;
  application: HttpApplication;
  readonly #exchange: HttpExchange;
  readonly #grant: Grant;

  constructor(exchange: HttpExchange, grant: Grant, application: HttpApplication) {
    this.#exchange = exchange;
    this.#grant = grant;
    this.application = application;
  }

  get method(): string {
    return this.#exchange.method;
  }

  get path(): string {
    return this.#exchange.path;
  }

  get query(): string {
    return this.#exchange.query;
  }

  get peer(): HttpExchange['peer'] {
    return this.#exchange.peer;
  }

  get isSecure(): boolean {
    return this.#exchange.isSecure;
  }

  get clientCertificate(): ClientCertificate | undefined {
    return this.#exchange.clientCertificate;
  }

  get principal(): HttpPrincipal | undefined {
    return this.#exchange.principal;
  }

  set principal(principal: HttpPrincipal | undefined) {
    this.#exchange.principal = principal;
  }

  get timer(): HttpExchange['timer'] {
    return this.#exchange.timer;
  }

  set timer(timer: HttpExchange['timer']) {
    this.#exchange.timer = timer;
  }

  get isAborted(): boolean {
    return this.#exchange.isAborted;
  }

  header(name: string): string {
    return this.#exchange.header(name);
  }

  eachHeader(visit: (name: string, value: string) => void): void {
    this.#exchange.eachHeader(visit);
  }

  keepHead(): void {
    this.#exchange.keepHead();
  }

  readBody(maxBytes?: number): void {
    this.#exchange.readBody(maxBytes);
  }

  respond(status: number, head: HeaderList, body?: string | Uint8Array): void {
    this.#exchange.respond(status, this.#withFields(head), body);
  }

  openStream(status: number, head: HeaderList): HttpStream {
    return this.#exchange.openStream(status, this.#withFields(head));
  }

  destroy(): void {
    this.#exchange.destroy();
  }

  #withFields(head: HeaderList): HeaderList {
    const { heads, fields } = this.#grant;
    let merged = heads.get(head);
    if (merged === undefined) {
      merged = mergeFields(head, fields);
      heads.set(head, merged);
    }
    return merged;
  }
}

/** Both lists as one; values of vary are joined, because caches read one field better than two. */
function mergeFields(head: HeaderList, fields: HeaderList): HeaderList {
  const merged = [...head];
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index];
    const at = name === 'vary' ? merged.findIndex((each, place) => place % 2 === 0 && each === 'vary') : -1;
    if (at < 0) merged.push(name, fields[index + 1]);
    else merged[at + 1] += `, ${fields[index + 1]}`;
  }
  return merged;
}

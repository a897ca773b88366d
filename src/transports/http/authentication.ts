/**
 * Asks who calls before an application is asked, and answers those who may not: WWW-Authenticate by RFC 6750
 * (section 3) and RFC 9728 (section 5.1), and the metadata of RFC 9728 (section 3).
 */
import type { HttpOptions, HttpRefusal, ProtectedResourceOptions } from './http-options.js';
import type { HeaderList, HttpPrincipal, HttpRequestHead } from './http-server.js';

export const metadataPath = '/.well-known/oauth-protected-resource';

/** What an authentication found out. */
export type Verdict = HttpPrincipal | HttpRefusal | undefined;

export class Authentication {
  readonly #authenticate: NonNullable<HttpOptions['authenticate']>;
  readonly #resource: ProtectedResource | undefined;

  constructor(
    authenticate: NonNullable<HttpOptions['authenticate']>,
    resource: ProtectedResource | undefined,
  ) {
    this.#authenticate = authenticate;
    this.#resource = resource;
  }

  /** What the hook says; throws and rejects with what it throws. */
  ask(head: HttpRequestHead): Verdict | Promise<Verdict> {
    return this.#authenticate(head);
  }

  /** The header fields of a refusal. */
  challenge(refusal: HttpRefusal, head: HttpRequestHead): HeaderList {
    const given = refusal.head ?? [];
    if (given.some((name, index) => index % 2 === 0 && name.toLowerCase() === 'www-authenticate'))
      return given;
    const parameters: string[] = [];
    // Who sent no credentials is told nothing of their faults (RFC 6750, section 3.1).
    if (refusal.status === 403) parameters.push('error="insufficient_scope"');
    else if (head.header('authorization') !== '') parameters.push('error="invalid_token"');
    if (parameters.length > 0) parameters.push(`error_description="${quotable(refusal.problem)}"`);
    if (refusal.scopes !== undefined && refusal.scopes.length > 0)
      parameters.push(`scope="${quotable(refusal.scopes.join(' '))}"`);
    if (this.#resource !== undefined)
      parameters.push(`resource_metadata="${this.#resource.metadataUrl(head)}"`);
    return [
      ...given,
      'www-authenticate',
      parameters.length === 0 ? 'Bearer' : `Bearer ${parameters.join(', ')}`,
    ];
  }
}

export function isRefusal(verdict: Exclude<Verdict, undefined>): verdict is HttpRefusal {
  return 'status' in verdict;
}

/** A hook may be written without types: whatever else it returns is a fault. */
export function isVerdict(value: unknown): value is Verdict {
  if (value === undefined) return true;
  if (typeof value !== 'object' || value === null) return false;
  const { status, principal, scopes, problem, head } = value as Record<string, unknown>;
  if (status === undefined) return typeof principal === 'string' && areTexts(scopes);
  const isComplete = (status === 401 || status === 403) && typeof problem === 'string';
  return isComplete && (scopes === undefined || areTexts(scopes)) && (head === undefined || areFields(head));
}

function areTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

/** Names and values by turns, with nothing in them that would end a field. */
function areFields(value: unknown): boolean {
  return areTexts(value) && value.length % 2 === 0 && !value.some((each) => /[\0\r\n]/.test(each));
}

export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as { then?: unknown } | undefined | null)?.then === 'function';
}

/** RFC 6750 allows these characters in error_description and scope; a quote would end the value. */
function quotable(text: string): string {
  return text.replace(/["\\]/g, "'").replace(/[^\x20-\x7e]/g, '?');
}

/** The resource of RFC 9728 that a site protects. */
export class ProtectedResource {
  readonly #options: ProtectedResourceOptions;
  readonly #path: string;
  /** The URL of the listener once it is bound; where it listens on all addresses, that is none a client can use. */
  url: string | undefined = undefined;

  /** `path`: of the endpoint. */
  constructor(options: ProtectedResourceOptions, path: string) {
    this.#options = options;
    this.#path = path;
  }

  /** Where the metadata is served: beside the resource's own path, and without it for clients that do not add it. */
  get paths(): readonly string[] {
    const own = this.#options.resource === undefined ? this.#path : new URL(this.#options.resource).pathname;
    return own === '/' ? [metadataPath] : [metadataPath + own, metadataPath];
  }

  metadataUrl(head: HttpRequestHead): string {
    const resource = new URL(this.#identifier(head));
    return `${resource.origin}${metadataPath}${resource.pathname === '/' ? '' : resource.pathname}`;
  }

  /** The metadata as JSON text. */
  metadata(head: HttpRequestHead): string {
    const { authorizationServers, scopes } = this.#options;
    return JSON.stringify({
      resource: this.#identifier(head),
      authorization_servers: authorizationServers,
      ...(scopes !== undefined && { scopes_supported: scopes }),
      bearer_methods_supported: ['header'],
    });
  }

  #identifier(head: HttpRequestHead): string {
    if (this.#options.resource !== undefined) return this.#options.resource;
    if (this.url !== undefined) return this.url;
    const byHost = `${head.isSecure ? 'https' : 'http'}://${head.header('host')}${this.#path}`;
    return URL.canParse(byHost) ? byHost : `http://localhost${this.#path}`;
  }
}

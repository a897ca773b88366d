/**
 * Which hosts and origins a site serves. A page on the web can send requests to a server on the visitor's machine; by
 * DNS rebinding it even makes them look like its own. The Host and Origin fields, which no page can forge, give it away.
 */
import type { ResolvedHttpOptions } from './resolve-http-options.js';

export class OriginPolicy {
  readonly #origins: ReadonlySet<string> | '*' | undefined;
  readonly #hosts: ReadonlySet<string> | '*' | undefined;
  readonly #isLoopback: boolean;

  /** isLoopback: whether the server can be reached from its own machine alone. */
  constructor(options: Pick<ResolvedHttpOptions, 'allowedOrigins' | 'allowedHosts'>, isLoopback: boolean) {
    const { allowedOrigins, allowedHosts } = options;
    this.#origins = typeof allowedOrigins === 'object' ? new Set(allowedOrigins) : allowedOrigins;
    this.#hosts = typeof allowedHosts === 'object' ? new Set(allowedHosts) : allowedHosts;
    this.#isLoopback = isLoopback;
  }

  /** Whether every origin may call: then an answer need not name the one it is for. */
  get allowsAnyOrigin(): boolean {
    return this.#origins === '*';
  }

  /** What is wrong with the Host field of a request; undefined where it is served. */
  hostProblem(host: string): string | undefined {
    const allowed = this.#hosts;
    if (allowed === '*' || (allowed === undefined && !this.#isLoopback)) return undefined;
    const lower = host.toLowerCase();
    const name = hostName(lower);
    if (allowed === undefined ? isLoopbackName(name) : allowed.has(lower) || allowed.has(name))
      return undefined;
    const right =
      allowed === undefined
        ? 'Call it as localhost, or name the host in "http.allowedHosts".'
        : 'Name the host in "http.allowedHosts".';
    return `The host "${shown(host)}" is not served here. ${right}`;
  }

  /** What is wrong with the Origin field of a request whose Host was found good; undefined where it may call. */
  originProblem(origin: string, host: string): string | undefined {
    const allowed = this.#origins;
    if (allowed === '*') return undefined;
    if (allowed === undefined ? this.#isOwn(origin, host) : allowed.has(origin.toLowerCase()))
      return undefined;
    return `Pages of the origin "${shown(origin)}" may not call this server. Name the origin in "http.allowedOrigins".`;
  }

  #isOwn(origin: string, host: string): boolean {
    if (!URL.canParse(origin)) return false;
    const url = new URL(origin);
    if (url.protocol !== 'http:' && url.protocol !== 'https:') return false;
    // The URL has no default port any more, the field may have one.
    const own = host.toLowerCase().replace(url.protocol === 'https:' ? /:443$/ : /:80$/, '');
    return url.host === own || (this.#isLoopback && isLoopbackName(url.hostname));
  }
}

/** Whether a bind address, or a name without port, is the machine itself (RFC 6761, section 6.3; RFC 5735; RFC 4291). */
export function isLoopbackName(name: string): boolean {
  return (
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    name === '::1' ||
    name === '[::1]' ||
    /^127(\.\d{1,3}){3}$/.test(name)
  );
}

/** The host without its port; an IPv6 address keeps its brackets. */
function hostName(host: string): string {
  return host.replace(/:\d*$/, '');
}

/** Part of a field that a stranger wrote, fit for a message. */
function shown(value: string): string {
  return value.slice(0, 100).replace(/[^\x20-\x7e]|"/g, '?');
}

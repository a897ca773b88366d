/** What hosts and targets of requests look like, for the engines whose parsers let others pass. */

/** A name or an address, with or without a port (RFC 9110, section 7.2). */
export const goodHost = /^(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._~-]+)(:\d{0,5})?$/;

/** A path, a query or both: visible characters of ASCII but '#' (RFC 9112, section 3.2.1). */
export const goodTarget = /^[!"$-~]*$/;

export const hostMalformed = 'Host is malformed.';

/** A request target in two: before and behind the first '?'. */
export function splitTarget(target: string): { readonly path: string; readonly query: string } {
  const at = target.indexOf('?');
  return at < 0 ? { path: target, query: '' } : { path: target.slice(0, at), query: target.slice(at + 1) };
}

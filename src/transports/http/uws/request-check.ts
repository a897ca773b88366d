/** What is wrong with the head of a request that uWebSockets.js lets pass. */
import { codingUnknown, hostMissing } from '../problems.js';
import { goodHost, goodTarget, hostMalformed } from '../request-syntax.js';
import { type HeadReader, token } from './head.js';

export class RequestCheck {
  /** What was good last: nearly every request of a listener names the same. */
  #path = '/';
  #host = '';

  /**
   * What parsers could read differently, so that what one takes for a body the other takes for a request (RFC 9112,
   * section 11.2), and what is malformed. uWebSockets.js itself never serves a request with Content-Length beside
   * Transfer-Encoding, white space around names, line folding, control characters, bare line feeds, another version or
   * a target that is no path. But it takes the first of several Content-Length or Host, any Transfer-Encoding for
   * chunked and an empty one for none.
   */
  problem(head: HeadReader, method: string, path: string, query: string): string | undefined {
    if (head.contentLengths > 1) return 'Content-Length is there more than once.';
    if (head.transferEncodings > 1) return 'Transfer-Encoding is there more than once.';
    if (head.transferEncodings === 1) {
      if (head.contentLengths === 1) return 'Content-Length stands beside Transfer-Encoding.';
      if (head.transferEncoding.toLowerCase() !== 'chunked') return codingUnknown(head.transferEncoding);
    } else if (head.contentLengths === 1 && !/^\d{1,15}$/.test(head.contentLength)) {
      return 'Content-Length is not a number of bytes.';
    }
    if (head.hosts > 1 || head.host === '') return hostMissing;
    if (head.host !== this.#host) {
      if (!goodHost.test(head.host)) return hostMalformed;
      this.#host = head.host;
    }
    return this.#lineProblem(method, path, query);
  }

  #lineProblem(method: string, path: string, query: string): string | undefined {
    if (method !== 'POST' && method !== 'GET') {
      if (!token.test(method)) return 'The method is malformed.';
      if (method === 'CONNECT') return 'This is no proxy: CONNECT is not served.';
    }
    if (path !== this.#path) {
      if (!goodTarget.test(path)) return 'The path is malformed.';
      this.#path = path;
    }
    return query === '' || goodTarget.test(query) ? undefined : 'The query is malformed.';
  }
}

/** Whether the request expects what nobody here does; the answer is 417 (RFC 9110, section 10.1.1). */
export function expectsMore(head: HeadReader): boolean {
  return head.expect !== '' && head.expect.toLowerCase() !== '100-continue';
}

/**
 * Whether the client wants no more on this connection, or nothing behind the request can be trusted to be a request. The chunked coding is read loosely by
 * uWebSockets.js (chunk extensions as digits, any line end), and a length that it did not see, behind a field with an
 * empty name, makes it take a body for a request.
 */
export function endsConnection(head: HeadReader, method: string): boolean {
  if (head.connection !== '' && /(^|,)[ \t]*close[ \t]*(,|$)/i.test(head.connection)) return true;
  if (head.contentLengths === 1) return false;
  return head.transferEncodings > 0 || method === 'POST' || method === 'PUT' || method === 'PATCH';
}

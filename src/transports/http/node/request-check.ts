/** What is wrong with the head of a request that node's parser lets pass. */
import { codingUnknown, expectationUnknown, hostMissing, tooManyFields } from '../problems.js';
import { goodHost, goodTarget, hostMalformed } from '../request-syntax.js';
import type { Http1Request } from './http1-exchange.js';

export interface RequestProblem {
  readonly status: number;
  readonly text: string;
}

const absoluteForm = /^https?:\/\/([^/?#]*)/i;

export class RequestCheck {
  readonly #maxHeaderFields: number;
  /** What was good last: nearly every request of a listener names the same. */
  #host = '';
  #target = '/';

  constructor(maxHeaderFields: number) {
    this.#maxHeaderFields = maxHeaderFields;
  }

  problem(request: Http1Request): RequestProblem | undefined {
    const { headers, httpVersionMajor, httpVersionMinor } = request;
    // The parser knows HTTP/0.9 and 2.0 too.
    if (httpVersionMajor !== 1 || httpVersionMinor > 1)
      return { status: 505, text: 'HTTP/1.1 and HTTP/1.0 are served, and HTTP/2 with its own preface.' };
    if (request.rawHeaders.length > this.#maxHeaderFields * 2)
      return { status: 431, text: tooManyFields(this.#maxHeaderFields) };
    const { host, expect, 'transfer-encoding': coding } = headers;
    if (host === undefined ? httpVersionMinor === 1 : host !== this.#host) {
      if (host === undefined || host === '' || host.includes(',')) return malformed(hostMissing);
      if (!goodHost.test(host)) return malformed(hostMalformed);
      this.#host = host;
    }
    if (coding !== undefined) {
      if (coding.toLowerCase() !== 'chunked') return malformed(codingUnknown(coding));
      if (httpVersionMinor === 0)
        return malformed('HTTP/1.0 has no transfer codings (RFC 9112, section 6.1).');
    }
    if (expect !== undefined && expect.toLowerCase() !== '100-continue')
      return { status: 417, text: expectationUnknown };
    return this.#targetProblem(request.url as string, host);
  }

  #targetProblem(target: string, host = ''): RequestProblem | undefined {
    if (target === this.#target) return undefined;
    if (!goodTarget.test(target)) return malformed('The target is malformed.');
    if (target.startsWith('/')) {
      this.#target = target;
      return undefined;
    }
    if (target === '*') return undefined;
    // Its authority counts, not Host (RFC 9112, section 3.2.2): with two different ones, one would be checked and
    // the other meant.
    const authority = absoluteForm.exec(target)?.[1];
    return authority?.toLowerCase() === host.toLowerCase()
      ? undefined
      : malformed(
          'A target that is no path must be a URL of http or https that names the same host as Host.',
        );
  }
}

function malformed(text: string): RequestProblem {
  return { status: 400, text };
}

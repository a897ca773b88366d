/** The shape of one case of raw HTTP/1.1, and how cases are written. */
import { callBody, type Engine, post } from './attack-server.js';

/**
 * What is answered. `refused`: neither the request nor the marked one behind it is served, at most one answer comes,
 * with one of these statuses (0: none), and the connection ends. `answered`: one answer for each status, in this order,
 * and `calls` reached the tool: an `a` for the request, a `b` for the marked one; then the connection goes on unless `closes`. `forgiven`: the engine's parser
 * takes the request for a good one, so that it may be served once; but the connection ends, and nothing behind it is.
 */
export type Verdict =
  | { readonly refused: readonly number[] }
  | { readonly answered: readonly number[]; readonly calls: string; readonly closes?: boolean }
  | { readonly forgiven: true };

export const forgiven: Verdict = { forgiven: true };

export interface HttpCase {
  readonly name: string;
  /** One character a byte; `{{1}}` is the mark of the request, `{{2}}` of what must not be served. */
  readonly bytes: string;
  readonly verdict: Verdict;
  /** Where an engine differs, as docs/http.md says. */
  readonly onEngine?: Partial<Record<Engine, Verdict>>;
  readonly isHead?: boolean;
}

export const first = '{{1}}';
export const second = '{{2}}';
export const body = callBody(first);
export const length = body.length;
/** A good request that must not be served. */
export const marked = post({ mark: second });

/** The request as it should be, but for these parts. */
export function good(parts: Parameters<typeof post>[0] = {}): string {
  return post({ mark: first, ...parts });
}

/** The body of the request in one chunk. */
export const chunked = `${length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
export const chunkedCoding = 'Transfer-Encoding: chunked\r\n';

/** The request in chunks, with these bytes as its body. */
export function chunks(coded: string, framing = chunkedCoding, fields = ''): string {
  return good({ framing, body: coded, fields });
}

export function refused(
  name: string,
  bytes: string,
  statuses: readonly number[] = [400],
  onEngine?: Partial<Record<Engine, Verdict>>,
): HttpCase {
  return {
    name,
    // What is hidden in the body stands where the attacker wants it already.
    bytes: bytes.includes(second) ? bytes : bytes + marked,
    verdict: { refused: statuses },
    onEngine,
  };
}

export function answered(
  name: string,
  bytes: string,
  statuses: readonly number[] = [200],
  {
    closes = false,
    calls = 'a'.repeat(statuses.filter((each) => each === 200).length),
    ...more
  }: AnsweredMore = {},
): HttpCase {
  return { name, bytes, verdict: { answered: statuses, calls, closes }, ...more };
}

interface AnsweredMore {
  readonly closes?: boolean;
  readonly calls?: string;
  readonly onEngine?: Partial<Record<Engine, Verdict>>;
  readonly isHead?: boolean;
}

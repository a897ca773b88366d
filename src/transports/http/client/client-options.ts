/** Options of HTTP and WebSocket clients. Every default stands in src/limits.ts. */
import { RingwireError } from '../../../errors.js';
import * as limits from '../../../limits.js';
import { type Check, checkAll, flag, integer, isRecord, listOf } from '../../option-checks.js';

/** Header fields by name. Their values may be secrets: they are never logged and stand in no error. */
export type HeaderFields = Readonly<Record<string, string>>;

export interface HttpClientOptions {
  /** Sent with every request, and with the opening of a WebSocket. A function is asked for each: tokens change. */
  readonly headers?: HeaderFields | (() => HeaderFields | Promise<HeaderFields>);
  /** Connections to the server at once. Default clientConnections. */
  readonly connections?: number;
  /** Requests under way or waiting for a connection; more are refused as OVERLOADED. Default clientRequests. */
  readonly maxRequests?: number;
  /** Closes a connection that was idle this long, unless the server names a shorter time. Default clientKeepAliveMs. */
  readonly keepAliveTimeoutMs?: number;
  /** Sub-protocols that a WebSocket offers; the server must take one of them. Default: none, and connect() offers "mcp". */
  readonly protocols?: readonly string[];
  /** Whether https takes HTTP/2 where the server offers it. Default true. */
  readonly http2?: boolean;
}

export type ResolvedHttpClientOptions = ReturnType<typeof resolveHttpClientOptions>;

/** RFC 9110, section 5.6.2. */
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

const checks: Readonly<Record<keyof HttpClientOptions, Check>> = {
  headers: (value) =>
    typeof value === 'function' || isRecord(value) ? undefined : 'an object of header fields, or a function',
  connections: integer(1, 65_535),
  maxRequests: integer(1, 1_000_000),
  keepAliveTimeoutMs: integer(1, 2 ** 31 - 1),
  protocols: listOf('sub-protocol names', (value) => typeof value === 'string' && token.test(value)),
  http2: flag,
};

/** Throws CONFIG_INVALID that names the option. */
export function resolveHttpClientOptions(options: HttpClientOptions = {}) {
  checkAll(options, checks, 'httpClient.');
  if (typeof options.headers === 'object') checkHeaders(options.headers);
  return {
    headers: options.headers,
    connections: options.connections ?? limits.clientConnections,
    maxRequests: options.maxRequests ?? limits.clientRequests,
    keepAliveTimeoutMs: options.keepAliveTimeoutMs ?? limits.clientKeepAliveMs,
    protocols: options.protocols ?? [],
    http2: options.http2 ?? true,
  };
}

/** Fields that say how a message is carried, which is for the client to say. */
const ownFields = new Set([
  'connection',
  'content-length',
  'host',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
]);

/** The fields with their names in lower case. Throws CONFIG_INVALID, which names a field but never its value. */
export function checkHeaders(fields: HeaderFields): Record<string, string> {
  if (!isRecord(fields)) throw invalid('httpClient.headers must give an object of header fields');
  const checked: Record<string, string> = {};
  for (const [name, value] of Object.entries(fields)) {
    const lower = name.toLowerCase();
    if (!token.test(lower)) throw invalid(`"${name}" is no name of a header field`);
    if (ownFields.has(lower)) throw invalid(`the header field "${name}" is set by the client itself`);
    if (typeof value !== 'string' || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
      throw invalid(`the value of the header field "${name}" must be a string without control characters`);
    checked[lower] = value;
  }
  return checked;
}

function invalid(problem: string): RingwireError {
  return new RingwireError('CONFIG_INVALID', `Options of the HTTP client: ${problem}.`);
}

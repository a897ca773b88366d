/** One HTTP server as its clients see it: requests go in, answers come back in pieces, connections are nobody's concern. */
import type { RingwireError } from '../../../errors.js';
import type { HttpConnectEndpoint } from '../../endpoint.js';
import type { ResolvedOptions } from '../../options.js';
import type { PeerInfo } from '../../transport.js';

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** From the first slash, with the query. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** Fields of an answer by lower-case name; a list where the field came several times. */
export type AnswerHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Gets an answer: onHead, any number of onData, onEnd; or onFail at any point instead of what would follow. */
export interface HttpAnswer {
  onHead(status: number, headers: AnswerHeaders): void;
  /** The view is borrowed until this returns. */
  onData(chunk: Buffer): void;
  onEnd(): void;
  onFail(error: RingwireError): void;
}

/** A request under way. */
export interface HttpCall {
  /** Gives the request up: its connection or stream is cut, and nothing more is told of it. Idempotent. */
  abort(): void;
}

export interface HttpClient {
  /** The server, for messages: the origin, or the child's command. */
  readonly origin: string;
  readonly peer: PeerInfo;
  /**
   * Sends a request; connects where that is needed. `answer` is told what comes of it, never before this returns.
   * Fails with OVERLOADED beyond maxRequests, CONNECTION_REFUSED, CONNECTION_RESET, DEADLINE_EXCEEDED (connecting),
   * TLS_FAILED, IO_ERROR, CHILD_EXITED.
   */
  send(request: HttpRequest, answer: HttpAnswer): HttpCall;
  /** Closes every connection; what is under way fails with CONNECTION_CLOSED. Resolves when they are gone. Idempotent. */
  close(): Promise<void>;
  /** The server is gone for good, which only a child can be. */
  onGone?: (error: RingwireError) => void;
}

/** A field's value; several are joined by ', ', '' where there is none. */
export function headerOf(headers: AnswerHeaders, name: string): string {
  const value = headers[name];
  return value === undefined ? '' : typeof value === 'string' ? value : value.join(', ');
}

/**
 * The client of an endpoint. No connection is made yet, except that a child is started.
 * @throws RingwireError CONFIG_INVALID, and what starting a child throws.
 */
export async function openHttpClient(
  endpoint: HttpConnectEndpoint,
  options: ResolvedOptions,
): Promise<HttpClient> {
  if (endpoint.kind === 'child-h2') {
    const { openChildHttpClient } = await import('./child-client.js');
    return openChildHttpClient(endpoint, options);
  }
  if (!endpoint.isSecure) {
    const { UndiciClient } = await import('./undici-client.js');
    return new UndiciClient(endpoint, options);
  }
  const { SecureClient } = await import('./secure-client.js');
  return new SecureClient(endpoint, options);
}

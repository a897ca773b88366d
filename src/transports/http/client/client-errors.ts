/** What undici, node:http2 and node:tls say, as errors of ours. */
import { RingwireError } from '../../../errors.js';
import { connectError, connectionError } from '../../system-errors.js';
import { tlsFailure } from '../tls-client.js';
import type { HttpAnswer, HttpCall } from './http-client.js';

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : '';
}

/** Why a request failed on its way or before its answer was complete. */
export function requestError(cause: unknown, url: string, connectTimeoutMs: number): RingwireError {
  if (cause instanceof RingwireError) return cause;
  const code = codeOf(cause);
  const text = cause instanceof Error ? cause.message : String(cause);
  const tls = tlsFailure(cause, url);
  if (tls !== undefined) return tls;
  switch (code) {
    case 'UND_ERR_CONNECT_TIMEOUT':
      return connectTimeout(url, connectTimeoutMs, cause);
    case 'UND_ERR_SOCKET':
      return new RingwireError(
        'CONNECTION_RESET',
        `The connection with ${url} was cut before the answer was complete (${text}).`,
        { cause },
      );
    case 'UND_ERR_DESTROYED':
    case 'UND_ERR_CLOSED':
      return clientClosed(url);
    case 'UND_ERR_HEADERS_OVERFLOW':
      return new RingwireError('HTTP_STATUS', `The header fields of the answer of ${url} are too large.`, {
        cause,
      });
    case 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH':
      return new RingwireError(
        'CONNECTION_RESET',
        `The answer of ${url} is shorter or longer than its content-length.`,
        { cause },
      );
    case 'ECONNREFUSED':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EACCES':
    case 'EPERM':
      return connectError(cause, url);
  }
  // Some errors of undici's parser have a name and no code.
  if (code.startsWith('HPE_') || (cause instanceof Error && cause.name === 'HTTPParserError')) {
    const message = `What ${url} answered is not HTTP/1.1 (${text}).`;
    return new RingwireError('HTTP_STATUS', message, { cause });
  }
  if (code.startsWith('ERR_HTTP2_'))
    return new RingwireError('CONNECTION_RESET', `The HTTP/2 stream with ${url} failed: ${text}.`, { cause });
  return connectionError(cause, url);
}

export function connectTimeout(url: string, connectTimeoutMs: number, cause?: unknown): RingwireError {
  const text = `${url} did not accept a connection within connectTimeoutMs (${connectTimeoutMs}).`;
  return new RingwireError('DEADLINE_EXCEEDED', text, { cause });
}

export function clientClosed(url: string): RingwireError {
  return new RingwireError('CONNECTION_CLOSED', `The client of ${url} is closed.`);
}

export function tooManyRequests(url: string, maxRequests: number): RingwireError {
  return new RingwireError(
    'OVERLOADED',
    `${maxRequests} requests to ${url} are under way or wait (httpClient.maxRequests).`,
  );
}

/** Tells of the failure in a later turn, as every other outcome is told. */
export function failed(answer: HttpAnswer, error: RingwireError): HttpCall {
  let isAborted = false;
  queueMicrotask(() => {
    if (!isAborted) answer.onFail(error);
  });
  return {
    abort: () => {
      isAborted = true;
    },
  };
}

/** Answers that say what was wrong with a request, as JSON-RPC errors behind a status. */
import { RpcErrorCode } from '../../../errors.js';
import { errorText } from '../../../rpc/json-text.js';
import type { IdText } from '../../../rpc/types.js';
import type { HeaderList, HttpExchange } from '../../../transports/http/http-server.js';

export const jsonHead: HeaderList = ['content-type', 'application/json'];

/**
 * The specification gives no code for a session that is not there. The official SDKs' servers answer this one, and
 * clients look for it.
 */
const sessionNotFoundCode = -32001;

export function refuse(
  exchange: HttpExchange,
  status: number,
  code: number,
  message: string,
  id: IdText | null = null,
  data?: unknown,
): void {
  exchange.respond(status, jsonHead, errorText(id, code, message, data));
}

export function refuseUnknownSession(exchange: HttpExchange, id: IdText | null): void {
  const message =
    'Session not found: it ended or never was. POST initialize without Mcp-Session-Id to begin anew.';
  refuse(exchange, 404, sessionNotFoundCode, message, id);
}

export function refuseMissingSession(exchange: HttpExchange, id: IdText | null): void {
  const message =
    'The Mcp-Session-Id header is missing. POST initialize first, then send the id it was answered with in each request.';
  refuse(exchange, 400, RpcErrorCode.InvalidRequest, message, id);
}

/** 503, which clients may try again. */
export function refuseForNow(exchange: HttpExchange, code: string, message: string, id: IdText | null): void {
  exchange.respond(
    503,
    [...jsonHead, 'retry-after', '1'],
    errorText(id, RpcErrorCode.InternalError, message, { code, retryable: true }),
  );
}

/** Whether an Accept header lets an answer have this type. An absent header accepts anything (RFC 9110, 12.5.1). */
export function accepts(accept: string, type: 'application/json' | 'text/event-stream'): boolean {
  if (accept === '' || accept.includes(type) || accept.includes('*/*')) return true;
  const lower = accept.toLowerCase();
  return lower.includes(type) || lower.includes(`${type.slice(0, type.indexOf('/'))}/*`);
}

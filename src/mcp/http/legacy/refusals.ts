/** What requests of the legacy era are refused with. */
import { RpcErrorCode } from '../../../errors.js';
import type { IdText } from '../../../rpc/types.js';
import type { HttpExchange } from '../../../transports/http/http-server.js';
import { refusal, refuse } from '../refusal.js';

/**
 * The specification gives no code for a session that is not there. The official SDKs' servers answer this one, and
 * clients look for it.
 */
const sessionNotFoundCode = -32001;

const unknownSession = refusal(
  404,
  sessionNotFoundCode,
  'Session not found: it ended or never was. POST initialize without Mcp-Session-Id to begin anew.',
);

const missingSession = refusal(
  400,
  RpcErrorCode.InvalidRequest,
  'The Mcp-Session-Id header is missing. POST initialize first, then send the id it was answered with in each request.',
);

export function refuseUnknownSession(exchange: HttpExchange, id: IdText | null): void {
  refuse(exchange, unknownSession, id);
}

export function refuseMissingSession(exchange: HttpExchange, id: IdText | null): void {
  refuse(exchange, missingSession, id);
}

/** Says that a request is not as it must be. */
export function refuseInvalid(
  exchange: HttpExchange,
  status: number,
  message: string,
  id: IdText | null = null,
  data?: unknown,
): void {
  refuse(exchange, refusal(status, RpcErrorCode.InvalidRequest, message, data), id);
}

/** Answers that refuse: an HTTP status, and a JSON-RPC error that says what was wrong and what would be right. */
import { RpcError, RpcErrorCode } from '../../errors.js';
import { jsonHead } from '../../rpc/http/exchange-transport.js';
import { errorText } from '../../rpc/json-text.js';
import type { IdText } from '../../rpc/types.js';
import type { HeaderList, HttpExchange } from '../../transports/http/http-server.js';

/** Statuses of errors that mean the same whoever raised them (2026-07-28, basic/transports/streamable-http). */
const statuses: Readonly<Record<number, number>> = {
  [RpcErrorCode.ParseError]: 400,
  [RpcErrorCode.InvalidRequest]: 400,
  [RpcErrorCode.MethodNotFound]: 404,
  [RpcErrorCode.HeaderMismatch]: 400,
  [RpcErrorCode.MissingRequiredClientCapability]: 400,
  [RpcErrorCode.UnsupportedProtocolVersion]: 400,
};

/**
 * The status of an error that a method answered with. 200 for those not in the table: the method ran, and its error
 * is the answer; unknown tools and resources (-32602) are among them.
 */
export function statusOf(code: number): number {
  return statuses[code] ?? 200;
}

/** A request that is refused before any method runs. */
export interface Refusal {
  readonly status: number;
  readonly error: RpcError;
}

export function refusal(status: number, code: number, message: string, data?: unknown): Refusal {
  return { status, error: new RpcError(code, message, data) };
}

const overloadHead: HeaderList = [...jsonHead, 'retry-after', '1'];

/** `id` is null where the request has none or it could not be read. */
export function refuse(
  exchange: HttpExchange,
  { status, error }: Refusal,
  id: IdText | null = null,
  head: HeaderList = status === 503 ? overloadHead : jsonHead,
): void {
  exchange.respond(status, head, errorText(id, error.rpcCode, error.message, error.data));
}

/** 503: the same request may succeed later, or elsewhere. */
export function unavailable(code: 'OVERLOADED' | 'CONNECTION_CLOSED', message: string): Refusal {
  return refusal(503, RpcErrorCode.InternalError, message, { code, retryable: true });
}

/** The JSON-RPC error for what never became a request, or was refused in front of the application. */
export function refusalText(status: number, problem: string): string {
  if (status === 503) return errorText(null, RpcErrorCode.InternalError, problem, overloadedData);
  const code = status >= 500 ? RpcErrorCode.InternalError : RpcErrorCode.InvalidRequest;
  return errorText(null, code, problem);
}

const overloadedData = { code: 'OVERLOADED', retryable: true };

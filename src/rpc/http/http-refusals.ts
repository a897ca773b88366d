/** What JSON-RPC answers over HTTP where a request cannot become a call: a status, and an error object that says why. */
import { type ErrorCode, type RingwireError, RpcErrorCode } from '../../errors.js';
import type { HeaderList, HttpExchange } from '../../transports/http/http-server.js';
import { errorText, internalError } from '../json-text.js';
import { jsonHead } from './exchange-transport.js';

export { jsonHead };

/** Head and body of an answer to what is no call; for HttpApplication.refusal(). */
export function httpRefusal(
  status: number,
  problem: string,
): { readonly head: HeaderList; readonly body: string } {
  return { head: jsonHead, body: refusalText(status, problem) };
}

/** Answers with a status and an error object without an id. `fields` are added to the head. */
export function refuseExchange(
  exchange: HttpExchange,
  status: number,
  problem: string,
  fields: HeaderList = [],
): void {
  exchange.respond(
    status,
    fields.length === 0 ? jsonHead : [...jsonHead, ...fields],
    refusalText(status, problem),
  );
}

function refusalText(status: number, problem: string): string {
  if (status < 500) return errorText(null, RpcErrorCode.InvalidRequest, problem);
  const code = status === 503 ? 'OVERLOADED' : 'INTERNAL';
  const error = internalError(code, problem, status === 503);
  return errorText(null, error.rpcCode, error.message, error.data);
}

const statuses: Partial<Record<ErrorCode, number>> = {
  FRAME_TOO_LARGE: 413,
  FRAME_INVALID: 400,
  CONFIG_INVALID: 415,
  DEADLINE_EXCEEDED: 408,
};

/** Answers to a body that could not be had; for HttpApplication.onBodyError(). */
export function refuseBody(exchange: HttpExchange, error: RingwireError): void {
  refuseExchange(exchange, statuses[error.code] ?? 400, error.message);
}

/** Whether a Content-Type says JSON in UTF-8, the only charset of RFC 8259. */
export function isJsonType(contentType: string): boolean {
  if (contentType === 'application/json') return true;
  const [type, ...parameters] = contentType.toLowerCase().split(';');
  if (type.trim() !== 'application/json' && !/^\s*application\/(json-rpc|jsonrequest)\s*$/.test(type))
    return false;
  return parameters.every((parameter) => {
    const [name, value = ''] = parameter.split('=', 2);
    return name.trim() !== 'charset' || /^\s*"?utf-?8"?\s*$/.test(value);
  });
}

/** Whether an Accept lets an answer be JSON (RFC 9110, section 12.5.1). The absence of one does. */
export function acceptsJson(accept: string): boolean {
  if (accept === '' || accept === '*/*' || accept === 'application/json') return true;
  return accept
    .toLowerCase()
    .split(',')
    .some((range) => /^\s*(application\/json|application\/\*|\*\/\*)\s*(;|$)/.test(range) && !refuses(range));
}

/** A weight of zero says never. */
function refuses(range: string): boolean {
  return /;\s*q\s*=\s*0(\.0*)?\s*(;|$)/.test(range);
}

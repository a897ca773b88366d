/** JSON-RPC messages composed and looked into as text, so that ids and tokens pass unchanged. */
import { RingwireError, RpcError, RpcErrorCode } from '../errors.js';
import type { IdText } from './types.js';

/** The value as a plain object; undefined for arrays, null and scalars. */
export function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

/** A result that is JSON text already: sent as it is. The text must be valid JSON without newlines. */
export class JsonText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** The value itself, for interceptors that look into results and for JSON.stringify. */
  toJSON(): unknown {
    return JSON.parse(this.text);
  }
}

/** Throws what JSON.stringify throws (cycles, BigInt, depth). undefined and functions become null. */
export function resultText(id: IdText, result: unknown): string {
  if (result instanceof JsonText) return `{"jsonrpc":"2.0","id":${id},"result":${result.text}}`;
  return `{"jsonrpc":"2.0","id":${id},"result":${JSON.stringify(result) ?? 'null'}}`;
}

export function errorText(id: IdText | null, code: number, message: string, data?: unknown): string {
  let dataText = '';
  if (data !== undefined) {
    try {
      const json = JSON.stringify(data);
      if (json !== undefined) dataText = `,"data":${json}`;
    } catch {
      // data is an extra; the code and the message still reach the caller.
    }
  }
  return `{"jsonrpc":"2.0","id":${id},"error":{"code":${code},"message":${JSON.stringify(message)}${dataText}}}`;
}

/** paramsText is JSON text of an object or array, or '' for none. */
export function requestText(id: IdText, method: string, paramsText: string): string {
  const params = paramsText === '' ? '' : `,"params":${paramsText}`;
  return `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)}${params}}`;
}

/** paramsText is JSON text of an object or array, or '' for none. */
export function notificationText(method: string, paramsText: string): string {
  const params = paramsText === '' ? '' : `,"params":${paramsText}`;
  return `{"jsonrpc":"2.0","method":${JSON.stringify(method)}${params}}`;
}

/** params as JSON text, '' for undefined. Throws FRAME_INVALID when JSON-RPC or JSON cannot carry them. */
export function serialiseParams(method: string, params: unknown): string {
  if (params === undefined) return '';
  if (typeof params !== 'object' || params === null) {
    throw new RingwireError(
      'FRAME_INVALID',
      `The params of "${method}" must be an object or an array, not ${params === null ? 'null' : typeof params}.`,
    );
  }
  let text: string | undefined;
  try {
    text = JSON.stringify(params);
  } catch (cause) {
    throw new RingwireError(
      'FRAME_INVALID',
      `The params of "${method}" cannot be written as JSON: ${cause}`,
      {
        cause,
      },
    );
  }
  // A toJSON() may have turned the object into anything.
  if (text === undefined || (text[0] !== '{' && text[0] !== '[')) {
    throw new RingwireError('FRAME_INVALID', `The params of "${method}" become ${text} as JSON.`);
  }
  return text;
}

/** An error object of the wire as the error a call rejects with. */
export function errorFromWire(value: unknown): RingwireError {
  const object = asObject(value);
  if (typeof object?.message !== 'string' || !Number.isInteger(object.code)) {
    return new RingwireError('FRAME_INVALID', 'The peer answered with an error that lacks code or message.');
  }
  return new RpcError(object.code as number, object.message, object.data, {
    retryable: asObject(object.data)?.retryable === true,
  });
}

/** An error we answer with that has no JSON-RPC code of its own: -32603, and ours in data.code. */
export function internalError(code: string, message: string, retryable: boolean): RpcError {
  return new RpcError(RpcErrorCode.InternalError, message, { code, retryable }, { retryable });
}

const memberPattern = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/g;

/**
 * The text of a string or number member of the outermost object of valid JSON text; undefined where it is absent or
 * of another type. JSON.parse would turn 12345678901234567890 into another number.
 */
export function scalarMemberText(json: string, key: string): string | undefined {
  const wanted = JSON.stringify(key);
  let depth = 0;
  let previous = '';
  let beforePrevious = '';
  for (const [token] of json.matchAll(memberPattern)) {
    if (depth === 1 && previous === ':' && beforePrevious === wanted) {
      return /^["\-0-9]/.test(token) ? token : undefined;
    }
    if (token === '{' || token === '[') depth += 1;
    else if (token === '}' || token === ']') depth -= 1;
    beforePrevious = previous;
    previous = token;
  }
  return undefined;
}

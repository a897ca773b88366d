import { isUtf8 } from 'node:buffer';
import { RingwireError } from '../../errors.js';
import { maxDepth, maxDepthLimit } from '../../limits.js';

export interface SdkRequest {
  readonly id: string | number;
  readonly method: string;
  readonly params?: unknown;
}

/** Whether a message that passed parseMessage() wants an answer. */
export function isRequest(message: object): message is SdkRequest {
  const { id, method } = message as { id?: unknown; method?: unknown };
  return method !== undefined && id !== undefined;
}

/**
 * The SDKs' `JSONRPCMessageSchema` in plain code: they look at each message again before they dispatch it, so only
 * what would mislead that dispatch is refused here.
 */
export function parseMessage(frame: Buffer): object | RingwireError {
  if (!isUtf8(frame)) return new RingwireError('FRAME_INVALID', 'A frame is not valid UTF-8.');
  if (frame.length > maxDepthLimit && nestsDeeper(frame, maxDepth)) {
    return new RingwireError('FRAME_INVALID', `A frame nests deeper than ${maxDepth} levels.`);
  }
  let value: unknown;
  try {
    value = JSON.parse(frame.toString('utf8'));
  } catch (cause) {
    return new RingwireError('FRAME_INVALID', `A frame is not JSON: ${(cause as Error).message}.`, { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return new RingwireError('FRAME_INVALID', 'A frame is not a JSON-RPC message: an object is required.');
  }
  const { jsonrpc, id, method } = value as { jsonrpc?: unknown; id?: unknown; method?: unknown };
  if (jsonrpc !== '2.0') {
    return new RingwireError('FRAME_INVALID', 'A frame is not a JSON-RPC message: "jsonrpc" must be "2.0".');
  }
  const idIsValid =
    typeof id === 'string' || Number.isSafeInteger(id) || (id === undefined && method !== undefined);
  if (!idIsValid && !('error' in value && id === undefined)) {
    return new RingwireError('FRAME_INVALID', 'A JSON-RPC id must be a string or a safe integer.');
  }
  if (method === undefined ? !('result' in value) && !('error' in value) : typeof method !== 'string') {
    return new RingwireError('FRAME_INVALID', 'A JSON-RPC message needs a method, a result or an error.');
  }
  return value;
}

/**
 * JSON.parse takes seconds for millions of brackets, so they are counted before. A frame too short to nest deeper than
 * maxDepthLimit need not be looked at.
 */
function nestsDeeper(frame: Buffer, limit: number): boolean {
  let depth = 0;
  for (let at = 0; at < frame.length; at += 1) {
    const byte = frame[at];
    if (byte === 0x22) {
      at = endOfString(frame, at + 1);
    } else if (byte === 0x7b || byte === 0x5b) {
      depth += 1;
      if (depth > limit) return true;
    } else if (byte === 0x7d || byte === 0x5d) {
      depth -= 1;
    }
  }
  return false;
}

/** Where the closing quote stands; the end of the frame where there is none. */
function endOfString(frame: Buffer, from: number): number {
  let at = from;
  while (at < frame.length && frame[at] !== 0x22) at += frame[at] === 0x5c ? 2 : 1;
  return at;
}

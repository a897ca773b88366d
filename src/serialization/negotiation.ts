/**
 * How two ringwire peers agree on an encoding. The connection begins as lines of JSON. The side that connected may
 * send, as its very first message and before anything else,
 *
 *     {"jsonrpc":"2.0","id":"ringwire/encoding","method":"ringwire/encoding",
 *      "params":{"version":1,"encodings":["msgpack","json"]}}
 *
 * and waits. A ringwire peer that offers this answers with its choice; right behind the answer both directions use
 * the framing of that encoding. Any other peer answers with an error such as "method not found", and the connection
 * goes on in JSON. Frames the peer sent before its answer are JSON.
 */
import { codecs, type Encoding } from './codec.js';

export const encodingMethod = 'ringwire/encoding';

/** Changes when the meaning of the exchange or of an encoding changes. */
const negotiationVersion = 1;

const requestId = encodingMethod;

/** A longer first frame is no request of ours and is not worth parsing. */
const maxRequestBytes = 1024;

interface Message {
  readonly jsonrpc?: unknown;
  readonly id?: unknown;
  readonly method?: unknown;
  readonly params?: { readonly version?: unknown; readonly encodings?: unknown };
  readonly result?: { readonly version?: unknown; readonly encoding?: unknown };
  readonly error?: unknown;
}

function parse(frame: Buffer): Message | undefined {
  if (frame.length > maxRequestBytes || !frame.includes(encodingMethod)) return undefined;
  try {
    const value: unknown = JSON.parse(frame.toString('utf8'));
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The request of the side that connected; encodings in order of preference. */
export function encodingRequest(encodings: readonly Encoding[]): string {
  return JSON.stringify({
    jsonrpc: '2.0',
    id: requestId,
    method: encodingMethod,
    params: { version: negotiationVersion, encodings },
  });
}

/** What an answer to encodingRequest() settles; undefined where the frame is something else. */
export function readEncodingAnswer(frame: Buffer, asked: readonly Encoding[]): Encoding | undefined {
  const message = parse(frame);
  if (message?.id !== requestId || message.method !== undefined) return undefined;
  const chosen = message.result?.version === negotiationVersion ? message.result.encoding : undefined;
  return asked.find((encoding) => encoding === chosen) ?? 'json';
}

/** The answer to a peer's request, and what it settles; undefined where the frame is something else. */
export function answerEncodingRequest(
  frame: Buffer,
  offered: readonly Encoding[],
): { readonly answer: string; readonly encoding: Encoding } | undefined {
  const message = parse(frame);
  if (message?.jsonrpc !== '2.0' || message.method !== encodingMethod || message.id !== requestId)
    return undefined;
  const { version, encodings } = message.params ?? {};
  const wanted: readonly unknown[] =
    version === negotiationVersion && Array.isArray(encodings) ? encodings : [];
  const encoding =
    wanted.find(
      (each): each is Encoding =>
        typeof each === 'string' && Object.hasOwn(codecs, each) && offered.includes(each as Encoding),
    ) ?? 'json';
  const result = { version: negotiationVersion, encoding };
  return { answer: JSON.stringify({ jsonrpc: '2.0', id: requestId, result }), encoding };
}

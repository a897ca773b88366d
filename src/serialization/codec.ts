/**
 * Encodings of a message: JSON, which every peer speaks, and MessagePack, which two ringwire peers may agree on
 * (negotiation.ts). MessagePack is never on a standard MCP wire.
 */
import { createRequire } from 'node:module';
import type { Packr } from 'msgpackr';
import { RingwireError } from '../errors.js';
import { maxDepth } from '../limits.js';
import type { FramingKind } from './framing.js';
import { messagePackProblem } from './messagepack-check.js';

export type Encoding = 'json' | 'msgpack';

export interface Codec {
  readonly encoding: Encoding;
  /** The framing its bytes need: MessagePack may hold any byte, also a newline. */
  readonly framing: FramingKind;
  /** @throws TypeError for a value that JSON cannot say: undefined, a function, a BigInt, a cycle. */
  encode(value: unknown): Uint8Array | string;
  /** @throws RingwireError FRAME_INVALID */
  decode(frame: Buffer): unknown;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function invalid(encoding: string, problem: string, cause?: unknown): RingwireError {
  return new RingwireError('FRAME_INVALID', `A frame is not valid ${encoding}: ${problem}.`, { cause });
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export const jsonCodec: Codec = {
  encoding: 'json',
  framing: 'newline',
  encode: (value) => {
    const text = JSON.stringify(value) as string | undefined;
    if (text === undefined) throw new TypeError(`A value of type ${typeof value} cannot be said in JSON.`);
    return text;
  },
  decode: (frame) => {
    try {
      return JSON.parse(utf8.decode(frame));
    } catch (error) {
      throw invalid('JSON', textOf(error), error);
    }
  },
};

let packr: Packr | undefined;

/**
 * Loaded at first use: most processes never speak MessagePack. Records are off, so the format is plain MessagePack
 * and no code is generated from what a peer sends.
 */
function loadPackr(): Packr {
  if (packr === undefined) {
    const msgpackr = createRequire(import.meta.url)('msgpackr') as { Packr: typeof Packr };
    packr = new msgpackr.Packr({ useRecords: false, mapsAsObjects: true });
  }
  return packr;
}

export const messagePackCodec: Codec = {
  encoding: 'msgpack',
  framing: 'length',
  // By way of JSON: toJSON, undefined members and everything else mean the same in both encodings.
  encode: (value) => loadPackr().pack(JSON.parse(jsonCodec.encode(value) as string)),
  decode: (frame) => {
    const problem = messagePackProblem(frame, maxDepth);
    if (problem !== undefined) throw invalid('MessagePack', problem);
    return loadPackr().unpack(frame);
  },
};

export const codecs: Readonly<Record<Encoding, Codec>> = { json: jsonCodec, msgpack: messagePackCodec };

const openBrace = 0x7b;
const openBracket = 0x5b;

/**
 * A JSON message as it travels on a connection that agreed on MessagePack. A text that would not come back byte for
 * byte (an integer beyond 2^53, a repeated key, white space, a lone surrogate, a `__proto__` key) travels as JSON:
 * as MessagePack those first bytes, `{` and `[`, would be the numbers 123 and 91, which are no message.
 */
export function packMessage(frame: Uint8Array | string): Uint8Array | string {
  const text =
    typeof frame === 'string' ? frame : Buffer.from(frame.buffer, frame.byteOffset, frame.length).toString();
  if (text.includes('__proto__') || text.includes('\\ud')) return frame;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || JSON.stringify(value) !== text) return frame;
    return loadPackr().pack(value);
  } catch {
    // Not JSON, or nested too deeply to be packed: the peer judges it as it would on any connection.
    return frame;
  }
}

/**
 * The JSON text of a frame from such a connection.
 * @throws RingwireError FRAME_INVALID
 */
export function unpackMessage(frame: Buffer): Buffer {
  if (frame[0] === openBrace || frame[0] === openBracket) return frame;
  const value = messagePackCodec.decode(frame);
  try {
    return Buffer.from(JSON.stringify(value));
  } catch (error) {
    throw invalid('MessagePack', textOf(error), error);
  }
}

/** Content codings (RFC 9110, section 8.4): undone on requests, within limits; chosen and applied on answers. */
import {
  brotliCompress,
  brotliCompressSync,
  brotliDecompress,
  constants,
  gunzip,
  gzip,
  gzipSync,
  inflate,
  inflateRaw,
} from 'node:zlib';
import { RingwireError } from '../../errors.js';
import { compressionCacheBytes, maxInflateRatio } from '../../limits.js';
import type { HeaderList } from './http-server.js';
import type { ResolvedCompressionOptions } from './resolve-http-options.js';

export type ContentCoding = 'br' | 'gzip';

/** Growth below this is no attack whatever its ratio: a kilobyte of equal bytes packs into a dozen. */
const harmlessBytes = 64 * 1024;

type Inflater = (
  body: Uint8Array,
  options: { maxOutputLength: number },
  done: (error: NodeJS.ErrnoException | null, result: Buffer) => void,
) => void;

const inflaters: Readonly<Record<string, Inflater>> = {
  gzip: gunzip,
  'x-gzip': gunzip,
  // RFC 9110 means the zlib format; some clients send the bare deflate stream, whose first byte no zlib header has.
  deflate: (body, options, done) => ((body[0] & 0x0f) === 8 ? inflate : inflateRaw)(body, options, done),
  br: brotliDecompress,
};

/**
 * Undoes the content coding of a request body. `coding` is the Content-Encoding field; the bytes of `body` must stay
 * as they are until the promise settles. Holds at most the limit and one chunk of zlib while it decodes.
 *
 * Rejects with CONFIG_INVALID for a coding that is not known or a stack of them (answer 415), FRAME_INVALID for a body
 * that does not decode or is cut short (400), FRAME_TOO_LARGE beyond maxBytes or maxInflateRatio (413).
 */
export function decodeBody(coding: string, body: Buffer, maxBytes: number): Promise<Buffer> {
  const name = coding.trim().toLowerCase();
  if (name === 'identity' || name === '') {
    return body.length > maxBytes ? Promise.reject(tooLarge(maxBytes)) : Promise.resolve(body);
  }
  const inflater = Object.hasOwn(inflaters, name) ? inflaters[name] : undefined;
  if (inflater === undefined) return Promise.reject(unknownCoding(coding));
  const most = Math.min(maxBytes, Math.max(harmlessBytes, body.length * maxInflateRatio));
  return new Promise((resolve, reject) => {
    // zlib reads an empty input as an empty output, but no coding has a form of nothing.
    if (body.length === 0) reject(undecodable(name, 'it is empty'));
    else
      inflater(body, { maxOutputLength: Math.max(most, 1) }, (error, result) => {
        if (error === null) resolve(result);
        else if (error.code !== 'ERR_BUFFER_TOO_LARGE') reject(undecodable(name, error.message, error));
        else reject(most < maxBytes ? bomb() : tooLarge(maxBytes));
      });
  });
}

function unknownCoding(coding: string): RingwireError {
  const problem = coding.includes(',')
    ? `The body has more than one content coding ("${coding}")`
    : `The content coding "${coding}" is not known`;
  return new RingwireError('CONFIG_INVALID', `${problem}. Send one of gzip, deflate and br, or none.`);
}

function undecodable(name: string, problem: string, cause?: Error): RingwireError {
  return new RingwireError('FRAME_INVALID', `The body is no ${name} data: ${problem}.`, { cause });
}

function tooLarge(maxBytes: number): RingwireError {
  return new RingwireError(
    'FRAME_TOO_LARGE',
    `The decoded body is larger than the limit of ${maxBytes} bytes.`,
  );
}

function bomb(): RingwireError {
  return new RingwireError(
    'FRAME_TOO_LARGE',
    `The body grows more than ${maxInflateRatio} times when it is decoded. Send it without a content coding.`,
  );
}

/**
 * Speed before size. A list of tools of 20 kB: gzip 1 takes 46 µs to 6.0 %, gzip 6 95 µs to 6.0 %; brotli 3 62 µs to
 * 3.8 %, 5 114 µs to 3.6 %. Of 298 kB: gzip 1 0.32 ms, gzip 4 0.88 ms, brotli 3 0.89 ms, 5 1.9 ms, all within 3 %.
 */
const gzipOptions = { level: 1 };
const brotliOptions = {
  params: {
    [constants.BROTLI_PARAM_QUALITY]: 3,
    [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
  },
};

/** A body that was answered, in the forms it was asked for. */
interface CachedBody {
  readonly forms: { br?: Buffer; gzip?: Buffer };
  bytes: number;
}

/** Compresses the answers of one listener. */
export class AnswerCompressor {
  readonly #options: ResolvedCompressionOptions;
  /** Least recently used first. Strings alone: a native or cached reply is the same string each time. */
  readonly #cache = new Map<string, CachedBody>();
  #cachedBytes = 0;
  /** The accept-encoding read last and what it means: the clients of one listener send few different ones. */
  #lastAccept = '';
  #lastCoding: ContentCoding | undefined = undefined;
  readonly #heads = new WeakMap<HeaderList, Partial<Record<ContentCoding | 'identity', HeaderList>>>();

  constructor(options: ResolvedCompressionOptions) {
    this.#options = options;
  }

  /** Bodies below this are sent as they are, whatever the client accepts: no need to read accept-encoding. */
  get thresholdBytes(): number {
    return this.#options.thresholdBytes;
  }

  /**
   * The coding of an answer: the first of the server's that the client takes at its highest weight. undefined for small
   * bodies, event streams, what is coded already or must not be changed, and clients that take none.
   */
  choose(acceptEncoding: string, bytes: number, head: HeaderList): ContentCoding | undefined {
    if (bytes < this.#options.thresholdBytes || acceptEncoding === '' || !isCompressible(head))
      return undefined;
    if (acceptEncoding !== this.#lastAccept) {
      this.#lastCoding = preferred(acceptEncoding, this.#options.encodings);
      this.#lastAccept = acceptEncoding;
    }
    return this.#lastCoding;
  }

  /**
   * The body in a coding: at once where it is known from before or small enough, else from libuv's threads. What a
   * promise is given must stay as it is until it settles.
   */
  encode(coding: ContentCoding, body: string | Uint8Array): Buffer | Promise<Buffer> {
    const entry = typeof body === 'string' ? this.#recall(body) : undefined;
    const known = entry?.forms[coding];
    if (known !== undefined) return known;
    if (body.length < this.#options.offloadBytes) {
      const result = this.compressSync(coding, body);
      if (entry !== undefined) this.#remember(body as string, entry, coding, result);
      return result;
    }
    return compress(coding, body).then((result) => {
      if (entry !== undefined) this.#remember(body as string, entry, coding, result);
      return result;
    });
  }

  /** The body in a coding, on this thread. */
  compressSync(coding: ContentCoding, body: string | Uint8Array): Buffer {
    return coding === 'br' ? brotliCompressSync(body, brotliOptions) : gzipSync(body, gzipOptions);
  }

  /** The header fields with content-encoding (none for undefined) and vary; one list for each list it is given. */
  headFor(coding: ContentCoding | undefined, head: HeaderList): HeaderList {
    let forms = this.#heads.get(head);
    if (forms === undefined) {
      forms = {};
      this.#heads.set(head, forms);
    }
    const key = coding ?? 'identity';
    forms[key] ??= withFields(head, coding);
    return forms[key];
  }

  /** What is known of a body that came before; of one that is new, undefined, and that it came. */
  #recall(body: string): CachedBody | undefined {
    if (body.length > compressionCacheBytes / 4) return undefined;
    const entry = this.#cache.get(body);
    if (entry === undefined) {
      // Kept from its second time on: most answers never come again.
      this.#insert(body, { forms: {}, bytes: body.length });
      return undefined;
    }
    this.#cache.delete(body);
    this.#cache.set(body, entry);
    return entry;
  }

  #remember(body: string, entry: CachedBody, coding: ContentCoding, result: Buffer): void {
    if (entry.forms[coding] !== undefined || this.#cache.get(body) !== entry) return;
    entry.forms[coding] = result;
    entry.bytes += result.length;
    this.#cachedBytes += result.length;
    this.#trim();
  }

  #insert(body: string, entry: CachedBody): void {
    this.#cache.set(body, entry);
    this.#cachedBytes += entry.bytes;
    this.#trim();
  }

  #trim(): void {
    for (const [body, entry] of this.#cache) {
      if (this.#cachedBytes <= compressionCacheBytes) return;
      this.#cache.delete(body);
      this.#cachedBytes -= entry.bytes;
    }
  }
}

function compress(coding: ContentCoding, body: string | Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, result: Buffer): void => {
      if (error === null) resolve(result);
      else
        reject(
          new RingwireError('INTERNAL', `The answer cannot be compressed: ${error.message}`, {
            cause: error,
          }),
        );
    };
    if (coding === 'br') brotliCompress(body, brotliOptions, done);
    else gzip(body, gzipOptions, done);
  });
}

function isCompressible(head: HeaderList): boolean {
  for (let index = 0; index < head.length; index += 2) {
    const name = head[index];
    if (name === 'content-encoding') return false;
    if (name === 'content-type' && head[index + 1].startsWith('text/event-stream')) return false;
    if (name === 'cache-control' && head[index + 1].includes('no-transform')) return false;
  }
  return true;
}

function withFields(head: HeaderList, coding: ContentCoding | undefined): HeaderList {
  const fields = [...head];
  const at = fields.findIndex((name, index) => index % 2 === 0 && name === 'vary');
  if (at < 0) fields.push('vary', 'accept-encoding');
  else if (!/(^|,)\s*(accept-encoding|\*)\s*(,|$)/i.test(fields[at + 1]))
    fields[at + 1] += ', accept-encoding';
  if (coding !== undefined) fields.push('content-encoding', coding);
  return fields;
}

/** Highest weight first, the server's order among equals (RFC 9110, section 12.5.3). */
function preferred(acceptEncoding: string, encodings: readonly ContentCoding[]): ContentCoding | undefined {
  const weights = new Map<string, number>();
  for (const part of acceptEncoding.toLowerCase().split(',')) {
    const [name, ...parameters] = part.split(';').map((each) => each.trim());
    if (name !== '') weights.set(name, weightOf(parameters));
  }
  let coding: ContentCoding | undefined;
  let highest = 0;
  for (const candidate of encodings) {
    const weight =
      weights.get(candidate) ??
      (candidate === 'gzip' ? weights.get('x-gzip') : undefined) ??
      weights.get('*') ??
      0;
    if (weight > highest) {
      highest = weight;
      coding = candidate;
    }
  }
  // A client may prefer the answer as it is.
  return (weights.get('identity') ?? 0) > highest ? undefined : coding;
}

/** A weight that is malformed counts as a refusal: sending plain bytes is right for every client. */
function weightOf(parameters: readonly string[]): number {
  for (const parameter of parameters) {
    const match = /^q\s*=\s*(.*)$/.exec(parameter);
    if (match !== null) return /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(match[1]) ? Number(match[1]) : 0;
  }
  return 1;
}

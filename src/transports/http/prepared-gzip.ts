/**
 * gzip of bodies that differ at their beginning alone, as prepared answers do by the id in front: the rest is compressed
 * once. One gzip member (RFC 1952) holds the beginning as a stored block of DEFLATE (RFC 1951, section 3.2.4), which ends
 * at a byte, and behind it the blocks made before; the checksum of the whole follows from those of the parts.
 *
 *     gzip head | stored block: beginning | blocks of the end, made once | CRC-32, length
 */
import { deflateRawSync } from 'node:zlib';

/** Of CRC-32 (ISO 3309), bits reversed. */
const polynomial = 0xedb88320;

/** A linear map on 32 bits: its images of single bits, lowest first. */
type BitMap = Uint32Array;

const gzipHead = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
const storedHeadBytes = 5;
const gzipTailBytes = 8;
/** A stored block's length has 16 bits; no beginning comes near it. */
const maxBeginningBytes = 0xffff;

export class PreparedGzip {
  readonly #blocks: Buffer;
  readonly #crc: number;
  readonly #bytes: number;
  /** What a checksum becomes when as many zeros follow as the end has bytes. */
  readonly #shift: BitMap;

  constructor(end: string) {
    const bytes = Buffer.from(end);
    // Once for many answers: the best that DEFLATE can do.
    this.#blocks = deflateRawSync(bytes, { level: 9 });
    this.#crc = crc32(bytes);
    this.#bytes = bytes.length;
    this.#shift = zeros(bytes.length);
  }

  /** The gzip of `beginning` and the end behind it; undefined for a beginning of 64 KiB or more. */
  after(beginning: string): Buffer | undefined {
    const length = Buffer.byteLength(beginning);
    if (length > maxBeginningBytes) return undefined;
    const start = gzipHead.length + storedHeadBytes;
    const out = Buffer.allocUnsafe(start + length + this.#blocks.length + gzipTailBytes);
    gzipHead.copy(out);
    out[gzipHead.length] = 0;
    out.writeUInt16LE(length, gzipHead.length + 1);
    out.writeUInt16LE(~length & maxBeginningBytes, gzipHead.length + 3);
    out.write(beginning, start);
    this.#blocks.copy(out, start + length);
    const crc = (image(this.#shift, crc32(out.subarray(start, start + length))) ^ this.#crc) >>> 0;
    out.writeUInt32LE(crc, out.length - gzipTailBytes);
    out.writeUInt32LE((length + this.#bytes) >>> 0, out.length - 4);
    return out;
  }
}

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
  return crc;
});

/** zlib has its own from Node.js 20.15 and 22.2 on; this one serves all. */
function crc32(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ table[(crc ^ byte) & 0xff];
  return ~crc >>> 0;
}

function image(map: BitMap, bits: number): number {
  let sum = 0;
  for (let rest = bits, index = 0; rest !== 0; rest >>>= 1, index += 1)
    if ((rest & 1) === 1) sum ^= map[index];
  return sum >>> 0;
}

/** first, then second. */
function compose(first: BitMap, second: BitMap): BitMap {
  return first.map((bits) => image(second, bits));
}

/** The map of so many zero bytes, by squaring. */
function zeros(bytes: number): BitMap {
  let power: BitMap = Uint32Array.from({ length: 32 }, (_, bit) =>
    bit === 0 ? polynomial : (1 << (bit - 1)) >>> 0,
  );
  let result: BitMap = Uint32Array.from({ length: 32 }, (_, bit) => (1 << bit) >>> 0);
  for (let rest = bytes * 8; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = compose(result, power);
    power = compose(power, power);
  }
  return result;
}

/**
 * Decides whether bytes are one MessagePack value that JSON could have said: nil, booleans, numbers, strings, arrays
 * and maps with string keys. Checked before decoding, because what lies beyond is a peer's way to make a decoder
 * build foreign objects (extension types), allocate for elements that never come (huge counts) or overflow the
 * stack (nesting). Format: https://github.com/msgpack/msgpack/blob/master/spec.md
 */
import { isUtf8 } from 'node:buffer';

/**
 * Bytes behind the type byte of each scalar from 0xc0 to 0xd3; -1 where JSON.parse has no such thing, to which 64-bit
 * integers belong: our own peers send what exceeds 32 bits as a double.
 */
const scalarBytes = [0, -1, 0, 0, -1, -1, -1, -1, -1, -1, 4, 8, 1, 2, 4, -1, 1, 2, 4, -1];

/** What is left to read in the array or map around the current value. */
interface Level {
  items: number;
  /** In a map items count keys and values; an even number left means that a key comes next. */
  readonly isMap: boolean;
}

class Checker {
  readonly #bytes: Buffer;
  readonly #maxDepth: number;
  readonly #levels: Level[] = [];
  #at = 0;

  constructor(bytes: Buffer, maxDepth: number) {
    this.#bytes = bytes;
    this.#maxDepth = maxDepth;
  }

  /** The problem, or undefined. */
  check(): string | undefined {
    do {
      const problem = this.#value();
      if (problem !== undefined) return `${problem} at byte ${this.#at}`;
      while (this.#levels.at(-1)?.items === 0) this.#levels.pop();
    } while (this.#levels.length > 0);
    return this.#at === this.#bytes.length
      ? undefined
      : `more than one value, the second at byte ${this.#at}`;
  }

  #value(): string | undefined {
    if (this.#at >= this.#bytes.length) return 'the value is cut short';
    const type = this.#bytes[this.#at];
    const level = this.#levels.at(-1);
    const isText = (type >= 0xa0 && type <= 0xbf) || (type >= 0xd9 && type <= 0xdb);
    if (level !== undefined) {
      if (level.isMap && level.items % 2 === 0 && !isText) return 'a key is not a string';
      level.items--;
    }
    if (isText) return this.#text(type);
    if (type <= 0x7f || type >= 0xe0) return this.#skip(1);
    if (type <= 0x8f) return this.#open(type & 0x0f, 1, true);
    if (type <= 0x9f) return this.#open(type & 0x0f, 1, false);
    if (type >= 0xdc) return this.#openLong(type);
    const bytes = scalarBytes[type - 0xc0] ?? -1;
    return bytes < 0 ? `type 0x${type.toString(16)} has no counterpart in JSON` : this.#skip(1 + bytes);
  }

  #skip(bytes: number): string | undefined {
    if (this.#at + bytes > this.#bytes.length) return 'the value is cut short';
    this.#at += bytes;
    return undefined;
  }

  #text(type: number): string | undefined {
    const prefix = type <= 0xbf ? 0 : 1 << (type - 0xd9);
    if (this.#at + 1 + prefix > this.#bytes.length) return 'the value is cut short';
    const length = prefix === 0 ? type & 0x1f : this.#bytes.readUIntBE(this.#at + 1, prefix);
    const start = this.#at + 1 + prefix;
    const problem = this.#skip(1 + prefix + length);
    if (problem !== undefined) return problem;
    return isUtf8(this.#bytes.subarray(start, this.#at)) ? undefined : 'a string is not UTF-8, before';
  }

  #openLong(type: number): string | undefined {
    const prefix = type % 2 === 0 ? 2 : 4;
    if (this.#at + 1 + prefix > this.#bytes.length) return 'the value is cut short';
    return this.#open(this.#bytes.readUIntBE(this.#at + 1, prefix), 1 + prefix, type >= 0xde);
  }

  #open(count: number, headBytes: number, isMap: boolean): string | undefined {
    const items = isMap ? count * 2 : count;
    this.#at += headBytes;
    if (items > this.#bytes.length - this.#at) return 'more elements are announced than bytes follow';
    if (this.#levels.length >= this.#maxDepth) return `more than ${this.#maxDepth} nested levels`;
    this.#levels.push({ items, isMap });
    return undefined;
  }
}

/** Returns what is wrong, or undefined where the bytes are acceptable. Linear; allocates per level only. */
export function messagePackProblem(bytes: Buffer, maxDepth: number): string | undefined {
  return new Checker(bytes, maxDepth).check();
}

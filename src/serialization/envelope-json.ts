/**
 * The grammar of JSON (RFC 8259) over bytes, for the scanner where the native one cannot load. Accepts what
 * JSON.parse accepts, and says where it stopped in the same way as native/src/json/structural_walker.h.
 */
import { ScanVerdict } from '../binding/constants.generated.js';

const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const openBracket = 0x5b;
const comma = 0x2c;
const colon = 0x3a;

export function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function isOperator(byte: number): boolean {
  return byte === comma || byte === colon || (byte | 0x20) === openBrace || (byte | 0x20) === 0x7d;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function isHexDigit(byte: number): boolean {
  return isDigit(byte) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);
}

/** Past the digits at `at`, or -1 where there is none. */
function digitsEnd(text: Uint8Array, at: number): number {
  let end = at;
  while (isDigit(text[end])) end++;
  return end === at ? -1 : end;
}

function numberEnd(text: Uint8Array, start: number): number {
  let at = start;
  if (text[at] === 0x2d) at++;
  at = text[at] === 0x30 ? at + 1 : digitsEnd(text, at);
  if (at >= 0 && text[at] === 0x2e) at = digitsEnd(text, at + 1);
  if (at >= 0 && (text[at] | 0x20) === 0x65) {
    at++;
    if (text[at] === 0x2b || text[at] === 0x2d) at++;
    at = digitsEnd(text, at);
  }
  return at;
}

/** 2 or 6, or 0 where the backslash at `at` begins no escape. */
function escapeLength(text: Uint8Array, at: number): number {
  switch (text[at + 1]) {
    case quote:
    case backslash:
    case 0x2f: // /
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return 2;
    case 0x75: // u
      for (let i = 2; i < 6; i++) if (!isHexDigit(text[at + i])) return 0;
      return 6;
    default:
      return 0;
  }
}

/**
 * Where the first control character inside a string stands, else the opening quote of a string without end, else
 * -1. A backslash takes the next byte with it wherever it stands.
 */
export function lexicalError(text: Uint8Array): number {
  let opened = -1;
  for (let at = 0; at < text.length; at++) {
    const byte = text[at];
    if (opened >= 0 && byte < 0x20) return at;
    if (byte === backslash) {
      at++;
      if (opened >= 0 && at < text.length && text[at] < 0x20) return at;
    } else if (byte === quote) {
      opened = opened < 0 ? at : -1;
    }
  }
  return opened;
}

/** Positions are byte offsets; -1 from a method means that it failed, see `verdict` and `errorOffset`. */
export class JsonWalker {
  text: Uint8Array = new Uint8Array(0);
  verdict: number = ScanVerdict.Ok;
  errorOffset = 0;
  readonly #maxDepth: number;
  /** Per open container: 1 for an object. */
  readonly #kinds: Uint8Array;

  constructor(maxDepth: number) {
    this.#maxDepth = maxDepth;
    this.#kinds = new Uint8Array(maxDepth);
  }

  reset(text: Uint8Array): void {
    this.text = text;
    this.verdict = ScanVerdict.Ok;
    this.errorOffset = 0;
  }

  skipSpace(start: number): number {
    let at = start;
    while (isSpace(this.text[at])) at++;
    return at;
  }

  /** Reads the value whose first byte is at `at`, inside `depth` containers; returns its end. */
  value(at: number, depth: number): number {
    const byte = this.text[at];
    if (byte === quote) return this.string(at);
    if (byte === openBrace || byte === openBracket) return this.#container(at, depth);
    return this.#scalar(at);
  }

  /**
   * Reads the object at `start` inside `depth` containers. onMember(keyStart, keyEnd, value) gets the key between
   * its quotes and must return the end of the value.
   */
  object(
    start: number,
    depth: number,
    onMember: (keyStart: number, keyEnd: number, value: number) => number,
  ): number {
    if (depth >= this.#maxDepth) return this.#fail(ScanVerdict.TooDeep, start);
    let at = this.skipSpace(start + 1);
    if (this.text[at] === 0x7d) return at + 1;
    for (;;) {
      const key = at;
      const keyEnd = this.#key(at);
      if (keyEnd < 0) return -1;
      at = this.#afterKey(keyEnd);
      if (at < 0) return -1;
      at = onMember(key + 1, keyEnd - 1, at);
      if (at < 0) return -1;
      at = this.skipSpace(at);
      if (this.text[at] === 0x7d) return at + 1;
      if (this.text[at] !== comma) return this.unexpected(at);
      at = this.skipSpace(at + 1);
    }
  }

  /** Past the closing quote of the string at `start`. */
  string(start: number): number {
    const text = this.text;
    for (let at = start + 1; at < text.length; ) {
      const byte = text[at];
      if (byte === quote) return at + 1;
      if (byte < 0x20) return this.unexpected(at);
      if (byte !== backslash) {
        at++;
        continue;
      }
      const length = escapeLength(text, at);
      if (length === 0) return this.unexpected(at);
      at += length;
    }
    return this.unexpected(start);
  }

  unexpected(at: number): number {
    return this.#fail(ScanVerdict.InvalidJson, at);
  }

  #fail(verdict: number, at: number): number {
    this.verdict = verdict;
    this.errorOffset = at;
    return -1;
  }

  #key(at: number): number {
    return this.text[at] === quote ? this.string(at) : this.unexpected(at);
  }

  /** Over the colon to the value. */
  #afterKey(keyEnd: number): number {
    const at = this.skipSpace(keyEnd);
    return this.text[at] === colon ? this.skipSpace(at + 1) : this.unexpected(at);
  }

  #word(start: number, word: string): number {
    for (let i = 1; i < word.length; i++) if (this.text[start + i] !== word.charCodeAt(i)) return -1;
    return start + word.length;
  }

  #scalar(start: number): number {
    const byte = this.text[start];
    let end: number;
    if (byte === 0x2d || isDigit(byte)) end = numberEnd(this.text, start);
    else if (byte === 0x74) end = this.#word(start, 'true');
    else if (byte === 0x66) end = this.#word(start, 'false');
    else if (byte === 0x6e) end = this.#word(start, 'null');
    else return this.unexpected(start);
    const next = this.text[end];
    if (end < 0 || (end < this.text.length && !isSpace(next) && !isOperator(next)))
      return this.unexpected(start);
    return end;
  }

  #container(start: number, outside: number): number {
    const kinds = this.#kinds;
    let depth = outside;
    let at = start;
    for (;;) {
      // One value; where a container opens, its first value comes next.
      const byte = this.text[at];
      if (byte === openBrace || byte === openBracket) {
        if (depth >= this.#maxDepth) return this.#fail(ScanVerdict.TooDeep, at);
        kinds[depth++] = byte === openBrace ? 1 : 0;
        at = this.skipSpace(at + 1);
        // '[' + 2 is ']', '{' + 2 is '}'.
        if (this.text[at] !== byte + 2) {
          if (byte === openBrace) at = this.#member(at);
          if (at < 0) return -1;
          continue;
        }
      } else {
        at = byte === quote ? this.string(at) : this.#scalar(at);
        if (at < 0) return -1;
        at = this.skipSpace(at);
      }
      // After a value, or at the bracket that closes an empty container: a comma, or any number of ends.
      for (;;) {
        const object = kinds[depth - 1] === 1;
        const next = this.text[at];
        if (next === comma) {
          at = this.skipSpace(at + 1);
          if (object) at = this.#member(at);
          if (at < 0) return -1;
          break;
        }
        if (next !== (object ? 0x7d : 0x5d)) return this.unexpected(at);
        at++;
        if (--depth === outside) return at;
        at = this.skipSpace(at);
      }
    }
  }

  /** From the key at `at` over its colon to the value. */
  #member(at: number): number {
    const keyEnd = this.#key(at);
    return keyEnd < 0 ? -1 : this.#afterKey(keyEnd);
  }
}

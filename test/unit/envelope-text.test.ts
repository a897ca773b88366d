/** The native text encoders against JSON.stringify and Buffer. */
import { describe, expect, it } from 'vitest';
import { addon } from '../../src/binding/addon.js';

/** Texts of `count` units drawn by `draw`, seeded by the caller's generator. */
function generator(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

const inside = (text: string) => Buffer.from(JSON.stringify(text).slice(1, -1));

describe.skipIf(addon() === undefined)('the text encoders', () => {
  const native = addon()!;

  const expectAll = (text: string) => {
    const bytes = Buffer.from(text);
    expect(native.escapeText(text).equals(inside(text))).toBe(true);
    expect(native.encodeText(text).equals(bytes)).toBe(true);
    // A lone surrogate does not survive UTF-8, for Buffer as for us.
    expect(native.decodeText(bytes)).toBe(bytes.toString());
  };

  it('agree on every unit, at changing distances from the next', () => {
    for (let block = 0; block <= 0xffff; block += 0x80) {
      let text = '';
      for (let unit = block; unit < block + 0x80; unit++) {
        text += String.fromCharCode(unit) + 'a'.repeat(unit % 37);
      }
      expectAll(text);
      expectAll(String.fromCharCode(block));
    }
  });

  it('agree on every latin1 byte, at every place in a block', () => {
    for (let byte = 0; byte <= 0xff; byte++) {
      for (let before = 0; before < 34; before++) {
        const text = `${'x'.repeat(before)}${String.fromCharCode(byte)}${'y'.repeat(33 - before)}`;
        expect(native.escapeText(text, true).equals(inside(text))).toBe(true);
        expect(native.encodeText(text, true).equals(Buffer.from(text))).toBe(true);
        if (before % 3 === 0) expectAll(text);
      }
    }
  });

  it('agree on code points of four bytes and on broken pairs', () => {
    for (let code = 0x10000; code <= 0x10ffff; code += 0x7ff) expectAll(`a${String.fromCodePoint(code)}`);
    for (const text of [
      '\ud83d',
      '\ude00',
      '\ude00\ud83d',
      '\ud83d\ud83d\ude00',
      'x\ud83dy',
      `${'z'.repeat(15)}\ud83d\ude00`,
    ])
      expectAll(text);
  });

  it('agree on texts of all kinds of units', () => {
    const draw = generator(7);
    const ranges: [number, number][] = [
      [0, 0x80],
      [0x20, 0x7f],
      [0, 0x100],
      [0xd800, 0x800],
      [0, 0x10000],
    ];
    for (let round = 0; round < 5_000; round++) {
      let text = '';
      for (let length = draw(80); length > 0; length--) {
        const [from, count] = ranges[draw(10) < 7 ? 1 : draw(ranges.length)];
        text += String.fromCharCode(from + draw(count));
      }
      expectAll(text);
    }
  });

  it('refuse what is no text', () => {
    expect(() => native.escapeText(7 as never)).toThrow(/"text" must be a string/);
    expect(() => native.decodeText(Buffer.from([0xff]))).toThrow(
      /"bytes" must be a Uint8Array of valid UTF-8/,
    );
    expect(() => native.decodeText('text' as never)).toThrow(/"bytes"/);
  });
});

import { afterEach, describe, expect, it } from 'vitest';
import { columns, paint, safeText, usesColour } from '../../src/cli/terminal.js';

const terminal = { isTTY: true } as NodeJS.WriteStream;
const pipe = { isTTY: false } as NodeJS.WriteStream;
const { NO_COLOR, TERM } = process.env;

afterEach(() => {
  for (const [name, value] of Object.entries({ NO_COLOR, TERM })) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
});

describe('text of peers', () => {
  it('cannot move the cursor of a terminal', () => {
    const hostile = 'a\u001b[2J\u009b1mb\u0007\u007f';
    expect(safeText(hostile, terminal)).toBe('a\\u001b[2J\\u009b1mb\\u0007\\u007f');
    expect(safeText(hostile, pipe)).toBe(hostile);
  });

  it('keeps lines, tabs and every other character', () => {
    const text = 'one\n\ttwo grüße 😀';
    expect(safeText(text, terminal)).toBe(text);
  });
});

describe('colours', () => {
  it('appear on a terminal only, and not where NO_COLOR says so', () => {
    process.env.TERM = 'xterm';
    process.env.NO_COLOR = '';
    expect(paint('x', 'red', terminal)).toBe('\u001b[31mx\u001b[39m');
    expect(paint('x', 'red', pipe)).toBe('x');
    process.env.NO_COLOR = '1';
    expect(usesColour(terminal)).toBe(false);
    process.env.NO_COLOR = '';
    process.env.TERM = 'dumb';
    expect(usesColour(terminal)).toBe(false);
  });
});

describe('columns', () => {
  it('are as wide as their widest cell, and lines do not end in spaces', () => {
    expect(
      columns([
        ['a', 'bb', 'c'],
        ['aaa', 'b', ''],
      ]),
    ).toBe('a    bb  c\naaa  b');
    expect(columns([])).toBe('');
  });
});

/** Text: UTF-8 good and bad, and what JSON-RPC makes of it. */
import { refused, taken, type WebSocketCase } from './websocket-case.js';
import { fragments, text } from './websocket-frames.js';

const samples = [
  ['of one byte', 'a~'],
  ['of two bytes', '\u0080\u00fc\u07ff'],
  ['of three bytes', '\u0800\u20ac\ud7ff\ue000\ufffd\uffff'],
  ['of four bytes', '\u{10000}\u{1f600}\u{10ffff}'],
  ['of any length', 'a\u00fc\u20ac\u{1f600}z'],
  ['that is a byte order mark', '\ufeff'],
  ['that are line separators', '\u2028\u2029\u0085'],
] as const;

const bad = [
  ['a lone continuation byte', [0x80]],
  ['two continuation bytes', [0xbf, 0xbf]],
  ['an overlong NUL', [0xc0, 0x80]],
  ['an overlong slash in two bytes', [0xc1, 0xbf]],
  ['an overlong slash in three bytes', [0xe0, 0x80, 0xaf]],
  ['an overlong character in four bytes', [0xf0, 0x8f, 0xbf, 0xbf]],
  ['the first surrogate', [0xed, 0xa0, 0x80]],
  ['the last surrogate', [0xed, 0xbf, 0xbf]],
  ['a pair of surrogates', [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]],
  ['what is beyond U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
  ['0xF5', [0xf5, 0x80, 0x80, 0x80]],
  ['five bytes', [0xf8, 0x88, 0x80, 0x80, 0x80]],
  ['six bytes', [0xfc, 0x84, 0x80, 0x80, 0x80, 0x80]],
  ['0xFE', [0xfe]],
  ['0xFF', [0xff]],
  ['a character of two bytes cut short', [0xc3]],
  ['a character of three bytes cut short', [0xe2, 0x82]],
  ['a character of four bytes cut short', [0xf0, 0x9f, 0x98]],
] as const;

/** The call with these bytes at the end of its mark. */
function withBytes(callText: string, bytes: readonly number[]): Buffer {
  const at = callText.length - 3;
  return Buffer.concat([
    Buffer.from(callText.slice(0, at)),
    Uint8Array.from(bytes),
    Buffer.from(callText.slice(at)),
  ]);
}

const everyLength = 'a\u00fc\u20ac\u{1f600}z';
const everyLengthBytes = Buffer.byteLength(everyLength);

const utf8: readonly WebSocketCase[] = [
  ...samples.map(([what, sample]) =>
    taken(`characters ${what}`, (call) => [text(call(1, sample))], { answers: [1], echo: sample }),
  ),
  ...bad.flatMap(([what, bytes]) => [
    refused(`${what} in a message`, 1007, (call) => [text(withBytes(call(1), bytes))]),
    refused(`${what} at the end of a message`, 1007, () => [
      text(Buffer.concat([Buffer.from('"'), Uint8Array.from(bytes)])),
    ]),
  ]),
  ...Array.from({ length: everyLengthBytes + 1 }, (_, index) =>
    taken(
      `fragments that meet at byte ${index} of characters`,
      (call) => fragments(splitAt(call(1, everyLength), index)),
      { answers: [1], echo: everyLength },
    ),
  ),
  ...Array.from({ length: everyLengthBytes + 1 }, (_, index) =>
    taken(
      `segments that meet at byte ${index} of characters`,
      (call) => {
        const [first, last] = splitAt(call(1, everyLength), index);
        const whole = text(Buffer.concat([first, last]));
        const at = whole.length - last.length;
        return [whole.subarray(0, at), whole.subarray(at)];
      },
      { answers: [1], echo: everyLength },
    ),
  ),
  refused('a bad character across two fragments', 1007, (call) => {
    const whole = withBytes(call(1), [0xed, 0xa0, 0x80]);
    return fragments([whole.subarray(0, whole.length - 5), whole.subarray(whole.length - 5)]);
  }),
  refused('a character that a fragment begins and none ends', 1007, () =>
    fragments([Uint8Array.of(0x22, 0xf0, 0x9f), '']),
  ),
];

/** The text of a call in two, at a byte of its suffix. */
function splitAt(callText: string, index: number): [Buffer, Buffer] {
  const bytes = Buffer.from(callText);
  const start = bytes.indexOf(everyLength);
  return [bytes.subarray(0, start + index), bytes.subarray(start + index)];
}

const parseError = -32_700;
const invalidRequest = -32_600;
const methodNotFound = -32_601;

const messages: readonly WebSocketCase[] = [
  taken('an empty message', () => [text('')]),
  taken('an empty message in fragments', () => fragments(['', '', ''])),
  ...(
    [
      ['spaces', '  ', parseError],
      ['a word', 'hello', parseError],
      ['half an object', '{"jsonrpc":"2.0"', parseError],
      ['a NUL', '\0', parseError],
      ['a byte order mark', '\ufeff{}', parseError],
      ['single quotes', "{'jsonrpc':'2.0'}", parseError],
      ['a trailing comma', '{"jsonrpc":"2.0","id":1,"method":"mark",}', parseError],
      ['NaN', '{"jsonrpc":"2.0","id":NaN,"method":"mark"}', parseError],
      ['a control character in a string', '{"jsonrpc":"2.0","id":1,"method":"m\u0001"}', parseError],
      ['a number', '1', invalidRequest],
      ['null', 'null', invalidRequest],
      ['a string', '"mark"', invalidRequest],
      ['an empty object', '{}', invalidRequest],
      ['an empty array', '[]', invalidRequest],
      ['another version', '{"jsonrpc":"1.0","id":1,"method":"mark"}', invalidRequest],
      ['a method that is a number', '{"jsonrpc":"2.0","id":1,"method":1}', invalidRequest],
      ['an id that is an object', '{"jsonrpc":"2.0","id":{},"method":"mark"}', invalidRequest],
      ['a result and an error', '{"jsonrpc":"2.0","id":1,"result":1,"error":{}}', invalidRequest],
      ['a method nobody has', '{"jsonrpc":"2.0","id":1,"method":"none"}', methodNotFound],
    ] as const
  ).map(([what, message, code]) =>
    taken(`a message that is ${what}`, () => [text(message)], { answers: [code] }),
  ),
  taken('a response nobody asked for', () => [
    text('{"jsonrpc":"2.0","id":1,"result":{}}'),
    text('{"jsonrpc":"2.0","id":"x","error":{"code":1,"message":"m"}}'),
  ]),
  taken('a notification nobody has', () => [text('{"jsonrpc":"2.0","method":"none"}')]),
  taken('nesting as deep as may be', (call) => [text(nested(call, 60))], { answers: [1] }),
  taken('nesting far too deep', (call) => [text(nested(call, 10_000))], { answers: [invalidRequest] }),
  taken('500,000 brackets', () => [text('['.repeat(500_000))], { answers: [invalidRequest] }),
  taken('two documents', (call) => [text(`${call(1)}${call(2)}`)], { answers: [parseError] }),
  taken('two documents on two lines', (call) => [text(`${call(1)}\n${call(2)}`)], { answers: [parseError] }),
  taken('line breaks between members', (call) => [text(call(1).replaceAll(',', ',\r\n\t'))], {
    answers: [1],
  }),
  taken('a line break behind a message', (call) => [text(`${call(1)}\n`)], { answers: [1] }),
  taken('line breaks before a message', (call) => [text(`\n\r\n${call(1)}`)], { answers: [1] }),
  taken('a line break in a string', (call) => [text(call(1, '\n'))], { answers: [parseError] }),
  taken('an array of calls', (call) => [text(`[${call(1)},${call(2)}]`)], { answers: [1, 2] }),
  taken('an array of calls and nonsense', (call) => [text(`[${call(1)},1]`)], {
    answers: [1, invalidRequest],
  }),
  taken('members twice', (call) => [text(call(1).replace('"id":1', '"id":7,"id":1'))], {
    answers: [invalidRequest],
  }),
  taken(
    'good and bad ones in one segment',
    (call) => [Buffer.concat([text(call(1)), text('{'), text(call(2)), text(''), text('[]'), text(call(3))])],
    { answers: [1, parseError, 2, invalidRequest, 3] },
  ),
  taken(
    '10,000 calls in one write',
    (call) => [Buffer.concat(Array.from({ length: 10_000 }, (_, index) => text(call(index + 1))))],
    { answers: Array.from({ length: 10_000 }, (_, index) => index + 1) },
  ),
  taken(
    '1 MiB there and back, twice',
    (call) => [text(call(1, 'x'.repeat(1_000_000))), text(call(2, 'y'.repeat(1_000_000)))],
    { answers: [1, 2], echo: 'y'.repeat(1_000_000) },
  ),
];

function nested(call: (id: number) => string, depth: number): string {
  return call(1).replace(/\]\}$/, `,${'['.repeat(depth)}${']'.repeat(depth)}]}`);
}

export const textCases = [...utf8, ...messages];

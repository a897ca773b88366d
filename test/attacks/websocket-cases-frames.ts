/** Frames: opcodes, reserved bits, masks, lengths and fragments. */
import { refused, taken, type WebSocketCase, type WebSocketVerdict } from './websocket-case.js';
import { fragments, frame, Opcode, pieces, ping, pong, text } from './websocket-frames.js';
import { maxMessageBytes } from './websocket-server.js';

const reservedOpcodes = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15];

const opcodes: readonly WebSocketCase[] = [
  ...reservedOpcodes.map((opcode) =>
    refused(`the reserved opcode ${opcode}`, 1002, (call) => [frame({ opcode, payload: call(1) })]),
  ),
  ...[4, 2, 1, 7].map((rsv) =>
    refused(`text with the reserved bits ${rsv}`, 1002, (call) => [text(call(1), { rsv })]),
  ),
  ...[Opcode.ping, Opcode.pong, Opcode.close].flatMap((opcode) =>
    [4, 2, 1].map((rsv) =>
      refused(`opcode ${opcode} with the reserved bits ${rsv}`, 1002, () => [frame({ opcode, rsv })]),
    ),
  ),
  refused('a continuation with RSV1', 1002, (call) => {
    const [first, last] = pieces(call(1), 2);
    return [text(first, { fin: false }), frame({ opcode: Opcode.continuation, rsv: 4, payload: last })];
  }),
  {
    name: 'a binary message',
    send: (call) => [frame({ opcode: Opcode.binary, payload: call(1) })],
    verdict: { closes: 1003 },
  },
  {
    name: 'an empty binary message',
    send: () => [frame({ opcode: Opcode.binary })],
    verdict: { closes: 1003 },
  },
  {
    name: 'a binary message in fragments',
    send: (call) => fragments(pieces(call(1), 3), Opcode.binary),
    verdict: { closes: 1003 },
  },
  taken('text', (call) => [text(call(1))], { answers: [1] }),
  taken('two calls in one segment', (call) => [Buffer.concat([text(call(1)), text(call(2))])], {
    answers: [1, 2],
  }),
  taken('a frame in segments of one byte', (call) => [...text(call(1))].map((byte) => Buffer.of(byte)), {
    answers: [1],
  }),
];

const masks: readonly WebSocketCase[] = [
  ...[
    [0, 0, 0, 0],
    [0xff, 0xff, 0xff, 0xff],
    [1, 0, 0, 0],
    [0, 0, 0, 1],
    [0x7b, 0x7b, 0x7b, 0x7b],
    [0x80, 0x0a, 0x0d, 0x00],
  ].map((mask) =>
    taken(`text masked with ${mask.join(' ')}`, (call) => [text(call(1), { mask: Uint8Array.from(mask) })], {
      answers: [1],
    }),
  ),
  unmasked('text without a mask', (call) => [text(call(1), { mask: undefined })]),
  unmasked('an empty text without a mask', () => [text('', { mask: undefined })]),
  unmasked('a ping without a mask', () => [ping('', { mask: undefined })]),
  unmasked('a close without a mask', () => [frame({ opcode: Opcode.close, mask: undefined })]),
  unmasked(
    'a call, and another one without a mask',
    (call) => [text(call(1)), text(call(2), { mask: undefined })],
    { answers: [1] },
  ),
  unmasked('a continuation without a mask', (call) => {
    const [first, last] = pieces(call(1), 2);
    return [
      text(first, { fin: false }),
      frame({ opcode: Opcode.continuation, payload: last, mask: undefined }),
    ];
  }),
];

/** The client has nothing more to say behind it. */
function unmasked(name: string, send: WebSocketCase['send'], verdict: WebSocketVerdict = {}): WebSocketCase {
  return {
    name,
    send: (call) => [...send(call), 'end'],
    verdict: { ...verdict, closes: 1002 },
    onUws: {
      verdict: { ...verdict, closes: 'cut' },
      because:
        'uWebSockets.js reads every frame as a masked one: it takes four bytes of what follows, and no message comes of it',
    },
  };
}

/** A call of exactly so many bytes. */
function callOf(bytes: number, call: (id: number, suffix?: string) => string): string {
  return call(1, 'x'.repeat(bytes - call(1).length));
}

const lengths: readonly WebSocketCase[] = [
  ...[124, 125, 126, 127, 65_535, 65_536, 65_537, maxMessageBytes - 1, maxMessageBytes].map((bytes) =>
    taken(`a message of ${bytes} bytes`, (call) => [text(callOf(bytes, call))], { answers: [1] }),
  ),
  ...([16, 64] as const).map((lengthBits) =>
    taken(`a short length in ${lengthBits} bits`, (call) => [text(callOf(120, call), { lengthBits })], {
      answers: [1],
    }),
  ),
  taken('a length of 16 bits in 64', (call) => [text(callOf(1000, call), { lengthBits: 64 })], {
    answers: [1],
  }),
  ...[1n << 63n, (1n << 64n) - 1n, (1n << 63n) - 1n, 1n << 53n, 1n << 32n].map(
    (saysLength): WebSocketCase =>
      tooLong(`a length of 0x${saysLength.toString(16)}`, () => [
        frame({ saysLength, lengthBits: 64, payload: 'x' }),
      ]),
  ),
  tooLong('a length one over the limit, and nothing of it', () => [
    frame({ saysLength: BigInt(maxMessageBytes + 64 * 1024 + 1), lengthBits: 64 }),
  ]),
  {
    name: 'a message one byte over the limit',
    send: (call) => [text(callOf(maxMessageBytes + 1, call))],
    verdict: { closes: 1009 },
  },
  {
    name: 'fragments that are over the limit together',
    send: (call) => fragments(pieces(callOf(maxMessageBytes + 1, call), 3)),
    verdict: { closes: 1009 },
  },
  tooLong('fragments that are far over the limit together', (call) =>
    fragments(pieces(callOf(maxMessageBytes * 2, call), 5)),
  ),
  taken(
    'a long message, and the limit begins anew',
    (call) => [
      ...fragments(pieces(callOf(maxMessageBytes, call), 2)),
      ...fragments(pieces(callOf(maxMessageBytes, call), 2)),
    ],
    { answers: [1, 1] },
  ),
];

function tooLong(name: string, send: WebSocketCase['send']): WebSocketCase {
  return {
    name,
    send,
    verdict: { closes: 1009 },
    onUws: {
      verdict: { closes: 'cut' },
      because: 'uWebSockets.js cuts a connection that announces more than 64 KiB over the limit',
    },
  };
}

const fragmented: readonly WebSocketCase[] = [
  ...[2, 3, 7, 256].map((count) =>
    taken(`a message in ${count} fragments`, (call) => fragments(pieces(callOf(300, call), count)), {
      answers: [1],
    }),
  ),
  {
    name: 'a message in 257 fragments',
    send: (call) => fragments(pieces(callOf(300, call), 257)),
    verdict: { closes: 1008 },
    onUws: {
      verdict: { answers: [1] },
      because: 'uWebSockets.js limits the bytes of a message, not its fragments',
    },
  },
  taken('fragments in one segment', (call) => [Buffer.concat(fragments(pieces(call(1), 4)))], {
    answers: [1],
  }),
  taken('empty fragments before, between and behind', (call) => fragments(['', call(1), '']), {
    answers: [1],
  }),
  taken(
    'empty fragments around pieces',
    (call) => {
      const [first, last] = pieces(call(1), 2);
      return fragments(['', '', first, '', last, '', '']);
    },
    { answers: [1] },
  ),
  taken(
    'pings between fragments',
    (call) => {
      const [first, second] = fragments(pieces(call(1), 2));
      return [first, ping('between'), second];
    },
    { answers: [1], pongs: ['between'] },
  ),
  taken(
    'a ping and a pong between fragments of one segment',
    (call) => {
      const [first, second, third] = fragments(pieces(call(1), 3));
      return [Buffer.concat([first, ping('a'), second, pong('b'), ping(''), third])];
    },
    { answers: [1], pongs: ['a', ''] },
  ),
  {
    name: 'a close between fragments',
    send: (call) => {
      const [first, second] = fragments(pieces(call(1), 2));
      return [first, frame({ opcode: Opcode.close, payload: Buffer.of(3, 232) }), second];
    },
    verdict: { closes: 1000 },
  },
  refused('a new text inside a fragmented one', 1002, (call) => [
    text(pieces(call(1), 2)[0], { fin: false }),
    text(call(2)),
  ]),
  refused('a new fragmented text inside a fragmented one', 1002, (call) => [
    text(pieces(call(1), 2)[0], { fin: false }),
    text(pieces(call(2), 2)[0], { fin: false }),
  ]),
  {
    name: 'a binary message inside a fragmented text',
    send: (call) => [
      text(pieces(call(1), 2)[0], { fin: false }),
      frame({ opcode: Opcode.binary, payload: 'x' }),
    ],
    verdict: { closes: 1002 },
    onUws: {
      verdict: { closes: 1003 },
      because:
        'uWebSockets.js lets another kind of message begin inside a fragmented one; it is refused as binary',
    },
  },
  refused('a continuation of nothing', 1002, (call) => [
    frame({ opcode: Opcode.continuation, payload: call(1) }),
  ]),
  refused('a first fragment that is a continuation', 1002, () => [
    frame({ opcode: Opcode.continuation, fin: false }),
  ]),
  refused(
    'a continuation behind a whole message',
    1002,
    (call) => [text(call(1)), frame({ opcode: Opcode.continuation, payload: ' ' })],
    { answers: [1] },
  ),
  refused(
    'a continuation behind the last fragment',
    1002,
    (call) => [...fragments(pieces(call(1), 2)), frame({ opcode: Opcode.continuation, payload: ' ' })],
    { answers: [1] },
  ),
];

export const frameCases = [...opcodes, ...masks, ...lengths, ...fragmented];

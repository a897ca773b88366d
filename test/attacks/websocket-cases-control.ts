/** Control frames, close codes, and connections that end in the middle. */
import { refused, taken, type WebSocketCase } from './websocket-case.js';
import { close, codeBytes, frame, Opcode, pieces, ping, pong, text } from './websocket-frames.js';

function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${index}`);
}

const controls: readonly WebSocketCase[] = [
  ...[0, 1, 2, 7, 8, 64, 124, 125].map((length) =>
    taken(`a ping of ${length} bytes`, () => [ping('p'.repeat(length))], { pongs: ['p'.repeat(length)] }),
  ),
  taken('a ping of any bytes', () => [ping(Uint8Array.of(0, 0xff, 0xc0, 0x80, 0x0a))], {
    pongs: ['\x00\xff\xc0\x80\n'],
  }),
  taken('a pong nobody asked for', () => [pong('unasked'), pong()]),
  taken('three pings in one segment', () => [Buffer.concat([ping('1'), ping('2'), ping('3')])], {
    pongs: ['1', '2', '3'],
  }),
  taken('60 pings in one segment', () => [Buffer.concat(numbers(60).map((number) => ping(number)))], {
    pongs: numbers(60),
  }),
  {
    name: '1,000 pings in one segment',
    send: () => [Buffer.concat(numbers(1000).map((number) => ping(number)))],
    verdict: { pongs: numbers(1000) },
    onNode: {
      verdict: { pongs: numbers(60), closes: 'cut' },
      because: 'ws cuts a connection for which 60 pongs wait to be written',
    },
  },
  taken('1,000 pongs', () => [Buffer.concat(new Array(1000).fill(pong('x')))]),
  ...[Opcode.ping, Opcode.pong, Opcode.close].flatMap((opcode) => [
    refused(`opcode ${opcode} with 126 bytes`, 1002, () => [
      frame({ opcode, payload: Buffer.concat([codeBytes(1000), Buffer.alloc(124, 'x')]) }),
    ]),
    refused(`opcode ${opcode} with a length of 16 bits`, 1002, () => [
      frame({ opcode, payload: codeBytes(1000), lengthBits: 16 }),
    ]),
    refused(`opcode ${opcode} with a length of 64 bits`, 1002, () => [
      frame({ opcode, payload: codeBytes(1000), lengthBits: 64 }),
    ]),
    refused(`opcode ${opcode} without FIN`, 1002, () => [
      frame({ opcode, fin: false, payload: codeBytes(1000) }),
    ]),
  ]),
  refused('a ping too long between fragments', 1002, (call) => [
    text(pieces(call(1), 2)[0], { fin: false }),
    ping('x'.repeat(126)),
  ]),
];

const goodCodes = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 4000, 4999];
/** Registered after RFC 6455 was written, or for libraries. */
const laterCodes = [1012, 1013, 1014, 3000, 3999];
const badCodes = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65_535];

/** A close frame whose payload is wrong. */
function badClose(name: string, code: number, send: WebSocketCase['send']): WebSocketCase {
  return {
    name,
    send,
    verdict: { closes: code },
    onUws: {
      verdict: { closes: 1005 },
      because: 'uWebSockets.js answers a close frame whose code or reason is wrong by one without a code',
    },
  };
}

const closes: readonly WebSocketCase[] = [
  taken('a close without a code', () => [close()], { closes: 1005 }),
  ...goodCodes.map((code) => taken(`a close with ${code}`, () => [close(code)], { closes: code })),
  taken('a close with a reason', () => [close(1000, 'that is all: ü')], { closes: 1000 }),
  taken('a close with a reason of 123 bytes', () => [close(1000, 'x'.repeat(123))], { closes: 1000 }),
  ...laterCodes.map(
    (code): WebSocketCase => ({
      ...taken(`a close with ${code}`, () => [close(code)], { closes: code }),
      onUws: {
        verdict: { closes: 1005 },
        because: 'uWebSockets.js knows the codes of RFC 6455 alone, and repeats no other below 4000',
      },
    }),
  ),
  ...badCodes.map((code) => badClose(`a close with ${code}`, 1002, () => [close(code)])),
  badClose('a close with half a code', 1002, () => [frame({ opcode: Opcode.close, payload: 'x' })]),
  ...(
    [
      ['a lone continuation byte', [0x80]],
      ['an overlong slash', [0xc0, 0xaf]],
      ['a surrogate', [0xed, 0xa0, 0x80]],
      ['half a character', [0xe2, 0x82]],
    ] as const
  ).map(([what, bytes]) =>
    badClose(`a close whose reason is ${what}`, 1007, () => [close(1000, Uint8Array.from(bytes))]),
  ),
  // The close is answered at once, and behind that nothing can be sent.
  taken('a call, and a close in the same segment', (call) => [Buffer.concat([text(call(1)), close(1000)])], {
    calls: 1,
    closes: 1000,
  }),
  taken('a call, and a close in the next segment', (call) => [text(call(1)), close(1000)], {
    answers: [1],
    closes: 1000,
  }),
  taken('data behind a close', (call) => [Buffer.concat([close(1000), text(call(1))])], { closes: 1000 }),
  taken('a ping behind a close', () => [Buffer.concat([close(1000), ping('late')])], { closes: 1000 }),
  taken('two closes', () => [Buffer.concat([close(1000), close(1001)])], { closes: 1000 }),
  taken('nonsense behind a close', () => [Buffer.concat([close(1000), Buffer.alloc(100, 0xff)])], {
    closes: 1000,
  }),
];

const endings: readonly WebSocketCase[] = [
  taken('the end of TCP, and no close', () => ['end'], { closes: 'cut' }),
  taken('the end of TCP behind a call', (call) => [text(call(1)), 'end'], { answers: [1], closes: 'cut' }),
  taken('the end of TCP inside a frame', (call) => [text(call(1)).subarray(0, 20), 'end'], { closes: 'cut' }),
  taken('the end of TCP between fragments', (call) => [text(call(1), { fin: false }), 'end'], {
    closes: 'cut',
  }),
  taken('the end of TCP behind a close', () => [close(1000), 'end'], { closes: 1000 }),
  taken('a reset at once', () => ['reset'], { closes: 'cut' }),
  taken('a reset inside a head', (call) => [text(call(1)).subarray(0, 1), 'reset'], { closes: 'cut' }),
  taken('a reset inside a mask', (call) => [text(call(1)).subarray(0, 4), 'reset'], { closes: 'cut' }),
  taken('a reset inside a payload', (call) => [text(call(1)).subarray(0, 30), 'reset'], { closes: 'cut' }),
  taken('a reset between fragments', (call) => [text(call(1), { fin: false }), 'reset'], { closes: 'cut' }),
  taken('a reset behind a ping', () => [ping('x'), 'reset'], { closes: 'cut', pongs: ['x'] }),
  taken('a reset behind a close', () => [close(1000), 'reset'], { closes: 1000 }),
];

export const controlCases = [...controls, ...closes, ...endings];

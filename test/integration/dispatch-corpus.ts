/** Frames for a server with the methods of native-dispatch.test.ts, and how many lines each is answered with. */

export interface CorpusEntry {
  readonly frame: string | Uint8Array;
  readonly replies: number;
  /** One answer, known before the next frame is read. */
  readonly isSync: boolean;
}

/** Ids as JSON text. All differ, so that every order of serving them is allowed. */
const ids: readonly string[] = [
  '0',
  '-1',
  '9007199254740993',
  '123456789012345678901234567890',
  '-0',
  '""',
  '"a"',
  '"1"',
  '"with \\"quotes\\" and \\\\"',
  '"\\u0041\\u00e9"',
  '"é"',
  '"日本語"',
  '"\\ud83d\\ude00"',
  '"😀"',
  `"${'x'.repeat(45)}"`,
  `"${'x'.repeat(46)}"`,
  `"${'x'.repeat(47)}"`,
  `"${'y'.repeat(500)}"`,
  `${'7'.repeat(48)}`,
  `${'7'.repeat(49)}`,
];

const params: readonly string[] = [
  '{}',
  '[]',
  '{"text":"hello"}',
  '[1,2,3]',
  '{"name":"tool","arguments":{"a":1}}',
  '{"uri":"file:///x"}',
  '{"name":"na\\u006de"}',
  '{"text":"tab \\t, quote \\", slash \\/, \\u0000, \\ud800"}',
  '{"text":"üñï 日本 😀"}',
  '{"numbers":[1e400,-0,0.1,1e-7,12345678901234567890]}',
  '{"__proto__":{"polluted":true},"constructor":1}',
  '{"a":{"b":{"c":[[[[]]]]}}}',
  ' { "spaced" : [ 1 , 2 ] } ',
  '{"_meta":{"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","x":"ü"}}',
  `{"long":"${'z'.repeat(5_000)}"}`,
];

const methods: readonly (readonly [name: string, isSync: boolean])[] = [
  ['echo', true],
  ['nothing', true],
  ['later', false],
  ['much-later', false],
  ['fail', false],
  ['fail-later', false],
  ['crash', false],
  ['crash-later', false],
  ['throw-string', false],
  ['circular', false],
  ['circular-later', false],
  ['bigint', false],
  ['to-json', true],
  ['thenable', false],
  ['thenable-of-promise', false],
  ['thenable-that-throws', false],
  ['context', true],
  ['context-later', false],
  ['unicode-ключ', true],
  ['unknown', false],
  ['toString', false],
  ['', false],
];

/** What is no request: answered with one error, whose id is null. */
const malformed: readonly string[] = [
  '{',
  'nonsense',
  '"text"',
  '7',
  'null',
  '{}',
  '{"jsonrpc":"2.0"}',
  '{"jsonrpc":"1.0","id":1,"method":"echo"}',
  '{"id":1,"method":"echo"}',
  '{"jsonrpc":"2.0","id":1.5,"method":"echo"}',
  '{"jsonrpc":"2.0","id":null,"method":"echo"}',
  '{"jsonrpc":"2.0","id":{},"method":"echo"}',
  '{"jsonrpc":"2.0","id":1,"method":7}',
  '{"jsonrpc":"2.0","id":1,"method":"echo","params":"text"}',
  '{"jsonrpc":"2.0","id":1,"method":"echo","params":null}',
  '{"jsonrpc":"2.0","id":1,"id":2,"method":"echo"}',
  '{"jsonrpc":"2.0","id":1,"method":"echo"} trailing',
  '{"jsonrpc":"2.0","id":1,"method":"echo"}{}',
  '{"jsonrpc":"2.0","id":1,"method":"echo","params":{"a":01}}',
  '{"jsonrpc":"2.0","id":1,"method":"echo","params":{"a":"\t"}}',
  '{"jsonrpc":"2.0","id":1,"method":"echo","params":{"a":1,}}',
  '{"jsonrpc":"2.0","id":1,"method":"echo","params":{"a":"\\x"}}',
  '{"jsonrpc":"2.0","id":1,"method":"echo","params":[1,2}',
  `{"jsonrpc":"2.0","id":1,"method":"echo","params":${'['.repeat(100)}${']'.repeat(100)}}`,
  '[]',
  ' ',
  '\r',
];

export function dispatchCorpus(): CorpusEntry[] {
  const entries: CorpusEntry[] = [];
  const add = (frame: string | Uint8Array, replies: number, isSync = false): void => {
    entries.push({ frame, replies, isSync: isSync && replies === 1 });
  };
  for (const id of ids) {
    add(`{"jsonrpc":"2.0","id":${id},"method":"echo","params":{"id":${id}}}`, 1, true);
  }
  let serial = 1_000;
  for (const [method, isSync] of methods) {
    for (const text of params) {
      add(`{"jsonrpc":"2.0","id":${serial++},"method":"${method}","params":${text}}`, 1, isSync);
    }
    add(`{"jsonrpc":"2.0","method":"${method}","id":${serial++}}`, 1, isSync);
    add(`{"id":"${serial++}","method":"${method}","jsonrpc":"2.0","params":{"order":"other"}}`, 1, isSync);
  }
  add(`{"jsonrpc":"2.0","id":"escaped","method":"e\\u0063ho","params":{"a":1}}`, 1, true);
  add(`\r{"jsonrpc":"2.0","id":"cr","method":"echo"}\r`, 1, true);
  add('{"jsonrpc":"2.0","id":"extra","method":"echo","more":1}', 1);
  // Sizes around the limits of what is joined, kept in the arena, and read into a slab of its own.
  for (const bytes of [16_000, 16_384, 16_385, 40_000, 65_400, 65_536, 70_000, 200_000, 1_000_000]) {
    for (const letter of ['a', 'é']) {
      const text = letter.repeat(Math.ceil(bytes / Buffer.byteLength(letter)));
      add(`{"jsonrpc":"2.0","id":${serial++},"method":"echo","params":{"text":"${text}"}}`, 1);
    }
  }
  // Answers around the steps in which they are encoded.
  for (const units of [16_383, 16_384, 16_385, 300_000]) {
    for (const text of ['a', 'é', '😀', 'a😀']) {
      const wanted = JSON.stringify({ units, text });
      add(`{"jsonrpc":"2.0","id":${serial++},"method":"repeat","params":${wanted}}`, 1);
    }
  }
  for (const frame of malformed) add(frame, 1);
  add(Buffer.from([0x7b, 0xff, 0x7d]), 1);
  add(Buffer.from('{"jsonrpc":"2.0","id":1,"method":"echo","params":{"a":"\xe9"}}', 'latin1'), 1);
  for (const text of params) add(`{"jsonrpc":"2.0","method":"note","params":${text}}`, 0);
  add('{"jsonrpc":"2.0","method":"note-crash"}', 0);
  add('{"jsonrpc":"2.0","method":"unknown"}', 0);
  add('{"jsonrpc":"2.0","method":"echo","params":{"no":"answer"}}', 0);
  add('{"jsonrpc":"2.0","id":99,"result":{"to":"no request"}}', 0);
  add('{"jsonrpc":"2.0","id":99,"error":{"code":1,"message":"to no request"}}', 0);
  add('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":424242}}', 0);
  const token = '"_meta":{"progressToken":"p"}';
  add(`{"jsonrpc":"2.0","id":"progress","method":"steps","params":{"steps":3,${token}}}`, 4);
  add('{"jsonrpc":"2.0","id":"no-progress","method":"steps","params":{"steps":3}}', 1);
  add('[{"jsonrpc":"2.0","id":"b1","method":"echo"}]', 1);
  add('[{"jsonrpc":"2.0","id":"b2","method":"echo"},{"jsonrpc":"2.0","id":"b3","method":"much-later"},7]', 1);
  add('', 0);
  return entries;
}

import { Packr } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { jsonCodec, messagePackCodec, packMessage, unpackMessage } from '../../src/serialization/codec.js';
import { messagePackProblem } from '../../src/serialization/messagepack-check.js';
import {
  answerEncodingRequest,
  encodingRequest,
  readEncodingAnswer,
} from '../../src/serialization/negotiation.js';

const values: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  2 ** 53 - 1,
  -(2 ** 53) + 1,
  2 ** 32,
  '',
  'é漢\u{1f600}\n',
  [],
  {},
  [[[]]],
  {
    jsonrpc: '2.0',
    id: 7,
    method: 'tools/call',
    params: { name: 'x', arguments: { list: [1, 'two', null] } },
  },
  Array.from({ length: 70_000 }, (_, index) => index),
  Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`key${index}`, index])),
  'x'.repeat(70_000),
];

describe.each([jsonCodec, messagePackCodec])('$encoding', (codec) => {
  test('values go there and back', () => {
    for (const value of values) {
      const bytes = codec.encode(value);
      expect(codec.decode(Buffer.from(bytes as Uint8Array))).toEqual(value);
    }
  });

  test('both encodings mean the same: undefined members are left out, toJSON is asked', () => {
    const bytes = codec.encode({ a: undefined, when: new Date(0) });
    expect(codec.decode(Buffer.from(bytes as Uint8Array))).toEqual({ when: '1970-01-01T00:00:00.000Z' });
  });

  test.each([[undefined], [() => 1], [1n]])('%s cannot be encoded', (value) => {
    expect(() => codec.encode(value)).toThrow(TypeError);
  });
});

test('invalid JSON and invalid UTF-8 are refused, not repaired', () => {
  const frames = [
    Buffer.from('{'),
    Buffer.from([0x22, 0xff, 0x22]),
    Buffer.from('\ufeff{}'),
    Buffer.alloc(0),
  ];
  for (const frame of frames) {
    expect(() => jsonCodec.decode(frame)).toThrow(expect.objectContaining({ code: 'FRAME_INVALID' }));
  }
});

describe('MessagePack from a peer', () => {
  const nested = (depth: number): Buffer => Buffer.concat([Buffer.alloc(depth, 0x91), Buffer.of(0xc0)]);
  test.each([
    ['nothing', Buffer.alloc(0), /cut short at byte 0/],
    ['a cut string', Buffer.of(0xa5, 0x61), /cut short/],
    ['a cut length', Buffer.of(0xdb, 0, 0), /cut short/],
    ['a cut number', Buffer.of(0xcb, 1, 2), /cut short/],
    ['a cut array', Buffer.of(0x92, 1), /more elements/],
    ['an array of 4 billion', Buffer.of(0xdd, 0xff, 0xff, 0xff, 0xff), /more elements/],
    ['a map of 4 billion', Buffer.of(0xdf, 0xff, 0xff, 0xff, 0xff), /more elements/],
    ['two values', Buffer.of(1, 2), /more than one value, the second at byte 1/],
    ['a number as a key', Buffer.of(0x81, 1, 2), /a key is not a string at byte 1/],
    ['an array as a key', Buffer.of(0x81, 0x90, 2), /a key is not a string/],
    ['binary', Buffer.of(0xc4, 1, 0), /type 0xc4 has no counterpart/],
    ['an extension', Buffer.of(0xd4, 0x72, 0x40), /type 0xd4/],
    ['a long extension', Buffer.of(0xc7, 1, 5, 0), /type 0xc7/],
    ['a 64-bit integer', Buffer.of(0xcf, 0, 0, 0, 0, 0, 0, 0, 1), /type 0xcf/],
    ['the type never used', Buffer.of(0xc1), /type 0xc1/],
    ['bad UTF-8', Buffer.of(0xa1, 0xff), /not UTF-8/],
    ['a deep nest', nested(65), /more than 64 nested levels/],
  ])('%s is refused', (_, bytes, reason) => {
    expect(() => messagePackCodec.decode(bytes)).toThrow(reason);
    expect(() => unpackMessage(bytes)).toThrow(expect.objectContaining({ code: 'FRAME_INVALID' }));
  });

  test('64 levels are accepted', () => {
    expect(messagePackProblem(nested(64), 64)).toBeUndefined();
  });

  test('what a default msgpackr sends (records, dates, sets) is refused', () => {
    const packr = new Packr({ moreTypes: true });
    for (const value of [{ a: 1 }, new Date(), new Set([1])]) {
      expect(messagePackProblem(packr.pack(value), 64)).toMatch(/no counterpart/);
    }
  });

  test('every cut and every changed byte of a message is refused or decoded, never worse', () => {
    const bytes = Buffer.from(messagePackCodec.encode(values[13]) as Uint8Array);
    for (let at = 0; at < bytes.length; at++) {
      expect(messagePackProblem(bytes.subarray(0, at), 64), `cut at ${at}`).toBeDefined();
      for (const byte of [0x00, 0x81, 0x9f, 0xc0, 0xc1, 0xcf, 0xd9, 0xdd, 0xff]) {
        const changed = Buffer.from(bytes);
        changed[at] = byte;
        if (messagePackProblem(changed, 64) === undefined) messagePackCodec.decode(changed);
      }
    }
  });
});

describe('messages on a MessagePack connection', () => {
  test('a plain message is packed and comes back byte for byte', () => {
    const text = JSON.stringify(values[13]);
    const packed = packMessage(text);
    expect(packed).toBeInstanceOf(Uint8Array);
    expect(packed.length).toBeLessThan(text.length);
    expect(unpackMessage(Buffer.from(packed as Uint8Array)).toString()).toBe(text);
    expect(unpackMessage(Buffer.from(packMessage(Buffer.from(text)) as Uint8Array)).toString()).toBe(text);
  });

  test.each([
    '{"id":12345678901234567890}',
    '{"id":1.0}',
    '{"a":1e400}',
    '{"a":-0}',
    '{"a":1,"a":2}',
    '{"2":0,"1":0}',
    '{ "a": 1 }',
    '{"a":"\\ud800"}',
    '{"__proto__":1}',
    '{"a":"\\u0041"}',
    '[1',
    '{',
    '42',
    'text',
  ])('%s would not survive packing and travels as it is', (text) => {
    expect(packMessage(text)).toBe(text);
  });

  test('JSON on such a connection is passed on untouched', () => {
    const text = Buffer.from('{"id":12345678901234567890}');
    expect(unpackMessage(text)).toBe(text);
  });
});

describe('negotiation', () => {
  const request = Buffer.from(encodingRequest(['msgpack', 'json']));

  test('the first encoding both know is taken', () => {
    const settled = answerEncodingRequest(request, ['json', 'msgpack']);
    expect(settled?.encoding).toBe('msgpack');
    expect(readEncodingAnswer(Buffer.from(settled?.answer ?? ''), ['msgpack', 'json'])).toBe('msgpack');
    expect(answerEncodingRequest(request, ['json'])?.encoding).toBe('json');
  });

  test('unknown names, versions and shapes end in JSON', () => {
    for (const params of [
      { version: 2, encodings: ['msgpack'] },
      { version: 1, encodings: ['cbor', 'toString', 7] },
      { version: 1 },
    ]) {
      const text = JSON.stringify({ ...JSON.parse(request.toString()), params });
      expect(answerEncodingRequest(Buffer.from(text), ['msgpack'])?.encoding).toBe('json');
    }
  });

  test('other frames are not taken for a request or an answer', () => {
    const others = [
      '{}',
      '[]',
      'null',
      '{"method":"ringwire/encoding"',
      '{"jsonrpc":"2.0","id":1,"method":"ping"}',
    ];
    for (const text of others) {
      expect(answerEncodingRequest(Buffer.from(text), ['msgpack'])).toBeUndefined();
      expect(readEncodingAnswer(Buffer.from(text), ['msgpack'])).toBeUndefined();
    }
    expect(readEncodingAnswer(request, ['msgpack'])).toBeUndefined();
  });

  test('an error, or a choice we did not offer, means JSON', () => {
    const error =
      '{"jsonrpc":"2.0","id":"ringwire/encoding","error":{"code":-32601,"message":"Method not found"}}';
    expect(readEncodingAnswer(Buffer.from(error), ['msgpack'])).toBe('json');
    const choice = '{"jsonrpc":"2.0","id":"ringwire/encoding","result":{"version":1,"encoding":"msgpack"}}';
    expect(readEncodingAnswer(Buffer.from(choice), ['json'])).toBe('json');
  });
});

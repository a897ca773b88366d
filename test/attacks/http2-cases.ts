/** Frames that break a rule of RFC 9113, and what becomes of them. */

import { callBody } from './attack-server.js';
import {
  block,
  Code,
  callFields,
  type Field,
  Flag,
  FrameType,
  frame,
  indexed,
  setting,
  uint32,
} from './http2-raw.js';

/**
 * `goaway`: the connection ends with one of these codes. `reset`: stream 1 is taken back with one of these codes, and
 * the connection goes on. `status`: stream 1 is answered so, and the connection goes on. `served`: the call is.
 */
export type Http2Verdict =
  | { readonly goaway: readonly number[] }
  | { readonly reset: readonly number[] }
  | { readonly status: readonly number[] }
  | { readonly served: true };

export interface Http2Case {
  readonly name: string;
  /** What follows the preface and empty settings; `mark` is what the call must not say, or says. */
  readonly frames: (mark: string) => readonly Buffer[];
  readonly verdict: Http2Verdict;
}

const {
  Headers,
  Data,
  Settings,
  Ping,
  Goaway,
  WindowUpdate,
  Continuation,
  RstStream,
  Priority,
  PushPromise,
} = FrameType;
const { EndHeaders, EndStream, Padded, Ack } = Flag;
// nghttp2 says some codes itself, and has node say INTERNAL_ERROR for the others.
const protocol = { goaway: [Code.Protocol, Code.Internal] } as const;
const size = { goaway: [Code.FrameSize] } as const;
/** nghttp2 drops fields that could not be, and nobody sees them. */
const dropped = { served: true } as const;
const refusedStream = { reset: [Code.Protocol] } as const;

/** The call with these fields; frames of its own where a length must not fit. */
function fields(
  name: string,
  list: readonly Field[] | ((mark: string) => readonly Field[]),
  verdict: Http2Verdict = refusedStream,
): Http2Case {
  return {
    name,
    frames: (mark) => [
      frame(Headers, EndHeaders, 1, block(typeof list === 'function' ? list(mark) : list)),
      frame(Data, EndStream, 1, Buffer.from(callBody(mark))),
    ],
    verdict,
  };
}

function bytes(name: string, frames: readonly Buffer[], verdict: Http2Verdict): Http2Case {
  return { name, frames: () => frames, verdict };
}

const good = callFields();
const others = good.filter(([name]) => !name.startsWith(':'));
const pseudo = good.filter(([name]) => name.startsWith(':'));
const goodBlock = block(good);

const headerCases: readonly Http2Case[] = [
  fields('the call as it should be', good, { served: true }),
  fields('no :method', callFields({ ':method': undefined })),
  fields('no :scheme', callFields({ ':scheme': undefined })),
  fields('no :path', callFields({ ':path': undefined })),
  fields('an empty :path', callFields({ ':path': '' })),
  fields('a :path without a slash', callFields({ ':path': 'mcp' })),
  fields('a :path with a space', callFields({ ':path': '/mcp HTTP/1.1' }), refusedStream),
  fields('a :path with line ends', callFields({ ':path': '/mcp\r\nX: a' })),
  fields('a :path that is a whole URL', callFields({ ':path': 'http://127.0.0.1/mcp' })),
  fields('two :path', [...pseudo, [':path', '/mcp'], ...others]),
  fields('two :method', [...pseudo, [':method', 'GET'], ...others]),
  fields('two :authority', [...pseudo, [':authority', 'evil.example'], ...others]),
  fields('an unknown pseudo field', [...pseudo, [':other', 'a'], ...others]),
  fields('a :status', [...pseudo, [':status', '200'], ...others]),
  fields('a pseudo field behind a field', [...pseudo.slice(0, 3), ...others, [':path', '/mcp']]),
  fields('an empty :method', callFields({ ':method': '' })),
  fields('a :method with a space', callFields({ ':method': 'POST /x' })),
  fields('no :authority and no host', callFields({ ':authority': undefined }), refusedStream),
  fields('an empty :authority', callFields({ ':authority': '' }), refusedStream),
  fields('a host beside :authority that differs', callFields({ host: 'evil.example' }), { status: [400] }),
  fields('a host beside :authority that is the same', callFields({ host: '127.0.0.1' }), { served: true }),
  fields('a host alone', callFields({ ':authority': undefined, host: '127.0.0.1' }), { served: true }),
  fields('a foreign :authority', callFields({ ':authority': 'evil.example' }), { status: [403] }),
  fields('a foreign host alone', callFields({ ':authority': undefined, host: 'evil.example' }), {
    status: [403],
  }),
  fields('an :authority with a user', callFields({ ':authority': 'a@127.0.0.1' }), { status: [400, 403] }),
  fields('a foreign origin', callFields({ origin: 'http://evil.example' }), { status: [403] }),
  fields('a foreign :scheme', callFields({ ':scheme': 'ftp' }), { served: true }),
  fields(
    'CONNECT',
    [
      [':method', 'CONNECT'],
      [':authority', '127.0.0.1:80'],
    ],
    { status: [405] },
  ),
  fields('extended CONNECT, which was not offered', [...pseudo, [':protocol', 'websocket'], ...others]),
  fields('a name in capitals', [...good, ['X-A', 'a']]),
  fields('a name with a space', [...good, ['x a', 'a']], dropped),
  fields('a name with a colon', [...good, ['x:a', 'a']], dropped),
  fields('an empty name', [...good, ['', 'a']], dropped),
  fields('a name with a NUL', [...good, ['x\0', 'a']], dropped),
  fields('a value with a line feed', [...good, ['x', 'a\nb: c']], dropped),
  fields('a value with a carriage return', [...good, ['x', 'a\rb']], dropped),
  fields('a value with a NUL', [...good, ['x', 'a\0']], dropped),
  fields('a connection field', [...good, ['connection', 'close']]),
  fields('a transfer-encoding field', [...good, ['transfer-encoding', 'chunked']]),
  fields('a keep-alive field', [...good, ['keep-alive', 'timeout=5']]),
  fields('an upgrade field', [...good, ['upgrade', 'h2c']]),
  fields('a proxy-connection field', [...good, ['proxy-connection', 'close']]),
  fields('te that is not trailers', [...good, ['te', 'gzip']]),
  fields('te: trailers', [...good, ['te', 'trailers']], { served: true }),
  fields('a length that is right', (mark) => [...good, ['content-length', `${callBody(mark).length}`]], {
    served: true,
  }),
  fields('a length that is too small', [...good, ['content-length', '5']]),
  fields('a length that is too large', [...good, ['content-length', '5000']]),
  fields('a length that is no number', [...good, ['content-length', 'a']]),
  fields('two lengths', (mark) => [
    ...good,
    ['content-length', `${callBody(mark).length}`],
    ['content-length', '0'],
  ]),
  fields(
    'more fields than the limit',
    [...good, ...Array.from({ length: 120 }, (_, at): Field => [`x-${at}`, 'a'])],
    { status: [431] },
  ),
];

const connectionCases: readonly Http2Case[] = [
  bytes('DATA on a stream nobody opened', [frame(Data, 0, 1, Buffer.from('a'))], protocol),
  bytes('DATA on the connection', [frame(Data, 0, 0, Buffer.from('a'))], protocol),
  bytes('HEADERS on the connection', [frame(Headers, EndHeaders | EndStream, 0, goodBlock)], protocol),
  bytes('HEADERS on an even stream', [frame(Headers, EndHeaders | EndStream, 2, goodBlock)], protocol),

  bytes(
    'HEADERS again on a stream that ended',
    [
      frame(Headers, EndHeaders | EndStream, 1, goodBlock),
      frame(Headers, EndHeaders | EndStream, 1, goodBlock),
    ],
    { goaway: [Code.StreamClosed, Code.Protocol, Code.Internal] },
  ),
  bytes('RST_STREAM on a stream nobody opened', [frame(RstStream, 0, 1, uint32(8))], protocol),
  bytes('RST_STREAM on the connection', [frame(RstStream, 0, 0, uint32(8))], protocol),
  bytes(
    'RST_STREAM of three bytes',
    [frame(Headers, EndHeaders, 1, goodBlock), frame(RstStream, 0, 1, Buffer.alloc(3))],
    size,
  ),
  bytes(
    'PUSH_PROMISE of a client',
    [
      frame(Headers, EndHeaders, 1, goodBlock),
      frame(PushPromise, EndHeaders, 1, Buffer.concat([uint32(2), goodBlock])),
    ],
    protocol,
  ),
  bytes('PING of seven bytes', [frame(Ping, 0, 0, Buffer.alloc(7))], size),
  bytes('PING on a stream', [frame(Ping, 0, 1, Buffer.alloc(8))], protocol),
  bytes('SETTINGS of five bytes', [frame(Settings, 0, 0, Buffer.alloc(5))], size),
  bytes('SETTINGS on a stream', [frame(Settings, 0, 1)], protocol),
  bytes('an acknowledgement with content', [frame(Settings, Ack, 0, setting(3, 100))], size),
  bytes('an initial window beyond 2^31', [frame(Settings, 0, 0, setting(4, 0x80000000))], {
    goaway: [Code.FlowControl, Code.Internal],
  }),
  bytes('ENABLE_PUSH of 2', [frame(Settings, 0, 0, setting(2, 2))], protocol),
  bytes('a maximum frame size of 1', [frame(Settings, 0, 0, setting(5, 1))], protocol),
  bytes(
    '100 settings in one frame',
    [frame(Settings, 0, 0, Buffer.concat(Array.from({ length: 100 }, () => setting(3, 100))))],
    { goaway: [Code.Calm] },
  ),
  bytes('WINDOW_UPDATE by 0', [frame(WindowUpdate, 0, 0, uint32(0))], protocol),
  bytes('WINDOW_UPDATE of three bytes', [frame(WindowUpdate, 0, 0, Buffer.alloc(3))], size),
  bytes('WINDOW_UPDATE beyond 2^31', [frame(WindowUpdate, 0, 0, uint32(0x7fffffff))], {
    goaway: [Code.FlowControl, Code.Internal],
  }),
  bytes('WINDOW_UPDATE on a stream nobody opened', [frame(WindowUpdate, 0, 1, uint32(1))], protocol),
  bytes(
    'WINDOW_UPDATE by 0 on a stream',
    [frame(Headers, EndHeaders, 1, goodBlock), frame(WindowUpdate, 0, 1, uint32(0))],
    protocol,
  ),
  bytes(
    'WINDOW_UPDATE beyond 2^31 on a stream',
    [frame(Headers, EndHeaders, 1, goodBlock), frame(WindowUpdate, 0, 1, uint32(0x7fffffff))],
    { goaway: [Code.FlowControl, Code.Internal] },
  ),
  bytes(
    'DATA behind the end of a stream',
    [frame(Headers, EndHeaders | EndStream, 1, goodBlock), frame(Data, EndStream, 1, Buffer.from('a'))],
    { goaway: [Code.StreamClosed, Code.Protocol, Code.Internal] },
  ),
  bytes('a CONTINUATION without HEADERS', [frame(Continuation, EndHeaders, 1, goodBlock)], protocol),
  bytes(
    'another frame between HEADERS and CONTINUATION',
    [frame(Headers, 0, 1, goodBlock), frame(Ping, 0, 0, Buffer.alloc(8))],
    protocol,
  ),
  bytes(
    'a CONTINUATION of another stream',
    [frame(Headers, 0, 1, goodBlock), frame(Continuation, EndHeaders, 3)],
    protocol,
  ),
  bytes(
    'a frame beyond the maximum size',
    [frame(Headers, EndHeaders, 1, goodBlock), frame(Data, 0, 1, Buffer.alloc(16_385))],
    size,
  ),
  bytes(
    'padding as long as the frame',
    [frame(Headers, EndHeaders, 1, goodBlock), frame(Data, Padded, 1, Buffer.from([9, 1, 2]))],
    protocol,
  ),
  bytes(
    'padding as long as the head',
    [frame(Headers, EndHeaders | Padded, 1, Buffer.from([200, 0x82]))],
    protocol,
  ),
  bytes('PRIORITY of four bytes', [frame(Priority, 0, 1, Buffer.alloc(4))], size),
  bytes('GOAWAY on a stream', [frame(Goaway, 0, 1, Buffer.alloc(8))], protocol),
  bytes(
    'fields that name what no table holds',
    [frame(Headers, EndHeaders | EndStream, 1, Buffer.from([0xff, 0x80, 0x01]))],
    { goaway: [Code.Compression] },
  ),
  bytes(
    'a number without an end',
    [
      frame(
        Headers,
        EndHeaders | EndStream,
        1,
        Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
      ),
    ],
    { goaway: [Code.Compression] },
  ),
  bytes(
    'a string longer than its frame',
    [frame(Headers, EndHeaders | EndStream, 1, Buffer.from([0, 0x7e, 0x61]))],
    { goaway: [Code.Compression] },
  ),
  bytes(
    'a table larger than was offered',
    [
      frame(
        Headers,
        EndHeaders | EndStream,
        1,
        Buffer.concat([Buffer.from([0x3f, 0xe1, 0xff, 0x03]), goodBlock]),
      ),
    ],
    { goaway: [Code.Compression] },
  ),
  // 4 kB once, then named 3,000 times: 12 MB in 7 kB.
  bytes(
    'an HPACK bomb',
    [
      frame(
        Headers,
        EndHeaders | EndStream,
        1,
        Buffer.concat([goodBlock, indexed('x', 'y'.repeat(4_000)), Buffer.alloc(3_000, 0xbe)]),
      ),
    ],
    { reset: [Code.Calm] },
  ),
];

/** What takes more than one frame. */
const allowedCases: readonly Http2Case[] = [
  {
    name: 'a head beyond the limit',
    frames: (mark) => [
      frame(
        Headers,
        EndHeaders,
        1,
        Buffer.concat([goodBlock, indexed('x', 'y'.repeat(3_900)), Buffer.alloc(4, 0xbe)]),
      ),
      frame(Data, EndStream, 1, Buffer.from(callBody(mark))),
    ],
    verdict: { status: [431] },
  },
  {
    name: 'a frame of an unknown type',
    frames: (mark) => [frame(0x42, 0xff, 1, Buffer.from('?')), ...headerCases[0].frames(mark)],
    verdict: { served: true },
  },
  {
    name: 'an unknown setting',
    frames: (mark) => [frame(Settings, 0, 0, setting(0x4242, 1)), ...headerCases[0].frames(mark)],
    verdict: { served: true },
  },
  {
    name: 'HEADERS in pieces of one byte',
    frames: (mark) => [
      frame(Headers, 0, 1, goodBlock.subarray(0, -3)),
      ...[...goodBlock.subarray(-3)].map((byte, at) =>
        frame(Continuation, at === 2 ? EndHeaders : 0, 1, Buffer.from([byte])),
      ),
      frame(Data, EndStream, 1, Buffer.from(callBody(mark))),
    ],
    verdict: { served: true },
  },
  {
    name: 'trailers',
    frames: (mark) => [
      frame(Headers, EndHeaders, 1, goodBlock),
      frame(Data, 0, 1, Buffer.from(callBody(mark))),
      frame(Headers, EndHeaders | EndStream, 1, block([['x-check', '1']])),
    ],
    verdict: { served: true },
  },
  {
    name: 'trailers with a pseudo field',
    frames: (mark) => [
      frame(Headers, EndHeaders, 1, goodBlock),
      frame(Data, 0, 1, Buffer.from(callBody(mark))),
      frame(Headers, EndHeaders | EndStream, 1, block([[':path', '/other']])),
    ],
    verdict: refusedStream,
  },
  {
    name: 'trailers that do not end the stream',
    frames: (mark) => [
      frame(Headers, EndHeaders, 1, goodBlock),
      frame(Data, 0, 1, Buffer.from(callBody(mark))),
      frame(Headers, EndHeaders, 1, block([['x-check', '1']])),
    ],
    verdict: refusedStream,
  },
];

export const http2Cases: readonly Http2Case[] = [...headerCases, ...connectionCases, ...allowedCases];

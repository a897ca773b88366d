/** Our WebSocket client against servers that do what none should: each ends with an error that says what was wrong. */
import { createHash } from 'node:crypto';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { connectRpc, type RpcClient } from '../../src/rpc/client.js';
import type { TransportOptions } from '../../src/transports/transport.js';
import { codeBytes, type FrameFields, frame, Opcode, type ReadFrame, readFrame } from './websocket-frames.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** A server that answers the head of a request with what `answer` makes of the right Sec-WebSocket-Accept. */
async function hostile(answer: (accept: string, socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    cleanups.push(() => socket.destroy());
    socket.on('error', () => {});
    let head = '';
    const read = (bytes: Buffer): void => {
      head += bytes.toString('latin1');
      if (!head.includes('\r\n\r\n')) return;
      socket.off('data', read);
      const key = /^sec-websocket-key: *(\S+)/im.exec(head)?.[1] ?? '';
      answer(createHash('sha1').update(`${key}${guid}`).digest('base64'), socket);
    };
    socket.on('data', read);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => void server.close());
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/rpc`;
}

function switching(accept: string, more = ''): string {
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n${more}\r\n`;
}

async function open(url: string, transport: TransportOptions = {}): Promise<RpcClient> {
  const client = await connectRpc(url, { transport: { connectTimeoutMs: 2_000, ...transport } });
  cleanups.push(() => client.close());
  return client;
}

describe('a handshake', () => {
  const anyAccept = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';
  it.each<[string, (accept: string) => string, string, RegExp, TransportOptions?]>([
    [
      'with a wrong Sec-WebSocket-Accept',
      () => switching(anyAccept),
      'FRAME_INVALID',
      /Sec-WebSocket-Accept/,
    ],
    [
      'without Sec-WebSocket-Accept',
      (accept) => switching(accept).replace(/Sec-.*\r\n/, ''),
      'FRAME_INVALID',
      /Sec-WebSocket-Accept/,
    ],
    [
      'with Sec-WebSocket-Accept in lower case',
      (accept) => switching(accept.toLowerCase()),
      'FRAME_INVALID',
      /Sec-WebSocket-Accept/,
    ],
    ['without Upgrade', (accept) => switching(accept).replace(/Upgrade: .*\r\n/, ''), 'HTTP_STATUS', /101/],
    [
      'that upgrades to something else',
      (accept) => switching(accept).replace('websocket', 'h2c'),
      'FRAME_INVALID',
      /Upgrade/,
    ],
    [
      'with a sub-protocol nobody asked for',
      (accept) => switching(accept, 'Sec-WebSocket-Protocol: chat\r\n'),
      'FRAME_INVALID',
      /subprotocol/,
    ],
    [
      'with another sub-protocol than was asked for',
      (accept) => switching(accept, 'Sec-WebSocket-Protocol: chat\r\n'),
      'FRAME_INVALID',
      /subprotocol/,
      { httpClient: { protocols: ['jsonrpc'] } },
    ],
    [
      'without the sub-protocol asked for',
      (accept) => switching(accept),
      'PROTOCOL_VERSION',
      /jsonrpc/,
      { httpClient: { protocols: ['jsonrpc'] } },
    ],
    [
      'with an extension nobody asked for',
      (accept) => switching(accept, 'Sec-WebSocket-Extensions: permessage-deflate\r\n'),
      'FRAME_INVALID',
      /xtension/,
    ],
    [
      'with a malformed extension',
      (accept) => switching(accept, 'Sec-WebSocket-Extensions: ;;\r\n'),
      'FRAME_INVALID',
      /xtension/,
    ],
    ['answered 200', () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', 'HTTP_STATUS', /200/],
    [
      'answered 200 without end',
      () => 'HTTP/1.1 200 OK\r\n\r\nok',
      'DEADLINE_EXCEEDED',
      /connectTimeoutMs/,
      { connectTimeoutMs: 200 },
    ],
    [
      'answered 1xx for ever',
      () => 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(3),
      'DEADLINE_EXCEEDED',
      /connectTimeoutMs/,
      { connectTimeoutMs: 200 },
    ],
    [
      'answered a head without end',
      () => `HTTP/1.1 101 x\r\n${'x-a: b\r\n'.repeat(100_000)}`,
      'HTTP_STATUS',
      /head|header|overflow/i,
    ],
    ['answered nonsense', () => '\0\x01\x02\r\n\r\n', 'HTTP_STATUS', /HTTP/],
    ['answered a bad status', () => 'HTTP/1.1 1000 Huge\r\n\r\n', 'HTTP_STATUS', /HTTP/],
  ])('%s is refused', async (_name, answer, code, message, options) => {
    const url = await hostile((accept, socket) => socket.write(answer(accept)));
    await expect(open(url, options)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it.each<[string, (socket: Socket) => void, string]>([
    ['ended', (socket) => socket.end(), 'CONNECTION_RESET'],
    ['ended in its head', (socket) => socket.end('HTTP/1.1 101 Swi'), 'CONNECTION_RESET'],
    ['reset', (socket) => socket.resetAndDestroy(), 'CONNECTION_RESET'],
    [
      'reset in its head',
      (socket) => socket.write('HTTP/1.1 101 Swi', () => socket.resetAndDestroy()),
      'CONNECTION_RESET',
    ],
  ])('that is %s is refused', async (_name, end, code) => {
    const url = await hostile((_accept, socket) => end(socket));
    await expect(open(url)).rejects.toMatchObject({ code });
  });
});

/** Opens, calls, and is answered these bytes; how the call and the connection end. */
async function exchange(
  sends: (socket: Socket) => void,
  options: TransportOptions = {},
): Promise<{ readonly call: unknown; readonly closed: unknown; readonly problems: string[] }> {
  const problems: string[] = [];
  const url = await hostile((accept, socket) => {
    socket.write(switching(accept));
    socket.once('data', () => sends(socket));
  });
  const client = await connectRpc(url, {
    transport: options,
    onProtocolError: (error) => void problems.push(error.code),
  });
  cleanups.push(() => client.close());
  const call = await client.request('echo', [1]).catch((error: { code: unknown }) => error.code);
  if (call === 'answered') return { call, closed: 'open', problems };
  const closed = await client.closed;
  return { call, closed: closed?.code, problems };
}

/** A frame as a server sends it. */
function served(fields: FrameFields): Buffer {
  return frame({ mask: undefined, ...fields });
}

const answer = served({ payload: '{"jsonrpc":"2.0","id":1,"result":"answered"}' });

describe('a connection', () => {
  it.each<[string, Buffer, string, TransportOptions?]>([
    ['a masked frame', frame({ payload: '{}' }), 'FRAME_INVALID'],
    ['a binary message', served({ opcode: Opcode.binary, payload: 'x' }), 'FRAME_INVALID'],
    ['a reserved opcode', served({ opcode: 3 }), 'FRAME_INVALID'],
    ['RSV1', served({ rsv: 4, payload: 'x' }), 'FRAME_INVALID'],
    ['a continuation of nothing', served({ opcode: Opcode.continuation }), 'FRAME_INVALID'],
    ['text that is no UTF-8', served({ payload: Uint8Array.of(0x22, 0xff, 0x22) }), 'FRAME_INVALID'],
    ['a ping in fragments', served({ opcode: Opcode.ping, fin: false }), 'FRAME_INVALID'],
    ['a ping too long', served({ opcode: Opcode.ping, payload: 'x'.repeat(126) }), 'FRAME_INVALID'],
    [
      'a close with a code that is none',
      served({ opcode: Opcode.close, payload: codeBytes(1005) }),
      'FRAME_INVALID',
    ],
    ['a close with half a code', served({ opcode: Opcode.close, payload: 'x' }), 'FRAME_INVALID'],
    [
      'a message over the limit',
      served({ payload: 'x'.repeat(2_000) }),
      'FRAME_TOO_LARGE',
      { maxFrameBytes: 1_000 },
    ],
    ['a length over the limit', served({ saysLength: 1n << 40n, lengthBits: 64 }), 'FRAME_TOO_LARGE'],
    ['a length beyond any', served({ saysLength: (1n << 64n) - 1n, lengthBits: 64 }), 'FRAME_TOO_LARGE'],
    ['a close with 1009', served({ opcode: Opcode.close, payload: codeBytes(1009) }), 'FRAME_TOO_LARGE'],
    ['a close with 1011', served({ opcode: Opcode.close, payload: codeBytes(1011) }), 'CONNECTION_CLOSED'],
    ['a close with 4000', served({ opcode: Opcode.close, payload: codeBytes(4000) }), 'CONNECTION_CLOSED'],
  ])('that brings %s ends', async (_name, bytes, code, options) => {
    const outcome = await exchange((socket) => socket.write(bytes), options);
    expect(outcome).toMatchObject({ closed: code });
    expect(['CONNECTION_CLOSED', code]).toContain(outcome.call);
  });

  it.each<[string, Buffer]>([
    ['without a code', served({ opcode: Opcode.close })],
    ['with 1000', served({ opcode: Opcode.close, payload: codeBytes(1000) })],
    ['with 1001', served({ opcode: Opcode.close, payload: codeBytes(1001) })],
  ])('that is closed %s ends in good order, and fails its calls', async (_name, bytes) => {
    const outcome = await exchange((socket) => socket.write(bytes));
    expect(outcome).toMatchObject({ call: 'CONNECTION_CLOSED', closed: undefined });
  });

  it.each<[string, (socket: Socket) => void]>([
    ['reset', (socket) => socket.resetAndDestroy()],
    ['ended without a close', (socket) => socket.end()],
    ['ended inside a frame', (socket) => socket.end(answer.subarray(0, 20))],
    [
      'reset inside a frame',
      (socket) => socket.write(answer.subarray(0, 20), () => socket.resetAndDestroy()),
    ],
  ])('that is %s ends as reset', async (_name, end) => {
    expect(await exchange(end)).toMatchObject({ closed: 'CONNECTION_RESET' });
  });

  it.each<[string, readonly Buffer[], number]>([
    ['messages that are no JSON', [served({ payload: 'hello' }), served({ payload: '{' })], 2],
    ['answers to nothing', [served({ payload: '{"jsonrpc":"2.0","id":99,"result":1}' })], 1],
    ['answers to the same call twice', [], 0],
    [
      'messages in 200 fragments',
      [
        served({ fin: false }),
        ...new Array(198).fill(served({ opcode: 0, fin: false })),
        served({ opcode: 0, payload: '[]' }),
      ],
      1,
    ],
    [
      '60 pings and 1,000 pongs',
      [
        ...new Array(60).fill(served({ opcode: Opcode.ping, payload: 'p' })),
        ...new Array(1_000).fill(served({ opcode: Opcode.pong })),
      ],
      0,
    ],
    ['empty messages', new Array(100).fill(served({})), 0],
    ['nesting far too deep', [served({ payload: '['.repeat(100_000) })], 1],
  ])('that brings %s goes on', async (_name, frames, problems) => {
    const outcome = await exchange((socket) => socket.write(Buffer.concat([...frames, answer, answer])));
    expect(outcome.call).toBe('answered');
    expect(outcome.problems.filter((code) => code === 'FRAME_INVALID').length).toBeGreaterThanOrEqual(
      problems,
    );
  });

  it('masks what it sends, with another key each time, and echoes pings', async () => {
    const got: (ReadFrame & { readonly mask: string })[] = [];
    const outcome = await exchange((socket) => {
      let rest: Buffer = Buffer.alloc(0);
      socket.on('data', (bytes) => {
        rest = Buffer.concat([rest, bytes]);
        for (let read = readFrame(rest); read !== undefined; read = readFrame(rest)) {
          const at = read.bytes - read.payload.length;
          got.push({ ...read, mask: rest.subarray(at - 4, at).toString('hex') });
          rest = rest.subarray(read.bytes);
        }
        if (got.length === 2) socket.write(answer);
      });
      socket.write(served({ opcode: Opcode.ping, payload: 'one' }));
      socket.write(served({ opcode: Opcode.ping, payload: 'two' }));
    });
    expect(outcome.call).toBe('answered');
    expect(got.map(({ opcode, payload, isMasked }) => [opcode, String(payload), isMasked])).toEqual([
      [Opcode.pong, 'one', true],
      [Opcode.pong, 'two', true],
    ]);
    expect(got[0].mask).not.toBe(got[1].mask);
  });

  it('that nobody closes at the other end is closed by us all the same', async () => {
    const url = await hostile((accept, socket) => {
      socket.write(switching(accept));
      socket.on('data', () => {});
    });
    const client = await open(url, { closeTimeoutMs: 200 });
    const call = client.request('echo', [1]).catch((error: { code: unknown }) => error.code);
    await client.close({ drainTimeoutMs: 0 });
    expect(await call).toBe('CONNECTION_CLOSED');
    await client.closed;
  });
});

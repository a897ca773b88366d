/** HTTP/2 by the node engine: h2c beside HTTP/1 on one port, streams, flow control, floods. */
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { maxHttp2Resets, maxHttp2Streams } from '../../src/limits.js';
import type { HttpListener } from '../../src/transports/http/http-server.js';
import { portOf, RawClient, serve, TestApplication } from './node-engine-support.js';

let application: TestApplication;
let listener: HttpListener;
let session: ClientHttp2Session;

beforeEach(async () => {
  application = new TestApplication();
  listener = await serve(application);
  session = connect(listener.url);
  session.on('error', () => {});
});

afterEach(async () => {
  session.destroy();
  await listener.close({ drainTimeoutMs: 0 });
});

async function answerOf(stream: ClientHttp2Stream): Promise<{ status: number; body: string }> {
  let status = 0;
  let body = '';
  stream.setEncoding('utf8');
  stream.on('response', (headers) => {
    status = headers[':status'] as number;
  });
  stream.on('data', (chunk: string) => {
    body += chunk;
  });
  // A reset is an answer, too: status 0.
  stream.on('error', () => {});
  await new Promise((resolve) => stream.once('close', resolve));
  return { status, body };
}

function post(path: string, body: string | Buffer): ClientHttp2Stream {
  const stream = session.request({ ':method': 'POST', ':path': path });
  stream.end(body);
  return stream;
}

/** A frame of RFC 9113, section 4.1. */
function frame(type: number, flags: number, streamId: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

const preface = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(4, 0, 0)]);
/** GET http / with the authority "a", in HPACK. */
const getRoot = Buffer.from([0x82, 0x86, 0x84, 0x41, 0x01, 0x61]);

/** Writes frames by hand; resolves when the server cut the connection, with the error code of its GOAWAY. */
async function flood(frames: readonly Buffer[]): Promise<number | undefined> {
  const socket = connectTcp(portOf(listener), '127.0.0.1');
  const received: Buffer[] = [];
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => received.push(chunk));
  for (const each of [preface, ...frames]) socket.write(each);
  await once(socket, 'close');
  const bytes = Buffer.concat(received);
  let code: number | undefined;
  for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
    if (bytes[at + 3] === 7 && at + 17 <= bytes.length) code = bytes.readUInt32BE(at + 13);
  }
  return code;
}

describe('h2c', () => {
  test('both versions are served on one port', async () => {
    expect(await answerOf(post('/echo', 'over two'))).toEqual({ status: 200, body: 'over two' });
    const one = await fetch(new URL('/echo', listener.url), { method: 'POST', body: 'over one' });
    expect(await one.text()).toBe('over one');
    expect(listener.counters.requests).toBe(2);
  });

  test('a preface that comes byte by byte is recognised, and a request that begins like it too', async () => {
    const client = new RawClient(portOf(listener));
    for (const byte of preface.subarray(0, 24)) {
      await new Promise<void>((resolve) => client.socket.write(Buffer.from([byte]), () => resolve()));
    }
    client.write(preface.subarray(24));
    await client.until((text) => text.length >= 9);
    expect(client.text.charCodeAt(3)).toBe(4);
    const other = new RawClient(portOf(listener));
    other.write('PR');
    other.write('OPFIND /plain HTTP/1.1\r\nhost: a\r\n\r\n');
    await other.until((text) => text.endsWith('plain'));
    client.socket.destroy();
    other.socket.destroy();
  });

  test('100 streams at once; a stream more waits at the client', async () => {
    await once(session, 'remoteSettings');
    expect(session.remoteSettings.maxConcurrentStreams).toBe(100);
    const streams = Array.from({ length: 150 }, (_, index) => post('/echo', `body ${index}`));
    const answers = await Promise.all(streams.map(answerOf));
    expect(answers).toEqual(streams.map((_, index) => ({ status: 200, body: `body ${index}` })));
  });

  test('a large body flows both ways', async () => {
    const body = 'x'.repeat(3_000_000);
    expect(await answerOf(post('/echo', body))).toEqual({ status: 200, body });
  });

  test('several fields of a name are told as one, as HTTP/1 does', async () => {
    const stream = session.request({ ':path': '/head?a=b', 'x-one': ['1', '2'], cookie: ['a=1', 'b=2'] });
    const { body } = await answerOf(stream);
    expect(body).toContain('x-one: 1, 2');
    expect(body).toContain('cookie: a=1; b=2');
    expect(body).toContain('query a=b');
    expect(body).toMatch(/^host: 127\.0\.0\.1:\d+$/m);
  });

  test('HEAD has the fields and no body; CONNECT and a request without a name are refused', async () => {
    const head = session.request({ ':method': 'HEAD', ':path': '/plain' });
    const [headers] = await once(head, 'response');
    expect(headers['content-length']).toBe('5');
    expect(await answerOf(head)).toMatchObject({ body: '' });
    expect(await answerOf(session.request({ ':method': 'CONNECT', ':authority': 'a:1' }))).toMatchObject({
      status: 405,
    });
    const differs = session.request({ ':path': '/plain', ':authority': 'a', host: 'other' });
    expect(await answerOf(differs)).toMatchObject({ status: 400 });
  });
});

describe('bodies', () => {
  test('too large a body is refused by its length, and by its bytes', async () => {
    const told = session.request({ ':method': 'POST', ':path': '/small', 'content-length': 11 });
    const counted = session.request({ ':method': 'POST', ':path': '/small' });
    counted.write('x'.repeat(11));
    const answers = await Promise.all([answerOf(told), answerOf(counted)]);
    expect(answers.map(({ status }) => status)).toEqual([413, 413]);
    expect(application.errors).toEqual(['FRAME_TOO_LARGE', 'FRAME_TOO_LARGE']);
  });

  test('a client that resets its request ends the exchange', async () => {
    const stream = session.request({ ':path': '/wait' });
    stream.on('error', () => {});
    await application.until(() => application.requests.length === 1 || application.waiting.length === 1);
    await application.until(() => application.waiting.length === 1);
    stream.close(constants.NGHTTP2_CANCEL);
    await application.until(() => application.aborted.length === 1);
    expect(application.waiting[0].isAborted).toBe(true);
    application.waiting[0].respond(200, [], 'late');
  });
});

describe('heads', () => {
  test('one that is too large or has too many fields is refused, and the connection serves on', async () => {
    const large = session.request({ ':path': '/plain', 'x-large': 'y'.repeat(20_000) });
    const many = session.request({
      ':path': '/plain',
      ...Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`x-${index}`, 'y'])),
    });
    const answers = await Promise.all([answerOf(large), answerOf(many)]);
    expect(answers.map(({ status }) => status)).toEqual([431, 431]);
    const far = session.request({
      ':path': '/plain',
      ...Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`x-${index}`, 'y'])),
    });
    expect((await answerOf(far)).status).toBe(0);
    expect(application.requests).toEqual([]);
    expect(await answerOf(post('/echo', 'next'))).toEqual({ status: 200, body: 'next' });
  });

  test('a small head that unpacks to a large one (HPACK bomb) is not held', async () => {
    // Puts a field of 4,000 bytes into the table once, then names it 16,000 times with a byte each.
    const value = Buffer.alloc(4000, 0x61);
    const literal = Buffer.concat([Buffer.from([0x40, 1, 0x78, 0x7f, 0xa1, 0x1e]), value]);
    const block = Buffer.concat([getRoot, literal, Buffer.alloc(12_000, 0xbe)]);
    const socket = connectTcp(portOf(listener), '127.0.0.1').on('error', () => {});
    const received: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => received.push(chunk));
    const before = process.memoryUsage().rss;
    socket.write(Buffer.concat([preface, frame(1, 5, 1, block), frame(6, 0, 0, Buffer.alloc(8))]));
    const isAnswered = (): boolean => {
      const bytes = Buffer.concat(received);
      for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
        // RST_STREAM of the request, or GOAWAY.
        if (bytes[at + 3] === 3 || bytes[at + 3] === 7) return true;
      }
      return false;
    };
    while (!isAnswered()) await once(socket, 'data');
    expect(process.memoryUsage().rss - before).toBeLessThan(40 * 1024 * 1024);
    expect(application.requests).toEqual([]);
    socket.destroy();
  });
});

describe('streams', () => {
  test('each write arrives; a client that does not read fills the watermark and no more', async () => {
    const stream = session.request({ ':path': '/stream' });
    await application.until(() => application.streams.length === 1);
    const [answer] = application.streams;
    expect(answer.write('data: 1\n\n')).toBe('sent');
    const [first] = await once(stream, 'data');
    expect(String(first)).toBe('data: 1\n\n');
    stream.pause();
    const chunk = 'x'.repeat(64 * 1024);
    let accepted = 0;
    for (let refusals = 0; refusals < 5; ) {
      if (answer.write(chunk) === 'full') {
        refusals++;
        await new Promise((resolve) => setImmediate(resolve));
      } else accepted++;
      expect(answer.bufferedBytes).toBeLessThanOrEqual(1024 * 1024 + chunk.length);
    }
    const drained = new Promise<void>((resolve) => {
      answer.onDrain = resolve;
    });
    let bytes = 0;
    stream.on('data', (part: Buffer) => {
      bytes += part.length;
    });
    stream.resume();
    await drained;
    answer.end();
    await once(stream, 'close');
    expect(bytes).toBe(accepted * chunk.length);
    expect(answer.write('late')).toBe('full');
    expect(application.aborted).toEqual([]);
  });
});

describe('floods', () => {
  const calm = constants.NGHTTP2_ENHANCE_YOUR_CALM;
  const cancel = Buffer.from([0, 0, 0, constants.NGHTTP2_CANCEL]);
  test.each([
    // Newer versions of Node.js refuse the first of these by themselves, too.
    [
      'rapid reset',
      [calm, constants.NGHTTP2_INTERNAL_ERROR],
      (id: number) => [frame(1, 5, id, getRoot), frame(3, 0, id, cancel)],
    ],
    ['SETTINGS', [calm], () => [frame(4, 0, 0)]],
    ['PING', [calm], () => [frame(6, 0, 0, Buffer.alloc(8))]],
    // nghttp2 refuses it by itself.
    [
      'CONTINUATION',
      [constants.NGHTTP2_INTERNAL_ERROR],
      (id: number) => [id === 1 ? frame(1, 1, 1, getRoot) : frame(9, 0, 1)],
    ],
  ] as const)('%s ends the connection, and the others go on', async (_name, expected, make) => {
    const frames = Array.from({ length: 3000 }, (_, index) => Buffer.concat(make(1 + index * 2)));
    expect(expected).toContain(await flood(frames));
    expect(application.requests.length).toBeLessThanOrEqual(maxHttp2Resets + maxHttp2Streams);
    expect(await answerOf(post('/echo', 'here'))).toEqual({ status: 200, body: 'here' });
  });
});

describe('draining', () => {
  test('GOAWAY is sent, streams at work end, then the connection', async () => {
    const waiting = session.request({ ':path': '/wait' });
    const answer = answerOf(waiting);
    await application.until(() => application.waiting.length === 1);
    const goaway = once(session, 'goaway');
    const closing = listener.close();
    const [code] = await goaway;
    expect(code).toBe(constants.NGHTTP2_NO_ERROR);
    application.waiting[0].respond(200, [], 'in time');
    expect(await answer).toEqual({ status: 200, body: 'in time' });
    await closing;
    expect(listener.connections).toBe(0);
  });
});

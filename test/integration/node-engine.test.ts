/** The HTTP engine over node:http: requests, bodies, streams, limits, malformed input, draining. */
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { bodyGraceMs, stallTimeoutMs } from '../../src/limits.js';
import type { HttpListener } from '../../src/transports/http/http-server.js';
import type { TransportOptions } from '../../src/transports/transport.js';
import { portOf, RawClient, serve, TestApplication } from './node-engine-support.js';

let application: TestApplication;
let listener: HttpListener;
let clients: RawClient[];

async function begin(options?: TransportOptions): Promise<void> {
  await listener?.close({ drainTimeoutMs: 0 });
  application = new TestApplication();
  listener = await serve(application, options);
}

beforeEach(async () => {
  clients = [];
  await begin();
});

afterEach(async () => {
  vi.useRealTimers();
  for (const { socket } of clients) socket.destroy();
  await listener.close({ drainTimeoutMs: 0 });
});

function raw(text: string | Buffer = ''): RawClient {
  const client = new RawClient(portOf(listener)).write(text);
  clients.push(client);
  return client;
}

const request = (head: string, body = ''): string =>
  `${head} HTTP/1.1\r\nhost: a\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

describe('requests', () => {
  test('bodies come back, the small and the large', async () => {
    const url = new URL('/echo', listener.url);
    for (const body of ['first', 'second', 'x'.repeat(1_000_000)]) {
      const answer = await fetch(url, { method: 'POST', body });
      expect(answer.status).toBe(200);
      expect(await answer.text()).toBe(body);
    }
    expect(listener.counters).toMatchObject({ requests: 3, responses: [0, 3, 0, 0, 0], aborted: 0 });
  });

  test('an answer has the fields of the application, a length and a date, and no more', async () => {
    const client = raw(request('GET /plain'));
    await client.until((text) => text.endsWith('plain'));
    expect(client.text.replace(/Date: .*/, 'Date: now')).toBe(
      'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\nDate: now\r\n\r\nplain',
    );
  });

  test('pipelined requests are answered in order', async () => {
    const client = raw(request('POST /echo', 'one') + request('POST /echo', 'two') + request('GET /plain'));
    await client.until((text) => text.endsWith('plain'));
    expect(client.text.match(/\r\n\r\n(one|two|plain)/g)).toEqual(
      ['one', 'two', 'plain'].map((each) => `\r\n\r\n${each}`),
    );
    expect(listener.connections).toBe(1);
  });

  test('a request that comes byte by byte, in chunks', async () => {
    const client = raw();
    const text =
      'POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n';
    for (const byte of text) await new Promise<void>((resolve) => client.socket.write(byte, () => resolve()));
    await client.until((answer) => answer.endsWith('\r\n\r\nabcde'));
  });

  test('fields are told by lower-case name, several as one', async () => {
    const client = raw(
      'GET /head?a=b HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nx-one: 2\r\nContent-Type: a/b\r\nContent-Type: c/d\r\n\r\n',
    );
    await client.until((text) => text.includes('c/d'));
    expect(client.text).toContain('x-one: 1, 2');
    expect(client.text).toContain('content-type: a/b, c/d');
    expect(client.text).toContain('query a=b');
  });

  test('HEAD has no body; the whole form of a target, HTTP/1.0 and "connection: close" are served', async () => {
    const client = raw(request('HEAD /plain') + request('GET http://a/echo?x=1'));
    await client.until((text) => text.split('HTTP/1.1 200').length === 3);
    expect(client.text).toMatch(/content-length: 5\r\nDate: .*\r\n\r\nHTTP\/1\.1 200/);
    expect(application.requests).toEqual(['HEAD /plain', 'GET /echo']);
    expect(await raw('GET /plain HTTP/1.0\r\n\r\n').ended).toMatch(/\r\n\r\nplain$/);
    const closing = 'GET /plain HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n';
    expect(await raw(closing + request('GET /second')).ended).toMatch(/\r\n\r\nplain$/);
    expect(application.requests).not.toContain('GET /second');
  });

  test('an application that throws answers 500, and the connection goes on', async () => {
    const warned = once(process, 'warning');
    const client = raw(request('GET /throw'));
    await client.until((text) => text.includes('HTTP/1.1 500'));
    client.write(request('GET /plain'));
    await client.until((text) => text.endsWith('plain'));
    expect(String((await warned)[0])).toContain('thrown by the application');
  });
});

describe('bodies', () => {
  test('a coded body is decoded', async () => {
    const answer = await fetch(new URL('/echo', listener.url), {
      method: 'POST',
      headers: { 'content-encoding': 'gzip' },
      body: gzipSync('packed'),
    });
    expect(await answer.text()).toBe('packed');
  });

  test('too large a body is refused by its length and by its bytes; the largest passes', async () => {
    const chunked = 'POST /small HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n';
    const largest = raw(request('POST /small', 'x'.repeat(10)));
    await largest.until((text) => text.endsWith('x'.repeat(10)));
    for (const text of [request('POST /small', 'x'.repeat(11)), `${chunked}b\r\n${'x'.repeat(11)}\r\n`]) {
      const client = raw(text);
      await client.until((answer) => answer.includes('limit of 10 bytes'));
      expect(client.text).toMatch(/^HTTP\/1\.1 413 /);
    }
    // What does not end soon is not waited for.
    const endless = raw(
      `POST /small HTTP/1.1\r\nhost: a\r\ncontent-length: 999999\r\n\r\n${'x'.repeat(100_000)}`,
    );
    expect(await endless.ended).toMatch(/^HTTP\/1\.1 413 .*connection: close/s);
    expect(application.requests.length).toBe(4);
  });

  test('"expect: 100-continue" is answered when the body is wanted, and not when it is too large', async () => {
    const head = 'HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length:';
    const client = raw(`POST /echo ${head} 2\r\n\r\n`);
    await client.until((text) => text === 'HTTP/1.1 100 Continue\r\n\r\n');
    client.write('hi');
    await client.until((text) => text.endsWith('\r\n\r\nhi'));
    const refused = raw(`POST /small ${head} 11\r\n\r\n`);
    await refused.until((text) => text.startsWith('HTTP/1.1 413 '));
    const other = raw('POST /echo HTTP/1.1\r\nhost: a\r\nexpect: wonders\r\ncontent-length: 0\r\n\r\n');
    expect(await other.ended).toMatch(/^HTTP\/1\.1 417 /);
  });

  test('a body that comes too slowly is refused', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
    await begin();
    const client = raw('POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nx');
    await application.until(() => application.requests.length === 1);
    vi.advanceTimersByTime(bodyGraceMs + 3000);
    expect(application.errors).toEqual(['DEADLINE_EXCEEDED']);
    await client.until((text) => text.includes('slower than'));
    expect(client.text).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('a client that leaves in the middle of its body, or before its answer, ends the exchange', async () => {
    const half = raw('POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nx');
    const waiting = raw(request('GET /wait'));
    await application.until(() => application.requests.length === 2);
    half.socket.destroy();
    waiting.socket.destroy();
    await application.until(() => application.aborted.length === 2);
    expect(application.aborted.sort()).toEqual(['/echo', '/wait']);
    expect(application.waiting[0].isAborted).toBe(true);
    application.waiting[0].respond(200, [], 'late');
    expect(listener.counters.aborted).toBe(2);
  });
});

describe('streams', () => {
  test('each write arrives; the end ends; the connection serves on', async () => {
    const client = raw(request('GET /stream'));
    await client.until((text) => text.endsWith('\r\n\r\n'));
    const [stream] = application.streams;
    expect(stream.write('data: 1\n\n')).toBe('sent');
    await client.until((text) => text.includes('data: 1'));
    expect(stream.bufferedBytes).toBe(0);
    stream.end();
    stream.end();
    expect(stream.write('late')).toBe('full');
    client.write(request('GET /plain'));
    await client.until((text) => text.endsWith('plain'));
    expect(application.aborted).toEqual([]);
  });

  test('a slow reader: bounded memory, then nothing is lost', async () => {
    const highWatermarkBytes = 100_000;
    await begin({ highWatermarkBytes });
    const client = raw(request('GET /stream'));
    await client.until((text) => text.endsWith('\r\n\r\n'));
    client.socket.pause();
    const [stream] = application.streams;
    const chunk = 'x'.repeat(50_000);
    let accepted = 0;
    for (let refusals = 0; refusals < 20; ) {
      if (stream.write(chunk) === 'full') {
        refusals++;
        await new Promise((resolve) => setImmediate(resolve));
      } else {
        accepted++;
        // The kernel takes what it can first.
        refusals = 0;
      }
      expect(stream.bufferedBytes).toBeLessThan(highWatermarkBytes + chunk.length + 100);
    }
    const drained = new Promise<void>((resolve) => {
      stream.onDrain = resolve;
    });
    client.socket.resume();
    await drained;
    stream.end();
    await client.until((text) => text.endsWith('\r\n0\r\n\r\n'));
    expect(client.text.match(/x/g)?.length).toBe(accepted * chunk.length + 1);
  });

  test('a reader that takes nothing is cut, over HTTP/1 and HTTP/2', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
    await begin();
    const client = raw(request('GET /stream'));
    await client.until((text) => text.endsWith('\r\n\r\n'));
    client.socket.pause();
    const session = connectHttp2(listener.url);
    const second = session.request({ ':path': '/stream' }).on('error', () => {});
    await once(second, 'response');
    second.pause();
    for (const stream of application.streams) {
      for (let refusals = 0; refusals < 20; ) {
        if (stream.write('x'.repeat(100_000)) !== 'full') refusals = 0;
        refusals++;
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    vi.advanceTimersByTime(stallTimeoutMs - 1000);
    expect(application.aborted).toEqual([]);
    // An application that fills every room it is told of must not be told of any in a connection that was cut.
    for (const stream of application.streams) {
      stream.onDrain = () => {
        while (stream.write('x'.repeat(100_000)) !== 'full');
      };
    }
    vi.advanceTimersByTime(3000);
    for (const stream of application.streams) expect(stream.write('x')).toBe('full');
    await application.until(() => application.aborted.length === 2);
    session.destroy();
  });
});

describe('limits', () => {
  test('a head that is too large, has too many fields or takes too long', async () => {
    await begin({ http: { maxHeaderBytes: 2048, maxHeaderFields: 10, headersTimeoutMs: 100 } });
    const long = raw(`GET /plain HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(3000)}\r\n\r\n`);
    expect(await long.ended).toMatch(/^HTTP\/1\.1 431 .*larger than 2048 bytes/s);
    const fits = raw(`GET /plain HTTP/1.1\r\nhost: a\r\n${'x: y\r\n'.repeat(9)}\r\n`);
    await fits.until((text) => text.endsWith('plain'));
    const many = raw(`GET /plain HTTP/1.1\r\nhost: a\r\n${'x: y\r\n'.repeat(10)}\r\n`);
    expect(await many.ended).toMatch(/^HTTP\/1\.1 431 .*more than 10 header fields/s);
    expect(await raw('GET /plain HTTP/1.1\r\nhost').ended).toMatch(
      /^HTTP\/1\.1 408 .*did not arrive within 100 ms/s,
    );
    expect(application.requests).toEqual(['GET /plain']);
    expect(listener.counters).toMatchObject({ requests: 1, refused: 3 });
  });

  test('connections beyond maxConnections are told so', async () => {
    await begin({ maxConnections: 1 });
    const first = raw(request('GET /plain'));
    await first.until((text) => text.endsWith('plain'));
    expect(await raw(request('GET /plain')).ended).toMatch(/^HTTP\/1\.1 503 .*maximum of 1 connections/s);
    expect(listener.refusedConnections).toBe(1);
    first.socket.destroy();
    await expect.poll(() => listener.connections).toBe(0);
    await raw(request('GET /plain')).until((text) => text.endsWith('plain'));
  });

  test('an idle connection is closed, before its first request too', async () => {
    await begin({ http: { keepAliveTimeoutMs: 20 } });
    expect(await raw().ended).toBe('');
    expect(await raw(request('GET /plain')).ended).toMatch(/plain$/);
  });
});

describe('malformed requests', () => {
  const marked = request('GET /marked');
  const head = 'POST /echo HTTP/1.1\r\nhost: a\r\n';
  test.each([
    ['no HTTP', 'HELLO\r\n\r\n'],
    ['a length and chunks', `${head}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['chunks and a length', `${head}transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n`],
    ['two lengths', `${head}content-length: 0\r\ncontent-length: 5\r\n\r\n`],
    ['a list of lengths', `${head}content-length: 0, 0\r\n\r\n`],
    ['a length with a sign', `${head}content-length: +0\r\n\r\n`],
    ['a negative length', `${head}content-length: -1\r\n\r\n`],
    ['another transfer coding', `${head}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
    ['chunked twice', `${head}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
    [
      'chunked and identity',
      `${head}transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n`,
    ],
    ['a space before the colon', `${head}content-length : 0\r\n\r\n`],
    ['a folded field', `${head}x: a\r\n b\r\n\r\n`],
    ['a bare line feed', 'GET /echo HTTP/1.1\nhost: a\n\n'],
    ['a bare carriage return', `${head}x: a\rb\r\n\r\n`],
    ['a NUL in a value', `${head}x: a\0b\r\n\r\n`],
    ['a name with a space', `${head}x y: a\r\n\r\n`],
    ['no host', 'GET /echo HTTP/1.1\r\n\r\n'],
    ['two hosts', 'GET /echo HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n'],
    ['a chunk size that is no number', `${head}transfer-encoding: chunked\r\n\r\nzz\r\n\r\n`],
    ['a chunk without its end', `${head}transfer-encoding: chunked\r\n\r\n1\r\nabc0\r\n\r\n`],
    ['another version', 'GET /echo HTTP/3.0\r\nhost: a\r\n\r\n'],
    ['a tunnel', 'CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n'],
  ])('%s is refused, and nothing behind it is served', async (name, text) => {
    const answer = await raw(text + marked).ended;
    expect(answer).toMatch(name === 'a tunnel' ? /^HTTP\/1\.1 405 / : /^HTTP\/1\.1 400 .*connection: close/s);
    expect(answer.split('HTTP/1.1 ').length).toBe(2);
    expect(application.requests).not.toContain('GET /marked');
    await raw(request('GET /plain')).until((other) => other.endsWith('plain'));
  });

  test('requests before it are answered first', async () => {
    const client = raw(`${request('GET /wait')}HELLO\r\n\r\n${marked}`);
    await application.until(() => application.waiting.length === 1);
    application.waiting[0].respond(200, [], 'in order');
    expect(await client.ended).toMatch(/^HTTP\/1\.1 200 .*\r\n\r\nin order$/s);
    expect(application.requests).toEqual(['GET /wait']);
  });
});

describe('draining', () => {
  test('idle connections end at once, those at work with their answer, streams when they end', async () => {
    const idle = raw(request('GET /plain'));
    const waiting = raw(request('GET /wait'));
    const streaming = raw(request('GET /stream'));
    await idle.until((text) => text.endsWith('plain'));
    await application.until(() => application.requests.length === 3 && application.streams.length === 1);
    await application.until(() => application.waiting.length === 1);
    const closing = listener.close();
    await idle.ended;
    application.waiting[0].respond(200, [], 'last');
    expect(await waiting.ended).toMatch(/connection: close\r\n.*last$/s);
    application.streams[0].write('still');
    application.streams[0].end();
    expect(await streaming.ended).toMatch(/still\r\n0\r\n\r\n$/);
    await closing;
    expect(listener.connections).toBe(0);
    await expect(fetch(listener.url)).rejects.toThrow();
  });

  test('what does not end in time is cut', async () => {
    const client = raw(request('GET /wait'));
    await application.until(() => application.waiting.length === 1);
    await listener.close({ drainTimeoutMs: 20 });
    expect(await client.ended).toBe('');
    expect(application.aborted).toEqual(['/wait']);
  });
});

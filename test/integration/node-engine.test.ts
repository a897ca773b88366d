/** The HTTP engine over node:http: requests, bodies, streams, limits, malformed input, draining. */
import { once } from 'node:events';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { HttpListener } from '../../src/transports/http/http-server.js';
import { portOf, RawClient, serve, TestApplication } from './node-engine-support.js';

let application: TestApplication;
let listener: HttpListener;

beforeEach(async () => {
  application = new TestApplication();
  listener = await serve(application);
});

afterEach(async () => {
  await listener.close({ drainTimeoutMs: 0 });
});

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

  test('pipelined requests are answered in order', async () => {
    const client = new RawClient(portOf(listener));
    client.write(request('POST /echo', 'one') + request('POST /echo', 'two') + request('GET /plain'));
    await client.until((text) => text.endsWith('plain'));
    expect(client.text.match(/\r\n\r\n(one|two|plain)/g)).toEqual([
      '\r\n\r\none',
      '\r\n\r\ntwo',
      '\r\n\r\nplain',
    ]);
    client.socket.destroy();
  });

  test('fields are told by lower-case name, several as one', async () => {
    const client = new RawClient(portOf(listener));
    client.write(
      'GET /head?a=b HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nx-one: 2\r\nContent-Type: a/b\r\nContent-Type: c/d\r\n\r\n',
    );
    await client.until((text) => text.includes('c/d'));
    expect(client.text).toContain('x-one: 1, 2');
    expect(client.text).toContain('content-type: a/b, c/d');
    expect(client.text).toContain('query a=b');
    client.socket.destroy();
  });
});

describe('WebSocket', () => {
  test('messages come back; the protocol is the chosen one', async () => {
    const client = new WebSocket(listener.webSocketUrl, ['mcp', 'other']);
    await once(client, 'open');
    expect(client.protocol).toBe('mcp');
    client.send('{"a":1}');
    const [data] = await once(client, 'message');
    expect(String(data)).toBe('{"a":1}');
    client.close();
    await once(client, 'close');
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
});

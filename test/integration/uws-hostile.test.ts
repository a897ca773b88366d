/** What uWebSockets.js and we make of requests that parsers read differently: nothing behind them is served. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { RawClient, type Served, serve } from './uws-support.js';

let served: Served;
beforeAll(async () => {
  served = await serve();
});
afterAll(() => served.listener.close({ drainTimeoutMs: 0 }));
beforeEach(() => {
  served.seen.length = 0;
});

const hidden = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';

/** A POST with these further fields and bytes behind its head. */
const post = (fields: string, rest: string): string =>
  `POST /a HTTP/1.1\r\nHost: a\r\n${fields}\r\n\r\n${rest}`;
const get = (fields: string): string => `GET /a HTTP/1.1\r\n${fields}\r\n\r\n`;

/** Requests of other connections that are answered meanwhile show that what was sent before had its turn. */
async function turn(): Promise<void> {
  for (let round = 0; round < 3; round++) {
    const other = new RawClient(served.port).write('GET /other HTTP/1.1\r\nHost: a\r\n\r\n');
    await other.until(() => other.text.endsWith('GET /other '));
    other.destroy();
  }
}

describe('refused with 400, and the connection ends', () => {
  test.each([
    ['two equal lengths', post('Content-Length: 2\r\nContent-Length: 2', 'ab')],
    ['length beside chunked', post('Content-Length: 2\r\nTransfer-Encoding: chunked', `0\r\n\r\n${hidden}`)],
    ['chunked beside length', post('Transfer-Encoding: chunked\r\nContent-Length: 2', `0\r\n\r\n${hidden}`)],
    ['an empty transfer coding', post('Transfer-Encoding:\r\nContent-Length: 5', 'abcde')],
    ['a length with a sign', post('Content-Length: +2', 'ab')],
    ['a length in hexadecimal', post('Content-Length: 0x2', 'ab')],
    ['a list of lengths', post('Content-Length: 2, 2', 'ab')],
    ['a negative length', post('Content-Length: -1', 'ab')],
    ['a length beyond all numbers', post('Content-Length: 99999999999999999999', 'ab')],
    ['no host', get('X: a')],
    ['an empty host', get('Host:')],
    ['two hosts', get('Host: a\r\nHost: b')],
    ['a malformed method', 'G{T /a HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['no method', ' /a HTTP/1.1\r\nHost: a\r\n\r\n'],
  ])('%s', async (_name, text) => {
    const client = new RawClient(served.port).write(text);
    await client.closed();
    expect(client.statuses).toEqual([400]);
    expect(served.seen).toEqual([]);
  });
});

describe('never served, nor what stands behind it', () => {
  // uWebSockets.js cuts the connection where more stands behind, and where it waits for more, after 10 s.
  test.each([
    ['two lengths', post('Content-Length: 2\r\nContent-Length: 36', `ab${hidden}`)],
    ['an empty length and another', post(`Content-Length:\r\nContent-Length: ${hidden.length}`, hidden)],
    ['identity', post('Transfer-Encoding: identity', hidden)],
    ['gzip, chunked', post('Transfer-Encoding: gzip, chunked', `0\r\n\r\n${hidden}`)],
    ['a coding that ends in chunked', post('Transfer-Encoding: xchunked', `0\r\n\r\n${hidden}`)],
    [
      'two transfer codings',
      post('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity', `0\r\n\r\n${hidden}`),
    ],
    ['white space before the colon', post('Transfer-Encoding : chunked', `0\r\n\r\n${hidden}`)],
    ['a bare line feed', 'GET /a HTTP/1.1\nHost: a\n\n'],
    ['a bare line feed in a field', get('Host: a\nX: b')],
    ['a bare carriage return', get('Host: a\r\nX: a\rb')],
    ['a folded field', get('Host: a\r\nX: a\r\n b')],
    ['a NUL in a value', get('Host: a\r\nX: a\0b')],
    ['a NUL in a name', get('Host: a\r\nX\0: b')],
    ['a NUL in the path', 'GET /a\0 HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['an absolute target', 'GET http://b/a HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['an authority as target', 'CONNECT b:80 HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['an asterisk as target', 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['HTTP/1.0', 'GET /a HTTP/1.0\r\nHost: a\r\n\r\n'],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['a space in the path', 'GET /a b HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['more fields than there is room for', get(`Host: a\r\n${'X: 1\r\n'.repeat(120)}Y: 1`)],
  ])('%s', async (_name, text) => {
    const client = new RawClient(served.port).write(text);
    await turn();
    expect(served.seen.filter((each) => each !== 'GET /other ')).toEqual([]);
    expect(client.statuses).not.toContain(200);
    client.destroy();
  });
});

test('a chunked request ends its connection, and nothing behind it is served', async () => {
  const chunked = post('Transfer-Encoding: chunked', '2\r\nab\r\n0\r\n\r\n');
  const alone = new RawClient(served.port).write(chunked);
  await alone.closed();
  expect(alone.text).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*Connection: close\r\n[\s\S]*POST \/a ab$/);
  const glued = new RawClient(served.port).write(chunked + hidden);
  await glued.closed();
  expect(served.seen).toEqual(['POST /a ab', 'POST /a ab']);
});

test('a POST whose length uWebSockets.js did not see ends its connection', async () => {
  const glued = new RawClient(served.port).write(post(`: x\r\nContent-Length: ${hidden.length}`, hidden));
  await glued.closed();
  expect(served.seen).not.toContain('GET /smuggled ');
});

test('requests behind one another on one connection are answered in order', async () => {
  const client = new RawClient(served.port).write(
    'GET /1 HTTP/1.1\r\nHost: a\r\n\r\n' +
      'POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nabDELETE /3 HTTP/1.1\r\nHost: a\r\n\r\n',
  );
  await client.until(() => client.text.endsWith('DELETE /3 '));
  expect(served.seen).toEqual(['GET /1 ', 'POST /2 ab', 'DELETE /3 ']);
  expect(client.statuses).toEqual([200, 200, 200]);
  client.destroy();
});

test('a request may come byte by byte behind its first line, which uWebSockets.js wants in one piece', async () => {
  const [line, ...rest] = post('Content-Length: 2', 'ab').split(/(?<=\n)/);
  const client = new RawClient(served.port).write(line);
  for (const byte of rest.join('')) {
    client.write(byte);
    await new Promise(setImmediate);
  }
  await client.until(() => client.text.endsWith('POST /a ab'));
  expect(served.seen).toEqual(['POST /a ab']);
  client.destroy();
});

test('a body of length 0 behind a head in two pieces is there at once', async () => {
  const client = new RawClient(served.port).write('POST /a HTTP/1.1\r\nHost: a\r\nContent-');
  await turn();
  client.write('Length: 0\r\n\r\n');
  await client.until(() => client.text.endsWith('POST /a '));
  expect(served.seen).toContain('POST /a ');
  client.destroy();
});

test('heads beyond the limits are refused with 431', async () => {
  const { listener, port, seen } = await serve({ maxHeaderBytes: 1024, maxHeaderFields: 10 });
  const large = new RawClient(port).write(get(`Host: a\r\nX: ${'y'.repeat(1024)}`));
  const many = new RawClient(port).write(get(`Host: a\r\n${'X: 1\r\n'.repeat(10)}Y: 1`));
  await Promise.all([large.closed(), many.closed()]);
  expect([large.statuses, many.statuses]).toEqual([[431], [431]]);
  const far = new RawClient(port).write(get(`Host: a\r\nX: ${'y'.repeat(100_000)}`));
  await far.closed();
  expect(far.statuses).not.toContain(200);
  expect(seen).toEqual([]);
  expect(listener.counters.refused).toBeGreaterThanOrEqual(2);
  await listener.close({ drainTimeoutMs: 0 });
});

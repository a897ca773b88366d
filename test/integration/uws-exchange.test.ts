/** Exchanges of the uWebSockets.js engine: bodies, answers, streams, clients that leave or do not read. */
import { once } from 'node:events';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import type { RingwireError } from '../../src/errors.js';
import type { HttpExchange, HttpStream } from '../../src/transports/http/http-server.js';
import { deferred } from '../contract/peers.js';
import { type Overrides, RawClient, type Served, serve } from './uws-support.js';

let served: Served | undefined;
const clients: RawClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await served?.listener.close({ drainTimeoutMs: 0 });
});

async function open(http: Parameters<typeof serve>[0] = {}, overrides: Overrides = {}): Promise<Served> {
  served = await serve(http, overrides);
  return served;
}

function raw(port: number, text: string): RawClient {
  const client = new RawClient(port).write(text);
  clients.push(client);
  return client;
}

const answerWith =
  (answer: (exchange: HttpExchange) => void): Overrides['onRequest'] =>
  (exchange) =>
    answer(exchange);

describe('what a request says', () => {
  test('method, target, fields and peer', async () => {
    const seen: unknown[] = [];
    const { port } = await open(
      {},
      {
        onRequest: (exchange) => {
          const { method, path, query, peer, isSecure } = exchange;
          const fields: string[] = [];
          exchange.eachHeader((name, value) => fields.push(`${name}=${value}`));
          seen.push({ method, path, query, peer, isSecure }, exchange.header('x-a'), fields);
          seen.push(exchange.header('x-none'));
          exchange.respond(204, []);
        },
      },
    );
    const client = raw(port, 'FOO /a/b?c=d?e HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nX-B:  2 \r\nX-A: 3\r\n\r\n');
    await client.until(() => client.text.endsWith('\r\n\r\n'));
    expect(seen).toEqual([
      {
        method: 'FOO',
        path: '/a/b',
        query: 'c=d?e',
        peer: { kind: 'http', address: '127.0.0.1' },
        isSecure: false,
      },
      '1, 3',
      ['host=h', 'x-a=1', 'x-b=2', 'x-a=3'],
      '',
    ]);
    expect(client.text).toMatch(/^HTTP\/1\.1 204 No Content\r\n/);
    expect(client.text).not.toMatch(/content-length|uwebsockets/i);
    client.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
    await client.until(() => client.statuses.length === 2);
    expect(client.isClosed).toBe(false);
  });

  test('kept fields outlive the call; others do not', async () => {
    const both = deferred<HttpExchange[]>();
    const exchanges: HttpExchange[] = [];
    const { port } = await open(
      {},
      {
        onRequest: (exchange) => {
          if (exchange.path === '/kept') exchange.keepHead();
          if (exchanges.push(exchange) === 2) both.resolve(exchanges);
        },
      },
    );
    raw(port, 'GET /kept HTTP/1.1\r\nHost: a\r\nX-A: kept\r\n\r\n');
    raw(port, 'GET /lost HTTP/1.1\r\nHost: a\r\nX-A: lost\r\n\r\n');
    const fields = (await both.promise).map((exchange) => `${exchange.path} ${exchange.header('x-a')}`);
    expect(fields.toSorted()).toEqual(['/kept kept', '/lost ']);
    for (const exchange of exchanges) exchange.respond(200, []);
  });
});

describe('bodies', () => {
  test.each([1, 1_000, 70_000, 3_000_000])('%i bytes come whole', async (size) => {
    const { listener } = await open();
    const body = 'x'.repeat(size);
    const answer = await fetch(listener.url, { method: 'POST', body });
    expect(await answer.text()).toBe(`POST / ${body}`);
  });

  test('a body asked for later is held meanwhile, up to the limit', async () => {
    const asked = deferred();
    const { listener, seen } = await open(
      { maxBodyBytes: 500_000 },
      {
        onRequest: (exchange) => {
          exchange.keepHead();
          void asked.promise.then(() => exchange.readBody());
        },
      },
    );
    const first = fetch(listener.url, { method: 'POST', body: 'x'.repeat(400_000) });
    const second = fetch(listener.url, { method: 'POST', body: 'y'.repeat(600_000) });
    await expect.poll(() => listener.counters.requests).toBe(2);
    asked.resolve();
    expect(await (await first).text()).toHaveLength(400_007);
    expect((await second).status).toBe(413);
    expect(seen.map((each) => each.slice(0, 8))).toEqual(expect.arrayContaining(['POST / x', 'FRAME_TO']));
  });

  test('a body over the limit is refused by its length, and by its bytes where that is unknown', async () => {
    const { listener, port, seen } = await open({ maxBodyBytes: 1000 });
    const known = raw(port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n');
    await known.until(() => known.text.includes('limit'));
    expect(known.text).toMatch(/^HTTP\/1\.1 413 [\s\S]*connection: close\r\n/i);
    const chunk = `400\r\n${'x'.repeat(0x400)}\r\n`;
    const unknown = raw(port, `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`);
    await unknown.closed();
    expect(unknown.text).toMatch(/^HTTP\/1\.1 413 [\s\S]*connection: close\r\n/i);
    expect(seen).toEqual(['FRAME_TOO_LARGE', 'FRAME_TOO_LARGE']);
    expect(listener.counters.responses).toEqual([0, 0, 0, 2, 0]);
  });

  test('a client that sends much more than it may still reads why', async () => {
    const { listener } = await open({ maxBodyBytes: 1000 });
    const answer = await fetch(listener.url, { method: 'POST', body: 'x'.repeat(5_000_000) });
    expect(answer.status).toBe(413);
    expect(await answer.text()).toContain('1000 bytes');
  });

  test('a body too slow is refused with 408', async () => {
    const { port, seen } = await open({ minBodyBytesPerSecond: 1_000_000 });
    const client = raw(port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nab');
    await client.closed();
    expect(client.statuses).toEqual([408]);
    expect(seen).toEqual(['DEADLINE_EXCEEDED']);
  }, 20_000);

  test('a body slower than uWebSockets.js would have it is served all the same', async () => {
    const { port, seen } = await open({ minBodyBytesPerSecond: 0 });
    const client = raw(port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 17\r\n\r\n');
    // 16 s: uWebSockets.js alone cuts it between 10 s and 14 s.
    for (let second = 0; second < 17; second++) {
      client.write('x');
      await new Promise((resolve) => setTimeout(resolve, 950));
    }
    await client.until(() => client.text.includes('POST /'));
    expect(seen).toEqual([`POST / ${'x'.repeat(17)}`]);
  }, 30_000);

  test('content codings are undone, within the limit', async () => {
    const { listener } = await open({ maxBodyBytes: 10_000 });
    const send = (body: Uint8Array, coding: string): Promise<Response> =>
      fetch(listener.url, { method: 'POST', body, headers: { 'content-encoding': coding } });
    expect(await (await send(gzipSync('hello'), 'gzip')).text()).toBe('POST / hello');
    expect((await send(gzipSync('x'.repeat(20_000)), 'gzip')).status).toBe(413);
    expect(await (await send(Buffer.from('plain'), 'identity')).text()).toBe('POST / plain');
  });
});

describe('answers', () => {
  test('HEAD gets the length and no body, and the connection goes on', async () => {
    const { port } = await open(
      {},
      { onRequest: answerWith((exchange) => exchange.respond(200, [], 'body')) },
    );
    const client = raw(port, 'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.until(() => client.text.endsWith('\r\n\r\n'));
    expect(client.text).toMatch(/content-length: 4\r\n/i);
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.until(() => client.text.endsWith('body'));
    expect(client.statuses).toEqual([200, 200]);
  });

  test('given later, and out of order between connections', async () => {
    const waiting: HttpExchange[] = [];
    const { port } = await open({}, { onRequest: (exchange) => void waiting.push(exchange) });
    const [first, second] = [1, 2].map((n) => raw(port, `GET /${n} HTTP/1.1\r\nHost: a\r\n\r\n`));
    await expect.poll(() => waiting.length).toBe(2);
    for (const exchange of waiting.toReversed()) exchange.respond(200, [], exchange.path);
    await Promise.all([first, second].map((client) => client.until(() => /\/\d$/.test(client.text))));
    expect([first.text.at(-1), second.text.at(-1)]).toEqual(['1', '2']);
  });

  test('only the first answer counts, and none after the client left', async () => {
    const exchanges: HttpExchange[] = [];
    const aborted = deferred<HttpExchange>();
    const { listener, port } = await open(
      {},
      { onRequest: (exchange) => void exchanges.push(exchange), onAbort: aborted.resolve },
    );
    const client = raw(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await expect.poll(() => exchanges.length).toBe(1);
    exchanges[0].respond(200, [], 'first');
    exchanges[0].respond(500, [], 'second');
    await client.until(() => client.text.endsWith('first'));
    const leaving = raw(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await expect.poll(() => exchanges.length).toBe(2);
    leaving.destroy();
    expect((await aborted.promise).isAborted).toBe(true);
    exchanges[1].respond(200, [], 'nobody');
    exchanges[1].openStream(200, []).write('nobody');
    exchanges[1].destroy();
    expect(exchanges[1].peer.kind).toBe('http');
    expect(listener.counters).toMatchObject({ requests: 2, aborted: 1, responses: [0, 1, 0, 0, 0] });
  });

  test('an application that throws answers 500 and tells the operator alone', async () => {
    const { listener } = await open(
      {},
      {
        onRequest: (exchange) => {
          if (exchange.method === 'GET') throw new Error('secret');
          exchange.readBody();
        },
        onBody: () => {
          throw new Error('secret');
        },
      },
    );
    for (const method of ['GET', 'POST']) {
      const warned = once(process, 'warning');
      const answer = await fetch(listener.url, { method, body: method === 'POST' ? 'x' : undefined });
      expect(answer.status).toBe(500);
      expect(await answer.text()).not.toContain('secret');
      // The operator hears it.
      expect(String((await warned)[0])).toContain('secret');
    }
  });

  test('a field that would break out of its line is not sent', async () => {
    const { listener } = await open(
      {},
      { onRequest: answerWith((exchange) => exchange.respond(200, ['x-a', 'b\r\nx-c: d'])) },
    );
    const answer = await fetch(listener.url);
    expect(answer.status).toBe(500);
    expect(answer.headers.get('x-c')).toBeNull();
  });

  test('destroy() cuts the connection', async () => {
    const { port } = await open({}, { onRequest: answerWith((exchange) => exchange.destroy()) });
    const client = raw(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.closed();
    expect(client.text).toBe('');
  });

  test('a large answer waits for a client that reads slowly, whole and in order', async () => {
    const body = Array.from({ length: 1_000_000 }, (_, index) => String(index)).join(' ');
    const { port } = await open(
      { compression: false },
      { onRequest: (exchange) => exchange.respond(200, [], body) },
    );
    const client = raw(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    client.socket.pause();
    await expect.poll(() => served?.listener.counters.requests).toBe(1);
    client.socket.resume();
    await client.until(() => client.text.endsWith(' 999999'));
    expect(client.text.slice(client.text.indexOf('\r\n\r\n') + 4)).toBe(body);
    client.text = '';
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.until(() => client.text.endsWith(' 999999'));
  });

  test('is compressed for clients that take it', async () => {
    const body = 'compressible '.repeat(10_000);
    const { port } = await open(
      {},
      { onRequest: (exchange) => exchange.respond(200, ['content-type', 'text/plain'], body) },
    );
    const ask = async (field: string): Promise<RawClient> => {
      const client = raw(port, `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${field}\r\n`);
      await client.closed();
      return client;
    };
    const coded = await ask('Accept-Encoding: gzip\r\n');
    const [head, ...rest] = coded.text.split('\r\n\r\n');
    expect(head).toMatch(/content-encoding: gzip/);
    expect(gunzipSync(Buffer.from(rest.join('\r\n\r\n'), 'latin1')).toString()).toBe(body);
    const plain = await ask('');
    expect(plain.text).not.toMatch(/content-encoding/);
    expect(plain.text.endsWith(body)).toBe(true);
  });
});

describe('streams', () => {
  test('the head of an event stream leaves before its first event', async () => {
    const opened = deferred<HttpStream>();
    const { port } = await open(
      {},
      {
        onRequest: (exchange) =>
          opened.resolve(exchange.openStream(200, ['content-type', 'text/event-stream'])),
      },
    );
    const client = raw(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.until(() => client.text.includes('text/event-stream'));
    const stream = await opened.promise;
    expect(stream.write('data: 1\n\n')).toBe('sent');
    await client.until(() => client.text.includes('data: 1'));
    stream.end();
    stream.end();
    expect(stream.write('data: 2\n\n')).toBe('full');
    await client.until(() => client.text.endsWith('0\r\n\r\n'));
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await expect.poll(() => served?.listener.counters.requests).toBe(2);
  });

  test('a client that does not read: bounded, then nothing is lost', async () => {
    const opened = deferred<HttpStream>();
    const options = { highWatermarkBytes: 300_000, lowWatermarkBytes: 50_000 };
    const { listener } = await open(
      {},
      { options, onRequest: (exchange) => opened.resolve(exchange.openStream(200, [])) },
    );
    const port = Number(new URL(listener.url).port);
    const client = raw(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    client.socket.pause();
    const stream = await opened.promise;
    let sent = 0;
    const write = (): boolean =>
      stream.write(`${String(sent).padStart(9, '0')}${'.'.repeat(9_990)}\n`) !== 'full';
    while (write()) sent++;
    expect(stream.bufferedBytes).toBeGreaterThanOrEqual(300_000);
    expect(stream.bufferedBytes).toBeLessThan(310_001);
    const done = deferred();
    stream.onDrain = () => {
      while (sent < 2000 && write()) sent++;
      if (sent < 2000) return;
      stream.end();
      done.resolve();
    };
    client.socket.resume();
    await done.promise;
    await client.until(() => client.text.endsWith('\r\n0\r\n\r\n'));
    const body = unchunk(client.text.slice(client.text.indexOf('\r\n\r\n') + 4));
    const numbers = body
      .split('\n')
      .slice(0, -1)
      .map((line) => Number(line.slice(0, 9)));
    expect(numbers).toEqual(Array.from({ length: 2000 }, (_, index) => index));
  });

  test('what one request makes others say arrives in order', async () => {
    const streams: HttpStream[] = [];
    const { port } = await open(
      {},
      {
        onRequest: (exchange) => {
          if (exchange.path === '/listen') streams.push(exchange.openStream(200, []));
          else {
            for (const stream of streams)
              for (let index = 0; index < 3; index++) stream.write(`${exchange.path} ${index}\n`);
            exchange.respond(200, []);
          }
          if (exchange.path === '/last') for (const stream of streams) stream.end();
        },
      },
    );
    const listeners = Array.from({ length: 3 }, () => raw(port, 'GET /listen HTTP/1.1\r\nHost: a\r\n\r\n'));
    await expect.poll(() => streams.length).toBe(3);
    raw(port, 'GET /first HTTP/1.1\r\nHost: a\r\n\r\nGET /last HTTP/1.1\r\nHost: a\r\n\r\n');
    for (const client of listeners) {
      await client.until(() => client.text.endsWith('\r\n0\r\n\r\n'));
      const body = unchunk(client.text.slice(client.text.indexOf('\r\n\r\n') + 4));
      expect(body).toBe('/first 0\n/first 1\n/first 2\n/last 0\n/last 1\n/last 2\n');
    }
  });

  test('a client that leaves ends the stream', async () => {
    const opened = deferred<HttpStream>();
    const aborted = deferred<HttpExchange>();
    const { port } = await open(
      {},
      { onRequest: (exchange) => opened.resolve(exchange.openStream(200, [])), onAbort: aborted.resolve },
    );
    const client = raw(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const stream = await opened.promise;
    stream.write('x');
    client.destroy();
    await aborted.promise;
    expect(stream.write('x')).toBe('full');
    expect(stream.bufferedBytes).toBe(0);
    stream.end();
  });
});

/** Undoes the chunked coding. */
function unchunk(text: string): string {
  let body = '';
  for (let at = 0; ; ) {
    const end = text.indexOf('\r\n', at);
    const size = Number.parseInt(text.slice(at, end), 16);
    if (size === 0) return body;
    body += text.slice(end + 2, end + 2 + size);
    at = end + 4 + size;
  }
}

test('errors of the body keep their code', async () => {
  const errors: RingwireError[] = [];
  const { listener } = await open(
    {},
    {
      onBodyError: (exchange, error) => {
        errors.push(error);
        exchange.respond(400, []);
      },
    },
  );
  const send = (coding: string): Promise<Response> =>
    fetch(listener.url, { method: 'POST', body: 'no such thing', headers: { 'content-encoding': coding } });
  await send('gzip');
  await send('zstd2');
  expect(errors.map((error) => error.code)).toEqual(['FRAME_INVALID', 'CONFIG_INVALID']);
});

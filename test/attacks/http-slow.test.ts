/** Peers that are slow on purpose, leave in the middle, or come in numbers: F15 and its neighbours, on both engines. */
import { afterEach, describe, expect, it, vi } from 'vitest';

import type { HttpOptions } from '../../src/transports/http/http-options.js';
import type { TransportOptions } from '../../src/transports/transport.js';
import { type AttackServer, attackServer, callBody, type Engine, engines, post } from './attack-server.js';
import { RawConnection } from './raw-http.js';

// Some peers are given up only after engines' own times of 10 s and more.
vi.setConfig({ testTimeout: 60_000 });

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function begin(engine: Engine, http?: HttpOptions, options?: TransportOptions): Promise<AttackServer> {
  const server = await attackServer(engine, http, options);
  cleanups.push(() => server.close());
  return server;
}

function open(server: AttackServer): RawConnection {
  const connection = new RawConnection(server.port);
  cleanups.push(() => connection.destroy());
  return connection;
}

/** Sends what comes next ten times a second, until the server ends the connection. */
function drip(connection: RawConnection, bytes: string): void {
  let at = 0;
  const timer = setInterval(() => {
    if (connection.isClosed) clearInterval(timer);
    else connection.write(bytes[at++ % bytes.length]);
  }, 100);
  cleanups.push(() => clearInterval(timer));
}

const request = post({ mark: 'slow' });
const headEnd = request.indexOf('\r\n\r\n') + 4;
const sentBy: Record<string, (connection: RawConnection) => void> = {
  'a head that never ends': (connection) => connection.write(request.slice(0, 100)),
  'a head that comes byte by byte': (connection) => {
    connection.write(request.slice(0, 30));
    drip(connection, 'X-Slow: a\r\n');
  },
  'a request line that comes byte by byte': (connection) => drip(connection, `POST /${'a'.repeat(5_000)}`),
  'a body that never comes': (connection) => connection.write(request.slice(0, headEnd)),
  'a body that comes byte by byte': (connection) => {
    connection.write(post({ mark: 'slow', body: '', framing: 'Content-Length: 100000\r\n' }));
    drip(connection, ' ');
  },
  'chunks that come byte by byte': (connection) => {
    connection.write(post({ mark: 'slow', body: '', framing: 'Transfer-Encoding: chunked\r\n' }));
    drip(connection, '1\r\n \r\n');
  },
  'the rest of an answered body, byte by byte': (connection) => {
    connection.write(post({ line: 'POST /other HTTP/1.1', body: '', framing: 'Content-Length: 1000\r\n' }));
    drip(connection, ' ');
  },
  'an empty line after the other': (connection) => drip(connection, '\r\n'),
};

describe.each(engines)('on the engine %s', (engine) => {
  it('gives slow peers up while others are served', async () => {
    const server = await begin(engine);
    const connections = Object.entries(sentBy).map(([name, send]) => {
      const connection = open(server);
      send(connection);
      return { name, connection };
    });
    const gone = Promise.all(connections.map(({ connection }) => connection.closed()));
    let isGone = false;
    void gone.then(() => {
      isGone = true;
    });
    const statuses = new Set<number>();
    while (!isGone) statuses.add(await server.serves());
    expect(statuses).toEqual(new Set([200]));
    expect(server.marks).not.toContain('slow');
    for (const { name, connection } of connections) {
      const [status = 0] = connection.answers.map((each) => each.status);
      // uWebSockets.js gives heads up without a word.
      expect([name, [408, 404, 400, 505, ...(engine === 'uws' ? [0] : [])].includes(status)]).toEqual([
        name,
        true,
      ]);
      expect(connection.answers.length).toBeLessThanOrEqual(1);
    }
    await expect.poll(() => server.listener.connections).toBe(0);
  });

  it('forgets clients that leave in the middle with a reset', async () => {
    const server = await begin(engine);
    const halves = [0, 1, 30, headEnd, headEnd + 10, request.length];
    for (let round = 0; round < 50; round++) {
      await Promise.all(
        halves.map(async (bytes) => {
          const connection = open(server).write(request.slice(0, bytes));
          await new Promise((resolve) => connection.socket.once('connect', resolve));
          await new Promise<void>((resolve) => connection.socket.write('', () => resolve()));
          connection.socket.resetAndDestroy();
        }),
      );
    }
    expect(await server.serves()).toBe(200);
    await expect.poll(() => server.listener.connections).toBe(0);
    expect(server.warnings).toEqual([]);
    expect(server.marks.filter((mark) => mark === 'slow').length).toBeLessThanOrEqual(50);
  });

  it('serves 10,000 requests on one connection, one after the other', async () => {
    const server = await begin(engine);
    const connection = open(server);
    for (let count = 1; count <= 10_000; count++) {
      await connection.write(request).answered(count);
      if (connection.isClosed) break;
    }
    expect(connection.answers.every(({ status }) => status === 200)).toBe(true);
    expect(server.marks.length).toBe(10_000);
    expect(server.listener.connections).toBe(1);
  });

  it('refuses connections beyond its maximum, and serves those it has', async () => {
    const server = await begin(engine, {}, { maxConnections: 20 });
    const held = Array.from({ length: 20 }, () => open(server).write(request));
    await Promise.all(held.map((each) => each.answered(1)));
    const beyond = Array.from({ length: 100 }, () => open(server).write(post({ mark: 'beyond' })));
    await Promise.all(beyond.map((each) => each.closed()));
    expect(server.marks).not.toContain('beyond');
    expect(server.listener.refusedConnections).toBe(100);
    await Promise.all(held.map((each) => each.write(request).answered(2)));
    expect(held.flatMap(({ answers }) => answers.map(({ status }) => status))).toEqual(
      new Array(40).fill(200),
    );
    for (const each of held) each.destroy();
    await expect.poll(() => server.listener.connections).toBe(0);
    expect(await server.serves()).toBe(200);
  });

  it('refuses 1 GB by its length without reading it', async () => {
    const server = await begin(engine);
    const connection = open(server);
    connection.write(post({ body: callBody('huge'), framing: 'Content-Length: 1073741824\r\n' }));
    await connection.answered(1);
    expect(connection.answers[0].status).toBe(413);
    expect(JSON.parse(connection.answers[0].body)).toMatchObject({ error: { code: -32600 } });
    expect(server.marks).toEqual([]);
  });
});

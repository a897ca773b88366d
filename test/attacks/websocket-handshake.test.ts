/** Requests to become a WebSocket as no library makes them, on both engines. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createServer } from '../../src/mcp/index.js';
import type { HttpRefusal } from '../../src/transports/http/http-options.js';
import type { HttpPrincipal } from '../../src/transports/http/http-server.js';
import { handshakeCases } from './websocket-cases-handshake.js';
import { close, ping, text } from './websocket-frames.js';
import { handshake, headField, RawWebSocket } from './websocket-raw.js';
import {
  callText,
  engines,
  resultText,
  type WebSocketServerUnderAttack,
  webSocketServer,
} from './websocket-server.js';

type Verdict = HttpPrincipal | HttpRefusal;

describe.each(engines)('on the engine %s', (engine) => {
  let server: WebSocketServerUnderAttack;
  beforeAll(async () => {
    server = await webSocketServer(engine);
  });
  afterAll(() => server.close());

  it.each(handshakeCases.map((one) => [one.name, one] as const))('%s', async (_name, one) => {
    const client = new RawWebSocket(server.port);
    onTestFinished(() => {
      client.socket.destroy();
    });
    client.socket.write(handshake(one.parts));
    await client.until(() => client.status !== 0);
    const { status, fields = {} } = (engine === 'uws' ? one.onUws : one.onNode)?.verdict ?? one;
    expect(client.status).toBe(status);
    for (const [name, value] of Object.entries(fields)) {
      expect([name, headField(client.head, name)]).toEqual([name, value ?? undefined]);
    }
    if (status === 101) {
      client.send(callText(1, 'first'));
      await client.until(() => client.texts.length === 1);
      expect(client.texts).toEqual([resultText(1, 'first')]);
    }
    client.socket.destroy();
    expect(await server.serves()).toBe(true);
  });

  it('takes frames that come as soon as the handshake is answered, and a close', async () => {
    const client = await RawWebSocket.open(server.port);
    await client.step(Buffer.concat([text(callText(1, 'soon')), ping('p')]));
    await client.step(close(1001));
    await client.until(() => client.isClosed);
    expect(client.texts).toEqual([resultText(1, 'soon')]);
    expect([client.pongs, client.closeCode]).toEqual([['p'], 1001]);
  });

  it.each([0, 10, 60, 120])(
    'lives on where a client resets after %i bytes of the handshake',
    async (bytes) => {
      const client = new RawWebSocket(server.port);
      await client.step(Buffer.from(handshake().slice(0, bytes)));
      await client.step('reset');
      expect(await server.serves()).toBe(true);
    },
  );

  it('lives on where clients reset as soon as they have asked', async () => {
    for (let count = 0; count < 50; count++) {
      const client = new RawWebSocket(server.port);
      client.socket.write(handshake(), () => client.socket.resetAndDestroy());
      await client.until(() => false);
    }
    expect(await server.serves()).toBe(true);
  });

  it('has nothing thrown, and no connection left', async () => {
    expect(server.troubles).toEqual([]);
    await expect.poll(() => server.listener.connections).toBe(0);
  });
});

// A client must not send any before it is answered (RFC 6455, section 4.1).
describe('frames in the segment of the handshake', () => {
  const early = (mark: string, fields = {}): Buffer =>
    Buffer.concat([Buffer.from(handshake({ fields })), text(callText(1, mark)), ping('p')]);

  it('are served by the engine node', async () => {
    const server = await webSocketServer('node');
    const client = new RawWebSocket(server.port);
    const bytes = early('early');
    for (const segment of [bytes.subarray(0, 40), bytes.subarray(40, -50), bytes.subarray(-50)])
      await client.step(segment);
    await client.until(() => client.pongs.length === 1 && client.texts.length === 1);
    expect(client.texts).toEqual([resultText(1, 'early')]);
    await client.leave();
    await server.close();
  });

  it('are dropped by uWebSockets.js, and those behind them are served', async () => {
    const server = await webSocketServer('uws');
    const client = new RawWebSocket(server.port);
    client.socket.write(early('early'));
    await client.until(() => client.status !== 0);
    client.send(callText(2, 'late'));
    await client.until(() => client.texts.length > 0);
    expect([client.texts, client.pongs]).toEqual([[resultText(2, 'late')], []]);
    expect([...server.calls]).toEqual([['late', 1]]);
    await client.leave();
    await server.close();
  });

  it.each(engines)('are not served behind one that the engine %s refuses', async (engine) => {
    const server = await webSocketServer(engine);
    const client = new RawWebSocket(server.port);
    client.socket.write(early('refused', { Origin: 'https://evil.example' }));
    await client.until(() => client.isClosed);
    // uWebSockets.js reads on where the next request should begin, and says that there is none.
    expect(engine === 'uws' ? [403, 505] : [403]).toContain(client.status);
    expect([...server.calls]).toEqual([]);
    expect(await server.serves()).toBe(true);
    await server.close();
  });
});

describe.each(engines)('authentication on the engine %s', (engine) => {
  it.each([
    ['at once', (verdict: Verdict) => verdict],
    ['later', (verdict: Verdict) => new Promise<Verdict>((resolve) => setImmediate(resolve, verdict))],
  ] as const)('that decides %s lets in or refuses, before a frame is served', async (when, decide) => {
    const server = await webSocketServer(
      engine,
      {},
      {
        http: {
          authenticate: (head) =>
            decide(
              head.header('authorization') === 'Bearer good'
                ? { principal: 'somebody', scopes: [] }
                : { status: 401, problem: 'Send a token.' },
            ),
        },
      },
    );
    const ask = async (token: string): Promise<RawWebSocket> => {
      const client = new RawWebSocket(server.port);
      const head = handshake({ fields: { Authorization: `Bearer ${token}` } });
      client.socket.write(head);
      await client.until(() => client.status !== 0);
      client.send(callText(1, token));
      await client.until(() => client.texts.length === 1);
      return client;
    };
    const refused = await ask('bad');
    expect(refused.status).toBe(401);
    expect(headField(refused.head, 'www-authenticate')).toMatch(/^Bearer/);
    const good = await ask('good');
    expect(good.texts, when).toEqual([resultText(1, 'good')]);
    await good.leave();
    expect([...server.calls]).toEqual([['good', 1]]);
    expect(server.troubles).toEqual([]);
    await server.close();
  });
});

describe.each(engines)('while the engine %s waits for the authentication', (engine) => {
  async function waiting(): Promise<{
    server: WebSocketServerUnderAttack;
    asked: () => number;
    admit(): void;
  }> {
    const waiters: (() => void)[] = [];
    let asked = 0;
    const server = await webSocketServer(
      engine,
      {},
      {
        http: {
          authenticate: (head) => {
            if (head.header('authorization') === '') return undefined;
            asked++;
            return new Promise((resolve) => waiters.push(() => resolve({ principal: 'p', scopes: [] })));
          },
        },
      },
    );
    onTestFinished(() => server.close());
    const admit = (): void => {
      for (const each of waiters.splice(0)) each();
    };
    return { server, asked: () => asked, admit };
  }

  const head = handshake({ fields: { Authorization: 'Bearer x' } });

  it.each(['reset', 'end'] as const)('a client may leave (%s)', async (leave) => {
    const { server, asked, admit } = await waiting();
    for (let count = 0; count < 20; count++) {
      const client = new RawWebSocket(server.port);
      client.socket.write(head);
      await expect.poll(asked).toBe(count + 1);
      await client.step(leave);
      if (leave === 'reset') expect(client.isClosed).toBe(true);
      onTestFinished(() => {
        client.socket.destroy();
      });
    }
    admit();
    await expect.poll(() => server.server.connections.size).toBe(0);
    await expect.poll(() => server.listener.connections).toBe(0);
    expect(await server.serves()).toBe(true);
    expect(server.troubles).toEqual([]);
  });

  // uWebSockets.js takes them for requests: see above.
  if (engine === 'node')
    it('frames wait, and none is lost', async () => {
      const { server, asked, admit } = await waiting();
      const client = new RawWebSocket(server.port);
      const frames = text(callText(1, 'early'));
      await client.step(Buffer.concat([Buffer.from(head), frames.subarray(0, 5)]));
      await client.step(Buffer.concat([frames.subarray(5), ping('p')]));
      await expect.poll(asked).toBe(1);
      expect(server.calls.size).toBe(0);
      admit();
      await client.until(() => client.texts.length === 1 && client.pongs.length === 1);
      expect(client.texts).toEqual([resultText(1, 'early')]);
      await client.leave();
    });

  it('the listener may close', async () => {
    const { server, asked, admit } = await waiting();
    const client = new RawWebSocket(server.port);
    client.socket.write(head);
    await expect.poll(asked).toBe(1);
    const closed = server.listener.close({ drainTimeoutMs: 50 });
    await closed;
    admit();
    await client.until(() => client.isClosed || client.status !== 0);
    expect(client.texts).toEqual([]);
    client.socket.destroy();
    expect(server.troubles).toEqual([]);
  });
});

it.each(engines)('the engine %s opens none before it answered what came first', async (engine) => {
  const server = await webSocketServer(engine);
  onTestFinished(() => server.close());
  let release = (): void => {};
  server.server.method('wait', () => new Promise((resolve) => (release = () => resolve('waited'))));
  const body = '{"jsonrpc":"2.0","id":1,"method":"wait"}';
  const fields = `Content-Type: application/json\r\nAccept: application/json\r\nContent-Length: ${body.length}`;
  const post = `POST /rpc HTTP/1.1\r\nHost: 127.0.0.1\r\n${fields}\r\n\r\n${body}`;
  const client = new RawWebSocket(server.port);
  await client.step(Buffer.from(`${post}${handshake()}`));
  release();
  await client.until(() => client.isClosed);
  // uWebSockets.js ends a connection for a request that comes too early.
  expect(client.status).toBe(engine === 'uws' ? 0 : 200);
  expect(headField(client.head, 'connection')).toBe(engine === 'uws' ? undefined : 'close');
  expect(server.troubles).toEqual([]);
});

it('offers MCP clients the sub-protocol "mcp", and takes others', async () => {
  for (const engine of engines) {
    const server = createServer({ name: 'attacked', version: '1' });
    const listener = await server.listen('http://127.0.0.1:0/mcp', { http: { engine } });
    const port = Number(new URL(listener.url).port);
    for (const [offered, chosen] of [
      ['mcp', 'mcp'],
      ['soap, mcp, chat', 'mcp'],
      ['soap, chat', undefined],
      ['MCP', undefined],
    ]) {
      const client = await RawWebSocket.open(port, {
        line: 'GET /mcp HTTP/1.1',
        fields: { 'Sec-WebSocket-Protocol': offered },
      });
      expect(headField(client.head, 'sec-websocket-protocol')).toBe(chosen);
      await client.leave();
    }
    await server.close();
  }
});

it('no two cases have the same name', () => {
  const names = handshakeCases.map(({ name }) => name);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});

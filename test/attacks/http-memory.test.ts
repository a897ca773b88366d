/** Clients that do not read or do not end, measured in the memory of a server's own process: F12 and F16. */
import { connect } from 'node:http2';
import { afterEach, describe, expect, it } from 'vitest';
import { callBody, type Engine, engines, post } from './attack-server.js';
import { Code, call, callFields, FrameType, frame, Http2Raw, magic, setting } from './http2-raw.js';
import { type HeldMemory, MemoryServer } from './memory-server.js';
import { RawConnection } from './raw-http.js';

const mebibyte = 1024 * 1024;
const highWatermarkBytes = 256 * 1024;

interface Usage extends HeldMemory {
  /** Calls of the tool `flow` at work. */
  readonly flowing: number;
}

type Server = MemoryServer<Usage>;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** The status of one call of another client. */
async function serves(server: Server): Promise<number> {
  const connection = new RawConnection(server.port).write(post());
  await connection.answered(1);
  connection.destroy();
  return connection.answers[0]?.status ?? 0;
}

/** A server that has served a few calls already, so that what it grows by is what the attack costs. */
async function start(engine: Engine): Promise<Server> {
  const options = JSON.stringify({ highWatermarkBytes, lowWatermarkBytes: highWatermarkBytes / 4 });
  const server = await MemoryServer.start<Usage>('http-server.mjs', [engine, options]);
  cleanups.push(() => server.stop());
  for (let count = 0; count < 20; count++) await serves(server);
  return server;
}

/** A call whose log messages never end. */
function flow(): string {
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: {
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientInfo': { name: 'attacker', version: '1' },
        'io.modelcontextprotocol/clientCapabilities': {},
        'io.modelcontextprotocol/logLevel': 'debug',
      },
      name: 'flow',
      arguments: {},
    },
  });
  return post({ tool: 'flow', body });
}

describe.each(engines)('on the engine %s', (engine) => {
  it('holds little for 100 clients that do not read their events, and cuts them', async () => {
    const server = await start(engine);
    const { heldBytes } = await server.usage();
    for (let count = 0; count < 100; count++) {
      const client = new RawConnection(server.port);
      cleanups.push(() => client.destroy());
      client.socket.pause();
      client.write(flow());
    }
    let most = 0;
    const statuses = new Set<number>();
    let usage = await server.usage();
    while (most < 100 || usage.flowing > 0) {
      statuses.add(await serves(server));
      usage = await server.usage();
      most = Math.max(most, usage.flowing);
    }
    expect(statuses).toEqual(new Set([200]));
    // One message of 16 KiB may pass the watermark.
    expect(usage.heldBytes - heldBytes).toBeLessThan(100 * (highWatermarkBytes + 64 * 1024) + 48 * mebibyte);
    await expect.poll(async () => (await server.usage()).connections).toBe(0);
  }, 60_000);

  it.each(['medium', 'large'])(
    'holds little for a client that sends ahead and reads no %s answers',
    async (tool) => {
      const server = await start(engine);
      const { heldBytes } = await server.usage();
      const client = new RawConnection(server.port);
      cleanups.push(() => client.destroy());
      client.socket.pause();
      client.write(post({ tool, body: callBody('x', tool) }).repeat(20_000));
      await new Promise((resolve) => client.socket.once('connect', resolve));
      const statuses = new Set([await serves(server)]);
      let usage = await server.usage();
      // That of the client.
      while (usage.connections > 0) {
        statuses.add(await serves(server));
        usage = await server.usage();
      }
      expect(statuses).toEqual(new Set([200]));
      // On node 16 MiB may wait; the rest is garbage not yet collected.
      expect(usage.heldBytes - heldBytes).toBeLessThan((engine === 'uws' ? 32 : 96) * mebibyte);
    },
    40_000,
  );

  it('holds little of a body of 1 GB in chunks', async () => {
    const server = await start(engine);
    const { heldBytes } = await server.usage();
    const client = new RawConnection(server.port);
    cleanups.push(() => client.destroy());
    client.write(post({ body: '', framing: 'Transfer-Encoding: chunked\r\n' }));
    const chunk = Buffer.concat([
      Buffer.from('100000\r\n'),
      Buffer.alloc(mebibyte, 0x20),
      Buffer.from('\r\n'),
    ]);
    for (let sent = 0; sent < 1024 && !client.isClosed && client.answers.length === 0; sent++) {
      await Promise.race([new Promise((resolve) => client.socket.write(chunk, resolve)), client.closed()]);
    }
    await client.closed();
    // What still arrives has the kernel reset the connection, and the reset can overtake the answer.
    expect([[413], []]).toContainEqual(client.answers.map(({ status }) => status));
    const after = await server.usage();
    expect(after.heldBytes - heldBytes).toBeLessThan(32 * mebibyte);
    expect(await serves(server)).toBe(200);
  });
});

describe('HTTP/2', () => {
  it('holds little for a client that asks for large answers and opens no window', async () => {
    const server = await start('node');
    const { heldBytes } = await server.usage();
    const client = new Http2Raw(
      server.port,
      Buffer.concat([magic, frame(FrameType.Settings, 0, 0, setting(4, 0))]),
    );
    cleanups.push(() => client.destroy());
    const fields = callFields({ 'mcp-name': 'large' });
    for (let id = 1; id < 200; id += 2) client.write(call(id, 'x', fields, 'large'));
    await client.until(() => client.count(FrameType.Headers) + client.count(FrameType.RstStream) >= 100);
    const after = await server.usage();
    expect(after.heldBytes - heldBytes).toBeLessThan(64 * mebibyte);
    expect(await serves(server)).toBe(200);
  });

  it('lets go of a client that takes back more subscriptions than it may', async () => {
    const server = await start('node');
    const { heldBytes } = await server.usage();
    const client = connect(`http://127.0.0.1:${server.port}`);
    cleanups.push(() => client.destroy());
    let code: number | undefined;
    const closed = new Promise((resolve) => client.on('close', resolve));
    client
      .on('error', () => {})
      .on('goaway', (given) => {
        code = given;
      });
    const fields = Object.fromEntries(
      callFields({ 'mcp-method': 'subscriptions/listen', 'mcp-name': undefined }),
    );
    const { params } = JSON.parse(callBody('x')) as { params: { _meta: object } };
    const body = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'subscriptions/listen',
      params: { _meta: params._meta, notifications: { toolsListChanged: true } },
    });
    // Takes each back when it is acknowledged, and asks for another.
    const subscribe = (): void => {
      if (client.destroyed || client.closed) return;
      const stream = client.request(fields);
      stream.on('error', () => {}).on('close', subscribe);
      stream.once('data', () => stream.close(Code.Cancel));
      stream.end(body);
    };
    for (let count = 0; count < 60; count++) subscribe();
    await closed;
    expect(code).toBe(Code.Calm);
    expect(await serves(server)).toBe(200);
    const after = await server.usage();
    expect(after.heldBytes - heldBytes).toBeLessThan(32 * mebibyte);
  });
});

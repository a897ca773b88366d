import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client as Client2 } from '@modelcontextprotocol/client';
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { afterEach, describe, expect, it } from 'vitest';
import { clientTransport } from '../../src/mcp/sdk-adapters/client-transport.js';
import type { SdkServer, SdkServerFactory } from '../../src/mcp/sdk-adapters/sdk-types.js';
import { type SdkService, type ServeSdkOptions, serveSdk } from '../../src/mcp/sdk-adapters/serve-sdk.js';
import { memoryPair } from '../../src/transports/memory.js';
import { gate, sdk1Server, sdk2Server } from './sdk-servers.js';

const info = { name: 'test', version: '1.0.0' };
const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(
  source: SdkServer | SdkServerFactory,
  url: string,
  options?: ServeSdkOptions,
): Promise<SdkService> {
  const service = await serveSdk(source, url, options);
  cleanups.push(() => service.close());
  return service;
}

async function connected<C extends Client1 | Client2>(client: C, url: string): Promise<C> {
  await client.connect(clientTransport(url));
  cleanups.push(() => client.close());
  return client;
}

const modern = { versionNegotiation: { mode: { pin: '2026-07-28' } } } as const;
const auto = { versionNegotiation: { mode: 'auto' } } as const;

async function addresses(): Promise<Record<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), 'ringwire-sdk-'));
  cleanups.push(() => rm(folder, { recursive: true }));
  return {
    tcp: 'tcp://127.0.0.1:0',
    unix: `unix:${join(folder, 'sdk.sock')}`,
    memory: `memory:sdk-${process.pid}-${Math.random().toString(36).slice(2)}`,
  };
}

const servers = { 'SDK 1.x': () => sdk1Server(), 'SDK 2.x': () => sdk2Server() };
const clients = {
  'Client 1.x': () => new Client1(info),
  'Client 2.x': () => new Client2(info),
  'Client 2.x (auto)': () => new Client2(info, auto),
};

for (const kind of ['tcp', 'unix', 'memory'] as const) {
  for (const [serverName, makeServer] of Object.entries(servers)) {
    describe(`${serverName} server over ${kind}`, () => {
      it.each(Object.entries(clients))('answers %s', async (_name, makeClient) => {
        const service = await serve(makeServer, (await addresses())[kind]);
        const client = await connected(makeClient(), service.url ?? '');
        const { tools } = await client.listTools();
        expect(tools.map(({ name }) => name)).toEqual(['echo', 'hold']);
        const result = await client.callTool({ name: 'echo', arguments: { text: 'grüße 😀\n"' } });
        expect(result.content).toEqual([{ type: 'text', text: 'grüße 😀\n"' }]);
      });
    });
  }
}

describe('protocol eras', () => {
  it('serves 2026-07-28 from a 2.x server that is a factory', async () => {
    const eras: string[] = [];
    const service = await serve(({ era }) => {
      eras.push(era);
      return sdk2Server();
    }, 'tcp://127.0.0.1:0');
    const client = await connected(new Client2(info, modern), service.url ?? '');
    expect(client.getNegotiatedProtocolVersion()).toBe('2026-07-28');
    const result = await client.callTool({ name: 'echo', arguments: { text: 'modern' } });
    expect(result.content).toEqual([{ type: 'text', text: 'modern' }]);
    expect(eras).toEqual(['modern']);
  });

  it('serves 2026-07-28 through a serveStdio that is handed in', async () => {
    const service = await serve(() => sdk2Server(), 'tcp://127.0.0.1:0', { serveStdio });
    const client = await connected(new Client2(info, modern), service.url ?? '');
    expect(client.getNegotiatedProtocolVersion()).toBe('2026-07-28');
    const legacy = await connected(new Client1(info), service.url ?? '');
    expect((await legacy.callTool({ name: 'echo', arguments: { text: 'a' } })).content).toHaveLength(1);
  });

  it('lets a client that asks for 2026-07-28 fall back on a 1.x server', async () => {
    const service = await serve(() => sdk1Server(), 'tcp://127.0.0.1:0');
    const client = await connected(new Client2(info, auto), service.url ?? '');
    expect(client.getNegotiatedProtocolVersion()).toBe('2025-11-25');
  });
});

describe('connections', () => {
  it('gives each connection a server object of its own', async () => {
    let made = 0;
    const service = await serve(() => {
      made += 1;
      return sdk1Server();
    }, 'tcp://127.0.0.1:0');
    const all = await Promise.all([1, 2, 3].map(() => connected(new Client1(info), service.url ?? '')));
    const texts = await Promise.all(
      all.map((client, index) => client.callTool({ name: 'echo', arguments: { text: String(index) } })),
    );
    expect(texts.map(({ content }) => (content as { text: string }[])[0].text)).toEqual(['0', '1', '2']);
    expect(made).toBe(3);
    expect(service.connections).toBe(3);
  });

  it('serves one connection after the other with a single object, and refuses a second at once', async () => {
    const errors: Error[] = [];
    const service = await serve(sdk1Server(), 'tcp://127.0.0.1:0', {
      onError: (error) => errors.push(error),
    });
    const first = await connected(new Client1(info), service.url ?? '');
    await expect(new Client1(info).connect(clientTransport(service.url ?? ''))).rejects.toThrow(/closed/i);
    expect(errors).toMatchObject([
      { code: 'CONNECTION_LIMIT', message: expect.stringMatching(/pass a function/) },
    ]);
    await first.close();
    await expect.poll(() => service.connections).toBe(0);
    const second = await connected(new Client1(info), service.url ?? '');
    expect((await second.listTools()).tools).toHaveLength(2);
  });

  it('serves a transport that is already connected', async () => {
    const [near, far] = memoryPair();
    const service = await serveSdk(() => sdk1Server(), near);
    cleanups.push(() => service.close());
    const client = new Client1(info);
    await client.connect(clientTransport(far));
    expect(service.url).toBeUndefined();
    expect((await client.callTool({ name: 'echo', arguments: { text: 'x' } })).content).toHaveLength(1);
    await client.close();
  });

  it.each([
    ['1.x', sdk1Server, () => new Client1(info)],
    ['2.x', sdk2Server, () => new Client2(info, modern)],
  ] as const)('answers calls in flight before it closes (%s)', async (_line, makeServer, makeClient) => {
    const hold = gate();
    const service = await serve(() => makeServer(hold), 'tcp://127.0.0.1:0');
    const client = await connected(makeClient(), service.url ?? '');
    const call = client.callTool({ name: 'hold', arguments: {} });
    await hold.entered;
    const closed = service.close();
    await expect(client.callTool({ name: 'echo', arguments: { text: 'late' } })).rejects.toThrow(
      /shutting down/,
    );
    hold.open();
    expect((await call).content).toEqual([{ type: 'text', text: 'released' }]);
    await closed;
    expect(service.connections).toBe(0);
  });

  it('reports what is no message and goes on', async () => {
    const errors: Error[] = [];
    const [near, far] = memoryPair();
    const service = await serveSdk(() => sdk1Server(), near, { onError: (error) => errors.push(error) });
    cleanups.push(() => service.close());
    const replies: string[] = [];
    far.start({ onFrame: (frame) => replies.push(frame.toString()), onClose: () => {} });
    const bad = [
      '{"jsonrpc":',
      '[]',
      '{"jsonrpc":"1.0","id":1,"method":"ping"}',
      '{"jsonrpc":"2.0","id":{}}',
    ];
    for (const frame of bad) far.send(frame);
    far.send(Buffer.from([0x22, 0xff, 0x22]));
    far.send(`{"jsonrpc":"2.0","id":1,"method":"ping","params":${'['.repeat(2000)}${']'.repeat(2000)}}`);
    const brackets = '[{\\"'.repeat(2000);
    far.send(`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"note":"${brackets}"}}}`);
    await expect.poll(() => replies).toEqual(['{"result":{},"jsonrpc":"2.0","id":1}']);
    expect(errors).toHaveLength(6);
    expect(errors.every((error) => 'code' in error && error.code === 'FRAME_INVALID')).toBe(true);
  });

  it('rejects connect() of the client with our error where nothing listens', async () => {
    const service = await serveSdk(() => sdk1Server(), 'tcp://127.0.0.1:0');
    const { url } = service;
    await service.close();
    await expect(new Client1(info).connect(clientTransport(url ?? ''))).rejects.toMatchObject({
      code: 'CONNECTION_REFUSED',
    });
  });
});

describe('backpressure', () => {
  it('makes send() wait while the peer does not read, and keeps the order', async () => {
    const [near, far] = memoryPair({ highWatermarkBytes: 2_000, lowWatermarkBytes: 500 });
    const transport = clientTransport(near);
    await transport.start();
    const settled: number[] = [];
    const sends = Array.from({ length: 200 }, (_, id) =>
      transport.send({ jsonrpc: '2.0', method: 'note', params: { id, padding: 'x'.repeat(50) } }).then(() => {
        settled.push(id);
      }),
    );
    await Promise.resolve();
    const accepted = settled.length;
    expect(accepted).toBeGreaterThan(0);
    expect(accepted).toBeLessThan(50);
    expect(near.bufferedBytes).toBeLessThan(2_200);
    const received: number[] = [];
    far.start({
      onFrame: (frame) =>
        received.push((JSON.parse(frame.toString()) as { params: { id: number } }).params.id),
      onClose: () => {},
    });
    await Promise.all(sends);
    await expect.poll(() => received.length).toBe(200);
    expect(received).toEqual(Array.from({ length: 200 }, (_, id) => id));
    await transport.close();
  });

  it('rejects what waits when the connection ends', async () => {
    const [near] = memoryPair({ highWatermarkBytes: 100, lowWatermarkBytes: 10 });
    const transport = clientTransport(near);
    await transport.start();
    const sends = Array.from({ length: 5 }, () => transport.send({ method: 'x'.repeat(90) }));
    const outcome = Promise.allSettled(sends);
    near.destroy();
    const rejected = (await outcome).filter(({ status }) => status === 'rejected');
    expect(rejected.length).toBeGreaterThan(0);
    await expect(transport.send({})).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
  });
});

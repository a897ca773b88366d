import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { analyzeBottlenecks } from '../../src/analysis/bottlenecks.js';
import type { ServerTotals } from '../../src/observability/server-totals.js';
import { connectRpc } from '../../src/rpc/client.js';
import { createRpcServer, type RpcServer } from '../../src/rpc/server.js';
import type { HttpOptions } from '../../src/transports/http/http-options.js';
import type { HttpListener } from '../../src/transports/http/http-server.js';
import { type MonitorSample, monitorResources } from '../../src/workbench/monitor/monitor-resources.js';
import { ask, engines, rpc } from '../integration/http-support.js';

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function serve(): RpcServer {
  const server = createRpcServer()
    .method('ping', () => 'pong')
    .method('large', () => 'x'.repeat(1_000_000))
    .method('fails', () => {
      throw new Error('no');
    });
  closing.push(() => server.close({ drainTimeoutMs: 0 }));
  return server;
}

async function withHttp(server: RpcServer, http: HttpOptions = { health: true }): Promise<HttpListener> {
  return (await server.listen('http://127.0.0.1:0/rpc', { http })) as HttpListener;
}

async function stats(url: string): Promise<ServerTotals> {
  const { status, headers, text } = await ask(new URL('/stats', url).href, undefined, {}, 'GET');
  expect(status).toBe(200);
  expect(headers['content-type']).toBe('application/json');
  return JSON.parse(text) as ServerTotals;
}

async function first(samples: AsyncIterable<MonitorSample>, wanted: (sample: MonitorSample) => boolean) {
  for await (const sample of samples) if (wanted(sample)) return sample;
  throw new Error('There was no such sample.');
}

/** Sends requests and reads nothing. */
async function unreading(url: string, method: string, count: number): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  closing.push(() => void socket.destroy());
  socket.pause();
  for (let id = 1; id <= count; id += 1) socket.write(`${rpc(method, undefined, id)}\n`);
  return socket;
}

describe.each(engines)('stats, engine %s', (engine) => {
  it('count calls of HTTP, and time some of them', async () => {
    const { url } = await withHttp(serve(), { engine, health: true });
    for (let count = 0; count < 32; count += 1) await ask(url, rpc('ping'));
    await ask(url, rpc('fails'));
    const { calls, process: own, ringwire, rows } = await stats(url);
    expect(calls).toMatchObject({ total: 33, errors: 1, inFlight: 0, latencyEvery: 16 });
    expect(calls.latency.counts.reduce((sum, [, count]) => sum + count, 0)).toBe(2);
    expect(own).toMatchObject({ pid: process.pid });
    expect(own.eventLoop?.activeMs).toBeGreaterThan(0);
    expect(own.gc?.count).toBeGreaterThanOrEqual(0);
    expect(ringwire).toMatch(/^\d+\.\d+\.\d+/);
    expect(rows).toEqual([]);
  });

  it('have a path of their own, and none where it is false', async () => {
    const { url } = await withHttp(serve(), { engine, health: { statsPath: '/figures' } });
    expect((await ask(new URL('/figures', url).href, undefined, {}, 'GET')).status).toBe(200);
    expect((await ask(new URL('/stats', url).href, undefined, {}, 'GET')).status).toBe(404);
    const { url: other } = await withHttp(serve(), { engine, health: { statsPath: false } });
    expect((await ask(new URL('/stats', other).href, undefined, {}, 'GET')).status).toBe(404);
    await expect(withHttp(serve(), { engine, health: { statsPath: '/rpc' } })).rejects.toThrow(/statsPath/);
  });

  it('are for hosts that are known', async () => {
    const { url } = await withHttp(serve(), { engine, health: true });
    const { status } = await ask(new URL('/stats', url).href, undefined, { host: 'evil.example' }, 'GET');
    expect(status).toBe(403);
  });
});

describe('stats', () => {
  it.each(['native', 'twin'] as const)('tell of connections over TCP, %s', async (implementation) => {
    const server = serve();
    const tcp = await server.listen('tcp://127.0.0.1:0', { implementation });
    const { healthUrl } = await withHttp(server, { health: { url: 'http://127.0.0.1:0' } });
    const client = await connectRpc(tcp.url);
    closing.push(() => client.close());
    for (let count = 0; count < 32; count += 1) await client.request('ping');
    await expect(client.request('fails')).rejects.toThrow();
    const { calls, connections, rows } = await stats(healthUrl as string);
    expect(calls).toMatchObject({ total: 33, errors: 1 });
    expect(calls.latency.counts.reduce((sum, [, count]) => sum + count, 0)).toBe(2);
    expect(connections).toBeGreaterThanOrEqual(1);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ transport: 'tcp', calls: 33, inFlight: 0, bufferedBytes: 0 });
    expect(rows[0].peer).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(rows[0].ageSeconds).toBeGreaterThanOrEqual(0);
  });

  it('tell of WebSockets', async () => {
    const server = serve();
    const { webSocketUrl, url } = await withHttp(server);
    const client = await connectRpc(webSocketUrl);
    closing.push(() => client.close());
    for (let count = 0; count < 16; count += 1) await client.request('ping');
    const { calls, rows } = await stats(url);
    expect(calls.total).toBe(16);
    expect(calls.latency.counts.reduce((sum, [, count]) => sum + count, 0)).toBe(1);
    expect(rows).toMatchObject([{ transport: 'ws', calls: 16 }]);
  });

  it('count nothing before they are asked for, and nothing once their listener is closed', async () => {
    const server = serve();
    const tcp = await server.listen('tcp://127.0.0.1:0');
    const client = await connectRpc(tcp.url);
    closing.push(() => client.close());
    await client.request('ping');
    expect(server.meter).toMatchObject({ isOn: false, calls: 0 });
    const listener = await withHttp(server);
    await client.request('ping');
    expect(server.meter).toMatchObject({ isOn: true, calls: 1 });
    await listener.close({ drainTimeoutMs: 0 });
    await client.request('ping');
    expect(server.meter).toMatchObject({ isOn: false, calls: 1 });
  });

  it('are what the monitor samples: a peer that does not read is seen', async () => {
    const server = serve();
    const tcp = await server.listen('tcp://127.0.0.1:0');
    const { url } = await withHttp(server);
    await unreading(tcp.url, 'large', 60);
    const seen = await first(
      monitorResources(20_000, 400, { url: new URL('/', url).href }),
      ({ calls }) => (calls?.backpressureMs ?? 0) > 300,
    );
    expect(seen.calls?.queuedBytes).toBeGreaterThan(100_000);
    expect(seen.connections?.[0]).toMatchObject({ transport: 'tcp' });
    expect(analyzeBottlenecks([seen]).map(({ rule }) => rule)).toContain('slow-reader');
  });

  it('are what the monitor says is missing', async () => {
    const server = serve();
    const { url } = await withHttp(server, { health: false });
    const sampled = (target: string) => first(monitorResources(1_000, 100, { url: target }), () => true);
    await expect(sampled(url)).rejects.toThrow(/serves no stats .*--health/);
    await expect(sampled(new URL('/', url).href)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await server.close();
    await expect(sampled(url)).rejects.toMatchObject({ code: 'CONNECTION_REFUSED' });
  });
});

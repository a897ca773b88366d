/** The load generator in C++ by its plan: every kind of operation, era and wire it serves, against ringwire's servers. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createServer } from '../../src/index.js';
import { Histogram } from '../../src/observability/histogram.js';
import type { LoadOperation, LoadPlan, LoadReport } from '../../src/workbench/load/load-plan.js';
import { runNativeLoad } from '../../src/workbench/load/native-generator.js';
import { root, temporaryModule } from './run.js';

const call: LoadOperation = {
  name: 'call',
  weight: 2,
  method: 'tools/call',
  params: { name: 'echo', arguments: { text: 'hello wörld' } },
};
const read: LoadOperation = {
  name: 'read',
  weight: 7,
  method: 'resources/read',
  params: { uri: 'bench://hello' },
};
const subscribe: LoadOperation = {
  name: 'subscribe',
  weight: 1,
  method: 'subscriptions/listen',
  params: { notifications: { resourceSubscriptions: ['bench://hello'] } },
  expect: 'subscription',
};

const shape = { connections: 3, warmupSeconds: 0.05, seconds: 0.25, intervalMs: 50 } as const;

/** A server on its stdin and stdout, with the same tool and resource. */
const child = `
import { createServer } from ${JSON.stringify(join(root, 'dist/index.js'))};
const server = createServer({ name: 'loaded', version: '1.0.0' });
server.tool('echo', { inputSchema: { type: 'object', properties: { text: { type: 'string' } } } }, ({ text }) => text);
server.resource('bench://hello', { name: 'hello' }, () => 'hello');
await server.listen('stdio:');`;

let folder: string;
let urls: Record<string, string>;
const server = createServer({ name: 'loaded', version: '1.0.0' });
server.tool(
  'echo',
  { inputSchema: { type: 'object', properties: { text: { type: 'string' } } } },
  ({ text }) => String(text),
);
server.resource('bench://hello', { name: 'hello' }, () => 'hello');

beforeAll(async () => {
  execFileSync('make', ['-s', '-C', join(root, 'bench/loadgen')]);
  folder = mkdtempSync(join(tmpdir(), 'ringwire-native-load-'));
  const [tcp, unix, http] = await Promise.all(
    ['tcp://127.0.0.1:0', `unix:${join(folder, 's.sock')}`, 'http://127.0.0.1:0/mcp'].map((url) =>
      server.listen(url),
    ),
  );
  urls = { tcp: tcp.url, unix: unix.url, http: http.url, ws: http.url.replace('http:', 'ws:') };
}, 120_000);

afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

async function planFor(transport: string): Promise<Pick<LoadPlan, 'target' | 'connections'>> {
  if (transport !== 'stdio') return { target: { url: urls[transport] }, connections: 3 };
  return { target: { command: [process.execPath, await temporaryModule(child)] }, connections: 1 };
}

function expectWhole(report: LoadReport, plan: LoadPlan): void {
  expect(report).toMatchObject({ generator: 'native', connections: plan.connections, errors: 0 });
  expect(report.firstError).toBeUndefined();
  const latency = Histogram.fromJSON(report.histogram);
  expect(latency.total).toBe(report.messages);
  expect(latency.percentile(0.99) / 1e3).toBeCloseTo(report.p99us, 1);
  expect(report.operations.map(({ name }) => name)).toEqual(plan.operations.map(({ name }) => name));
  const weights = plan.operations.reduce((sum, { weight }) => sum + weight, 0);
  for (const [index, { messages }] of report.operations.entries())
    expect(Math.abs(messages / report.messages - plan.operations[index].weight / weights)).toBeLessThan(0.1);
  expect(report.operations.reduce((sum, { messages }) => sum + messages, 0)).toBe(report.messages);
  expect(report.intervals.length).toBeGreaterThan(1);
  for (const interval of report.intervals) expect(interval.atSeconds).toBeGreaterThan(0);
}

describe.each(['tcp', 'unix', 'stdio', 'http', 'ws'])('over %s', (transport) => {
  it('reads, calls and subscribes as MCP 2026-07-28 does', async () => {
    const plan: LoadPlan = {
      ...shape,
      ...(await planFor(transport)),
      era: 'modern',
      operations: [read, call, subscribe],
    };
    const report = await runNativeLoad(plan);
    expectWhole(report, plan);
    expect(report).toMatchObject({ mode: 'closed', transport, depth: 1 });
    // More than are in flight at once: each was acknowledged, and cancelled.
    expect(report.operations[2].messages).toBeGreaterThan(plan.connections);
  });

  it('opens sessions of older revisions', async () => {
    const plan: LoadPlan = {
      ...shape,
      ...(await planFor(transport)),
      era: 'legacy',
      operations: [read, call],
    };
    expectWhole(await runNativeLoad(plan), plan);
  });

  it('keeps to the schedule of the open loop', async () => {
    const plan: LoadPlan = {
      ...shape,
      ...(await planFor(transport)),
      era: 'modern',
      operations: [call],
      rate: 500,
    };
    const report = await runNativeLoad(plan);
    expect(report).toMatchObject({ mode: 'open', targetRate: 500, errors: 0 });
    // Late answers count in the histogram: the schedule wanted them in the window.
    expect(report.messages).toBeGreaterThan(50);
    expect(report.messages).toBeLessThanOrEqual(150);
    expect(report.lateP99us).toBeGreaterThan(0);
    expect(report.depth).toBeUndefined();
  });
});

it('has many requests in flight on a connection', async () => {
  const plan: LoadPlan = {
    ...shape,
    target: { url: urls.tcp },
    era: 'modern',
    operations: [call],
    depth: 32,
  };
  const report = await runNativeLoad(plan);
  expect(report).toMatchObject({ depth: 32, errors: 0 });
  expect(Math.max(...report.intervals.map(({ inFlight }) => inFlight))).toBe(96);
});

it('samples the server it is told of, and a command anyway', async () => {
  const rest = { ...shape, era: 'modern', operations: [call] } as const;
  const told = await runNativeLoad({ ...rest, target: { url: urls.tcp }, serverPid: process.pid });
  const stdio = await runNativeLoad({ ...rest, ...(await planFor('stdio')) });
  for (const report of [told, stdio]) {
    expect(report.rssMb).toBeGreaterThan(10);
    expect(report.serverCpu).toBeGreaterThan(0);
    expect(report.intervals.at(-1)?.serverRssMb).toBeGreaterThan(10);
  }
});

it('sends header fields along, with the requests of http and the handshake of ws', async () => {
  const guarded = createServer({ name: 'guarded', version: '1.0.0' });
  guarded.tool('echo', { inputSchema: { type: 'object' } }, () => 'echo');
  const listener = await guarded.listen('http://127.0.0.1:0/mcp', {
    http: {
      authenticate: (head) =>
        head.header('authorization') === 'Bearer right' ? undefined : { status: 401, problem: 'wrong token' },
    },
  });
  try {
    const http = listener.url;
    const headers = { authorization: 'Bearer right' };
    const rest = { ...shape, era: 'modern', operations: [call] } as const;
    for (const url of [http, http.replace('http:', 'ws:')]) {
      expect((await runNativeLoad({ ...rest, target: { url, headers } })).errors).toBe(0);
      await expect(runNativeLoad({ ...rest, target: { url } })).rejects.toMatchObject({
        code: 'UNAUTHORIZED',
      });
    }
  } finally {
    await guarded.close();
  }
});

it('reports percentiles that exact computation confirms', async () => {
  const latencies = join(folder, 'latencies.txt');
  const plan: LoadPlan = {
    ...shape,
    target: { url: urls.tcp },
    era: 'modern',
    operations: [call, read],
    depth: 4,
  };
  const report = await runNativeLoad(plan, {}, { latencies });
  const exact = readFileSync(latencies, 'utf8').trim().split('\n').map(Number);
  exact.sort((a, b) => a - b);
  expect(exact.length).toBe(report.messages);
  const shares = {
    p50us: 0.5,
    p90us: 0.9,
    p95us: 0.95,
    p99us: 0.99,
    p999us: 0.999,
    p9999us: 0.9999,
  } as const;
  for (const [name, share] of Object.entries(shares)) {
    const right = exact[Math.min(exact.length - 1, Math.floor(share * exact.length))] / 1e3;
    const error = Math.abs(report[name as keyof typeof shares] - right) / right;
    expect(error, name).toBeLessThan(0.008);
  }
  expect(report.maxUs).toBeCloseTo((exact.at(-1) as number) / 1e3, 1);
  expect(report.meanUs).toBeCloseTo(exact.reduce((sum, value) => sum + value, 0) / exact.length / 1e3, 1);
});

/** The JavaScript generator over every wire, in this process, against real servers. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { generateLoad } from '../../src/workbench/load/javascript/generator.js';
import type { LoadPlan, LoadReport } from '../../src/workbench/load/load-plan.js';
import { Authority } from './certificates.js';
import { sdk1Http, sdk2Http } from './http-client-servers.js';
import { echoCall, mixedServer, read, shortPlan, subscribe, unhurried, until } from './load-support.js';

const folder = mkdtempSync(join(tmpdir(), 'ringwire-load-'));
const authority = new Authority();
const tls = authority.issue('localhost', 'DNS:localhost,IP:127.0.0.1');

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  authority.remove();
});

type ListenOptions = Parameters<ReturnType<typeof mixedServer>['listen']>[1];

async function withServer<Result>(
  url: string,
  options: ListenOptions,
  use: (url: string) => Promise<Result>,
): Promise<Result> {
  const server = mixedServer();
  const listener = await server.listen(url, options);
  try {
    return await use(listener.url);
  } finally {
    await server.close({ drainTimeoutMs: 0 });
  }
}

function expectGood(report: LoadReport, names: readonly string[]): void {
  expect(report.firstError).toBeUndefined();
  expect(report.errors).toBe(0);
  expect(report.messages).toBeGreaterThan(0);
  expect(report.rate).toBeCloseTo(report.messages / report.seconds, 6);
  expect(report.operations.map(({ name }) => name)).toEqual(names);
  for (const operation of report.operations) expect(operation.messages).toBeGreaterThan(0);
  expect(report.operations.reduce((sum, { messages }) => sum + messages, 0)).toBe(report.messages);
  expect(report.p50us).toBeGreaterThan(0);
  expect(report.maxUs).toBeGreaterThanOrEqual(report.p999us);
  expect(report.requestBytes).toBeGreaterThan(50);
  expect(report.replyBytes).toBeGreaterThan(50);
}

const mix = ['read', 'call', 'subscribe'];
/** Each kind of the mix was drawn by then. */
const enough = (messages: number): boolean => messages > 100;

const secure = { insecure: true };

interface Wire {
  readonly name: string;
  readonly listen: string;
  readonly options?: ListenOptions;
  readonly transport: string;
  readonly target?: object;
  readonly plan?: Partial<LoadPlan>;
}

// One request at a time on each connection of HTTP/1.1, because an open subscription would hold up the others.
const alone = { depth: 1, connections: 4 };

const wires: readonly Wire[] = [
  { name: 'TCP', listen: 'tcp://127.0.0.1:0', transport: 'tcp' },
  { name: 'TLS', listen: 'tls://127.0.0.1:0', options: { tls }, transport: 'tls', target: secure },
  { name: 'a Unix socket', listen: `unix:${folder}/load.sock`, transport: 'unix' },
  { name: 'HTTP', listen: 'http://127.0.0.1:0/mcp', transport: 'http', plan: alone },
  {
    name: 'HTTP of the node engine',
    listen: 'http://127.0.0.1:0/mcp',
    options: { http: { engine: 'node' } },
    transport: 'http',
    plan: alone,
  },
  {
    name: 'HTTPS',
    listen: 'https://127.0.0.1:0/mcp',
    options: { tls },
    transport: 'https',
    target: secure,
    plan: alone,
  },
  {
    name: 'h2c',
    listen: 'http://127.0.0.1:0/mcp',
    options: { http: { engine: 'node' } },
    transport: 'http2',
    target: { http2: true },
  },
  {
    name: 'h2 by ALPN',
    listen: 'https://127.0.0.1:0/mcp',
    options: { tls, http: { engine: 'node' } },
    transport: 'http2',
    target: { http2: true, insecure: true },
  },
  { name: 'WebSocket', listen: 'ws://127.0.0.1:0/mcp', transport: 'ws' },
  {
    name: 'WebSocket under TLS',
    listen: 'wss://127.0.0.1:0/mcp',
    options: { tls },
    transport: 'wss',
    target: secure,
  },
];

describe('the JavaScript generator', () => {
  it.each(wires)('loads $name with the mix', async ({ listen, options, transport, target, plan }) => {
    await withServer(listen, options, async (url) => {
      const closed = await generateLoad(
        shortPlan({ url, ...target }, { ...unhurried, ...plan }),
        until(enough),
      );
      expectGood(closed, mix);
      expect(closed).toMatchObject({ mode: 'closed', generator: 'javascript', transport });
    });
  });

  it('pipelines HTTP/1.1 where the depth asks for it', async () => {
    await withServer('http://127.0.0.1:0/mcp', {}, async (url) => {
      const plan = shortPlan(url, { ...unhurried, operations: [echoCall], depth: 8, connections: 1 });
      expectGood(await generateLoad(plan, until(enough)), ['call']);
    });
  });

  it.each(['tcp://127.0.0.1:0', 'http://127.0.0.1:0/mcp', 'ws://127.0.0.1:0/mcp'])(
    'loads sessions of older revisions on %s',
    async (listen) => {
      await withServer(listen, {}, async (url) => {
        const watch = { name: 'watch', weight: 1, method: 'resources/subscribe', params: read.params };
        const operations = [read, echoCall, watch];
        const plan = shortPlan(url, { ...unhurried, era: 'legacy', operations, depth: 1 });
        expectGood(await generateLoad(plan, until(enough)), ['read', 'call', 'watch']);
      });
    },
  );

  it.each([
    ['SDK 1.x, event streams and sessions', () => sdk1Http({ stateful: true }), 'legacy'],
    ['SDK 1.x, JSON and sessions', () => sdk1Http({ stateful: true, json: true }), 'legacy'],
    ['SDK 2.x', () => sdk2Http(), 'modern'],
  ] as const)('loads %s over HTTP', async (_name, serve, era) => {
    const server = await serve();
    try {
      const plan = shortPlan(server.url, { ...unhurried, era, operations: [echoCall], depth: 1 });
      expectGood(
        await generateLoad(
          plan,
          until((messages) => messages > 10),
        ),
        ['call'],
      );
    } finally {
      await server.close();
    }
  });

  it('keeps to a schedule, and draws the mix by its weights', async () => {
    await withServer('tcp://127.0.0.1:0', {}, async (url) => {
      const plan = shortPlan(url, { rate: 2000, depth: undefined, seconds: 0.5, warmupSeconds: 0 });
      const report = await generateLoad(plan);
      expect(report).toMatchObject({ mode: 'open', targetRate: 2000, errors: 0 });
      // Every request of the schedule was made; what was answered later than the window counts as a latency.
      const answered = report.histogram.counts.reduce((sum, [, count]) => sum + count, 0);
      expect(answered).toBeGreaterThanOrEqual(995);
      expect(report.lateP99us).toBeGreaterThan(0);
      const share = (name: string): number =>
        (report.operations.find((each) => each.name === name)?.messages ?? 0) / report.messages;
      // The draw is seeded: only where the window cuts it off differs between runs. Four standard deviations.
      for (const { name, weight } of [read, echoCall, subscribe])
        expect(Math.abs(share(name) - weight)).toBeLessThan(
          4 * Math.sqrt((weight * (1 - weight)) / report.messages),
        );
    });
  });

  it('tells of intervals, those of the warm-up with negative times', async () => {
    await withServer('tcp://127.0.0.1:0', {}, async (url) => {
      const told: number[] = [];
      const plan = shortPlan(url, {
        operations: [echoCall],
        warmupSeconds: 0.15,
        seconds: 0.3,
        intervalMs: 50,
      });
      const report = await generateLoad(plan, { onInterval: ({ atSeconds }) => told.push(atSeconds) });
      expect(told.some((at) => at < 0)).toBe(true);
      expect(report.intervals.length).toBeGreaterThanOrEqual(2);
      expect(report.intervals.every(({ atSeconds, messages }) => atSeconds > 0 && messages > 0)).toBe(true);
      expect(told).toEqual(expect.arrayContaining(report.intervals.map(({ atSeconds }) => atSeconds)));
    });
  });
});

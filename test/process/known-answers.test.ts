/** Servers with a fault that is known: each is found, and nothing else is. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { analyzeBottlenecks } from '../../src/analysis/bottlenecks.js';
import type { Sample } from '../../src/analysis/sample.js';
import { connectRpc } from '../../src/rpc/client.js';
import type { LoadPlan } from '../../src/workbench/load/load-plan.js';
import { monitorResources } from '../../src/workbench/monitor/monitor-resources.js';
import { watchLoad } from '../../src/workbench/monitor/watch-load.js';

interface Addresses {
  readonly tcp: string;
  readonly stats: string;
}

const children = new Set<ChildProcess>();
const sockets = new Set<Socket>();

afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  for (const child of children) {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
});

async function faulty(fault: string): Promise<Addresses> {
  const script = fileURLToPath(new URL('faulty-server.mjs', import.meta.url));
  const child = spawn(process.execPath, ['--expose-gc', script, fault], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.add(child);
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return JSON.parse(line) as Addresses;
}

/** Calls one after the other on a few connections, with a pause behind each. */
async function callUntil(tcp: string, signal: AbortSignal): Promise<void> {
  const client = await connectRpc(tcp);
  while (!signal.aborted) {
    await client.request('ping');
    await wait(8);
  }
  await client.close();
}

async function samplesOf({ tcp, stats }: Addresses): Promise<readonly Sample[]> {
  const stop = new AbortController();
  const calling = Promise.all(Array.from({ length: 3 }, () => callUntil(tcp, stop.signal)));
  const samples: Sample[] = [];
  for await (const sample of monitorResources(60_000, 500, { url: stats })) {
    samples.push(sample);
    if (samples.length === 8) break;
  }
  stop.abort();
  await calling;
  return samples;
}

/** A host that is short of processors is a true finding as well, and none of the server's. */
function diagnosis(samples: readonly Sample[]): string[] {
  return analyzeBottlenecks(samples)
    .map(({ rule }) => rule)
    .filter((rule) => rule !== 'processor-contention');
}

/** Asks for more than its buffers hold, and reads none of it. */
function readNothing({ tcp }: Addresses): void {
  const { hostname, port } = new URL(tcp);
  const socket = connect(Number(port), hostname);
  sockets.add(socket);
  socket.pause();
  for (let id = 1; id <= 40; id += 1) socket.write(`{"jsonrpc":"2.0","id":${id},"method":"large"}\n`);
}

describe('a known fault is found, and nothing else', () => {
  /** All at once: they are idle most of the time. */
  const found = new Map<string, readonly Sample[]>();

  beforeAll(async () => {
    const cases: Readonly<Record<string, () => Promise<readonly Sample[]>>> = {
      healthy: async () => samplesOf(await faulty('healthy')),
      delay: async () => samplesOf(await faulty('delay')),
      leak: async () => samplesOf(await faulty('leak')),
      blocked: async () => samplesOf(await faulty('blocked')),
      unread: async () => {
        const addresses = await faulty('healthy');
        readNothing(addresses);
        return samplesOf(addresses);
      },
    };
    await Promise.all(Object.entries(cases).map(async ([name, run]) => found.set(name, await run())));
  }, 60_000);

  it.each([
    ['healthy', []],
    ['delay', ['handler-waits']],
    ['leak', ['memory-leak']],
    ['blocked', ['event-loop-blocked']],
    ['unread', ['slow-reader']],
  ])('%s: %o', (name, rules) => {
    const samples = found.get(name) as readonly Sample[];
    expect(diagnosis(samples), JSON.stringify(samples)).toEqual(rules);
  });
});

describe('a generator at its limit', () => {
  it('is found, and the server is not blamed', async () => {
    const { tcp, stats } = await faulty('healthy');
    const plan: LoadPlan = {
      target: { url: tcp },
      era: 'none',
      operations: [{ name: 'ping', weight: 1, method: 'ping', params: {} }],
      connections: 2,
      depth: 64,
      rate: 1_000_000,
      warmupSeconds: 0.2,
      seconds: 2,
      intervalMs: 250,
      generator: 'javascript',
    };
    // What it could not send in time it would send behind the end.
    const enough = new AbortController();
    let intervals = 0;
    const { samples } = await watchLoad(plan, {
      url: stats,
      signal: enough.signal,
      onInterval({ atSeconds }) {
        intervals += atSeconds > 0 ? 1 : 0;
        if (intervals === 7) enough.abort();
      },
    });
    expect(samples.length).toBeGreaterThan(2);
    expect(diagnosis(samples)).toEqual(['generator-bound']);
  });
});

/** The JavaScript generator in the process of its own that it ships as. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runJavaScriptLoad } from '../../src/workbench/load/javascript/run-javascript-load.js';
import type { LoadPlan } from '../../src/workbench/load/load-plan.js';
import { echoCall, mixedServer, shortPlan, until } from '../integration/load-support.js';

const child = fileURLToPath(new URL('../../dist/workbench/load/javascript/load-child.js', import.meta.url));
const fixture = fileURLToPath(new URL('../integration/mcp-fixture.mjs', import.meta.url));
const isLinux = process.platform === 'linux';
const hasTaskset =
  isLinux && (process.env.PATH ?? '').split(':').some((folder) => existsSync(`${folder}/taskset`));

const server = mixedServer();
let url: string;

beforeAll(async () => {
  ({ url } = await server.listen('tcp://127.0.0.1:0'));
});

afterAll(() => server.close({ drainTimeoutMs: 0 }));

const plan = (changes: Partial<LoadPlan> = {}): LoadPlan =>
  shortPlan(url, { operations: [echoCall], ...changes });

/** Processes of ours whose command holds the word. */
function ours(word: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const parent = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
        return (
          Number(parent) === process.pid && readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(word)
        );
      } catch {
        return false;
      }
    })
    .map(Number);
}

describe('runJavaScriptLoad', () => {
  it('loads a server from another process, with its use of the processor', async () => {
    const intervals: number[] = [];
    const report = await runJavaScriptLoad(plan({ serverPid: process.pid, intervalMs: 100 }), {
      onInterval: ({ rate }) => intervals.push(rate),
    });
    expect(report).toMatchObject({ generator: 'javascript', errors: 0, transport: 'tcp' });
    expect(report.messages).toBeGreaterThan(0);
    expect(intervals.length).toBeGreaterThan(0);
    if (isLinux) expect(report.rssMb).toBeGreaterThan(10);
    if (isLinux) expect(ours('load-child')).toEqual([]);
  });

  it('starts a command, and both are gone afterwards', async () => {
    const target = { command: [process.execPath, fixture] };
    const report = await runJavaScriptLoad(plan({ target, connections: 1 }));
    expect(report).toMatchObject({ transport: 'stdio', errors: 0 });
    if (isLinux) expect(report.rssPeakMb).toBeGreaterThan(20);
  });

  it.runIf(hasTaskset)('runs on the core it is given', async () => {
    const seen: string[] = [];
    const report = await runJavaScriptLoad(plan({ cores: { generator: 0 }, seconds: 0.4, intervalMs: 50 }), {
      onInterval: () => {
        for (const pid of ours('load-child'))
          seen.push(
            /^Cpus_allowed_list:\s+(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? '',
          );
      },
    });
    expect(report.errors).toBe(0);
    expect(new Set(seen)).toEqual(new Set(['0']));
  });

  it('ends early when it is told to, and reports what there was', async () => {
    const watch = until((messages) => messages > 0);
    const report = await runJavaScriptLoad(plan({ seconds: 600, intervalMs: 50, warmupSeconds: 0 }), watch);
    expect(report.messages).toBeGreaterThan(0);
    expect(report.seconds).toBeLessThan(60);
  });

  it('rejects with what the generator failed with', async () => {
    const nowhere = { url: 'unix:/nowhere/load.sock' };
    await expect(runJavaScriptLoad(plan({ target: nowhere }))).rejects.toMatchObject({
      name: 'RingwireError',
      code: 'CONNECTION_REFUSED',
      retryable: true,
    });
    await expect(runJavaScriptLoad(plan({ connections: 0 }))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });

  it.runIf(isLinux)('says so when the generator is killed', async () => {
    const run = runJavaScriptLoad(plan({ seconds: 600, intervalMs: 50, warmupSeconds: 0 }), {
      onInterval: () => {
        for (const pid of ours('load-child')) process.kill(pid, 'SIGKILL');
      },
    });
    await expect(run).rejects.toMatchObject({
      code: 'CHILD_EXITED',
      message: 'The load generator ended by SIGKILL.',
    });
  });

  it('ends with whoever started it, and outlives an interrupt that is not for it', async () => {
    const generator = spawn(process.execPath, [child], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const ended = new Promise((resolve) => generator.once('exit', (code, signal) => resolve([code, signal])));
    const told = new Promise((resolve) => generator.once('message', resolve));
    generator.send({ plan: plan({ seconds: 600, intervalMs: 50, warmupSeconds: 0 }) });
    expect(await told).toHaveProperty('interval');
    generator.kill('SIGINT');
    expect(await new Promise((resolve) => generator.once('message', resolve))).toHaveProperty('interval');
    generator.disconnect();
    expect(await ended).toEqual([0, null]);
  });
});

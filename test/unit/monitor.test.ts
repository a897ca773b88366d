import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { ProcessSampler } from '../../src/observability/process-sampler.js';
import { type MonitorSample, monitorResources } from '../../src/workbench/monitor/monitor-resources.js';

const isLinux = process.platform === 'linux';
const children = new Set<ChildProcess>();

/** A Node.js process that runs the text and says so. */
async function child(text: string): Promise<number> {
  // A module, as servers are: it has no require().
  const made = spawn(process.execPath, ['--input-type=module', '-e', `${text};console.log('runs')`], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  children.add(made);
  await once(made.stdout, 'data');
  return made.pid as number;
}

afterEach(async () => {
  for (const each of children) {
    each.kill('SIGKILL');
    if (each.exitCode === null && each.signalCode === null) await once(each, 'exit');
  }
  children.clear();
});

async function taken(samples: AsyncIterable<MonitorSample>, most = Number.POSITIVE_INFINITY) {
  const found: MonitorSample[] = [];
  for await (const sample of samples) {
    found.push(sample);
    if (found.length >= most) break;
  }
  return found;
}

function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

describe('the process sampler', () => {
  it('sees a blocked loop, the processor and collections', async () => {
    const sampler = new ProcessSampler();
    expect(() => sampler.sample()).toThrow(TypeError);
    sampler.start();
    await new Promise((resolve) => setTimeout(resolve, 60));
    block(300);
    // The lag is told by the next turn.
    await new Promise((resolve) => setTimeout(resolve, 60));
    const reading = sampler.sample();
    expect(reading.pid).toBe(process.pid);
    expect(reading.eventLoopLagMs?.max).toBeGreaterThan(200);
    expect(reading.eventLoopLagMs?.p50).toBeLessThan(200);
    expect(reading.eventLoopUtilization).toBeGreaterThan(0.3);
    expect(reading.cpu).toBeGreaterThan(0);
    expect(reading.rssBytes).toBeGreaterThan(reading.heapUsedBytes ?? Number.POSITIVE_INFINITY);
    for (let index = 0; index < 40; index += 1) Array.from({ length: 100_000 }, (_, each) => ({ each }));
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(sampler.sample().gc?.count).toBeGreaterThan(0);
    sampler.stop();
    sampler.stop();
    expect(() => sampler.sample()).toThrow(TypeError);
  });

  it.runIf(isLinux)('knows what the kernel knows', () => {
    const sampler = new ProcessSampler();
    sampler.start();
    const reading = sampler.sample();
    sampler.stop();
    expect(reading.descriptors).toBeGreaterThan(3);
    expect(reading.descriptorLimit).toBeGreaterThan(reading.descriptors ?? 0);
    expect(reading.threads).toBeGreaterThan(1);
    expect(reading.diskBytes?.read).toBeGreaterThanOrEqual(0);
  });
});

describe('monitoring', () => {
  it('samples this process until its time is over', async () => {
    const samples = await taken(monitorResources(200, 50, { series: 'tests' }));
    expect(samples.length).toBeGreaterThanOrEqual(1);
    expect(samples.length).toBeLessThanOrEqual(4);
    expect(samples.at(-1)?.atMs).toBeGreaterThanOrEqual(199);
    for (const { series, intervalMs, process: own } of samples) {
      expect(series).toBe('tests');
      expect(intervalMs).toBeGreaterThan(0);
      expect(own?.pid).toBe(process.pid);
    }
    const covered = samples.reduce((sum, { intervalMs }) => sum + intervalMs, 0);
    expect(covered).toBeCloseTo(samples.at(-1)?.atMs ?? 0, 3);
  });

  it('ends when its consumer breaks, or the signal is given', async () => {
    expect(await taken(monitorResources(Number.POSITIVE_INFINITY, 20), 2)).toHaveLength(2);
    const stop = new AbortController();
    const endless = taken(monitorResources(Number.POSITIVE_INFINITY, 60_000, { signal: stop.signal }));
    stop.abort();
    expect((await endless).length).toBeLessThanOrEqual(1);
  });

  it.each([
    [0, 100, {}, /durationMs/],
    [1_000, 1, {}, /intervalMs/],
    [1_000, Number.NaN, {}, /intervalMs/],
    [1_000, 100, { pid: -1 }, /"pid"/],
    [1_000, 100, { pid: 1, url: 'http://127.0.0.1:1' }, /not both/],
    [1_000, 100, { attach: true }, /"attach"/],
    [1_000, 100, { url: 'tcp://127.0.0.1:1' }, /http or https URL/],
  ])('refuses %d, %d, %o', async (durationMs, intervalMs, options, problem) => {
    await expect(taken(monitorResources(durationMs, intervalMs, options))).rejects.toThrow(problem);
  });

  it.runIf(isLinux)('samples another process from outside, and ends with it', async () => {
    const pid = await child('setTimeout(() => {}, 60_000)');
    const [sample] = await taken(monitorResources(1_000, 30, { pid }), 1);
    expect(sample.process).toMatchObject({ pid });
    expect(sample.process?.rssBytes).toBeGreaterThan(1_000_000);
    expect(sample.process?.heapUsedBytes).toBeUndefined();
    for await (const each of monitorResources(Number.POSITIVE_INFINITY, 30, { pid }))
      if (each.process !== undefined) process.kill(pid, 'SIGKILL');
    await expect(taken(monitorResources(1_000, 30, { pid }))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });

  it.runIf(isLinux)('samples another process from inside, and leaves it as it was', async () => {
    const pid = await child('const kept = []; setInterval(() => kept.push(new Array(1000)), 5)');
    const [sample] = await taken(monitorResources(2_000, 150, { pid, attach: true }), 1);
    expect(sample.process?.heapUsedBytes).toBeGreaterThan(1_000_000);
    expect(sample.process?.eventLoopUtilization).toBeGreaterThanOrEqual(0);
    expect(sample.process?.eventLoopLagMs?.max).toBeGreaterThanOrEqual(0);
    expect(sample.process?.gc?.count).toBeGreaterThanOrEqual(0);
    expect(sample.process?.descriptors).toBeGreaterThan(3);
    // The inspector was closed again, or this would find it open and the process would still listen.
    const again = await taken(monitorResources(2_000, 100, { pid, attach: true }), 1);
    expect(again[0].process?.pid).toBe(pid);
    const [lives] = await taken(monitorResources(1_000, 50, { pid }), 1);
    expect(lives.process?.pid).toBe(pid);
  });

  it.runIf(isLinux)('attaches to nothing that SIGUSR1 would end', async () => {
    const sleep = spawn('sleep', ['60'], { stdio: 'ignore' });
    children.add(sleep);
    await once(sleep, 'spawn');
    const pid = sleep.pid as number;
    await expect(taken(monitorResources(500, 50, { pid, attach: true }))).rejects.toThrow(
      /no Node\.js process/,
    );
    expect(sleep.exitCode).toBeNull();
  });
});

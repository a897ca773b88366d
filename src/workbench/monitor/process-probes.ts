/** Probes of processes: of this one, and of others by what /proc tells. */
import { RingwireError } from '../../errors.js';
import { readProc } from '../../observability/proc-files.js';
import { ProcessSampler } from '../../observability/process-sampler.js';
import { type ProcessTotals, readingBetween } from '../../observability/process-totals.js';
import type { Probe, Reading } from './probe.js';

/** This process. */
export function ownProbe(): Probe {
  const sampler = new ProcessSampler();
  return {
    name: `process ${process.pid}`,
    start: async () => sampler.start(),
    read: async () => ({ process: sampler.sample() }),
    stop: async () => sampler.stop(),
  };
}

/** Another process of this machine, as far as /proc tells: processor, memory, threads, descriptors, input and output. */
export function procProbe(pid: number): Probe {
  let last: ProcessTotals | undefined;
  return {
    name: `process ${pid}`,
    async start() {
      last = procTotals(pid);
      if (last === undefined) throw noProcess(pid);
    },
    async read(): Promise<Reading | undefined> {
      const [before, after] = [last, procTotals(pid)];
      if (before === undefined || after === undefined) return undefined;
      last = after;
      return { process: readingBetween(before, after) };
    },
    async stop() {},
  };
}

export function noProcess(pid: number): RingwireError {
  if (readProc('self') === undefined)
    return new RingwireError(
      'CONFIG_INVALID',
      `Process ${pid} cannot be watched: other processes are read from /proc, which ${process.platform} does not have. Start the server with health on and give its URL.`,
    );
  return new RingwireError('CONFIG_INVALID', `There is no process ${pid}, or it has ended.`);
}

/** Undefined where the process has ended, or where there is no /proc. */
export function procTotals(pid: number): ProcessTotals | undefined {
  const figures = readProc(pid);
  if (figures === undefined) return undefined;
  const { cpuSeconds, rssBytes } = figures;
  const known = Object.entries(figures).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(known), pid, clockMs: performance.now(), cpuSeconds, rssBytes };
}

/** Takes samples of a server and of the load on it while some work goes on. */
import { performance } from 'node:perf_hooks';
import type { ServerFigures } from '../../analysis/analyses/call-figures.js';
import type { CallSample, ProcessSample, Sample } from '../../analysis/sample.js';
import type { ServerUsage } from '../servers/protocol.js';

export interface Watched {
  readonly series: string;
  /** Milliseconds between samples. */
  readonly intervalMs: number;
  /** Of the server's process; undefined where nobody knows it. */
  usage(): Promise<ServerUsage | undefined>;
  /** Of the calls since the last sample. */
  calls(): CallSample;
  /** Samples then say nothing of the generator. */
  readonly sharesProcess?: boolean;
  readonly onSample?: (sample: Sample) => void;
}

export interface Observed {
  readonly samples: readonly Sample[];
  readonly seconds: number;
  readonly clientCpu: number;
  readonly server: ServerFigures | undefined;
}

interface Moment {
  readonly at: number;
  readonly usage: ServerUsage | undefined;
  readonly clientCpuUs: number;
}

async function momentOf(watched: Watched): Promise<Moment> {
  const usage = await watched.usage();
  const { user, system } = process.cpuUsage();
  return { at: performance.now(), usage, clientCpuUs: user + system };
}

/** Runs `work` under observation. Rejects as it does. The last interval ends with the work, and may be shorter. */
export async function observe(watched: Watched, work: () => Promise<void>): Promise<Observed> {
  const first = await momentOf(watched);
  const samples: Sample[] = [];
  let last = first;
  let ended = false;
  let wake = (): void => {};
  const take = async (): Promise<void> => {
    const now = await momentOf(watched);
    const sample = sampleBetween(first, last, now, watched);
    last = now;
    samples.push(sample);
    watched.onSample?.(sample);
  };
  const watching = (async () => {
    while (!ended) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, watched.intervalMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      if (!ended) await take();
    }
  })();
  let seconds = 0;
  try {
    await work();
  } finally {
    seconds = (performance.now() - first.at) / 1_000;
    ended = true;
    wake();
    await watching;
  }
  await take();
  const elapsedUs = (last.at - first.at) * 1_000;
  return {
    samples,
    seconds,
    clientCpu: (last.clientCpuUs - first.clientCpuUs) / elapsedUs,
    server: serverFigures(first, last, samples),
  };
}

function sampleBetween(first: Moment, before: Moment, now: Moment, watched: Watched): Sample {
  const intervalMs = now.at - before.at;
  const sample: Sample = {
    atMs: now.at - first.at,
    intervalMs,
    series: watched.series,
    calls: watched.calls(),
    ...(watched.sharesProcess !== true && {
      generator: { cpu: (now.clientCpuUs - before.clientCpuUs) / 1_000 / intervalMs },
    }),
  };
  if (now.usage === undefined || before.usage === undefined) return sample;
  return { ...sample, process: processBetween(before.usage, now.usage, intervalMs) };
}

export function processBetween(before: ServerUsage, now: ServerUsage, intervalMs: number): ProcessSample {
  return {
    cpu: (now.cpuUs - before.cpuUs) / 1_000 / intervalMs,
    rssBytes: now.rssBytes,
    heapUsedBytes: now.heapUsedBytes,
    heapTotalBytes: now.heapTotalBytes,
    heapLimitBytes: now.heapLimitBytes,
    externalBytes: now.externalBytes,
    eventLoopLagMs: now.eventLoopLagMs,
    eventLoopUtilization: Math.min(1, (now.eventLoopActiveMs - before.eventLoopActiveMs) / intervalMs),
    gc: {
      count: now.gc.count - before.gc.count,
      majorCount: now.gc.majorCount - before.gc.majorCount,
      pauseMs: now.gc.pauseMs - before.gc.pauseMs,
      longestPauseMs: now.gc.longestPauseMs,
    },
  };
}

function serverFigures(first: Moment, last: Moment, samples: readonly Sample[]): ServerFigures | undefined {
  if (first.usage === undefined || last.usage === undefined) return undefined;
  const highest = (of: (sample: ProcessSample) => number | undefined): number =>
    Math.max(...samples.map(({ process }) => (process === undefined ? 0 : (of(process) ?? 0))));
  return {
    cpu: (last.usage.cpuUs - first.usage.cpuUs) / 1_000 / (last.at - first.at),
    rssBytes: highest(({ rssBytes }) => rssBytes),
    heapUsedBytes: highest(({ heapUsedBytes }) => heapUsedBytes),
    gcCount: last.usage.gc.count - first.usage.gc.count,
    gcPauseMs: last.usage.gc.pauseMs - first.usage.gc.pauseMs,
  };
}

/** Runs a load and samples the server meanwhile, so that both ends of it are in one series. */
import { performance } from 'node:perf_hooks';
import type { GeneratorSample, Sample } from '../../analysis/sample.js';
import type { LoadInterval, LoadPlan, LoadReport } from '../load/load-plan.js';
import { runLoad } from '../load/run-load.js';
import { type MonitorOptions, monitorResources } from './monitor-resources.js';

export interface WatchedLoad {
  readonly report: LoadReport;
  /** Of the server, with what the generator said of itself in the same time. Warm-up is left out. */
  readonly samples: readonly Sample[];
}

export interface WatchLoadOptions extends Omit<MonitorOptions, 'signal'> {
  /** Default: the plan's intervalMs, or 1,000. */
  readonly intervalMs?: number;
  /** Called with each interval of the generator, those of the warm-up too. */
  readonly onInterval?: (interval: LoadInterval) => void;
  /** Ends the load early. */
  readonly signal?: AbortSignal;
}

/** Rejects with the errors of runLoad() and of monitorResources(). */
export async function watchLoad(plan: LoadPlan, options: WatchLoadOptions): Promise<WatchedLoad> {
  const { intervalMs = plan.intervalMs ?? 1_000, signal, onInterval, ...watched } = options;
  const intervals: { readonly endMs: number; readonly interval: LoadInterval }[] = [];
  const samples: { readonly endMs: number; readonly sample: Sample }[] = [];
  const stop = new AbortController();
  const loading = runLoad(
    { ...plan, intervalMs },
    {
      signal,
      onInterval(interval) {
        intervals.push({ endMs: performance.now(), interval });
        onInterval?.(interval);
      },
    },
  ).finally(() => stop.abort());
  const monitoring = (async () => {
    const found = monitorResources(Number.POSITIVE_INFINITY, intervalMs, { ...watched, signal: stop.signal });
    for await (const { connections: _, ...sample } of found)
      samples.push({ endMs: performance.now(), sample });
  })();
  const [report] = await Promise.all([loading, monitoring]);
  const merged = samples.flatMap(({ endMs, sample }) => {
    const { interval, endMs: nearestMs } = intervals.reduce(
      (nearest, each) => (Math.abs(each.endMs - endMs) < Math.abs(nearest.endMs - endMs) ? each : nearest),
      intervals[0] ?? { endMs: 0, interval: undefined },
    );
    // Before the load is measured, and while it ends, the generator says nothing.
    const isApart = Math.abs(nearestMs - endMs) > intervalMs;
    return interval === undefined || interval.atSeconds <= 0 || isApart
      ? []
      : [{ ...sample, generator: generatorSample(interval, plan.rate) }];
  });
  return { report, samples: merged };
}

/** What an interval tells of the generator itself. `rate` is that of the open loop. */
export function generatorSample(interval: LoadInterval, rate: number | undefined): GeneratorSample {
  const { generatorCpu, lateP99us, seconds } = interval;
  return {
    cpu: generatorCpu,
    ...(lateP99us === undefined ? {} : { lateP99Ms: lateP99us / 1_000 }),
    ...(rate === undefined ? {} : { wanted: rate * seconds }),
  };
}

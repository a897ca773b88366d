/** The samples of one series as a whole: what rules look at. Figures nobody measured are undefined. */
import { type GcPressure, gcPressure } from '../leak.js';
import type { LatencySummary, Layer, Sample } from '../sample.js';
import type { Thresholds } from '../thresholds.js';

export interface Picture {
  readonly samples: readonly Sample[];
  readonly thresholds: Thresholds;
  readonly seconds: number;
  readonly calls: number;
  readonly errors: number;
  /** Mean of all calls, the median of the intervals' medians, and the worst p99 of any interval. */
  readonly latency: { readonly meanMs: number; readonly p50Ms: number; readonly p99Ms: number } | undefined;
  /** Cores. */
  readonly cpu: number | undefined;
  /** Share of the time, without what was spent waiting for a processor. */
  readonly loopBusy: number | undefined;
  /** Share of the time the thread was ready and got no processor; 0 where it is not known. */
  readonly contention: number;
  /** The median of the intervals' longest turns, and the longest of all; of the process's own making. */
  readonly lag: { readonly usualMs: number; readonly maxMs: number } | undefined;
  /** Pauses of the process's own making. */
  readonly gc: GcPressure | undefined;
  /** Median of what the application holds; resident memory where the rest is not known. */
  readonly memory: { readonly bytes: number; readonly isResident: boolean } | undefined;
  readonly inFlight: number | undefined;
  /** The median and the last of what waits. */
  readonly queue: { readonly depth: number; readonly last: number } | undefined;
  readonly queuedBytes: { readonly median: number; readonly grown: number } | undefined;
  /** Share of the time one connection or more waited for its peer, at most 1. */
  readonly backpressure: number | undefined;
  readonly overflow: { readonly share: number; readonly sends: number } | undefined;
  readonly watermarkCrossings: number;
  readonly generator: {
    readonly cpu: number | undefined;
    readonly lateMs: number | undefined;
    /** What was sent of what was wanted. */
    readonly sent: number | undefined;
  };
  readonly layers: Partial<Record<Layer, number>> | undefined;
}

export function pictureOf(samples: readonly Sample[], thresholds: Thresholds): Picture {
  const seconds = sum(samples.map(({ intervalMs }) => intervalMs)) / 1_000;
  const contention = mean(samples, ({ process }, interval) => share(process?.processorWaitMs, interval)) ?? 0;
  const utilization = mean(samples, ({ process }) => process?.eventLoopUtilization);
  return {
    samples,
    thresholds,
    seconds,
    calls: sum(samples.map(({ calls }) => calls?.calls)),
    errors: sum(samples.map(({ calls }) => calls?.errors)),
    latency: latencyOf(samples),
    cpu: mean(samples, ({ process }) => process?.cpu),
    loopBusy: utilization === undefined ? undefined : Math.max(0, utilization - contention),
    contention,
    lag: lagOf(samples),
    gc: gcPressure(samples.map(withOwnPauses)),
    memory: memoryOf(samples),
    inFlight: mean(samples, ({ calls }) => calls?.inFlight),
    queue: queueOf(samples),
    queuedBytes: queuedBytesOf(samples),
    backpressure: mean(samples, ({ calls }, interval) => share(calls?.backpressureMs, interval)),
    overflow: overflowOf(samples),
    watermarkCrossings: sum(samples.map(({ calls }) => calls?.watermarkCrossings)),
    generator: generatorOf(samples),
    layers: layersOf(samples),
  };
}

type Figure = (sample: Sample, intervalMs: number) => number | undefined;

/** Weighted by the length of the intervals; undefined where no sample has it. */
function mean(samples: readonly Sample[], figure: Figure): number | undefined {
  let [total, weight] = [0, 0];
  for (const sample of samples) {
    const value = figure(sample, sample.intervalMs);
    if (value === undefined) continue;
    total += value * sample.intervalMs;
    weight += sample.intervalMs;
  }
  return weight === 0 ? undefined : total / weight;
}

function known(samples: readonly Sample[], figure: Figure): number[] {
  return samples
    .map((sample) => figure(sample, sample.intervalMs))
    .filter((value): value is number => value !== undefined);
}

function sum(values: readonly (number | undefined)[]): number {
  return values.reduce<number>((total, value) => total + (value ?? 0), 0);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Several connections may wait at once: a share is at most 1. */
function share(ms: number | undefined, intervalMs: number): number | undefined {
  return ms === undefined || intervalMs <= 0 ? undefined : Math.min(1, ms / intervalMs);
}

function latencyOf(samples: readonly Sample[]): Picture['latency'] {
  const found = samples
    .map(({ calls }) => calls?.latency)
    .filter((latency): latency is LatencySummary => latency !== undefined && latency.count > 0);
  if (found.length === 0) return undefined;
  const count = sum(found.map((each) => each.count));
  return {
    meanMs: sum(found.map((each) => each.meanMs * each.count)) / count,
    p50Ms: median(found.map(({ p50Ms }) => p50Ms)),
    p99Ms: Math.max(...found.map(({ p99Ms }) => p99Ms)),
  };
}

/**
 * How much of the time a thread was at work it had a processor: turns and pauses are as long for one that has none. The
 * wait may lie outside of what the loop calls its work, since it is woken late.
 */
function ownShare({ process, intervalMs }: Sample): number {
  const waited = process?.processorWaitMs ?? 0;
  if (waited === 0) return 1;
  const busy = (process?.eventLoopUtilization ?? 1) * intervalMs;
  const computed = (process?.cpu ?? 0) * intervalMs;
  return Math.max(0, 1 - waited / Math.max(busy, computed + waited));
}

/** Collections compute: they cannot have taken more than the processor's time, whatever the clock says. */
function withOwnPauses(sample: Sample): Sample {
  const { process, intervalMs } = sample;
  if (process?.gc === undefined) return sample;
  const most = process.cpu === undefined ? Number.POSITIVE_INFINITY : process.cpu * intervalMs;
  const own = (ms: number): number => Math.min(ms * ownShare(sample), most);
  const gc = {
    ...process.gc,
    pauseMs: own(process.gc.pauseMs),
    longestPauseMs: own(process.gc.longestPauseMs),
  };
  return { ...sample, process: { ...process, gc } };
}

function lagOf(samples: readonly Sample[]): Picture['lag'] {
  const own: number[] = [];
  for (const sample of samples) {
    const lag = sample.process?.eventLoopLagMs;
    if (lag !== undefined) own.push(lag.max * ownShare(sample));
  }
  return own.length === 0 ? undefined : { usualMs: median(own), maxMs: Math.max(...own) };
}

function memoryOf(samples: readonly Sample[]): Picture['memory'] {
  const held = known(samples, ({ process }) =>
    process?.heapUsedBytes === undefined ? undefined : process.heapUsedBytes + (process.externalBytes ?? 0),
  );
  if (held.length > 0) return { bytes: median(held), isResident: false };
  const resident = known(samples, ({ process }) => process?.rssBytes);
  return resident.length === 0 ? undefined : { bytes: median(resident), isResident: true };
}

function queueOf(samples: readonly Sample[]): Picture['queue'] {
  const depths = known(samples, ({ calls }) => calls?.queueDepth);
  return depths.length === 0 ? undefined : { depth: median(depths), last: depths.at(-1) as number };
}

function queuedBytesOf(samples: readonly Sample[]): Picture['queuedBytes'] {
  const bytes = known(samples, ({ calls }) => calls?.queuedBytes);
  if (bytes.length === 0) return undefined;
  return { median: median(bytes), grown: (bytes.at(-1) as number) - bytes[0] };
}

function overflowOf(samples: readonly Sample[]): Picture['overflow'] {
  const sends = sum(samples.map(({ calls }) => calls?.sends));
  if (sends === 0) return undefined;
  return { share: sum(samples.map(({ calls }) => calls?.overflows)) / sends, sends };
}

function generatorOf(samples: readonly Sample[]): Picture['generator'] {
  const late = known(samples, ({ generator }) => generator?.lateP99Ms);
  const wanted = samples.filter(({ generator }) => generator?.wanted !== undefined);
  const wantedCalls = sum(wanted.map(({ generator }) => generator?.wanted));
  return {
    cpu: mean(samples, ({ generator }) => generator?.cpu),
    lateMs: late.length === 0 ? undefined : median(late),
    sent: wantedCalls === 0 ? undefined : sum(wanted.map(({ calls }) => calls?.calls)) / wantedCalls,
  };
}

function layersOf(samples: readonly Sample[]): Picture['layers'] {
  const names = new Set(samples.flatMap(({ layers }) => Object.keys(layers ?? {}) as Layer[]));
  if (names.size === 0) return undefined;
  const found: Partial<Record<Layer, number>> = {};
  for (const name of names)
    found[name] = mean(samples, ({ layers }) => (layers === undefined ? undefined : (layers[name] ?? 0)));
  return found;
}

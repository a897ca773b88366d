/** What a process counted since it began, and what lies between two such moments. Plain JSON, so that it can be sent. */
import { Histogram, type HistogramJson } from './histogram.js';

export interface ProcessTotals {
  readonly pid: number;
  /** Milliseconds on a clock that only rises; its zero means nothing. */
  readonly clockMs: number;
  readonly cpuSeconds: number;
  readonly processorWaitMs?: number;
  readonly rssBytes: number;
  readonly heapUsedBytes?: number;
  readonly heapTotalBytes?: number;
  readonly heapLimitBytes?: number;
  readonly externalBytes?: number;
  /** In use soon after the last collection of the whole heap. */
  readonly heapAfterGcBytes?: number;
  readonly gc?: {
    readonly count: number;
    readonly majorCount: number;
    readonly pauseMs: number;
    /** Nanoseconds. */
    readonly pauses: HistogramJson;
  };
  readonly eventLoop?: {
    readonly activeMs: number;
    readonly idleMs: number;
    /** Nanoseconds. */
    readonly lag: HistogramJson;
  };
  readonly descriptors?: number;
  readonly descriptorLimit?: number;
  readonly threads?: number;
  readonly diskBytes?: { readonly read: number; readonly written: number };
  readonly networkBytes?: { readonly received: number; readonly sent: number };
}

/** One interval of a process. Rates are over the interval, sizes at its end. */
export interface ProcessReading {
  readonly pid: number;
  /** Cores. */
  readonly cpu: number;
  readonly processorWaitMs?: number;
  readonly rssBytes: number;
  readonly heapUsedBytes?: number;
  readonly heapTotalBytes?: number;
  readonly heapLimitBytes?: number;
  readonly externalBytes?: number;
  readonly heapAfterGcBytes?: number;
  readonly gc?: {
    readonly count: number;
    readonly majorCount: number;
    readonly pauseMs: number;
    readonly longestPauseMs: number;
  };
  readonly eventLoopLagMs?: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly eventLoopUtilization?: number;
  readonly descriptors?: number;
  readonly descriptorLimit?: number;
  readonly threads?: number;
  readonly diskBytes?: { readonly read: number; readonly written: number };
  readonly networkBytes?: { readonly received: number; readonly sent: number };
}

/** What happened from one moment to a later one of the same process. */
export function readingBetween(before: ProcessTotals, after: ProcessTotals): ProcessReading {
  const { pid, rssBytes, descriptors, descriptorLimit, threads } = after;
  const { heapUsedBytes, heapTotalBytes, heapLimitBytes, externalBytes } = after;
  const elapsedMs = Math.max(after.clockMs - before.clockMs, 1e-3);
  const lag = lagBetween(before, after);
  return withoutUnknown({
    pid,
    cpu: Math.max(0, (after.cpuSeconds - before.cpuSeconds) / (elapsedMs / 1_000)),
    processorWaitMs: less(after.processorWaitMs, before.processorWaitMs),
    rssBytes,
    heapUsedBytes,
    heapTotalBytes,
    heapLimitBytes,
    externalBytes,
    heapAfterGcBytes:
      (after.gc?.majorCount ?? 0) > (before.gc?.majorCount ?? 0) ? after.heapAfterGcBytes : undefined,
    gc: gcBetween(before, after),
    eventLoopLagMs: lag,
    eventLoopUtilization: utilizationBetween(before, after),
    descriptors,
    descriptorLimit,
    threads,
    diskBytes: pairBetween(before.diskBytes, after.diskBytes, 'read', 'written'),
    networkBytes: pairBetween(before.networkBytes, after.networkBytes, 'received', 'sent'),
  });
}

/** The values that were recorded between two moments of one histogram. */
export function histogramBetween(before: HistogramJson, after: HistogramJson): Histogram {
  const known = new Map(before.counts);
  const counts: [number, number][] = [];
  for (const [index, count] of after.counts) {
    const added = count - (known.get(index) ?? 0);
    if (added > 0) counts.push([index, added]);
  }
  // The largest value is known where it is new, else as well as its step tells.
  const all = Histogram.fromJSON({ counts, sum: after.sum - before.sum, max: after.max });
  const max = after.max > before.max ? after.max : ([...all].at(-1)?.[0] ?? 0);
  return Histogram.fromJSON({ counts, sum: Math.max(0, after.sum - before.sum), max });
}

function lagBetween(before: ProcessTotals, after: ProcessTotals): ProcessReading['eventLoopLagMs'] {
  if (before.eventLoop === undefined || after.eventLoop === undefined) return undefined;
  const lag = histogramBetween(before.eventLoop.lag, after.eventLoop.lag);
  // A loop that is blocked all the time has no turn that could tell.
  if (lag.total === 0) return undefined;
  return { p50: lag.percentile(0.5) / 1e6, p99: lag.percentile(0.99) / 1e6, max: lag.max / 1e6 };
}

function gcBetween({ gc: before }: ProcessTotals, { gc: after }: ProcessTotals): ProcessReading['gc'] {
  if (before === undefined || after === undefined) return undefined;
  return {
    count: after.count - before.count,
    majorCount: after.majorCount - before.majorCount,
    pauseMs: after.pauseMs - before.pauseMs,
    longestPauseMs: histogramBetween(before.pauses, after.pauses).max / 1e6,
  };
}

function utilizationBetween(
  { eventLoop: before }: ProcessTotals,
  { eventLoop: after }: ProcessTotals,
): number | undefined {
  if (before === undefined || after === undefined) return undefined;
  const active = after.activeMs - before.activeMs;
  const all = active + after.idleMs - before.idleMs;
  return all <= 0 ? undefined : Math.min(1, Math.max(0, active / all));
}

function pairBetween<Name extends string>(
  before: Readonly<Record<Name, number>> | undefined,
  after: Readonly<Record<Name, number>> | undefined,
  first: Name,
  second: Name,
): Record<Name, number> | undefined {
  if (before === undefined || after === undefined) return undefined;
  return {
    [first]: Math.max(0, after[first] - before[first]),
    [second]: Math.max(0, after[second] - before[second]),
  } as Record<Name, number>;
}

function less(after: number | undefined, before: number | undefined): number | undefined {
  return after === undefined || before === undefined ? undefined : Math.max(0, after - before);
}

function withoutUnknown(reading: ProcessReading): ProcessReading {
  return Object.fromEntries(
    Object.entries(reading).filter(([, value]) => value !== undefined),
  ) as unknown as ProcessReading;
}

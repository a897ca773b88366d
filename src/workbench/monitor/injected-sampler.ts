/**
 * What is evaluated inside of a process that is attached to. It may be of another version of Node.js and has none of our
 * code, so that these are plain texts that use nothing but Node.js itself.
 */
import { recordPercentiles } from '../../observability/event-loop-watch.js';
import { Histogram } from '../../observability/histogram.js';
import type { ProcessTotals } from '../../observability/process-totals.js';

/** A property of the process's global object, known to us alone. */
const key = `Symbol.for('ringwire.sampler')`;

/** Puts the sampler there; one of an earlier attachment that was cut is replaced. */
export const injectedSampler = `(() => {
  globalThis[${key}]?.stop();
  const { monitorEventLoopDelay, performance, PerformanceObserver } = require('node:perf_hooks');
  const { getHeapStatistics } = require('node:v8');
  const delay = monitorEventLoopDelay({ resolution: 10 });
  const gc = { count: 0, majorCount: 0, pauseMs: 0, pauses: [], heapAfterGcBytes: undefined };
  const take = (entries) => {
    for (const { duration, detail } of entries) {
      gc.pauseMs += duration;
      if (gc.pauses.length < 10000) gc.pauses.push(duration);
      if (detail.kind === 4) { gc.count += 1; gc.majorCount += 1; gc.heapAfterGcBytes = getHeapStatistics().used_heap_size; }
      else if (detail.kind === 1) gc.count += 1;
    }
  };
  const observer = new PerformanceObserver((list) => take(list.getEntries()));
  delay.enable();
  observer.observe({ entryTypes: ['gc'] });
  globalThis[${key}] = {
    stop() { delay.disable(); observer.disconnect(); delete globalThis[${key}]; },
    take() {
      take(observer.takeRecords());
      const { heapUsed, heapTotal, external } = process.memoryUsage();
      const { active, idle } = performance.eventLoopUtilization();
      const lags = delay.count === 0 ? [] : [...delay.percentiles].map(([share, value]) => [share, value]);
      const taken = {
        heapUsedBytes: heapUsed, heapTotalBytes: heapTotal, externalBytes: external,
        heapLimitBytes: getHeapStatistics().heap_size_limit,
        activeMs: active, idleMs: idle, lagCount: delay.count, lags, ...gc,
      };
      gc.pauses = [];
      delay.reset();
      return taken;
    },
  };
})()`;

export const takeSample = `globalThis[${key}]?.take()`;

/**
 * Under heavy load Node.js 20 was seen to die (SIGSEGV) about when its inspector closed 20 ms after our last word. What
 * closes later finds our connection gone for sure.
 */
export const closeDelayMs = 500;

/** Takes it away; with `closes`, the inspector closes behind our connection. */
export function removeSampler(closes: boolean): string {
  // require() is there while this is evaluated, and not in what runs later.
  const close = closes
    ? `const { close } = require('node:inspector'); setTimeout(close, ${closeDelayMs}).unref();`
    : '';
  return `(() => { globalThis[${key}]?.stop(); ${close} })()`;
}

/** What take() of the injected sampler returns. */
export interface TakenSample {
  readonly heapUsedBytes: number;
  readonly heapTotalBytes: number;
  readonly heapLimitBytes: number;
  readonly externalBytes: number;
  readonly heapAfterGcBytes?: number;
  readonly activeMs: number;
  readonly idleMs: number;
  readonly count: number;
  readonly majorCount: number;
  readonly pauseMs: number;
  /** Since the last time, milliseconds. */
  readonly pauses: readonly number[];
  readonly lagCount: number;
  /** Percentile and nanoseconds, the resolution of 10 ms included, since the last time. */
  readonly lags: readonly (readonly [number, number])[];
}

/** Adds up what was taken. */
export class TakenTotals {
  readonly #lag = new Histogram();
  readonly #pauses = new Histogram();

  add(taken: TakenSample): Partial<ProcessTotals> {
    const { heapUsedBytes, heapTotalBytes, heapLimitBytes, externalBytes, heapAfterGcBytes } = taken;
    const { count, majorCount, pauseMs, activeMs, idleMs } = taken;
    for (const pause of taken.pauses) this.#pauses.record(pause * 1e6);
    recordPercentiles(this.#lag, taken.lags, taken.lagCount, 10e6);
    return {
      heapUsedBytes,
      heapTotalBytes,
      heapLimitBytes,
      externalBytes,
      ...(heapAfterGcBytes === undefined ? {} : { heapAfterGcBytes }),
      gc: { count, majorCount, pauseMs, pauses: this.#pauses.toJSON() },
      eventLoop: { activeMs, idleMs, lag: this.#lag.toJSON() },
    };
  }
}

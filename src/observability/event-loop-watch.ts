/** How late the event loop is, and how busy. */
import {
  type EventLoopUtilization,
  type IntervalHistogram,
  monitorEventLoopDelay,
  performance,
} from 'node:perf_hooks';
import { Histogram } from './histogram.js';

/** A timer in native code fires this often: what it is late by is the lag of the loop. */
const resolutionMs = 20;

export class EventLoopWatch {
  /** Nanoseconds the loop was late, since start(). Call update() first. */
  readonly lag = new Histogram();
  readonly #delay: IntervalHistogram = monitorEventLoopDelay({ resolution: resolutionMs });

  start(): void {
    this.#delay.enable();
  }

  stop(): void {
    this.update();
    this.#delay.disable();
  }

  /** Takes what was seen since the last time into `lag`. */
  update(): void {
    const delay = this.#delay;
    if (delay.count === 0) return;
    recordPercentiles(this.lag, delay.percentiles, delay.count, resolutionMs * 1e6);
    delay.reset();
  }

  /** Since the loop began, in milliseconds. */
  get utilization(): EventLoopUtilization {
    return performance.eventLoopUtilization();
  }
}

/** Records what rising percentiles stand for: each step holds what lies between the one before and its own. */
export function recordPercentiles(
  histogram: Histogram,
  percentiles: Iterable<readonly [percentile: number, value: number]>,
  count: number,
  offset: number,
): void {
  let counted = 0;
  for (const [percentile, value] of percentiles) {
    const until = Math.round((percentile / 100) * count);
    if (until > counted) histogram.record(value - offset, until - counted);
    counted = Math.max(counted, until);
  }
}

/** Counts calls, and times one of every few: reading the clock for each would be felt. */
import { performance } from 'node:perf_hooks';
import { Histogram } from './histogram.js';

/** One call in so many is timed; a power of two. */
export const timedEvery = 16;

export class CallMeter {
  /** Nobody looks: nothing is counted. Whoever sets it resets nothing. */
  isOn = false;
  /** That began. */
  calls = 0;
  /** Answered with an error. */
  errors = 0;
  #latency: Histogram | undefined = undefined;

  /** Nanoseconds, of the calls that were timed. Made when it is first needed: it is 48 kB. */
  get latency(): Histogram {
    this.#latency ??= new Histogram();
    return this.#latency;
  }

  /**
   * A call has begun, or waits since `arrivedAt`: what to tell its end to where it is one that is timed. An object and no
   * number: a field that once held a fraction costs every call an allocation.
   */
  begin(arrivedAt?: number): CallTimer | undefined {
    this.calls += 1;
    if ((this.calls & (timedEvery - 1)) !== 0) return undefined;
    return new CallTimer(this, arrivedAt ?? performance.now());
  }
}

/** One call that is timed. */
export class CallTimer {
  readonly #meter: CallMeter;
  readonly #startedAt: number;

  constructor(meter: CallMeter, startedAt: number) {
    this.#meter = meter;
    this.#startedAt = startedAt;
  }

  end(): void {
    this.#meter.latency.record((performance.now() - this.#startedAt) * 1e6);
  }
}

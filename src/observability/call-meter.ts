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

  /** A call has begun: the time where it is one that is timed, else 0. */
  begin(): number {
    this.calls += 1;
    return (this.calls & (timedEvery - 1)) === 0 ? performance.now() : 0;
  }

  /** As begin(), for a call that has waited since `arrivedAt`. */
  beginAt(arrivedAt: number): number {
    this.calls += 1;
    return (this.calls & (timedEvery - 1)) === 0 ? arrivedAt : 0;
  }

  /** A call that is timed has ended. */
  end(startedAt: number): void {
    this.latency.record((performance.now() - startedAt) * 1e6);
  }

  /** A call has begun: what to tell its end to where it is one that is timed. */
  timer(): CallTimer | undefined {
    const startedAt = this.begin();
    return startedAt === 0 ? undefined : new CallTimer(this, startedAt);
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
    this.#meter.end(this.#startedAt);
  }
}

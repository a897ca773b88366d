/** Counts outcomes of calls, as a whole and in intervals. */
import type { CallFigures, ServerFigures } from '../../analysis/analyses/call-figures.js';
import { summaryOf } from '../../analysis/latency-summary.js';
import type { CallSample } from '../../analysis/sample.js';
import { Histogram } from '../../observability/histogram.js';
import type { Outcome } from './echo-client.js';

class Tally {
  readonly histogram = new Histogram();
  calls = 0;
  errors = 0;
}

export class Recorder {
  readonly #all = new Tally();
  #interval = new Tally();
  #wrong = 0;
  #firstError: string | undefined;
  /** Calls that were sent and have no outcome yet. */
  inFlight = 0;
  readonly #bytes: number;

  /** `bytes` of text in each call. */
  constructor(bytes = 0) {
    this.#bytes = bytes;
  }

  record({ ms, error, isWrong }: Outcome): void {
    for (const tally of [this.#all, this.#interval]) {
      tally.calls += 1;
      if (error === undefined) tally.histogram.record(ms * 1e6);
      else tally.errors += 1;
    }
    if (isWrong === true) this.#wrong += 1;
    this.#firstError ??= error?.message;
  }

  get calls(): number {
    return this.#all.calls;
  }

  get errors(): number {
    return this.#all.errors;
  }

  /** What happened since it was asked before. */
  interval(): CallSample {
    const { calls, errors, histogram } = this.#interval;
    this.#interval = new Tally();
    return { calls, errors, latency: summaryOf(histogram), inFlight: this.inFlight };
  }

  figures(seconds: number, clientCpu: number, server?: ServerFigures): CallFigures {
    const { calls, errors, histogram } = this.#all;
    const perSecond = (calls - errors) / Math.max(seconds, 1e-9);
    return {
      calls,
      errors,
      wrong: this.#wrong,
      ...(this.#firstError !== undefined && { firstError: this.#firstError }),
      seconds,
      callsPerSecond: perSecond,
      kilobytesPerSecond: (perSecond * this.#bytes) / 1_000,
      latency: summaryOf(histogram),
      clientCpu,
      ...(server !== undefined && { server }),
    };
  }
}

/** Counts tool calls and times them, for the line that `npm start` shows. */
export class Meter {
  #calls = 0;
  #lastCalls = 0;
  #lastAt = performance.now();
  /** Milliseconds of the latest calls; the oldest is overwritten. */
  #times = new Float64Array(4096);
  #timed = 0;

  get calls() {
    return this.#calls;
  }

  /** Wraps a tool handler. Synchronous handlers stay synchronous. */
  timed(handler) {
    return (args, context) => {
      const start = performance.now();
      const result = handler(args, context);
      if (!(result instanceof Promise)) {
        this.#record(performance.now() - start);
        return result;
      }
      return result.finally(() => this.#record(performance.now() - start));
    };
  }

  /** Calls a second since the last reading, and percentiles of the time in the handler, in milliseconds. */
  read() {
    const now = performance.now();
    const rate = ((this.#calls - this.#lastCalls) * 1000) / Math.max(1, now - this.#lastAt);
    this.#lastCalls = this.#calls;
    this.#lastAt = now;
    const times = this.#times.slice(0, Math.min(this.#timed, this.#times.length)).sort();
    const at = (share) => (times.length === 0 ? 0 : times[Math.floor((times.length - 1) * share)]);
    return { calls: this.#calls, rate, p50: at(0.5), p99: at(0.99) };
  }

  #record(milliseconds) {
    this.#calls += 1;
    this.#times[this.#timed % this.#times.length] = milliseconds;
    this.#timed += 1;
  }
}

/** What a load counts: per operation, per interval and over the measured window. */
import { Histogram } from '../../../observability/histogram.js';
import type { LoadOperation, OperationReport } from '../load-plan.js';

/** Before the window, in it, and after it, when what was sent is waited for. */
export type Phase = 'warm-up' | 'measuring' | 'draining' | 'over';

class OperationTally {
  readonly latency = new Histogram();
  readonly interval = new Histogram();
  messages = 0;
  /** Of answers. */
  bytes = 0;
  errors = 0;

  constructor(readonly name: string) {}

  /** The interval's latencies, which count in the window from now on. */
  fold(): void {
    this.latency.add(this.interval);
    this.interval.reset();
  }
}

/** What one interval had. */
export interface IntervalCounts {
  readonly messages: number;
  readonly errors: number;
  readonly latency: Histogram;
  readonly lateness: Histogram;
}

export class Tally {
  phase: Phase = 'warm-up';
  errors = 0;
  /** Of the errors, requests without an answer. */
  lost = 0;
  firstError: string | undefined;
  readonly lateness = new Histogram();
  readonly #isOpen: boolean;
  readonly #requestBytes: readonly number[];
  readonly #operations: readonly OperationTally[];
  readonly #intervalLateness = new Histogram();
  #intervalMessages = 0;
  #intervalErrors = 0;

  /**
   * @param requestBytes of each operation.
   * @param isOpen latencies of answers that come after the window count: the schedule wanted them in it.
   */
  constructor(operations: readonly LoadOperation[], requestBytes: readonly number[], isOpen: boolean) {
    this.#isOpen = isOpen;
    this.#requestBytes = requestBytes;
    this.#operations = operations.map(({ name }) => new OperationTally(name));
  }

  /** An answer of so many bytes, right or wrong. */
  answer(operation: number, latencyMs: number, bytes: number, problem: string | undefined): void {
    const tally = this.#operations[operation];
    if (problem !== undefined) this.#problem(tally, problem);
    if (this.phase === 'over' || (this.phase === 'draining' && !this.#isOpen)) return;
    tally.interval.record(latencyMs * 1e6);
    if (this.phase === 'draining') return;
    tally.messages += 1;
    tally.bytes += bytes;
    this.#intervalMessages += 1;
  }

  /**
   * A request without an answer. `latencyMs`: how long it had waited, where that is to count. Without a problem it is no
   * error.
   */
  lose(operation: number, problem: string | undefined, latencyMs?: number): void {
    const tally = this.#operations[operation];
    if (problem !== undefined) {
      this.#problem(tally, problem);
      this.lost += 1;
    }
    if (latencyMs !== undefined) tally.interval.record(latencyMs * 1e6);
  }

  /** Something went wrong that belongs to no request. */
  problem(problem: string): void {
    this.#problem(undefined, problem);
  }

  /** Open loop: a request left this long after its time. */
  late(milliseconds: number): void {
    this.#intervalLateness.record(milliseconds * 1e6);
  }

  /** The window begins: what was measured so far is forgotten. What went wrong is not. */
  begin(): void {
    this.phase = 'measuring';
    for (const operation of this.#operations) {
      operation.interval.reset();
      operation.latency.reset();
      operation.messages = 0;
      operation.bytes = 0;
    }
    this.lateness.reset();
    this.#intervalLateness.reset();
    this.#intervalMessages = 0;
  }

  /** Ends an interval. */
  interval(): IntervalCounts {
    const latency = new Histogram();
    const lateness = new Histogram();
    for (const operation of this.#operations) {
      latency.add(operation.interval);
      operation.fold();
    }
    lateness.add(this.#intervalLateness);
    this.lateness.add(this.#intervalLateness);
    this.#intervalLateness.reset();
    const counts = { messages: this.#intervalMessages, errors: this.#intervalErrors, latency, lateness };
    this.#intervalMessages = 0;
    this.#intervalErrors = 0;
    return counts;
  }

  get messages(): number {
    return this.#operations.reduce((sum, { messages }) => sum + messages, 0);
  }

  /** Bytes of the mean message, JSON alone. */
  bytes(): { requestBytes: number; replyBytes: number } {
    const messages = Math.max(1, this.messages);
    let requests = 0;
    let replies = 0;
    for (const [index, operation] of this.#operations.entries()) {
      requests += operation.messages * this.#requestBytes[index];
      replies += operation.bytes;
    }
    return { requestBytes: Math.round(requests / messages), replyBytes: Math.round(replies / messages) };
  }

  /** All latencies of the window. */
  latency(): Histogram {
    const all = new Histogram();
    for (const operation of this.#operations) {
      operation.fold();
      all.add(operation.latency);
    }
    return all;
  }

  operations(): OperationReport[] {
    return this.#operations.map(({ name, messages, errors, latency }) => ({
      name,
      messages,
      errors,
      p50us: latency.percentile(0.5) / 1e3,
      p95us: latency.percentile(0.95) / 1e3,
      p99us: latency.percentile(0.99) / 1e3,
      maxUs: latency.max / 1e3,
    }));
  }

  #problem(tally: OperationTally | undefined, problem: string): void {
    this.errors += 1;
    this.#intervalErrors += 1;
    if (tally !== undefined) tally.errors += 1;
    this.firstError ??= tally === undefined ? problem : `${tally.name}: ${problem}`;
  }
}

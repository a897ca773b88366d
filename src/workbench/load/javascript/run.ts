/** The clock of a load: warm-up, window, intervals, schedule, and the wait for what is in flight. */
import { performance } from 'node:perf_hooks';
import type { Histogram } from '../../../observability/histogram.js';
import type { LoadInterval, LoadPlan, LoadReport, LoadWatch } from '../load-plan.js';
import type { Lane } from './lane.js';
import { type ProcessStats, processStats } from './process-stats.js';
import type { Tally } from './tally.js';
import { Ticker } from './ticker.js';

export interface RunParts {
  readonly lanes: readonly Lane[];
  readonly tally: Tally;
  readonly window: number;
  readonly transport: string;
  readonly drainMs: number;
}

/** Above this share of a core the generator is what was measured. */
const fullCore = 0.9;

/** A generator that sends this late measures itself. */
const tolerableLatenessUs = 1_000;

/** Requests of the schedule that were never made, above which it was not kept. */
const tolerableMissing = 0.01;

/** A load that was aborted does not wait long for what is in flight. */
const abortedDrainMs = 1_000;

/** How often the waits for what was left behind look whether they are over. */
const drainStepMs = 5;

/** Requests of this long may always wait; more of them are a queue that the warm-up left. */
const settledSeconds = 0.01;

/** Such a queue is waited for as long as the warm-up took, and at least this long. */
const leastSettledMs = 1_000;

const defaultIntervalMs = 1_000;

/** A last interval that is shorter than this share of the others is left out. */
const leastShare = 0.05;

interface Usage {
  readonly at: number;
  readonly cpu: NodeJS.CpuUsage;
  readonly server: ProcessStats | undefined;
}

const us = (histogram: Histogram, fraction: number): number => histogram.percentile(fraction) / 1e3;

function percentiles(histogram: Histogram) {
  return {
    p50us: us(histogram, 0.5),
    p90us: us(histogram, 0.9),
    p95us: us(histogram, 0.95),
    p99us: us(histogram, 0.99),
    p999us: us(histogram, 0.999),
    maxUs: histogram.max / 1e3,
  };
}

/** Processor time between two looks, in cores. */
function coresBetween(before: Usage, after: Usage): { generatorCpu: number; serverCpu?: number } {
  const seconds = Math.max((after.at - before.at) / 1000, 1e-9);
  const { user, system } = after.cpu;
  const generatorCpu = (user + system - before.cpu.user - before.cpu.system) / 1e6 / seconds;
  if (before.server === undefined || after.server === undefined) return { generatorCpu };
  return {
    generatorCpu,
    serverCpu: Math.max(0, after.server.cpuSeconds - before.server.cpuSeconds) / seconds,
  };
}

export class LoadRun {
  startedAt = 0;
  readonly #plan: LoadPlan;
  readonly #parts: RunParts;
  readonly #watch: LoadWatch;
  readonly #intervals: LoadInterval[] = [];
  #windowAt = 0;
  /** Requests that the schedule has given out. */
  #scheduled = 0;
  #isScheduling = false;
  #intervalFrom!: Usage;
  #wake: (() => void) | undefined;

  constructor(plan: LoadPlan, parts: RunParts, watch: LoadWatch) {
    this.#plan = plan;
    this.#parts = parts;
    this.#watch = watch;
  }

  async run(): Promise<LoadReport> {
    const { tally, lanes } = this.#parts;
    const { warmupSeconds, seconds, rate, intervalMs = defaultIntervalMs } = this.#plan;
    const { signal } = this.#watch;
    const onAbort = (): void => this.#wake?.();
    signal?.addEventListener('abort', onAbort);
    const ticker = rate === undefined ? undefined : new Ticker(() => this.#sendDue());
    const timer = setInterval(() => this.#endInterval(), intervalMs);
    try {
      this.#intervalFrom = this.#usage();
      if (warmupSeconds > 0) {
        this.#windowAt = this.#intervalFrom.at + warmupSeconds * 1000;
        this.#begin();
        await this.#sleepUntil(this.#windowAt);
        await this.#settle(this.#windowAt + Math.max(warmupSeconds * 1000, leastSettledMs));
        this.#endInterval();
      }
      tally.begin();
      const before = this.#usage();
      this.#windowAt = before.at;
      this.#intervalFrom = before;
      timer.refresh();
      const scheduledBefore = this.#scheduled;
      if (warmupSeconds === 0) this.#begin();
      await this.#sleepUntil(before.at + seconds * 1000);
      this.#sendDue();
      const after = this.#usage();
      this.#endInterval(after);
      clearInterval(timer);
      this.#isScheduling = false;
      for (const lane of lanes) lane.isSending = false;
      const made = this.#scheduled - scheduledBefore;
      tally.phase = 'draining';
      await this.#drain();
      return this.#report(before, after, made);
    } finally {
      signal?.removeEventListener('abort', onAbort);
      clearInterval(timer);
      await ticker?.close();
    }
  }

  #begin(): void {
    const { lanes } = this.#parts;
    this.startedAt = performance.now();
    this.#isScheduling = this.#plan.rate !== undefined;
    for (const lane of lanes) {
      lane.isSending = true;
      lane.pump(this.startedAt);
    }
  }

  /** Open loop: gives out what the schedule says is due by now. */
  #sendDue(): void {
    const { rate } = this.#plan;
    if (rate === undefined || !this.#isScheduling) return;
    const { lanes, tally } = this.#parts;
    const now = performance.now();
    const first = this.#scheduled;
    for (;;) {
      const at = this.startedAt + (this.#scheduled * 1000) / rate;
      if (at > now) break;
      tally.late(now - at);
      lanes[this.#scheduled % lanes.length].due += 1;
      this.#scheduled += 1;
    }
    const count = Math.min(this.#scheduled - first, lanes.length);
    for (let index = 0; index < count; index += 1) lanes[(first + index) % lanes.length].pump(now);
  }

  /** Open loop: a queue that the warm-up left would be measured as if the window had made it. */
  async #settle(until: number): Promise<void> {
    const { rate = 0 } = this.#plan;
    const { lanes } = this.#parts;
    const usual = Math.max(rate * settledSeconds, lanes.length);
    const isBehind = (): boolean => lanes.reduce((sum, { waiting }) => sum + waiting, 0) > usual;
    while (rate > 0 && performance.now() < until && this.#watch.signal?.aborted !== true && isBehind())
      await new Promise((resolve) => setTimeout(resolve, drainStepMs));
  }

  /** Sleeps until then, or until the load is aborted. */
  #sleepUntil(at: number): Promise<void> {
    if (this.#watch.signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(0, at - performance.now()));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #endInterval(to = this.#usage()): void {
    const from = this.#intervalFrom;
    const { lanes, tally } = this.#parts;
    const { intervalMs = defaultIntervalMs } = this.#plan;
    const counts = tally.interval();
    this.#intervalFrom = to;
    const seconds = (to.at - from.at) / 1000;
    // A rest of a moment has no rate worth showing.
    if (seconds < (intervalMs / 1000) * leastShare) return;
    const atSeconds = (to.at - this.#windowAt) / 1000;
    const interval: LoadInterval = {
      atSeconds: tally.phase === 'warm-up' ? Math.min(atSeconds, 0) : atSeconds,
      seconds,
      messages: counts.messages,
      rate: counts.messages / seconds,
      errors: counts.errors,
      inFlight: lanes.reduce((sum, lane) => sum + lane.inFlight, 0),
      ...percentiles(counts.latency),
      ...coresBetween(from, to),
      ...(to.server !== undefined && { serverRssMb: to.server.rssMb }),
      ...(this.#plan.rate !== undefined && { lateP99us: us(counts.lateness, 0.99) }),
    };
    if (tally.phase === 'measuring') this.#intervals.push(interval);
    this.#watch.onInterval?.(interval);
  }

  #usage(): Usage {
    const pid = this.#plan.serverPid ?? this.#parts.lanes[0].pid;
    return { at: performance.now(), cpu: process.cpuUsage(), server: processStats(pid) };
  }

  /** Waits for what is in flight; what never comes is an error, and in the open loop its wait counts as a latency. */
  async #drain(): Promise<void> {
    const { lanes, tally, drainMs } = this.#parts;
    const isAborted = this.#watch.signal?.aborted === true;
    const isOpen = this.#plan.rate !== undefined;
    const until = performance.now() + (isAborted ? Math.min(abortedDrainMs, drainMs) : drainMs);
    while (performance.now() < until && lanes.some((lane) => lane.waiting > 0))
      await new Promise((resolve) => setTimeout(resolve, drainStepMs));
    const now = performance.now();
    const problem = isAborted ? undefined : `not answered within ${drainMs} ms after the end of the load`;
    for (const lane of lanes) lane.giveUp(now, problem, isOpen);
    tally.phase = 'over';
  }

  #report(before: Usage, after: Usage, made: number): LoadReport {
    const { lanes, tally, window, transport } = this.#parts;
    const { rate } = this.#plan;
    const seconds = (after.at - before.at) / 1000;
    const latency = tally.latency();
    const { messages } = tally;
    const { generatorCpu, serverCpu } = coresBetween(before, after);
    const lateP99us = us(tally.lateness, 0.99);
    const wanted = rate === undefined ? 0 : Math.floor(rate * seconds);
    const saturation = saturationOf(
      generatorCpu,
      rate === undefined ? undefined : { lateP99us, made, wanted },
    );
    return {
      mode: rate === undefined ? 'closed' : 'open',
      generator: 'javascript',
      transport,
      connections: lanes.length,
      ...((rate === undefined || this.#plan.depth !== undefined) && { depth: window }),
      ...(rate !== undefined && { targetRate: rate }),
      messages,
      seconds,
      rate: seconds === 0 ? 0 : messages / seconds,
      errors: tally.errors,
      lost: tally.lost,
      ...(tally.firstError !== undefined && { firstError: tally.firstError }),
      meanUs: latency.mean / 1e3,
      ...percentiles(latency),
      p9999us: us(latency, 0.9999),
      histogram: latency.toJSON(),
      operations: tally.operations(),
      intervals: this.#intervals,
      generatorCpu,
      ...(rate !== undefined && { lateP99us, lateMaxUs: tally.lateness.max / 1e3 }),
      ...(saturation !== undefined && { saturation }),
      ...(serverCpu !== undefined && {
        serverCpu,
        ...(messages > 0 && { cpuUsPerMsg: (serverCpu * seconds * 1e6) / messages }),
      }),
      ...(after.server !== undefined && { rssMb: after.server.rssMb, rssPeakMb: after.server.rssPeakMb }),
      ...tally.bytes(),
    };
  }
}

/** Why the figures are the generator's own; undefined where they are the server's. */
function saturationOf(
  generatorCpu: number,
  open: { readonly lateP99us: number; readonly made: number; readonly wanted: number } | undefined,
): string | undefined {
  const reasons: string[] = [];
  if (generatorCpu > fullCore)
    reasons.push(`the generator used ${generatorCpu.toFixed(2)} of one core: the server may answer more`);
  if (open !== undefined && open.lateP99us > tolerableLatenessUs)
    reasons.push(
      `1 % of the requests left ${(open.lateP99us / 1e3).toFixed(1)} ms late or more: latencies hold the generator's own delay`,
    );
  if (open !== undefined && open.wanted - open.made > open.wanted * tolerableMissing)
    reasons.push(`only ${open.made} of ${open.wanted} requests of the schedule were sent`);
  return reasons.length === 0 ? undefined : reasons.join('; ');
}

/** Samples the process it runs in. Costs a timer in native code, and some reads of /proc for each sample. */
import { performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { EventLoopWatch } from './event-loop-watch.js';
import { GcWatch } from './gc-watch.js';
import { readProc } from './proc-files.js';
import { type ProcessReading, type ProcessTotals, readingBetween } from './process-totals.js';

export class ProcessSampler {
  #watches: { readonly loop: EventLoopWatch; readonly gc: GcWatch } | undefined;
  #last: ProcessTotals | undefined;

  /** Begins to watch the event loop and the collections. Keeps no process alive. Idempotent. */
  start(): void {
    if (this.#watches !== undefined) return;
    const watches = { loop: new EventLoopWatch(), gc: new GcWatch() };
    watches.loop.start();
    watches.gc.start();
    this.#watches = watches;
    this.#last = this.totals();
  }

  /** Ends the watching. Idempotent; start() begins anew. */
  stop(): void {
    this.#watches?.loop.stop();
    this.#watches?.gc.stop();
    this.#watches = undefined;
    this.#last = undefined;
  }

  /** The interval since the last sample, or since start(), which must have been called. */
  sample(): ProcessReading {
    const before = this.#last;
    if (before === undefined) throw new TypeError('A ProcessSampler samples after start().');
    const after = this.totals();
    this.#last = after;
    return readingBetween(before, after);
  }

  /** What was counted so far, for those who take differences themselves. Collections and lag count from start(). */
  totals(): ProcessTotals {
    const { heapUsed, heapTotal, external, rss } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    const proc = readProc('self');
    const watches = this.#watches;
    const totals: ProcessTotals = {
      pid: process.pid,
      clockMs: performance.now(),
      cpuSeconds: (user + system) / 1e6,
      rssBytes: rss,
      heapUsedBytes: heapUsed,
      heapTotalBytes: heapTotal,
      heapLimitBytes: getHeapStatistics().heap_size_limit,
      externalBytes: external,
      ...known({
        processorWaitMs: proc?.processorWaitMs,
        descriptors: proc?.descriptors,
        descriptorLimit: proc?.descriptorLimit,
        threads: proc?.threads,
        diskBytes: proc?.diskBytes,
        networkBytes: proc?.networkBytes,
      }),
    };
    return watches === undefined ? totals : { ...totals, ...watched(watches) };
  }
}

function watched({
  loop,
  gc,
}: {
  readonly loop: EventLoopWatch;
  readonly gc: GcWatch;
}): Partial<ProcessTotals> {
  loop.update();
  gc.update();
  const { active, idle } = loop.utilization;
  const { count, majorCount, pauseMs, heapAfterMajorBytes } = gc;
  return {
    gc: { count, majorCount, pauseMs, pauses: gc.pauses.toJSON() },
    eventLoop: { activeMs: active, idleMs: idle, lag: loop.lag.toJSON() },
    ...known({ heapAfterGcBytes: heapAfterMajorBytes }),
  };
}

function known<T extends object>(values: T): Partial<{ [Name in keyof T]: NonNullable<T[Name]> }> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<{
    [Name in keyof T]: NonNullable<T[Name]>;
  }>;
}

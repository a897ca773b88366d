/** What the process it runs in uses: for measured servers, which are asked by their parent. */
import { constants, monitorEventLoopDelay, PerformanceObserver, performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import type { ServerUsage } from './protocol.js';

/** Timers of the lag histogram: a finer one would itself cost what is measured. */
const lagResolutionMs = 20;

export class UsageMeter {
  #gc = { count: 0, majorCount: 0, pauseMs: 0, longestPauseMs: 0 };
  readonly #lag = monitorEventLoopDelay({ resolution: lagResolutionMs });

  constructor() {
    this.#lag.enable();
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const { duration, detail } = entry as typeof entry & { readonly detail: { readonly kind: number } };
        this.#gc.count += 1;
        if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) this.#gc.majorCount += 1;
        this.#gc.pauseMs += duration;
        this.#gc.longestPauseMs = Math.max(this.#gc.longestPauseMs, duration);
      }
    }).observe({ entryTypes: ['gc'] });
  }

  read(): Omit<ServerUsage, 'implementation' | 'engine' | 'simd'> {
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
    // The histogram holds what passed between two timers; what was asked for is no lag.
    const late = (nanoseconds: number): number => Math.max(0, (nanoseconds || 0) / 1e6 - lagResolutionMs);
    const lag = this.#lag;
    const eventLoopLagMs = {
      p50: late(lag.percentile(50)),
      p99: late(lag.percentile(99)),
      max: late(lag.max === Number.MAX_SAFE_INTEGER ? 0 : lag.max),
    };
    lag.reset();
    const gc = { ...this.#gc };
    this.#gc.longestPauseMs = 0;
    return {
      cpuUs: user + system,
      rssBytes: rss,
      heapUsedBytes: heapUsed,
      heapTotalBytes: heapTotal,
      heapLimitBytes: getHeapStatistics().heap_size_limit,
      externalBytes: external,
      gc,
      eventLoopLagMs,
      eventLoopActiveMs: performance.eventLoopUtilization().active,
    };
  }
}

/** Counts collections of garbage, and looks at the heap behind each collection of the whole of it. */
import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { Histogram } from './histogram.js';

export class GcWatch {
  /** Nanoseconds of each pause, since start(). */
  readonly pauses = new Histogram();
  count = 0;
  majorCount = 0;
  pauseMs = 0;
  /** In use soon after the last collection of the whole heap; undefined before the first. */
  heapAfterMajorBytes: number | undefined = undefined;
  readonly #observer = new PerformanceObserver((list) => this.#take(list.getEntries()));

  start(): void {
    this.#observer.observe({ entryTypes: ['gc'] });
  }

  stop(): void {
    this.update();
    this.#observer.disconnect();
  }

  /** Takes what was not told yet. */
  update(): void {
    this.#take(this.#observer.takeRecords());
  }

  #take(entries: readonly PerformanceEntry[]): void {
    let sawMajor = false;
    for (const entry of entries) {
      const { duration } = entry;
      const { kind } = (entry as PerformanceEntry & { readonly detail: { readonly kind: number } }).detail;
      this.pauseMs += duration;
      this.pauses.record(duration * 1e6);
      const isMajor = kind === constants.NODE_PERFORMANCE_GC_MAJOR;
      // Steps of a collection at work, and callbacks, are pauses and no collections.
      if (isMajor || kind === constants.NODE_PERFORMANCE_GC_MINOR) this.count += 1;
      if (!isMajor) continue;
      this.majorCount += 1;
      sawMajor = true;
    }
    if (sawMajor) this.heapAfterMajorBytes = getHeapStatistics().used_heap_size;
  }
}

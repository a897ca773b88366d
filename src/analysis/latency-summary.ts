/** What a histogram of nanoseconds says, as every report of ours has it. */
import type { Histogram } from '../observability/histogram.js';
import type { LatencySummary } from './sample.js';

export function summaryOf(histogram: Histogram): LatencySummary {
  const at = (fraction: number): number => histogram.percentile(fraction) / 1e6;
  return {
    count: histogram.total,
    meanMs: histogram.mean / 1e6,
    p50Ms: at(0.5),
    p95Ms: at(0.95),
    p99Ms: at(0.99),
    p999Ms: at(0.999),
    maxMs: histogram.max / 1e6,
  };
}

/** Says of two series of rounds whether they differ, and by how much; without reading anything into noise. */
import { mannWhitney } from './rank-test.js';
import { median, type RatioInterval, ratioOfMedians, splitHalfNoise } from './statistics.js';

/** Of B, seen from A. */
export type Verdict = 'better' | 'worse' | 'no difference' | 'too few rounds';

export interface Metric {
  /** 'rate', 'p99', 'CPU per message'. */
  readonly name: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
}

export interface MetricComparison extends Metric {
  /** Medians. */
  readonly a: number;
  readonly b: number;
  readonly rounds: { readonly a: number; readonly b: number };
  /** b / a, with its interval. */
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
  readonly confidence: number;
  /** Two-sided, of the Mann-Whitney U test. */
  readonly pValue: number;
  /** Shares by which A differs from A and B from B: see splitHalfNoise. */
  readonly noiseA: number;
  readonly noiseB: number;
  readonly verdict: Verdict;
}

export interface CompareOptions {
  /** A p-value below this is a difference. Default 0.05. */
  readonly significance?: number;
  /** Noise known from elsewhere, as a share: from a second process of A, for instance. The larger one counts. */
  readonly noise?: number;
  readonly seed?: number;
}

/** Below this many rounds a side no arrangement of them has a p-value below 0.05: 3 against 3 gives 0.1 at best. */
export const fewestRounds = 4;

interface Evidence {
  readonly interval: RatioInterval;
  readonly pValue: number;
  readonly noise: number;
  readonly significance: number;
}

/** All three have to agree: each alone is fooled by something, intervals of few rounds by outliers for instance. */
function differs({ interval: { ratio, low, high }, pValue, noise, significance }: Evidence): boolean {
  const outsideInterval = low > 1 || high < 1;
  const outsideNoise = Math.abs(Math.log(ratio)) > Math.log1p(noise);
  return outsideInterval && outsideNoise && pValue < significance;
}

/**
 * Compares the rounds of A with those of B. Values are above 0. B is better or worse where the interval of the ratio
 * excludes 1, the ratio is outside what A differs from A and B from B, and the rank test agrees.
 */
export function compareRounds(
  metric: Metric,
  a: readonly number[],
  b: readonly number[],
  { significance = 0.05, noise: known = 0, seed = 1 }: CompareOptions = {},
): MetricComparison {
  const interval = ratioOfMedians(a, b, { seed });
  const { pValue } = mannWhitney(a, b);
  const noiseA = splitHalfNoise(a, seed);
  const noiseB = splitHalfNoise(b, seed);
  const verdict = (): Verdict => {
    if (a.length < fewestRounds || b.length < fewestRounds) return 'too few rounds';
    const noise = Math.max(known, noiseA, noiseB);
    if (!differs({ interval, pValue, noise, significance })) return 'no difference';
    return interval.ratio > 1 === (metric.better === 'higher') ? 'better' : 'worse';
  };
  return {
    ...metric,
    a: median(a),
    b: median(b),
    rounds: { a: a.length, b: b.length },
    ...interval,
    pValue,
    noiseA,
    noiseB,
    verdict: verdict(),
  };
}

/** By how much B is worse than A as a share of A: 0.1 is a rate 10 % lower, or a latency 10 % higher. Below 0: better. */
export function worsening({ ratio, better }: Pick<MetricComparison, 'ratio' | 'better'>): number {
  return better === 'higher' ? 1 - ratio : ratio - 1;
}

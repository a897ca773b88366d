/** What a handful of noisy rounds says: middles, spreads, and how sure one can be of a ratio. */
import { seededRandom, shuffle } from './random.js';

/** Makes the median absolute deviation an estimate of the standard deviation where values are normally distributed. */
const normalConsistency = 1.4826;

function ascending(values: Iterable<number>): Float64Array {
  return Float64Array.from(values).sort();
}

function quantileOfSorted(sorted: Float64Array, fraction: number): number {
  if (sorted.length === 0) return Number.NaN;
  const at = (sorted.length - 1) * Math.min(1, Math.max(0, fraction));
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (at - below);
}

/** The value below which `fraction` of all lie, interpolated between neighbours; NaN of none. */
export function quantile(values: readonly number[], fraction: number): number {
  return quantileOfSorted(ascending(values), fraction);
}

/** NaN of none. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Median absolute deviation, scaled to a standard deviation: one outlier in five rounds does not move it. */
export function robustDeviation(values: readonly number[]): number {
  const middle = median(values);
  return normalConsistency * median(values.map((value) => Math.abs(value - middle)));
}

export interface RatioInterval {
  /** median(b) / median(a). */
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
  readonly confidence: number;
}

export interface BootstrapOptions {
  /** Default 0.95. */
  readonly confidence?: number;
  /** Default 2,000. */
  readonly resamples?: number;
  readonly seed?: number;
}

function resampledMedian(values: Float64Array, scratch: Float64Array, random: () => number): number {
  for (let index = 0; index < scratch.length; index += 1)
    scratch[index] = values[Math.floor(random() * values.length)];
  return quantileOfSorted(scratch.sort(), 0.5);
}

/**
 * How many times the median of `a` the median of `b` is, with the interval that bootstrapping gives (Efron's percentile
 * interval): no shape of the distribution is assumed. Values must be above 0; NaN where a side is empty.
 */
export function ratioOfMedians(
  a: readonly number[],
  b: readonly number[],
  { confidence = 0.95, resamples = 2000, seed = 1 }: BootstrapOptions = {},
): RatioInterval {
  const ratio = median(b) / median(a);
  if (a.length === 0 || b.length === 0) return { ratio, low: Number.NaN, high: Number.NaN, confidence };
  const random = seededRandom(seed);
  const [first, second] = [Float64Array.from(a), Float64Array.from(b)];
  const [scratchA, scratchB] = [new Float64Array(a.length), new Float64Array(b.length)];
  const ratios = new Float64Array(resamples);
  for (let index = 0; index < resamples; index += 1) {
    const base = resampledMedian(first, scratchA, random);
    ratios[index] = resampledMedian(second, scratchB, random) / base;
  }
  ratios.sort();
  const tail = (1 - confidence) / 2;
  return {
    ratio,
    low: quantileOfSorted(ratios, tail),
    high: quantileOfSorted(ratios, 1 - tail),
    confidence,
  };
}

/**
 * By how much two medians of as many values as `values` would differ although nothing differs, as a share: 0.03 is 3 %.
 * The values are parted into halves at random, again and again; 95 % of the halves' medians are nearer to each other.
 * Halves hold half the rounds, so what they differ by is scaled by the root of one half. NaN below four values.
 */
export function splitHalfNoise(values: readonly number[], seed = 1): number {
  if (values.length < 4) return Number.NaN;
  const splits = 400;
  const random = seededRandom(seed);
  const shuffled = Float64Array.from(values);
  const half = shuffled.length >> 1;
  const differences = new Float64Array(splits);
  for (let index = 0; index < splits; index += 1) {
    shuffle(shuffled, random);
    const left = quantileOfSorted(shuffled.slice(0, half).sort(), 0.5);
    const right = quantileOfSorted(shuffled.slice(half).sort(), 0.5);
    differences[index] = Math.abs(Math.log(left / right));
  }
  return Math.expm1(quantileOfSorted(differences.sort(), 0.95) * Math.SQRT1_2);
}

/** Statistics against values that SciPy 1.17 computes, and against counting every arrangement. */
import { describe, expect, it } from 'vitest';
import { compareRounds, type Metric, worsening } from '../../src/analysis/compare.js';
import { seededRandom, shuffle } from '../../src/analysis/random.js';
import { mannWhitney } from '../../src/analysis/rank-test.js';
import {
  median,
  quantile,
  ratioOfMedians,
  robustDeviation,
  splitHalfNoise,
} from '../../src/analysis/statistics.js';

const mixed = [3, 1, 4, 1, 5, 9, 2, 6];

/** Normally distributed, by Box and Muller. */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

describe('quantiles', () => {
  it('interpolate between neighbours, as numpy.quantile does', () => {
    for (const [fraction, wanted] of [
      [0, 1],
      [0.1, 1],
      [0.25, 1.75],
      [0.5, 3.5],
      [0.9, 6.9],
      [1, 9],
    ])
      expect(quantile(mixed, fraction), String(fraction)).toBeCloseTo(wanted, 12);
    expect(median([7])).toBe(7);
    expect(median([])).toBeNaN();
  });

  it('leave their input as it was', () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });

  it('robustDeviation is scipy.stats.median_abs_deviation(scale="normal")', () => {
    expect(robustDeviation(mixed)).toBeCloseTo(2.965204437011204, 4);
    expect(robustDeviation([10, 10.1, 9.9, 10, 5000])).toBeLessThan(0.2);
  });
});

describe('ratioOfMedians', () => {
  it('has the interval that scipy.stats.bootstrap(method="percentile") has', () => {
    const a = [100, 103, 98, 101, 99, 102];
    const b = [110, 108, 113, 109, 111, 112];
    const { ratio, low, high } = ratioOfMedians(a, b, { resamples: 20_000 });
    expect(ratio).toBeCloseTo(110.5 / 100.5, 12);
    expect(low).toBeCloseTo(1.0728, 2);
    expect(high).toBeCloseTo(1.1276, 2);
    expect(ratioOfMedians(a, b)).toEqual(ratioOfMedians(a, b));
    expect(ratioOfMedians(a, b, { seed: 2 }).ratio).toBe(ratio);
  });

  it('holds the true ratio about as often as it says', () => {
    const random = seededRandom(11);
    let held = 0;
    for (let run = 0; run < 300; run += 1) {
      const draw = (middle: number) => Array.from({ length: 15 }, () => middle * (1 + 0.05 * normal(random)));
      const { low, high } = ratioOfMedians(draw(100), draw(120), { resamples: 300, seed: run });
      if (low <= 1.2 && 1.2 <= high) held += 1;
    }
    expect(held / 300).toBeGreaterThan(0.9);
    expect(held / 300).toBeLessThan(1);
  });

  it('says nothing of nothing', () => {
    expect(ratioOfMedians([], [1])).toMatchObject({ ratio: Number.NaN, low: Number.NaN });
  });
});

describe('mannWhitney', () => {
  it('is exact for few values', () => {
    const result = mannWhitney([12.1, 11.8, 13, 12.5, 11.9], [13.2, 12.9, 13.5, 14, 12.7]);
    expect(result).toMatchObject({ u: 2, method: 'exact' });
    expect(result.pValue).toBeCloseTo(8 / 252, 12);
    expect(mannWhitney([1, 2, 3], [4, 5, 6])).toMatchObject({ u: 0, pValue: 0.1 });
    expect(mannWhitney([4, 5, 6], [1, 2, 3])).toMatchObject({ u: 9, pValue: 0.1 });
  });

  it('counts ties: every arrangement of the shared ranks, not a table made for distinct ones', () => {
    const { u, pValue } = mannWhitney([1, 2, 2, 3, 5, 5], [2, 4, 5, 6, 7]);
    expect(u).toBe(7);
    expect(pValue).toBeCloseTo(0.1645021645021645, 12);
    expect(mannWhitney([5, 5, 5], [5, 5, 5]).pValue).toBe(1);
  });

  it('is the normal approximation for many, as scipy.stats.mannwhitneyu(method="asymptotic")', () => {
    const a = Array.from({ length: 40 }, (_, at) => (at * 37) % 41);
    const b = Array.from({ length: 40 }, (_, at) => ((at * 29) % 43) + 5.5);
    const result = mannWhitney(a, b);
    expect(result).toMatchObject({ u: 602, method: 'normal' });
    expect(result.pValue).toBeCloseTo(0.05737479395674424, 6);
    expect(mannWhitney(Array(40).fill(1), Array(40).fill(1)).pValue).toBe(1);
  });

  it('agrees with itself where the method changes', () => {
    const random = seededRandom(5);
    const a = Array.from({ length: 30 }, () => normal(random));
    const b = Array.from({ length: 30 }, () => normal(random) + 0.5);
    const exact = mannWhitney(a, b);
    const approximate = mannWhitney([...a, 0.123], b);
    expect(exact.method).toBe('exact');
    expect(approximate.method).toBe('normal');
    expect(Math.abs(exact.pValue - approximate.pValue)).toBeLessThan(0.03);
  });

  it('has no opinion on an empty side', () => {
    expect(mannWhitney([], [1, 2])).toMatchObject({ pValue: 1 });
  });
});

describe('compareRounds', () => {
  const rate: Metric = { name: 'rate', unit: 'msg/s', better: 'higher' };
  const cpu: Metric = { name: 'CPU per message', unit: 'µs', better: 'lower' };
  const base = [100, 103, 98, 101, 99, 102];
  const times = (factor: number) => base.map((value, at) => value * factor + (at % 2) * 0.1);

  it('says which way it goes, for what should be high and for what should be low', () => {
    expect(compareRounds(rate, base, times(1.2)).verdict).toBe('better');
    expect(compareRounds(rate, base, times(0.8)).verdict).toBe('worse');
    expect(compareRounds(cpu, base, times(1.2)).verdict).toBe('worse');
    expect(compareRounds(cpu, base, times(0.8)).verdict).toBe('better');
  });

  it('gives the figures the verdict rests on', () => {
    const result = compareRounds(rate, base, times(0.8));
    expect(result).toMatchObject({ a: 100.5, rounds: { a: 6, b: 6 }, confidence: 0.95 });
    expect(result.ratio).toBeCloseTo(0.8, 2);
    expect(result.low).toBeLessThan(result.ratio);
    expect(result.high).toBeGreaterThan(result.ratio);
    expect(result.high).toBeLessThan(0.85);
    expect(result.pValue).toBeCloseTo(2 / 924, 12);
    expect(result.noiseA).toBeGreaterThan(0);
    expect(worsening(result)).toBeCloseTo(0.2, 2);
    expect(worsening(compareRounds(cpu, base, times(1.1)))).toBeCloseTo(0.1, 2);
  });

  it('reads no difference into noise', () => {
    expect(compareRounds(rate, base, base).verdict).toBe('no difference');
    expect(compareRounds(rate, base, times(1.01)).verdict).toBe('no difference');
    const wild = [100, 180, 60, 140, 90, 50];
    expect(
      compareRounds(
        rate,
        wild,
        wild.map((value) => value * 0.9),
      ).verdict,
    ).toBe('no difference');
    // As clear as can be, but a second process of A was seen to differ by more.
    expect(compareRounds(rate, base, times(0.8), { noise: 0.3 }).verdict).toBe('no difference');
  });

  it('cries wolf in fewer than one of twenty comparisons of the same with itself', () => {
    const random = seededRandom(3);
    const rounds = () => Array.from({ length: 6 }, () => 100 * Math.exp(0.05 * normal(random)));
    let different = 0;
    for (let run = 0; run < 200; run += 1)
      if (compareRounds(rate, rounds(), rounds(), { seed: run }).verdict !== 'no difference') different += 1;
    expect(different).toBeLessThanOrEqual(10);
  });

  it('does not judge by three rounds', () => {
    expect(compareRounds(rate, [1, 1, 1], [9, 9, 9]).verdict).toBe('too few rounds');
  });
});

describe('splitHalfNoise', () => {
  it('is what medians of the same differ by, 95 times of 100', () => {
    const random = seededRandom(8);
    const rounds = () => Array.from({ length: 12 }, () => 100 * Math.exp(0.04 * normal(random)));
    const differences: number[] = [];
    const noises: number[] = [];
    for (let run = 0; run < 200; run += 1) {
      const [a, b] = [rounds(), rounds()];
      differences.push(Math.abs(Math.log(median(a) / median(b))));
      noises.push(splitHalfNoise(a, run));
    }
    const real = Math.expm1(quantile(differences, 0.95));
    expect(median(noises) / real).toBeGreaterThan(0.6);
    expect(median(noises) / real).toBeLessThan(1.6);
  });

  it('is 0 of equal rounds and nothing of three', () => {
    expect(splitHalfNoise([5, 5, 5, 5])).toBe(0);
    expect(splitHalfNoise([1, 2, 3])).toBeNaN();
  });
});

describe('random numbers', () => {
  it('are the same for a seed, spread evenly, and lose nothing when they shuffle', () => {
    const draw = (seed: number) => Array.from({ length: 2000 }, seededRandom(seed));
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    const values = draw(1);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values)).toBeLessThan(1);
    for (const fraction of [0.25, 0.5, 0.75]) expect(quantile(values, fraction)).toBeCloseTo(fraction, 1);
    const deck = Array.from({ length: 20 }, (_, at) => at);
    shuffle(deck, seededRandom(4));
    expect(deck).not.toEqual([...deck].sort((a, b) => a - b));
    expect([...deck].sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, at) => at));
  });
});

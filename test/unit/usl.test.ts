/** Fits of the Universal Scalability Law against scipy.optimize.curve_fit, and what is predicted from them. */
import { describe, expect, it } from 'vitest';
import { inverseDiagonal, solveBounded } from '../../src/analysis/least-squares.js';
import {
  fitScaling,
  parametersOf,
  type ScalingPoint,
  scalingRate,
  smallestN,
  studentQuantile,
} from '../../src/analysis/usl.js';

const counts = [1, 4, 8, 12, 16, 20, 24, 28, 32, 48, 64];
const points = (n: readonly number[], rates: readonly number[]): ScalingPoint[] =>
  n.map((count, at) => ({ n: count, rate: rates[at] }));
const of = (n: readonly number[], lambda: number, sigma: number, kappa: number): ScalingPoint[] =>
  n.map((count) => ({ n: count, rate: scalingRate({ lambda, sigma, kappa }, count) }));

describe('fitScaling', () => {
  it.each([
    {
      n: counts,
      rates: [64.9, 237.2, 427.6, 567.6, 697.1, 806.9, 874.6, 932.8, 977.4, 1073.9, 1065],
      wanted: [64.29771284534954, 0.026608863141914595, 0.0002865204376601908],
      widths: [1.1783962736064788, 0.002535975067379319, 0.00004126475796493193],
      peakN: 58.2862199470815,
      rSquared: 0.9996151255657545,
    },
    {
      n: [1, 2, 4, 8, 16, 32],
      rates: [100, 190, 340, 540, 700, 810],
      wanted: [101.61382635287602, 0.06884864964269531, 0.0009279738499423742],
      widths: [6.037135978627581, 0.02334198419300713, 0.0007617846211703179],
      peakN: 31.676870538419895,
      rSquared: 0.9984048499432873,
    },
  ])(
    'is what curve_fit finds, with its intervals ($n.length points)',
    ({ n, rates, wanted, widths, ...rest }) => {
      const fit = fitScaling(points(n, rates));
      for (const [at, { value, low, high }] of [fit.lambda, fit.sigma, fit.kappa].entries()) {
        expect(value / wanted[at]).toBeCloseTo(1, 5);
        expect((high - value) / widths[at]).toBeCloseTo(1, 3);
        expect(low).toBeCloseTo(Math.max(0, wanted[at] - widths[at]), 2);
      }
      expect(fit.peakN / rest.peakN).toBeCloseTo(1, 4);
      expect(fit.rSquared).toBeCloseTo(rest.rSquared, 8);
      expect(fit.peakRate).toBeCloseTo(scalingRate(parametersOf(fit), fit.peakN), 6);
    },
  );

  it('finds the parameters of exact points again, over many powers of ten', () => {
    for (const [lambda, sigma, kappa] of [
      [1000, 0.05, 0.0002],
      [80_000, 0.3, 0.00001],
      [12, 0.001, 0.01],
      [5e6, 0.9, 0],
      [40, 0, 0.003],
      [40, 0, 0],
    ]) {
      const fit = fitScaling(of(counts, lambda, sigma, kappa));
      expect(fit.lambda.value / lambda).toBeCloseTo(1, 5);
      expect(fit.sigma.value).toBeCloseTo(sigma, 5);
      expect(fit.kappa.value).toBeCloseTo(kappa, 7);
    }
  });

  it('keeps to the bounds where more than proportional growth would break them', () => {
    const fit = fitScaling(points([1, 2, 4, 8], [100, 210, 450, 980]));
    expect(fit.sigma.value).toBe(0);
    expect(fit.kappa.value).toBe(0);
    expect(fit.peakN).toBe(Number.POSITIVE_INFINITY);
    expect(fit.peakRate).toBe(Number.POSITIVE_INFINITY);
    // The least relative squares of proportional growth: Σ(n/x) / Σ(n/x)².
    const parts = [1 / 100, 2 / 210, 4 / 450, 8 / 980];
    const sum = (values: number[]) => values.reduce((all, value) => all + value, 0);
    expect(fit.lambda.value).toBeCloseTo(sum(parts) / sum(parts.map((part) => part * part)), 6);
  });

  it('predicts the largest point of a noisy law it did not see', () => {
    const all = of([1, 2, 4, 8, 16, 32, 64], 20_000, 0.04, 0.0004).map(({ n, rate }, at) => ({
      n,
      rate: rate * (at % 2 === 0 ? 1.02 : 0.98),
    }));
    const last = all[all.length - 1];
    const predicted = scalingRate(parametersOf(fitScaling(all.slice(0, -1))), last.n);
    expect(Math.abs(predicted / last.rate - 1)).toBeLessThan(0.15);
  });

  it('says what is wrong with its points', () => {
    expect(() => fitScaling(points([1, 2, 4], [1, 2, 3]))).toThrow(/at least 4 different n.*there are 3/);
    expect(() => fitScaling(points([1, 1, 1, 1], [1, 2, 3, 4]))).toThrow(/there is 1/);
    expect(() => fitScaling(points([1, 2, 4, 0], [1, 2, 3, 4]))).toThrow(/not n 0 with rate 4/);
    expect(() => fitScaling(points([1, 2, 4, 8], [1, 2, 3, Number.NaN]))).toThrow(/rate NaN/);
  });
});

describe('smallestN', () => {
  const fit = fitScaling(of(counts, 1000, 0.05, 0.0002));

  it('is the first whole N that serves as much', () => {
    for (const rate of [1, 999, 1000, 1001, 5000, 9000, 12_000]) {
      const n = smallestN(fit, rate) ?? Number.NaN;
      expect(scalingRate(parametersOf(fit), n)).toBeGreaterThanOrEqual(rate * (1 - 1e-9));
      if (n > 1) expect(scalingRate(parametersOf(fit), n - 1), String(rate)).toBeLessThan(rate);
    }
  });

  it('is nothing beyond the peak or the ceiling', () => {
    expect(smallestN(fit, fit.peakRate * 1.01)).toBeUndefined();
    const ceiling = fitScaling(of(counts, 1000, 0.1, 0));
    expect(ceiling.peakRate).toBeCloseTo(10_000, 0);
    expect(smallestN(ceiling, 10_100)).toBeUndefined();
    expect(smallestN(ceiling, 9900)).toBeGreaterThan(500);
    expect(smallestN(fitScaling(of(counts, 1000, 0, 0)), 12_500)).toBe(13);
  });
});

describe('least squares', () => {
  it('sets to 0 what would fall below', () => {
    // Without the bound: 2, -1, 0.
    const [a, b, c] = solveBounded([
      [[1, 0, 0], 2],
      [[0, 1, 0], -1],
      [[1, 1, 0], 1],
    ]);
    expect([a, b, c]).toEqual([1.5, 0, 0]);
  });

  it('inverts what it is given', () => {
    // JᵀJ = [[2, 1], [1, 2]], whose inverse has 2/3 on its diagonal.
    const [a, b] = inverseDiagonal(
      [0, 1],
      [
        [1, 0, 0],
        [0, 1, 0],
        [1, 1, 0],
      ],
    );
    expect(a).toBeCloseTo(2 / 3, 12);
    expect(b).toBeCloseTo(2 / 3, 12);
    expect(inverseDiagonal([0, 1], [[1, 1, 0]])).toEqual([Number.NaN, Number.NaN]);
  });

  it('knows Student’s distribution', () => {
    for (const [freedom, wanted] of [
      [1, 12.706204736],
      [2, 4.30265273],
      [3, 3.182446305],
      [4, 2.776445105],
      [5, 2.570581836],
      [8, 2.306004135],
      [30, 2.042272456],
    ])
      expect(studentQuantile(freedom), String(freedom)).toBeCloseTo(wanted, 3);
  });
});

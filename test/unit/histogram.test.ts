import { describe, expect, it } from 'vitest';
import { Histogram } from '../../src/observability/histogram.js';

/** A generator of pseudo-random numbers of [0, 1) that is the same everywhere. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const shares = [0, 0.5, 0.9, 0.95, 0.99, 0.999, 0.9999, 1];

describe('Histogram', () => {
  it('says what sorting all values says, within 0.8 %', () => {
    const next = random(7);
    const distributions: Record<string, () => number> = {
      uniform: () => Math.floor(next() * 1e6),
      exponential: () => Math.floor(-Math.log(1 - next()) * 1e6),
      'two humps': () => Math.floor(next() < 0.99 ? 1e5 + next() * 1e4 : 1e9 * next()),
      'beyond 32 bits': () => Math.floor(next() * 2 ** 50),
      small: () => Math.floor(next() * 200),
    };
    for (const [name, draw] of Object.entries(distributions)) {
      const histogram = new Histogram();
      const values = Array.from({ length: 50_000 }, draw);
      for (const value of values) histogram.record(value);
      const sorted = Float64Array.from(values).sort();
      for (const share of shares) {
        const exact = sorted[Math.min(Math.floor(share * sorted.length), sorted.length - 1)];
        const told = histogram.percentile(share);
        expect(Math.abs(told - exact), `${name} at ${share}: ${told}, exactly ${exact}`).toBeLessThanOrEqual(
          exact * 0.008,
        );
      }
      expect(histogram.total).toBe(values.length);
      expect(histogram.max).toBe(sorted.at(-1));
      expect(histogram.mean).toBeCloseTo(values.reduce((sum, value) => sum + value, 0) / values.length, 3);
    }
  });

  it('is empty without values', () => {
    const histogram = new Histogram();
    expect([histogram.percentile(0.5), histogram.mean, histogram.max, histogram.total]).toEqual([0, 0, 0, 0]);
  });

  it('adds up to what one histogram of all values is, also through JSON', () => {
    const [left, right, both] = [new Histogram(), new Histogram(), new Histogram()];
    const next = random(3);
    for (let index = 0; index < 1000; index += 1) {
      const value = next() * 1e9;
      (index % 3 === 0 ? left : right).record(value);
      both.record(value);
    }
    left.add(Histogram.fromJSON(JSON.parse(JSON.stringify(right))));
    expect(left.toJSON()).toEqual(both.toJSON());
    expect([...left].reduce((sum, [, count]) => sum + count, 0)).toBe(1000);
    left.reset();
    expect(left.toJSON()).toEqual(new Histogram().toJSON());
  });

  it('takes odd values as the nearest it can hold, and refuses steps that do not exist', () => {
    const histogram = new Histogram();
    for (const value of [-5, Number.NaN, 0.9]) histogram.record(value);
    expect(histogram.percentile(1)).toBe(0);
    histogram.record(Number.MAX_VALUE);
    expect(histogram.max).toBe(Number.MAX_SAFE_INTEGER);
    expect(() => Histogram.fromJSON({ counts: [[1e6, 1]], sum: 0, max: 0 })).toThrow(/no step/);
  });
});

/** Change points of series whose changes are known, and of noise that has none. */
import { describe, expect, it } from 'vitest';
import { changePoints } from '../../src/analysis/change-points.js';
import { seededRandom } from '../../src/analysis/random.js';

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Levels as [length, height], with noise of `deviation` of the height. */
function series(levels: readonly (readonly [number, number])[], deviation: number, seed: number): number[] {
  const random = seededRandom(seed);
  return levels.flatMap(([length, height]) =>
    Array.from({ length }, () => height * (1 + deviation * normal(random))),
  );
}

describe('changePoints', () => {
  it('finds a step and its height', () => {
    const [found, ...more] = changePoints(series([[25, 1000], [20, 850]], 0.03, 1)); // biome-ignore format: one line
    expect(more).toEqual([]);
    expect(Math.abs(found.index - 25)).toBeLessThanOrEqual(1);
    expect(found.before / 1000).toBeCloseTo(1, 1);
    expect(found.ratio).toBeGreaterThan(0.8);
    expect(found.ratio).toBeLessThan(0.9);
    expect(found.pValue).toBe(0.001);
  });

  it('finds a level that comes back, and one after the other', () => {
    const back = changePoints(series([[20, 100], [10, 80], [20, 100]], 0.03, 2)); // biome-ignore format: one line
    expect(back.map(({ index }) => index)).toEqual([20, 30]);
    expect(back.map(({ ratio }) => ratio > 1)).toEqual([false, true]);
    const stairs = changePoints(series([[15, 100], [15, 120], [15, 150], [15, 110]], 0.03, 3)); // biome-ignore format: one line
    expect(stairs.map(({ index }) => index)).toEqual([15, 30, 45]);
  });

  it('finds what happened a few values ago, once there are enough of them', () => {
    const values = series([[30, 100], [5, 70]], 0.03, 4); // biome-ignore format: one line
    expect(changePoints(values).map(({ index }) => index)).toEqual([30]);
    expect(changePoints(values.slice(0, 33))).toEqual([]);
  });

  it('is not moved by outliers', () => {
    const values = series([[40, 100]], 0.03, 5); // biome-ignore format: one line
    values[7] = 1;
    values[20] = 900;
    values[21] = 700;
    expect(changePoints(values)).toEqual([]);
  });

  it('reports a change of noise alone as rarely as it promises, whatever the noise is like', () => {
    const random = seededRandom(99);
    const noises: Record<string, () => number> = {
      normal: () => normal(random),
      'heavy-tailed': () => normal(random) / Math.abs(normal(random)),
      'of few values': () => Math.floor(random() * 3),
      lopsided: () => -Math.log(1 - random()),
    };
    const runs = 60;
    for (const [name, noise] of Object.entries(noises)) {
      let alarms = 0;
      for (let run = 0; run < runs; run += 1) {
        const values = Array.from({ length: 40 }, noise);
        const found = changePoints(values, { significance: 0.05, permutations: 99, seed: run });
        if (found.length > 0) alarms += 1;
      }
      // 3 of 60 are expected; 9 or more have a probability of 0.002.
      expect(alarms, name).toBeLessThan(9);
    }
  });

  it('comes out the same each time, and finds nothing in nothing', () => {
    const values = series([[20, 100], [20, 90]], 0.05, 6); // biome-ignore format: one line
    expect(changePoints(values)).toEqual(changePoints(values));
    expect(changePoints([])).toEqual([]);
    expect(changePoints([1, 2, 3])).toEqual([]);
    expect(changePoints(Array(50).fill(7))).toEqual([]);
  });

  it('looks at long series in windows', () => {
    const values = series([[390, 100], [320, 90]], 0.03, 7); // biome-ignore format: one line
    const options = { permutations: 99 };
    expect(changePoints(values, options).map(({ index }) => index)).toEqual([390]);
  });
});

/**
 * The slope of noisy points: Theil-Sen (the median of the slopes between all pairs, which a third of bad points does not
 * move) with the confidence interval of Sen 1968 and the trend test of Mann and Kendall.
 */

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Slope {
  /** y per x. */
  readonly slope: number;
  /** The 95 % confidence interval. */
  readonly low: number;
  readonly high: number;
  /** How sure it is that y rises with x: 1 is certain, 0.5 a coin, 0 certain that it falls. */
  readonly confidence: number;
  readonly points: number;
}

/** Pairs grow with the square: more points than this are thinned by the caller or here, evenly. */
const maxPoints = 400;

/** Undefined with fewer than three points, or where all have the same x. */
export function slopeOf(given: readonly Point[]): Slope | undefined {
  const points = thinned(given);
  const count = points.length;
  const slopes: number[] = [];
  let rising = 0;
  for (let i = 0; i < count; i += 1) {
    for (let j = i + 1; j < count; j += 1) {
      const run = points[j].x - points[i].x;
      if (run === 0) continue;
      const slope = (points[j].y - points[i].y) / run;
      slopes.push(slope);
      rising += Math.sign(slope);
    }
  }
  if (count < 3 || slopes.length === 0) return undefined;
  slopes.sort((a, b) => a - b);
  // The variance of Kendall's S for points without ties; ties make it smaller, so that this errs to the safe side.
  const deviation = Math.sqrt((count * (count - 1) * (2 * count + 5)) / 18);
  const margin = 1.96 * deviation;
  const at = (index: number): number => slopes[Math.min(Math.max(Math.round(index), 0), slopes.length - 1)];
  return {
    slope: median(slopes),
    low: at((slopes.length - margin) / 2 - 1),
    high: at((slopes.length + margin) / 2),
    // One pair is taken off: S moves in steps, and the normal distribution does not.
    confidence: normal((rising - Math.sign(rising)) / deviation),
    points: count,
  };
}

function thinned(points: readonly Point[]): readonly Point[] {
  if (points.length <= maxPoints) return points;
  const step = points.length / maxPoints;
  return Array.from({ length: maxPoints }, (_, index) => points[Math.floor(index * step)]);
}

/** Of rising values. */
function median(sorted: readonly number[]): number {
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The standard normal distribution, by Abramowitz and Stegun 26.2.17: off by less than 1e-7. */
function normal(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const tail =
    (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) *
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return z >= 0 ? 1 - tail : tail;
}

/**
 * Where a series of measurements changed its level: circular binary segmentation (Olshen et al., Biostatistics 2004) on
 * ranks with a permutation test.
 *
 * Why this one: a penalised cost (PELT) needs to know how the noise is distributed to choose its penalty, and rates of
 * shared machines have outliers and unknown spread. Ranks take any distribution, and a permutation test needs no penalty:
 * where nothing changed, a change is reported with a probability of `significance` at most, whatever the noise. Plain
 * binary segmentation overlooks a level that comes back (slower for ten commits, then repaired), because neither of the
 * two borders alone parts the series well; so a stretch is compared with all around it.
 */
import { seededRandom, shuffle } from './random.js';
import { ranksOf } from './rank-test.js';
import { median } from './statistics.js';

export interface ChangePoint {
  /** The first value of the new level. */
  readonly index: number;
  /** Medians of the levels on both sides, up to the next change or the end. */
  readonly before: number;
  readonly after: number;
  /** after / before. */
  readonly ratio: number;
  /** How likely a border as clear is drawn between values of one level: of a permutation test. */
  readonly pValue: number;
}

export interface ChangePointOptions {
  /** How likely a series without a change is reported to have one. Default 0.01. */
  readonly significance?: number;
  /** Values of a level, at least. Default 4. */
  readonly shortest?: number;
  /** Default 999. */
  readonly permutations?: number;
  readonly seed?: number;
}

interface Stretch {
  readonly from: number;
  readonly to: number;
  /** How far the stretch's sum of ranks is from its expectation, in squared standard deviations. */
  readonly score: number;
}

type Settings = Required<ChangePointOptions>;

/** Work per permutation is the square of the length: longer series are looked at in windows of this many values. */
const longest = 400;

/** The stretch that is least like the rest of `ranks`. Both have at least `shortest` values. */
function strangest(ranks: Float64Array, shortest: number, sums: Float64Array): Stretch {
  const count = ranks.length;
  for (let index = 0; index < count; index += 1) sums[index + 1] = sums[index] + ranks[index];
  const mean = sums[count] / count;
  let best: Stretch = { from: 0, to: count, score: 0 };
  for (let from = 0; from <= count - shortest; from += 1) {
    const first = from + shortest;
    const last = Math.min(count, from + count - shortest);
    for (let to = first; to <= last; to += 1) {
      const size = to - from;
      const distance = sums[to] - sums[from] - size * mean;
      // Variance of the sum of `size` ranks, up to a factor that is the same for all stretches of a series.
      const score = (distance * distance * count) / (size * (count - size));
      // A rest in two parts, one of them tiny, is a border drawn by an outlier: the parts are levels too.
      const bordersFit = (from === 0 || from >= shortest) && (to === count || count - to >= shortest);
      if (bordersFit && score > best.score) best = { from, to, score };
    }
  }
  return best;
}

/** The stretch of values[from, to) that is another level, or undefined where chance explains it. */
function changedStretch(
  values: readonly number[],
  random: () => number,
  { shortest, permutations, significance }: Settings,
): Stretch | undefined {
  if (values.length < 2 * shortest) return undefined;
  const { doubled } = ranksOf(values);
  const sums = new Float64Array(values.length + 1);
  const found = strangest(doubled, shortest, sums);
  if (found.score === 0) return undefined;
  const allowed = Math.floor(significance * (permutations + 1)) - 1;
  let asStrange = 0;
  for (let round = 0; round < permutations; round += 1) {
    shuffle(doubled, random);
    if (strangest(doubled, shortest, sums).score < found.score) continue;
    asStrange += 1;
    if (asStrange > allowed) return undefined;
  }
  return found;
}

function split(
  values: readonly number[],
  offset: number,
  random: () => number,
  settings: Settings,
): number[] {
  const found = changedStretch(values, random, settings);
  if (found === undefined) return [];
  const borders = [0, found.from, found.to, values.length].filter((at, index, all) => at !== all[index - 1]);
  const points: number[] = [];
  for (let index = 0; index + 1 < borders.length; index += 1) {
    const [from, to] = [borders[index], borders[index + 1]];
    if (from > 0) points.push(offset + from);
    points.push(...split(values.slice(from, to), offset + from, random, settings));
  }
  return points;
}

/** How well the best border parts ranks into two levels: the largest of all squared, standardised sums. */
function bestScore(ranks: Float64Array, shortest: number): number {
  const mean = ranks.reduce((sum, rank) => sum + rank, 0) / ranks.length;
  let best = 0;
  let distance = 0;
  for (let size = 1; size <= ranks.length - shortest; size += 1) {
    distance += ranks[size - 1] - mean;
    if (size >= shortest) best = Math.max(best, distance ** 2 / (size * (ranks.length - size)));
  }
  return best;
}

/**
 * Where two levels meet: the border with the least absolute distance of all values to the median of their side. Ranks
 * tell whether there are two levels, but not where: they do not see how far apart values are.
 */
function borderOf(values: readonly number[], shortest: number): number {
  const cost = (side: readonly number[]): number => {
    const middle = median(side);
    return side.reduce((sum, value) => sum + Math.abs(value - middle), 0);
  };
  let best = { size: shortest, cost: Number.POSITIVE_INFINITY };
  for (let size = shortest; size <= values.length - shortest; size += 1) {
    const both = cost(values.slice(0, size)) + cost(values.slice(size));
    if (both < best.cost) best = { size, cost: both };
  }
  return best.size;
}

/** Each border between its two neighbours: where it is, and how often chance alone would draw one as clear. */
function judge(values: readonly number[], points: readonly number[], settings: Settings): ChangePoint[] {
  const { shortest, permutations, seed } = settings;
  return points.map((_, at) => {
    const [from, to] = [points[at - 1] ?? 0, points[at + 1] ?? values.length];
    const around = values.slice(from, to);
    const { doubled } = ranksOf(around);
    const found = bestScore(doubled, shortest);
    const random = seededRandom(seed);
    let asClear = 0;
    for (let round = 0; round < permutations; round += 1) {
      shuffle(doubled, random);
      if (bestScore(doubled, shortest) >= found) asClear += 1;
    }
    const size = borderOf(around, shortest);
    const [before, after] = [median(around.slice(0, size)), median(around.slice(size))];
    const pValue = (asClear + 1) / (permutations + 1);
    return { index: from + size, before, after, ratio: after / before, pValue };
  });
}

/** Change points of a series in the order it was measured, rising by index. */
export function changePoints(values: readonly number[], options: ChangePointOptions = {}): ChangePoint[] {
  const { significance = 0.01, shortest = 4, permutations = 999, seed = 1 } = options;
  const settings = { significance, shortest, permutations, seed };
  const random = seededRandom(seed);
  const found = new Set<number>();
  // Windows overlap by half, so that a change at the border of one is in the middle of the next.
  for (let start = 0; start === 0 || start + longest / 2 < values.length; start += longest / 2)
    for (const index of split(values.slice(start, start + longest), start, random, settings))
      found.add(index);
  let points = [...found].sort((a, b) => a - b);
  // A stretch has two borders, of which one may part nothing: the weakest goes until all that remain part two levels.
  for (;;) {
    const judged = judge(values, points, settings);
    const weakest = judged.reduce(
      (worst, { pValue }, at) => (pValue > (judged[worst]?.pValue ?? 0) ? at : worst),
      -1,
    );
    if (weakest < 0 || judged[weakest].pValue <= significance)
      return judged.filter(({ index }, at) => at === 0 || index > judged[at - 1].index);
    points = points.filter((_, at) => at !== weakest);
  }
}

/** The Mann-Whitney U test: do values of one side tend to be larger than those of the other? */

export interface RankTest {
  /** Pairs in which the first side's value is the larger; a tie counts one half. */
  readonly u: number;
  /** Two-sided: how likely sides that do not differ give a U as far from its middle as this one. */
  readonly pValue: number;
  readonly method: 'exact' | 'normal';
}

/** Up to this many values on both sides together every arrangement is counted; the sum grows with the fourth power. */
const exactUpTo = 60;

export interface Ranks {
  /** Twice the rank of each value, so that shared ranks are whole numbers. */
  readonly doubled: Float64Array;
  /** Sum of t³ - t over the groups of t equal values. */
  readonly ties: number;
}

/** Ranks from 1; equal values share the mean of theirs. */
export function ranksOf(values: readonly number[]): Ranks {
  const order = values.map((_, index) => index).sort((a, b) => values[a] - values[b]);
  const doubled = new Float64Array(values.length);
  let ties = 0;
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && values[order[end]] === values[order[start]]) end += 1;
    for (let at = start; at < end; at += 1) doubled[order[at]] = start + end + 1;
    ties += (end - start) ** 3 - (end - start);
    start = end;
  }
  return { doubled, ties };
}

/** The share of all ways to choose `size` of the ranks whose sum is at least as far from the middle as `sum`. */
function exactTail(doubled: Float64Array, size: number, sum: number): number {
  const total = doubled.reduce((all, rank) => all + rank, 0);
  // ways[k][s]: choices of k of the ranks seen so far that sum up to s. Counts above 2^53 are rounded, to 16 digits.
  const ways = Array.from({ length: size + 1 }, () => new Float64Array(total + 1));
  ways[0][0] = 1;
  let seen = 0;
  for (const rank of doubled) {
    seen += rank;
    for (let count = size; count > 0; count -= 1)
      for (let at = seen; at >= rank; at -= 1) ways[count][at] += ways[count - 1][at - rank];
  }
  const middle = (size * total) / doubled.length;
  const distance = Math.abs(sum - middle) - 1e-9;
  let far = 0;
  let all = 0;
  for (const [at, count] of ways[size].entries()) {
    all += count;
    if (Math.abs(at - middle) >= distance) far += count;
  }
  return far / all;
}

/** The upper tail of the standard normal distribution, by Zelen and Severo (Abramowitz and Stegun 26.2.17; |error| < 7.5e-8). */
function normalTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const polynomial =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * polynomial;
}

/** Two-sided, with the correction for ties and for continuity. */
function normalApproximation(u: number, first: number, second: number, ties: number): number {
  const count = first + second;
  const variance = ((first * second) / 12) * (count + 1 - ties / (count * (count - 1)));
  if (variance <= 0) return 1;
  const distance = Math.max(0, Math.abs(u - (first * second) / 2) - 0.5);
  return Math.min(1, 2 * normalTail(distance / Math.sqrt(variance)));
}

/** A p-value of 1 where a side is empty or all values are the same. */
export function mannWhitney(a: readonly number[], b: readonly number[]): RankTest {
  const { doubled, ties } = ranksOf([...a, ...b]);
  const sum = doubled.subarray(0, a.length).reduce((all, rank) => all + rank, 0);
  const u = sum / 2 - (a.length * (a.length + 1)) / 2;
  const method = doubled.length <= exactUpTo ? 'exact' : 'normal';
  if (a.length === 0 || b.length === 0) return { u: 0, pValue: 1, method };
  const pValue =
    method === 'exact' ? exactTail(doubled, a.length, sum) : normalApproximation(u, a.length, b.length, ties);
  return { u, pValue, method };
}

export function median(values) {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Rounds to `digits` significant digits: more would claim a precision no run has. */
export const significant = (value, digits = 5) =>
  value === undefined || !Number.isFinite(value) ? undefined : Number(value.toPrecision(digits));

/** Median of every numeric field over the rounds. */
export function medians(rounds, fields) {
  const out = {};
  for (const field of fields) {
    const values = rounds.map((round) => round[field]).filter((value) => value !== undefined);
    if (values.length > 0) out[field] = significant(median(values));
  }
  return out;
}

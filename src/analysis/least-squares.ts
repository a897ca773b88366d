/** Linear least squares of up to three unknowns, none of them below 0. */

export type Vector3 = readonly [number, number, number];

/** One equation: coefficients of the three unknowns, and what they should sum up to. */
export type Equation = readonly [coefficients: Vector3, value: number];

/** Solves the symmetric system `matrix` x = `right` in place by Gauss and Jordan with pivots; undefined where it is singular. */
function solve(matrix: number[][], right: number[]): number[] | undefined {
  const size = right.length;
  const rows = matrix.map((row, index) => [...row, right[index]]);
  for (let column = 0; column < size; column += 1) {
    let pivot = column;
    for (let row = column + 1; row < size; row += 1)
      if (Math.abs(rows[row][column]) > Math.abs(rows[pivot][column])) pivot = row;
    [rows[column], rows[pivot]] = [rows[pivot], rows[column]];
    const divisor = rows[column][column];
    if (!(Math.abs(divisor) > Number.MIN_VALUE)) return undefined;
    for (let row = 0; row < size; row += 1) {
      if (row === column) continue;
      const factor = rows[row][column] / divisor;
      for (let at = column; at <= size; at += 1) rows[row][at] -= factor * rows[column][at];
    }
  }
  return rows.map((row, index) => row[size] / row[index]);
}

function normalMatrix(unknowns: readonly number[], rows: readonly Vector3[]): number[][] {
  return unknowns.map((i) => unknowns.map((j) => rows.reduce((sum, row) => sum + row[i] * row[j], 0)));
}

/** The solution with the least squared error among those with no unknown below 0: all eight sets of unknowns at 0 are tried. */
export function solveBounded(equations: readonly Equation[]): Vector3 {
  const rows = equations.map(([row]) => row);
  let best: Vector3 = [0, 0, 0];
  let least = Number.POSITIVE_INFINITY;
  for (let mask = 0; mask < 8; mask += 1) {
    const free = [0, 1, 2].filter((at) => (mask & (1 << at)) !== 0);
    const right = free.map((at) => equations.reduce((sum, [row, value]) => sum + row[at] * value, 0));
    const solved = solve(normalMatrix(free, rows), right);
    if (solved === undefined || solved.some((value) => !(value >= 0))) continue;
    const full: [number, number, number] = [0, 0, 0];
    for (const [index, at] of free.entries()) full[at] = solved[index];
    const error = equations.reduce(
      (sum, [row, value]) => sum + (row[0] * full[0] + row[1] * full[1] + row[2] * full[2] - value) ** 2,
      0,
    );
    if (error < least) [best, least] = [full, error];
  }
  return best;
}

/** The diagonal of the inverse of JᵀJ for the unknowns that are free; NaN where it is singular. */
export function inverseDiagonal(free: readonly number[], rows: readonly Vector3[]): number[] {
  // Columns are scaled to length 1, so that parameters of very different size do not cost digits.
  const lengths = [0, 1, 2].map((at) => Math.hypot(...rows.map((row) => row[at])));
  const scaled = rows.map((row) => row.map((value, at) => value / lengths[at]) as unknown as Vector3);
  const matrix = normalMatrix(free, scaled);
  return free.map((at, index) => {
    const unit = free.map((_, other) => (other === index ? 1 : 0));
    const solved = solve(matrix, unit);
    return solved === undefined ? Number.NaN : solved[index] / (lengths[at] * lengths[at]);
  });
}

// Timing of functions inside this process: interleaved, each long enough for the clock.
import { median, significant } from './statistics.mjs';

function timeOnce(work, atLeastMs) {
  let runs = 0;
  let units = 0;
  const begin = process.hrtime.bigint();
  let elapsed = 0;
  do {
    units += work();
    runs += 1;
    // Looking at the clock costs as much as a small unit of work: not every time.
    if (runs % 4 === 0 || runs < 4) elapsed = Number(process.hrtime.bigint() - begin);
  } while (elapsed < atLeastMs * 1e6 || (runs % 4 !== 0 && runs > 4));
  return elapsed / units;
}

/**
 * Nanoseconds per unit of each work, as the median of interleaved rounds. A work does something and returns how many
 * units that was. Each runs once for the compiler before the first round.
 */
export function timeInTurn(works, { rounds, atLeastMs }) {
  const samples = new Map(works.map(([name]) => [name, []]));
  for (const [, work] of works) timeOnce(work, atLeastMs);
  for (let round = 0; round < rounds; round++) {
    for (const [name, work] of works) samples.get(name).push(timeOnce(work, atLeastMs));
  }
  return works.map(([name]) => ({ name, nanoseconds: significant(median(samples.get(name)), 4) }));
}

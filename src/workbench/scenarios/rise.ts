/** Rising load: finds the highest rate that holds. */
import type { Rise } from './scenario.js';

/** What became of one rate. */
export type StepVerdict = 'held' | 'broke' | 'generator';

export interface RiseEnd {
  /** The highest rate that held; 0 where none did. */
  readonly held: number;
  /** The lowest that did not; undefined where every step held. */
  readonly brokeAt?: number;
  readonly generatorWasLimit: boolean;
}

/** Where the first rate does not hold: how often a lower one is tried. */
const maxDescents = 8;

/**
 * Steps of `factor` until one does not hold, then halves what lies between, `refine` times. Where not even the first
 * one holds, it goes down by halves first. `step` runs one rate; undefined from it ends the search where it is.
 */
export async function findBreakingPoint(
  { from, factor, steps, refine }: Rise,
  step: (rate: number) => Promise<StepVerdict | undefined>,
): Promise<RiseEnd> {
  let held = 0;
  let broke: { readonly rate: number; readonly verdict: StepVerdict } | undefined;
  for (let index = 0; index < steps && broke === undefined; index += 1) {
    const rate = Math.round(from * factor ** index);
    const verdict = await step(rate);
    if (verdict === undefined) return { held, generatorWasLimit: false };
    if (verdict === 'held') held = rate;
    else broke = { rate, verdict };
  }
  for (let descent = 0; descent < maxDescents && broke !== undefined && held === 0; descent += 1) {
    const rate = Math.round(broke.rate / 2);
    if (rate === broke.rate) break;
    const verdict = await step(rate);
    if (verdict === undefined) break;
    if (verdict === 'held') held = rate;
    else broke = { rate, verdict };
  }
  for (let half = 0; half < refine && broke !== undefined && held > 0; half += 1) {
    const rate = Math.round((held + broke.rate) / 2);
    const verdict = await step(rate);
    if (verdict === undefined) break;
    if (verdict === 'held') held = rate;
    else broke = { rate, verdict };
  }
  if (broke === undefined) return { held, generatorWasLimit: false };
  return { held, brokeAt: broke.rate, generatorWasLimit: broke.verdict === 'generator' };
}

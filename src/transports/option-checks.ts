/** Checks of options and the sentences that say what they must be. */
import { RingwireError } from '../errors.js';

/** Node's timers overflow above this. */
export const maxTimerMs = 2 ** 31 - 1;

/** Says what a value must be, or nothing when it is. */
export type Check = (value: unknown) => string | undefined;

export const integer =
  (least: number, most: number): Check =>
  (value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
      ? undefined
      : `an integer between ${least} and ${most}`;

export const oneOf =
  (...values: readonly string[]): Check =>
  (value) =>
    values.includes(value as string) ? undefined : `one of ${values.map((each) => `"${each}"`).join(', ')}`;

export const flag: Check = (value) => (typeof value === 'boolean' ? undefined : 'true or false');

/** A check of lists. `what` names the elements, as in "a list of origins". */
export const listOf =
  (what: string, isElement: (value: unknown) => boolean): Check =>
  (value) =>
    Array.isArray(value) && value.every(isElement) ? undefined : `a list of ${what}`;

/** Throws CONFIG_INVALID for the first option that is unknown or not what it must be. `prefix` stands before its name. */
export function checkAll(options: object, checks: Readonly<Record<string, Check>>, prefix: string): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (check === undefined) {
      const near = closestName(name, Object.keys(checks));
      const hint =
        near === undefined
          ? `Known are ${Object.keys(checks).join(', ')}.`
          : `Did you mean "${prefix}${near}"?`;
      throw new RingwireError('CONFIG_INVALID', `Unknown option "${prefix}${name}". ${hint}`);
    }
    const wanted = check(value);
    if (wanted !== undefined) {
      throw new RingwireError(
        'CONFIG_INVALID',
        `"${prefix}${name}" must be ${wanted}, not ${describe(value)}.`,
      );
    }
  }
}

export function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function describe(value: unknown): string {
  if (typeof value === 'string') return `"${value}"`;
  if (typeof value === 'number' || typeof value === 'boolean' || value == null) return String(value);
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`;
}

/** The known name with the fewest edits, if few enough to be a slip. */
export function closestName(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let fewest = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    const edits = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (edits < fewest) {
      fewest = edits;
      best = candidate;
    }
  }
  return best;
}

/** Levenshtein distance by rows. */
function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const replaced = row[j - 1] + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[right.length];
}

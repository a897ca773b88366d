/** What a rule is, and how findings write their figures. */
import type { Evidence, Finding } from '../finding.js';
import type { Picture } from './picture.js';

/** Looks at one picture; undefined where it finds nothing. */
export type Rule = (picture: Picture) => Finding | undefined;

export function ms(name: string, value: number, threshold?: number): Evidence {
  return figure(name, value, 'ms', threshold);
}

export function share(name: string, value: number, threshold?: number): Evidence {
  return figure(name, value, 'share', threshold);
}

export function figure(name: string, value: number, unit: string, threshold?: number): Evidence {
  return threshold === undefined ? { name, value, unit } : { name, value, unit, threshold };
}

/** The ones that were measured. */
export function measured(...evidence: readonly (Evidence | undefined)[]): readonly Evidence[] {
  return evidence.filter((each): each is Evidence => each !== undefined);
}

/** Evidence of a figure that may not have been measured. */
export function ifKnown(
  name: string,
  value: number | undefined,
  unit: string,
  threshold?: number,
): Evidence | undefined {
  return value === undefined ? undefined : figure(name, value, unit, threshold);
}

export function percent(value: number): string {
  const scaled = value * 100;
  return `${scaled < 10 ? scaled.toFixed(1) : Math.round(scaled)} %`;
}

export function milliseconds(value: number): string {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

export function megabytes(bytes: number): string {
  const scaled = bytes / 1_000_000;
  return `${scaled < 10 ? scaled.toFixed(1) : Math.round(scaled)} MB`;
}

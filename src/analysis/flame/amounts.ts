/** Shares and counts as people read them. */
import type { Recording } from './frame.js';

export function percent(share: number): string {
  return `${(share * 100).toFixed(share !== 0 && Math.abs(share) < 0.001 ? 2 : 1)} %`;
}

export function signedPercent(change: number): string {
  return `${change > 0 ? '+' : ''}${percent(change)}`;
}

/** 1,234 samples; 5.6 MB. */
export function amount(count: number, unit: Recording['unit']): string {
  if (unit === 'samples') return Math.round(count).toLocaleString('en');
  const units = ['B', 'kB', 'MB', 'GB'];
  const power = Math.min(units.length - 1, count < 1 ? 0 : Math.floor(Math.log10(count) / 3));
  return `${(count / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}

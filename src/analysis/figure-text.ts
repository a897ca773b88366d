/** Figures as people read them, in tables and sentences. */

/** Three digits that count, and no more. */
function shortNumber(value: number): string {
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString('en');
  if (size >= 10) return value.toFixed(1);
  if (size >= 1) return value.toFixed(2);
  return size === 0 ? '0' : value.toFixed(3);
}

export function msText(ms: number | undefined): string {
  if (ms === undefined) return '-';
  return ms >= 10_000 ? `${shortNumber(ms / 1_000)} s` : `${shortNumber(ms)} ms`;
}

export function shareText(share: number | undefined): string {
  if (share === undefined) return '-';
  const percent = share * 100;
  return `${percent === 0 || percent >= 99.95 ? percent.toFixed(0) : percent.toFixed(1)} %`;
}

export function rateText(perSecond: number | undefined, what = ''): string {
  return perSecond === undefined ? '-' : `${shortNumber(perSecond)}${what}/s`;
}

/** Decimal megabytes, as the thresholds are. */
export function megabytesText(bytes: number | undefined): string {
  return bytes === undefined ? '-' : `${shortNumber(bytes / 1e6)} MB`;
}

export function countText(count: number | undefined): string {
  return count === undefined ? '-' : count.toLocaleString('en');
}

export function coresText(cores: number | undefined): string {
  return cores === undefined ? '-' : shortNumber(cores);
}

/** How figures are written where there is little room. */

const unknown = '-';

export function count(value: number | undefined): string {
  return value === undefined ? unknown : Math.round(value).toLocaleString('en-US');
}

export function bytes(value: number | undefined): string {
  if (value === undefined) return unknown;
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let [scaled, unit] = [value, 0];
  while (scaled >= 1_000 && unit < units.length - 1) {
    scaled /= 1_000;
    unit += 1;
  }
  return `${unit === 0 || scaled >= 100 ? Math.round(scaled) : scaled.toFixed(1)} ${units[unit]}`;
}

export function percent(share: number | undefined): string {
  if (share === undefined) return unknown;
  const scaled = share * 100;
  return `${scaled !== 0 && scaled < 10 ? scaled.toFixed(1) : Math.round(scaled)} %`;
}

/** Milliseconds, without the unit. */
export function ms(value: number | undefined): string {
  if (value === undefined) return unknown;
  if (value < 10) return value.toFixed(2);
  return value < 100 ? value.toFixed(1) : Math.round(value).toLocaleString('en-US');
}

export function age(seconds: number): string {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3_600)} h` : `${Math.floor(seconds / 86_400)} d`;
}

const steps = '▁▂▃▄▅▆▇█';

/** The last `width` values from 0 to the largest of them; spaces where nothing is known. */
export function sparkline(values: readonly (number | undefined)[], width: number): string {
  const shown = width > 0 ? values.slice(-width) : [];
  const largest = Math.max(...shown.map((value) => value ?? 0), 0);
  return shown
    .map((value) => {
      if (value === undefined) return ' ';
      return largest === 0 ? steps[0] : steps[Math.min(7, Math.floor((value / largest) * 7.999))];
    })
    .join('');
}

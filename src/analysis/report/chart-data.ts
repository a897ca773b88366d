/** A chart's series brought to one column of x, and its figures as words: for tables, Markdown and the drawing. */
import type { Axis, Chart } from './page.js';

export interface ChartRows {
  /** Rising, each once. */
  readonly x: readonly number[];
  /** One column for each series: undefined where the series has no point at that x, null where it has a gap. */
  readonly columns: readonly (readonly (number | null | undefined)[])[];
}

export function chartRows(chart: Chart): ChartRows {
  const x = [...new Set(chart.series.flatMap((series) => series.x))].sort((a, b) => a - b);
  const rowOf = new Map(x.map((value, row) => [value, row]));
  const columns = chart.series.map((series) => {
    const column = new Array<number | null | undefined>(x.length).fill(undefined);
    series.x.forEach((value, index) => {
      column[rowOf.get(value) as number] = series.y[index] ?? null;
    });
    return column;
  });
  return { x, columns };
}

/** At most `most` row numbers out of `length`, evenly spread, the last one among them. */
export function thinned(length: number, most: number): number[] {
  if (length <= most) return Array.from({ length }, (_, index) => index);
  return Array.from({ length: most }, (_, index) => Math.round((index * (length - 1)) / (most - 1)));
}

/** Four significant digits, thousands apart: 12,346; 0.01235. */
export function formatFigure(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e15 || size < 1e-4)) return value.toExponential(3);
  const digits = size >= 1000 || size === 0 ? 0 : Math.max(0, 3 - Math.floor(Math.log10(size)));
  const [whole, fraction = ''] = value.toFixed(digits).split('.');
  const rest = fraction.replace(/0+$/, '');
  return whole.replace(/\B(?=(?:\d{3})+$)/g, ',') + (rest === '' ? '' : `.${rest}`);
}

/** 0.9995 as '99.95 %'; digits as far as they tell. */
export function formatShare(share: number): string {
  return `${Number((share * 100).toPrecision(12))} %`;
}

/** ISO 8601 in UTC, with no more than seconds where there are no parts of them. */
function formatTime(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString().replace(/\.000Z$/, 'Z');
}

/** A value of the axis as words. */
export function formatOn(axis: Axis, value: number): string {
  const category = axis.categories?.[value];
  if (category !== undefined) return category;
  if (axis.scale === 'time') return formatTime(value);
  return axis.scale === 'percentile' ? formatShare(value) : formatFigure(value);
}

/** The chart's marks as one line: 'wanted p99: 5 ms; limit: 20'. */
export function markText({ y, marks = [] }: Chart): string {
  const texts = marks.map(({ y: value, label }) => {
    const text = formatOn(y, value);
    return label.includes(text) ? label : `${label}: ${text}`;
  });
  return texts.join('; ');
}

/** What the chart shows over what: 'latency, ms over time'; bars of named things may have no label below them. */
export function axesText({ x, y }: Chart): string {
  return [y.label, x.label].filter((label) => label !== '').join(' over ');
}

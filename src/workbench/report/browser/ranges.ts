/** Which part of an axis a chart shows. */
import type { Chart } from '../../../analysis/report/page.js';
import type { Scale } from './scales.js';

type Range = [number, number];

/** A mark farther away than this many times the figures' own size would press them flat. */
const maxMarkFactor = 4;

function padded(low: number, high: number, share: number): Range {
  const span = high - low;
  // All figures are one: some room around it.
  if (span <= 0) return [low - (Math.abs(low) * 0.1 || 1), high + (Math.abs(high) * 0.1 || 1)];
  return [low - span * share, high + span * share];
}

/** Of the y axis, from the values as they are. */
export function rangeY(chart: Chart, scale: Scale): Range {
  const values = chart.series.flatMap(({ y }) => y.filter((value) => value !== null));
  const positions = values.map((value) => scale.position(value)).filter((one) => one !== null);
  if (positions.length === 0) return [0, 1];
  let low = positions.reduce((a, b) => Math.min(a, b));
  let high = positions.reduce((a, b) => Math.max(a, b));
  const isLog = chart.y.scale === 'log';
  const largest = Math.max(Math.abs(low), Math.abs(high));
  for (const mark of chart.marks ?? []) {
    const position = scale.position(mark.y);
    const isNear = isLog || largest === 0 || Math.abs(mark.y) <= maxMarkFactor * largest;
    if (position === null || !isNear) continue;
    low = Math.min(low, position);
    high = Math.max(high, position);
  }
  if (isLog) {
    // Bars need something to stand on; a curve that varies little is not to look as if it varied much.
    if (chart.kind === 'bars') return [Math.floor(low - 0.3), high + 0.1];
    const missing = Math.max(0, 0.5 - (high - low)) / 2;
    return padded(low - missing, high + missing, 0.05);
  }
  if (chart.y.tight ?? chart.kind === 'points') return padded(low, high, 0.08);
  if (low === 0 && high === 0) return [0, 1];
  return [Math.min(0, low * 1.08), Math.max(0, high * 1.08)];
}

/** Of the x axis, from positions: bars and points are not to be cut in half at its ends. */
export function rangeX(chart: Chart, low: number, high: number): Range {
  // One moment alone: a minute around it.
  if (chart.x.scale === 'time' && low === high) return [low - 30_000, low + 30_000];
  if (chart.kind === 'line') return low === high ? padded(low, high, 0) : [low, high];
  if (chart.x.categories !== undefined) return [-0.5, chart.x.categories.length - 0.5];
  const rows = Math.max(...chart.series.map(({ x }) => x.length));
  return padded(low, high, chart.kind === 'bars' ? 0.5 / Math.max(1, rows - 1) : 0.03);
}

/**
 * Axes as what uPlot draws best, evenly spaced numbers: values are turned into positions before it sees them, and ticks
 * are chosen here. Its own logarithmic axis would always span whole decades.
 */
import { formatFigure, formatShare } from '../../../analysis/report/chart-data.js';
import type { Axis } from '../../../analysis/report/page.js';

export interface Scale {
  /** null where the value has no place: zero on a logarithmic axis. */
  position(value: number): number | null;
  value(position: number): number;
  /** Positions of the ticks between two positions, at most `most`. */
  ticks(from: number, to: number, most: number): number[];
  /** What stands at each tick. */
  labels(positions: readonly number[]): string[];
}

const asTheyAre = { position: (value: number) => value, value: (position: number) => position };

function categories(names: readonly string[]): Scale {
  return {
    ...asTheyAre,
    ticks: (from, to) => names.map((_, index) => index).filter((index) => index >= from && index <= to),
    labels: (positions) => positions.map((position) => names[position] ?? ''),
  };
}

/** Multiples of 1, 2 or 5 times a power of ten, at most `most` of them. */
function evenTicks(from: number, to: number, most: number): number[] {
  const rough = (to - from) / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10);
  const ticks: number[] = [];
  for (let count = Math.ceil(from / step); count * step <= to; count++)
    ticks.push(Number((count * step).toPrecision(12)));
  return ticks;
}

const linear: Scale = {
  ...asTheyAre,
  ticks: evenTicks,
  labels: (positions) => positions.map(formatFigure),
};

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const clockSteps = [
  ...[1, 2, 5, 10, 15, 30].map((count) => count * second),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * minute),
  ...[1, 2, 3, 6, 12].map((count) => count * hour),
  ...[1, 2, 7, 14, 30, 90, 365].map((count) => count * day),
];

/** In UTC, as the tables have it. */
const time: Scale = {
  ...asTheyAre,
  ticks(from, to, most) {
    const step = clockSteps.find((one) => (to - from) / one <= most) ?? (to - from) / most;
    if (to - from < 2 * second) return evenTicks(from, to, most);
    const ticks: number[] = [];
    for (let tick = Math.ceil(from / step) * step; tick <= to; tick += step) ticks.push(tick);
    return ticks;
  },
  labels(positions) {
    const step = positions[1] - positions[0];
    return positions.map((position, index) => {
      const [date, clock] = new Date(position).toISOString().split('T');
      if (step >= day) return date;
      const [, text] = (step < second ? /^(.*)Z/ : step < minute ? /^(.*)\.\d/ : /^(.*):/).exec(clock) ?? [];
      return index === 0 || clock.startsWith('00:00:00.000') ? `${text}\n${date}` : text;
    });
  },
};

/** Which multiples of each power of ten are named, the sparsest first. */
const densities = [[1], [1, 3], [1, 2, 5], [1, 1.5, 2, 3, 5, 7], [1, 2, 3, 4, 5, 6, 7, 8, 9]];

const log: Scale = {
  position: (value) => (value > 0 ? Math.log10(value) : null),
  value: (position) => 10 ** position,
  ticks(from, to, most) {
    const [low, high] = [Math.floor(from), Math.ceil(to)];
    const choices = densities.map((factors) => {
      const values: number[] = [];
      for (let power = low; power <= high; power++)
        values.push(...factors.map((factor) => power + Math.log10(factor)));
      return values.filter((position) => position >= from && position <= to);
    });
    const room = ((to - from) / most) * 0.9;
    const isApart = (tick: number, index: number, ticks: readonly number[]): boolean =>
      index === 0 || tick - ticks[index - 1] >= room;
    const best =
      choices.findLast((ticks) => ticks.every(isApart)) ??
      choices[0].filter((_, index) => index % Math.ceil((high - low) / most) === 0);
    if (best.length >= 3 || most < 3) return best;
    // Less than a decade: evenly spaced values say more.
    return evenTicks(10 ** from, 10 ** to, most)
      .filter((value) => value > 0)
      .map(Math.log10)
      .filter(isApart);
  },
  labels: (positions) => positions.map((position) => formatFigure(Number((10 ** position).toPrecision(6)))),
};

/** Each nine as wide as the one before: 90 % at 1, 99 % at 2. All of it, 100 %, one nine beyond the last figure. */
function percentile(shares: readonly number[]): Scale {
  const nines = (share: number) => -Math.log10(1 - share);
  const whole = Math.ceil(Math.max(1, ...shares.filter((share) => share < 1).map(nines)) + 0.5);
  return {
    position: (share) => (share >= 1 ? whole : share < 0 ? null : nines(share)),
    value: (position) => (position >= whole ? 1 : Number((1 - 10 ** -position).toPrecision(12))),
    ticks(from, to, most) {
      const ticks = [0, nines(0.5)];
      for (let count = 1; count < whole; count++) ticks.push(count);
      if (shares.some((share) => share >= 1)) ticks.push(whole);
      const room = ((to - from) / most) * 0.7;
      const apart: number[] = [];
      for (const tick of ticks.reverse()) {
        const isInside = tick >= from - 1e-9 && tick <= to + 1e-9;
        if (isInside && (apart.length === 0 || apart[0] - tick >= room)) apart.unshift(tick);
      }
      return apart.length >= 2 ? apart : [from, (from + to) / 2, to];
    },
    labels: (positions) =>
      positions.map((position) =>
        position >= whole
          ? '100 %'
          : formatShare(Number((1 - 10 ** -position).toPrecision(Math.ceil(position) + 2))),
      ),
  };
}

/** `values` are those the axis is to show. */
export function scaleOf(axis: Axis, values: readonly number[]): Scale {
  if (axis.categories !== undefined) return categories(axis.categories);
  if (axis.scale === 'log') return log;
  if (axis.scale === 'percentile') return percentile(values);
  return axis.scale === 'time' ? time : linear;
}

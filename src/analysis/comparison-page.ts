/** A comparison as a table, and as a report with the rounds of both sides. */
import type { MetricComparison } from './compare.js';
import type { Comparison } from './comparison.js';
import type { Chart, ReportPage, ReportSection, Table } from './report/page.js';
import { trendMetrics } from './trend.js';

const figure = (value: number, unit: string): string =>
  `${value >= 1000 ? Math.round(value).toLocaleString('en') : value.toPrecision(3)} ${unit}`;

const percent = (ratio: number): string => `${ratio >= 1 ? '+' : ''}${((ratio - 1) * 100).toFixed(1)} %`;

const noise = (share: number): string => (Number.isNaN(share) ? '-' : `±${(share * 100).toFixed(1)} %`);

export const comparisonColumns = [
  ['metric', 'A', 'B', 'B / A', '95 % interval'],
  ['noise A/A', 'noise B/B', 'p', 'rounds', 'B is'],
].flat();

export function comparisonRow(metric: MetricComparison): string[] {
  const { name, unit, a, b, ratio, low, high, noiseA, noiseB, pValue, rounds, verdict } = metric;
  return [
    name,
    figure(a, unit),
    figure(b, unit),
    percent(ratio),
    `${percent(low)} to ${percent(high)}`,
    noise(noiseA),
    noise(noiseB),
    pValue.toPrecision(2),
    rounds.a === rounds.b ? String(rounds.a) : `${rounds.a} and ${rounds.b}`,
    verdict,
  ];
}

export function comparisonTable({ metrics }: Comparison): Table {
  return { columns: comparisonColumns, rows: metrics.map(comparisonRow) };
}

function charts({ metrics, rounds }: Comparison, section: number): Chart[] {
  return trendMetrics
    .filter(({ name }) => metrics.some((metric) => metric.name === name))
    .map(({ field, name, unit }, at): Chart => {
      const length = Math.max(rounds.a.length, rounds.b.length);
      const x = Array.from({ length }, (_, index) => index + 1);
      const of = (side: 'a' | 'b'): (number | null)[] =>
        x.map((_, index) => rounds[side][index]?.[field] ?? null);
      return {
        id: `compare-${section}-${at}`,
        title: name,
        kind: 'points',
        x: { label: 'round' },
        y: { label: `${name}, ${unit}` },
        series: [
          { name: 'A', x, y: of('a') },
          { name: 'B', x, y: of('b') },
        ],
      };
    });
}

const tones = {
  better: 'ok',
  worse: 'high',
  'no difference': undefined,
  'too few rounds': undefined,
} as const;

export function comparisonPage(
  sides: { readonly a: string; readonly b: string },
  comparisons: readonly Comparison[],
  notes: readonly string[],
  subtitle: string,
): ReportPage {
  const sections = comparisons.map((comparison, index): ReportSection => {
    const { metrics, name } = comparison;
    const worst =
      metrics.find(({ verdict }) => verdict === 'worse') ??
      metrics.find(({ verdict }) => verdict === 'better');
    const tone = worst === undefined ? undefined : tones[worst.verdict];
    return {
      title: name,
      ...(tone === undefined ? {} : { tone }),
      tables: [comparisonTable(comparison)],
      charts: charts(comparison, index),
    };
  });
  const what = `A is ${sides.a}. B is ${sides.b}.`;
  return {
    title: 'B compared with A',
    subtitle,
    sections: [{ title: 'What was compared', paragraphs: [what, ...notes] }, ...sections],
  };
}

/** Trends as a report: a chart for each figure, and a table of what changed when. */
import type { Chart, ReportPage, ReportSection } from './report/page.js';
import type { Trend } from './trend.js';

const figure = (value: number): string =>
  value >= 1000 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);

export const changeText = (ratio: number): string =>
  `${ratio >= 1 ? '+' : ''}${((ratio - 1) * 100).toFixed(1)} %`;

/** One line: 'rate -15.2 % (1,000 to 848 msg/s) since 1a2b3c4d, 2026-11-21: worse'. */
export function changeLines({ changes, metric }: Trend): string[] {
  return changes.map(({ before, after, ratio, commit, date, verdict }) => {
    const where = [commit?.slice(0, 12), date?.slice(0, 10)].filter((part) => part !== undefined).join(', ');
    const since = where === '' ? '' : ` since ${where}`;
    return `${metric.name} ${changeText(ratio)} (${figure(before)} to ${figure(after)} ${metric.unit})${since}: ${verdict}`;
  });
}

function chartOf({ name, metric, points, changes }: Trend, id: string): Chart {
  const dated = points.every(({ date }) => date !== undefined);
  const x = points.map(({ date }, index) => (dated ? Date.parse(date as string) : index + 1));
  const borders = [0, ...changes.map(({ index }) => index), points.length];
  // The level between two changes, drawn over the measurements.
  const levels = points.map((_, at) => {
    const part = borders.findIndex((border) => border > at) - 1;
    return changes.length === 0 ? null : part === 0 ? changes[0].before : changes[part - 1].after;
  });
  const values = points.map(({ value }) => value);
  return {
    id,
    title: `${name}, ${metric.name}`,
    kind: 'line',
    x: dated ? { label: 'measured', scale: 'time' } : { label: 'run' },
    y: { label: `${metric.name}, ${metric.unit}` },
    series: [
      { name: metric.name, x, y: values },
      ...(changes.length === 0 ? [] : [{ name: 'level', x, y: levels }]),
    ],
  };
}

export function trendPage(trends: readonly Trend[], subtitle: string): ReportPage {
  const names = [...new Set(trends.map(({ name, machine }) => `${name}\n${machine}`))];
  const sections = names.map((key, section): ReportSection => {
    const [name, machine] = key.split('\n');
    const own = trends.filter((trend) => trend.name === name && trend.machine === machine);
    const last = own.flatMap(({ changes }) => changes.slice(-1));
    const changed = own.flatMap(changeLines);
    return {
      title: name,
      ...(last.some(({ verdict }) => verdict === 'worse') ? { tone: 'medium' as const } : {}),
      paragraphs: [machine, ...(changed.length === 0 ? ['No change of level.'] : changed)],
      charts: own.map((trend, at) => chartOf(trend, `trend-${section}-${at}`)),
    };
  });
  return { title: 'Trend of measurements', subtitle, sections };
}

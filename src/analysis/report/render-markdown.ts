/** A report as Markdown (GitHub's), of the same data as the HTML page. Charts become tables of what their curves say. */
import { axesText, formatOn, formatShare, markText } from './chart-data.js';
import type { Chart, ChartSeries, ReportPage, ReportSection, Table } from './page.js';

/** Bars and points up to this many values of x are listed whole. */
const maxListed = 12;
const percentiles = [0.5, 0.9, 0.95, 0.99, 0.999, 0.9999, 1];

/** Plain text, whatever stands in it: neither marks, nor links, nor HTML. */
function escapeInline(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/[\\`*[\]|~]/g, '\\$&')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/(?<!\w)_|_(?!\w)/g, '\\_')
    .replace(/https?:(?=\/\/)/g, (scheme) => scheme.replace(':', '\\:'));
}

/** The same at the beginning of a line, where lists, headings and quotes begin. */
function escapeParagraph(text: string): string {
  return escapeInline(text)
    .replace(/^\s*(?:[-+>#=]|\d+[.)])/, (mark) => mark.replace(/[-+>#=.)]$/, '\\$&'))
    .trim();
}

function tableText({ columns, rows }: Table): string {
  const line = (cells: readonly string[]) =>
    `| ${columns.map((_, column) => escapeInline(cells[column] ?? '')).join(' | ')} |`;
  const right = columns.map((_, column) => {
    const cells = rows.map((row) => row[column] ?? '').filter((cell) => cell !== '');
    return cells.length > 0 && cells.every((cell) => /^[-+]?\d/.test(cell));
  });
  return [line(columns), `|${right.map((is) => (is ? '---:' : '---')).join('|')}|`, ...rows.map(line)].join(
    '\n',
  );
}

/** What the curve shows at a share: between two points on the straight line that joins them, nine by nine. */
function valueAt({ x, y }: ChartSeries, share: number): number | null {
  const after = x.findIndex((at) => at >= share - 1e-12);
  if (after < 0) return null;
  if (x[after] - share < 1e-12) return y[after];
  if (after === 0) return null;
  const [low, high] = [y[after - 1], y[after]];
  // The whole has no place on an axis of nines: nothing is known between it and the point before.
  if (low === null || high === null || x[after] >= 1) return null;
  const nines = (of: number) => -Math.log10(1 - of);
  const way = (nines(share) - nines(x[after - 1])) / (nines(x[after]) - nines(x[after - 1]));
  return low + (high - low) * way;
}

function percentileTable(chart: Chart): Table {
  const reached = Math.max(...chart.series.flatMap(({ x }) => x));
  const shown = percentiles.filter((share) => share <= reached);
  return {
    columns: [chart.y.label, ...shown.map(formatShare)],
    rows: chart.series.map((series) => [
      series.name,
      ...shown.map((share) => {
        const value = valueAt(series, share);
        return value === null ? '' : formatOn(chart.y, value);
      }),
    ]),
  };
}

/** Least, median, greatest and last of each curve. */
function summaryTable(chart: Chart): Table {
  return {
    columns: [chart.y.label, 'points', 'least', 'median', 'greatest', 'last'],
    rows: chart.series.map((series) => {
      const values = series.y.filter((value) => value !== null);
      const sorted = [...values].sort((a, b) => a - b);
      const figures = [sorted[0], sorted[sorted.length >> 1], sorted.at(-1), values.at(-1)];
      return [
        series.name,
        String(values.length),
        ...figures.map((value) => (value === undefined ? '' : formatOn(chart.y, value))),
      ];
    }),
  };
}

function wholeTable(chart: Chart, x: readonly number[]): Table {
  return {
    columns: [chart.x.label, ...chart.series.map(({ name }) => name)],
    rows: x.map((at) => [
      formatOn(chart.x, at),
      ...chart.series.map((series) => {
        const value = series.y[series.x.indexOf(at)];
        return value === undefined || value === null ? '' : formatOn(chart.y, value);
      }),
    ]),
  };
}

function chartText(chart: Chart): string {
  const x = [...new Set(chart.series.flatMap((series) => series.x))].sort((a, b) => a - b);
  const isShort = x.length > 0 && x.length <= maxListed;
  const table =
    chart.x.scale === 'percentile' && x.length > 0
      ? percentileTable(chart)
      : isShort
        ? wholeTable(chart, x)
        : summaryTable(chart);
  const marks = markText(chart);
  const head = `**${escapeInline(chart.title)}** (${escapeInline(axesText(chart))})`;
  return [head, tableText(table), ...(marks === '' ? [] : [escapeParagraph(marks)])].join('\n\n');
}

function sectionText({ title, tone, paragraphs, tables, charts }: ReportSection): string {
  return [
    `## ${escapeInline(title)}${tone === undefined ? '' : ` (${tone})`}`,
    ...(paragraphs ?? []).map(escapeParagraph),
    ...(tables ?? []).map(tableText),
    ...(charts ?? []).map(chartText),
  ].join('\n\n');
}

export function renderMarkdown(page: ReportPage): string {
  const head = [
    `# ${escapeInline(page.title)}`,
    ...(page.subtitle === undefined ? [] : [escapeParagraph(page.subtitle)]),
  ];
  return `${[...head, ...page.sections.map(sectionText)].join('\n\n')}\n`;
}

// Plain text tables for people, in the terminal.

const units = [
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
];

/** 1234567 -> "1.23 M" */
export function humanRate(value) {
  if (value === undefined || value === null) return '-';
  const [factor, unit] = units.find(([limit]) => value >= limit) ?? [1, ''];
  return `${(value / factor).toPrecision(3)}${unit === '' ? '' : ` ${unit}`}`;
}

export const fixed = (value, digits = 1) =>
  value === undefined || value === null ? '-' : value.toFixed(digits);

/** `columns`: [title, row => text]; the first is left-aligned, the others right. */
export function formatTable(columns, rows) {
  const cells = [
    columns.map(([title]) => title),
    ...rows.map((row) => columns.map(([, text]) => String(text(row)))),
  ];
  const widths = columns.map((_, i) => Math.max(...cells.map((line) => line[i].length)));
  return cells
    .map((line) =>
      line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  '),
    )
    .join('\n');
}

const throughputColumns = [
  ['contender', (row) => row.contender],
  ['msg/s', (row) => humanRate(row.rate)],
  ['ratio', (row) => row.ratio],
  ['p50 µs', (row) => fixed(row.p50us)],
  ['p99 µs', (row) => fixed(row.p99us)],
  ['p99.9 µs', (row) => fixed(row.p999us)],
  ['CPU µs/msg', (row) => fixed(row.cpuUsPerMsg, 2)],
  ['RSS MB', (row) => fixed(row.rssMb, 0)],
  ['bottleneck', (row) => ((row.generatorCpu ?? 0) > 0.95 ? 'generator' : 'server')],
  ['errors', (row) => row.errors],
];

/** Throughput of several contenders; ratios against `baseline`, or the slowest where that did not run. */
export function throughputTable(records, baseline) {
  const slowest = Math.min(...records.map((record) => record.rate));
  const base = records.find((record) => record.contender === baseline)?.rate ?? slowest;
  const rows = [...records].sort((a, b) => b.rate - a.rate);
  return formatTable(
    throughputColumns,
    rows.map((row) => ({ ...row, ratio: `${(row.rate / base).toPrecision(3)}x` })),
  );
}

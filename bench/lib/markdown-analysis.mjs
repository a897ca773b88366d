// The figures that the documents behind this project state, beside what was measured of ringwire.
import { markdownTable } from './markdown-parts.mjs';
import { readRecords } from './results.mjs';
import { notMeasured } from './seed-measurements.mjs';

const file = 'analysis';

/** Three digits that count. */
function short(value) {
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString('en-US');
  if (size >= 10) return value.toFixed(1);
  if (size >= 1) return value.toFixed(2);
  return size === 0 ? '0' : value.toPrecision(2);
}

/** A value in the words of its unit. */
export function figureText(value, unit) {
  if (unit === 'share') return `${short(value * 100)} %`;
  if (unit === 'ms' && value >= 10_000) return `${short(value / 1000)} s`;
  if (unit === 'ms' && value < 0.1) return `${short(value * 1000)} µs`;
  return unit === 'count' ? short(value) : `${short(value)} ${unit}`;
}

/** The newest measurement of each figure. */
function newest(folder) {
  const all = new Map();
  for (const record of readRecords(folder, file)) {
    const known = all.get(record.id);
    if (known === undefined || record.date >= known.date) all.set(record.id, record);
  }
  return all;
}

function origin(records) {
  const places = new Set(
    records.map(
      ({ machine: { cpu, cores, kernel }, node }) =>
        `Node ${node}, ${cores} cores of ${cpu}, Linux ${kernel}`,
    ),
  );
  const commits = new Set(records.map(({ commit, dirty }) => `${commit}${dirty ? ' (changed)' : ''}`));
  const dates = records.map(({ date }) => date.slice(0, 10)).sort();
  const days = dates[0] === dates.at(-1) ? dates[0] : `${dates[0]} to ${dates.at(-1)}`;
  return `\`node bench/record-analysis.mjs\` at ${[...commits].join(', ')}, ${days}: ${[...places].join('; ')}.`;
}

/** `link` is the path from the document to bench/results. */
export function seedTable(folder, seedFigures, link) {
  const measured = newest(folder);
  const rows = seedFigures.map(({ id, subject, words }) => {
    const record = measured.get(id);
    if (record === undefined) return [subject, words, '-', notMeasured[id] ?? 'not measured yet', ''];
    const raw = `[line ${record.line}](${link}/${file}.jsonl#L${record.line})`;
    return [subject, words, figureText(record.value, record.unit), `\`${record.command}\``, raw];
  });
  const table = markdownTable(['figure', 'seed, as stated', 'ringwire, measured', 'by', 'raw'], rows);
  const records = seedFigures.map(({ id }) => measured.get(id)).filter((record) => record !== undefined);
  return records.length === 0 ? table : `${table}\n\n${origin(records)}`;
}

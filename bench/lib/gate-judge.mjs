// What the gate makes of its measurements: red is what is slower outside the noise and by more than the budget allows.
import { importBuilt } from './built.mjs';
import { median } from './statistics.mjs';
import { fixed, formatTable, humanRate } from './table.mjs';

const metrics = [
  { field: 'cpuUsPerMsg', budget: 'cpuPercent', name: 'CPU per message', unit: 'µs', better: 'lower' },
  { field: 'rate', budget: 'ratePercent', name: 'rate', unit: 'msg/s', better: 'higher' },
];

const values = (reports, field) => reports.map((report) => report[field]).filter((value) => value > 0);

/** By how much the medians of two processes of one build differ, as a share. */
function processNoise(first, second) {
  const [a, b] = [median(first), median(second)];
  return a > 0 && b > 0 ? Math.max(a / b, b / a) - 1 : 0;
}

/** One row per metric: figures, interval, noise, and whether it is red. Errors of the head are a red row of their own. */
export async function judgeGate(scenario, reports, budget) {
  const { compareRounds, worsening } = await importBuilt('workbench/index.js');
  const rows = metrics.map(({ field, budget: key, ...metric }) => {
    const of = (server) => values(reports[server], field);
    const noises = [processNoise(of('base 1'), of('base 2')), processNoise(of('head 1'), of('head 2'))];
    const noise = Math.max(...noises);
    const [base, head] = ['base', 'head'].map((side) => [...of(`${side} 1`), ...of(`${side} 2`)]);
    const compared = compareRounds(metric, base, head, { noise });
    const worse = worsening(compared);
    const limit = budget[key] / 100;
    return {
      scenario,
      ...compared,
      // Of fewer than four rounds the split halves tell nothing.
      noise: Math.max(...[noise, compared.noiseA, compared.noiseB].filter((one) => !Number.isNaN(one))),
      worse,
      limit,
      isRed: compared.verdict === 'worse' && worse > limit,
    };
  });
  const wrong = ['head 1', 'head 2'].flatMap((key) => reports[key]).find((report) => report.errors > 0);
  return {
    rows,
    error: wrong && `${scenario}: ${wrong.errors} errors of the head; the first: ${wrong.firstError}`,
  };
}

const percent = (share) => `${share > 0 ? '+' : ''}${(share * 100).toFixed(1)} %`;
const figure = (value, unit) => (unit === 'µs' ? fixed(value, 2) : humanRate(value));

function stateOf({ isRed, verdict, worse, limit }) {
  if (isRed) return 'RED';
  if (verdict === 'worse') return 'worse, within the budget';
  if (verdict === 'no difference' && worse > limit) return 'no difference: inside the noise';
  return verdict;
}

const columns = [
  ['scenario', (row) => row.scenario],
  ['metric', (row) => row.name],
  ['base', (row) => figure(row.a, row.unit)],
  ['head', (row) => figure(row.b, row.unit)],
  ['change', (row) => percent(row.ratio - 1)],
  ['95 % interval', (row) => `${percent(row.low - 1)} … ${percent(row.high - 1)}`],
  ['noise', (row) => `±${(row.noise * 100).toFixed(1)} %`],
  ['p', (row) => row.pValue.toPrecision(2)],
  ['budget', (row) => `${row.better === 'higher' ? '-' : '+'}${row.limit * 100} %`],
  ['', stateOf],
];

export const gateTable = (rows) => formatTable(columns, rows);

/** What `ringwire bench` prints when all is measured. */
import type { LoadReport } from '../../workbench/load/load-plan.js';
import {
  type Criterion,
  formatFigure,
  formatMs,
  metrics,
  type Verdict,
} from '../../workbench/scenarios/criteria.js';
import {
  type BreakingPoint,
  formatCount,
  type RunResult,
  runName,
  type ScenarioResult,
} from '../../workbench/scenarios/run-result.js';
import { columns, paint, safeText } from '../terminal.js';

const heads = ['', 'rate', 'p50', 'p95', 'p99', 'p99.9', 'max', 'errors', 'server CPU', 'a call', 'memory'];

function tableCells(report: LoadReport): string[] {
  const ms = (us: number): string => formatMs(us / 1000);
  const { serverCpu, cpuUsPerMsg, rssPeakMb } = report;
  return [
    `${formatCount(report.rate)}/s`,
    ms(report.p50us),
    ms(report.p95us),
    ms(report.p99us),
    ms(report.p999us),
    ms(report.maxUs),
    formatCount(report.errors),
    serverCpu === undefined ? '-' : `${Math.round(serverCpu * 100)} %`,
    cpuUsPerMsg === undefined ? '-' : `${cpuUsPerMsg.toFixed(cpuUsPerMsg < 10 ? 2 : 1)} µs`,
    rssPeakMb === undefined ? '-' : `${Math.round(rssPeakMb)} MiB`,
  ];
}

function table(runs: readonly RunResult[]): string {
  const rows = runs.flatMap((run) =>
    run.report === undefined ? [] : [[runName(run, runs), ...tableCells(run.report)]],
  );
  return rows.length === 0 ? '' : columns([heads, ...rows]);
}

function operations({ runs }: ScenarioResult): string {
  const rows = runs.flatMap((run) =>
    (run.report?.operations ?? []).map((each) => [
      runName(run, runs),
      each.name,
      `${formatCount(each.messages)} calls`,
      `p50 ${formatMs(each.p50us / 1000)}`,
      `p99 ${formatMs(each.p99us / 1000)}`,
      `errors ${formatCount(each.errors)}`,
    ]),
  );
  const isMixed = runs.some(({ report }) => (report?.operations.length ?? 0) > 1);
  return isMixed ? columns(rows) : '';
}

const signs = { met: '✓', missed: '✗', 'not measured': '-' } as const;

/** A row for each run, a column for each criterion; of one transport alone it may have another limit. */
function verdictTable(
  title: string,
  rows: readonly { readonly name: string; readonly verdicts: readonly Verdict[] }[],
): string {
  const heads = new Map<string, string>();
  for (const { verdicts } of rows)
    for (const { criterion } of verdicts)
      heads.set(keyOf(criterion), `${metrics[criterion.metric].label} ${criterion.text}`);
  if (heads.size === 0) return '';
  const cells = rows.map(({ name, verdicts }) => {
    const byKey = new Map(verdicts.map((each) => [keyOf(each.criterion), each]));
    return [name, ...[...heads.keys()].map((key) => cellOf(byKey.get(key)))];
  });
  return columns([[title, ...heads.values()], ...cells])
    .replaceAll('✓', paint('✓', 'green'))
    .replaceAll('✗', paint('✗', 'red'));
}

function keyOf({ metric, text }: Criterion): string {
  return `${metric} ${text}`;
}

function cellOf(verdict: Verdict | undefined): string {
  if (verdict === undefined) return '';
  const { criterion, value } = verdict;
  const measured = value === undefined ? 'not measured' : formatFigure(criterion.metric, value);
  return `${signs[verdict.verdict]} ${measured}`;
}

function breaking({ transport, rate, brokeAt, reason, generatorWasLimit }: BreakingPoint): string {
  const held = rate === 0 ? 'no rate held' : `held ${formatCount(rate)} requests per second`;
  const end = brokeAt === undefined ? '' : `, not ${formatCount(brokeAt)}`;
  const whose = generatorWasLimit ? ' The generator was at its end there, not the server.' : '';
  return `${transport}: ${paint(`${held}${end}`, 'bold')}: ${reason}.${whose}`;
}

/** Everything below the table that somebody has to know to read it. */
function notes({ runs }: ScenarioResult): string[] {
  const lines: string[] = [];
  for (const run of runs) {
    const name = runName(run, runs);
    if (run.error !== undefined)
      lines.push(paint(`${name}: not measured: ${run.error.message} (${run.error.code})`, 'red'));
    if (run.report?.firstError !== undefined)
      lines.push(paint(`${name}: first error: ${safeText(run.report.firstError)}`, 'red'));
    if (run.report?.saturation !== undefined)
      lines.push(paint(`${name}: ${run.report.saturation}`, 'yellow'));
  }
  return lines;
}

export function renderResult(result: ScenarioResult): string {
  const { runs, breakingPoints } = result;
  // Steps of rising load are judged by where they end.
  const isRise = breakingPoints.length > 0;
  const named = runs.map((run) => ({ ...run, name: runName(run, runs) }));
  const criteria = isRise
    ? breakingPoints.map(({ transport, verdicts }) => ({ name: transport, verdicts }))
    : named;
  const targets = isRise ? [] : named.map(({ name, targets }) => ({ name, verdicts: targets }));
  const generators = [...new Set(runs.flatMap(({ report }) => report?.generator ?? []))];
  const description = result.description === '' ? '' : `: ${result.description}`;
  const head = `${result.scenario}${description}${result.form === undefined ? '' : ` (${result.form})`}`;
  const parts = [
    generators.length === 0 ? head : `${head}; generator: ${generators.join(', ')}`,
    table(runs),
    operations(result),
    notes(result).join('\n'),
    breakingPoints.map(breaking).join('\n'),
    verdictTable('criteria', criteria),
    verdictTable('targets', targets),
    result.wasInterrupted ? paint('Interrupted: what was measured until then.', 'yellow') : '',
    result.form === 'quick' ? 'The quick form proves that it runs; its figures mean nothing.' : '',
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

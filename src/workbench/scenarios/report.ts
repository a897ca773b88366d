/** The result of a scenario as a report page: verdicts, table, percentile curves, and what happened over time. */
import type { Chart, ChartSeries, ReportPage, ReportSection, Table } from '../../analysis/report/page.js';
import { Histogram } from '../../observability/histogram.js';
import type { LoadInterval, LoadReport } from '../load/load-plan.js';
import { type Criterion, formatFigure, formatMs, metrics, type Verdict } from './criteria.js';
import { formatCount, formatSize, type RunResult, runName, type ScenarioResult } from './run-result.js';

/** More curves than this on one chart cannot be told apart. */
const maxCurves = 10;
const shares = [
  0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.975, 0.98, 0.99, 0.9925, 0.995, 0.9975,
  0.999, 0.9995, 0.9999, 0.99995, 0.99999, 0.999999,
];

interface Measured extends RunResult {
  readonly name: string;
  readonly report: LoadReport;
}

export function scenarioPage(result: ScenarioResult): ReportPage {
  const measured = result.runs.flatMap((run): Measured[] =>
    run.report === undefined ? [] : [{ ...run, name: runName(run, result.runs), report: run.report }],
  );
  const sections = [
    summarySection(result),
    ...criteriaSections(result),
    resultSection(measured),
    ...sweepSections(result, measured),
    ...(measured.length <= maxCurves && measured.length > 0
      ? [latencySection(measured, result), timeSection(measured)]
      : []),
    ...operationSections(measured),
  ];
  return { title: `ringwire bench ${result.scenario}`, subtitle: subtitleOf(result), sections };
}

function subtitleOf({ description, form, origin }: ScenarioResult): string {
  const { machine, node, ringwire, commit, dirty, date } = origin;
  const parts = [
    form === undefined ? description : `${description} (${form})`,
    `ringwire ${ringwire}`,
    commit === undefined ? '' : `commit ${commit}${dirty === true ? ' with changes' : ''}`,
    `Node.js ${node}`,
    machine === undefined ? '' : `${machine.cpu}, ${machine.cores} cores, kernel ${machine.kernel}`,
    date ?? '',
  ];
  return parts.filter((part) => part !== '').join(' · ');
}

function summarySection(result: ScenarioResult): ReportSection {
  const paragraphs = [
    outcome(result),
    ...(result.wasInterrupted ? ['Interrupted: this is what was measured until then.'] : []),
    ...result.runs.flatMap((run) => {
      const name = runName(run, result.runs);
      const { error, report } = run;
      return [
        ...(error === undefined ? [] : [`${name} was not measured: ${error.message} (${error.code})`]),
        ...(report?.firstError === undefined ? [] : [`${name}: first error: ${report.firstError}`]),
        ...(report?.saturation === undefined ? [] : [`${name}: ${report.saturation}`]),
      ];
    }),
    ...result.breakingPoints.map(
      ({ transport, rate, brokeAt, reason }) =>
        `${transport}: ${rate === 0 ? 'no rate held' : `held ${formatCount(rate)} requests per second`}${brokeAt === undefined ? '' : `, not ${formatCount(brokeAt)}`}: ${reason}.`,
    ),
  ];
  return { title: result.passed ? 'Passed' : 'Missed', tone: result.passed ? 'ok' : 'high', paragraphs };
}

function outcome({ passed, form }: ScenarioResult): string {
  if (!passed) return 'A criterion was missed, or a run failed.';
  if (form !== 'quick') return 'Every criterion was met.';
  return 'Every call was answered. The quick form proves that it runs; its figures mean nothing, and none of them is judged.';
}

/** One table of criteria that decide, one of targets that do not. Of rising load only where it ended is judged. */
function criteriaSections({ runs, breakingPoints }: ScenarioResult): ReportSection[] {
  const isRise = breakingPoints.length > 0;
  const rows = (pick: (run: RunResult) => readonly Verdict[]): string[][] =>
    runs.flatMap((run) => pick(run).map((verdict) => [runName(run, runs), ...verdictCells(verdict)]));
  const criteria = isRise
    ? breakingPoints.flatMap(({ transport, verdicts }) =>
        verdicts.map((verdict) => [transport, ...verdictCells(verdict)]),
      )
    : rows(({ verdicts }) => verdicts);
  const targets = isRise ? [] : rows((run) => run.targets);
  const tables: Table[] = [];
  if (criteria.length > 0)
    tables.push({ columns: ['run', 'criterion', 'measured', 'verdict'], rows: criteria });
  if (targets.length > 0) tables.push({ columns: ['run', 'target', 'measured', 'verdict'], rows: targets });
  return tables.length === 0 ? [] : [{ title: 'Criteria', tables }];
}

function verdictCells({ criterion, value, verdict }: Verdict): string[] {
  const { metric, text } = criterion;
  return [
    `${metrics[metric].label} ${text}`,
    value === undefined ? '-' : formatFigure(metric, value),
    verdict,
  ];
}

function resultSection(runs: readonly Measured[]): ReportSection {
  const ms = (us: number): string => formatMs(us / 1000);
  const rows = runs.map(({ name, contender, report }) => [
    name,
    contender,
    formatCount(report.rate),
    ms(report.p50us),
    ms(report.p95us),
    ms(report.p99us),
    ms(report.p999us),
    ms(report.maxUs),
    formatCount(report.errors),
    report.serverCpu === undefined ? '-' : `${Math.round(report.serverCpu * 100)} %`,
    report.cpuUsPerMsg === undefined ? '-' : report.cpuUsPerMsg.toFixed(2),
    report.rssPeakMb === undefined ? '-' : String(Math.round(report.rssPeakMb)),
    `${report.generator}, ${Math.round(report.generatorCpu * 100)} %`,
  ]);
  const columns = [
    'run',
    'server',
    'per second',
    'p50',
    'p95',
    'p99',
    'p99.9',
    'max',
    'errors',
    'server CPU',
    'CPU µs a call',
    'memory, MiB',
    'generator, CPU',
  ];
  return { title: 'Results', tables: [{ columns, rows }] };
}

function latencySection(runs: readonly Measured[], { breakingPoints }: ScenarioResult): ReportSection {
  const series = runs.map(({ name, report }): ChartSeries => {
    const histogram = Histogram.fromJSON(report.histogram);
    // Beyond the last call a percentile is the longest one again.
    const seen = shares.filter((share) => share === 0 || (1 - share) * histogram.total >= 1);
    return { name, x: seen, y: seen.map((share) => histogram.percentile(share) / 1e6) };
  });
  const chart: Chart = {
    id: 'percentiles',
    title: 'Latency by percentile',
    kind: 'line',
    x: { label: 'percentile', scale: 'percentile' },
    y: { label: 'latency, ms', scale: 'log' },
    series,
    marks: breakingPoints.length > 0 ? [] : latencyMarks(runs),
  };
  const open = runs.some(({ report }) => report.mode === 'open');
  const paragraphs = open
    ? [
        'Open loop: latency counts from when the schedule wanted the request sent, so that a stall is charged in full.',
      ]
    : ['Closed loop: each answer sends the next request, so that a slow server is asked less.'];
  return { title: 'Latency', paragraphs, charts: [chart] };
}

/** Each limit of a latency once. */
function latencyMarks(runs: readonly RunResult[]): { y: number; label: string }[] {
  const marks = new Map<string, number>();
  const add = ({ metric, limit, text }: Criterion): void => {
    if (metrics[metric].kind === 'time') marks.set(`${metrics[metric].label} ${text}`, limit);
  };
  for (const { verdicts, targets } of runs)
    for (const { criterion } of [...verdicts, ...targets]) add(criterion);
  return [...marks].map(([label, y]) => ({ y, label }));
}

function timeSection(runs: readonly Measured[]): ReportSection {
  const over = (id: string, title: string, label: string, pick: (each: LoadInterval) => number | undefined) =>
    timeChart(runs, id, title, label, pick);
  const cpu = timeSeries(runs, ' server', (each) => each.serverCpu).concat(
    timeSeries(runs, ' generator', (each) => each.generatorCpu),
  );
  const charts: Chart[] = [
    over('rate', 'Throughput over time', 'requests per second', (each) => each.rate),
    over('p99', 'p99 over time', 'latency, ms', (each) => each.p99us / 1000),
    { ...over('cpu', 'CPU over time', 'cores', () => undefined), series: cpu },
    over('memory', 'Memory of the server over time', 'MiB', (each) => each.serverRssMb),
    over('errors', 'Errors over time', 'errors in an interval', (each) => each.errors),
  ];
  return {
    title: 'Over time',
    charts: charts.filter(
      ({ id, series }) =>
        series.length > 0 && (id !== 'errors' || series.some(({ y }) => y.some((value) => value !== 0))),
    ),
  };
}

function timeChart(
  runs: readonly Measured[],
  id: string,
  title: string,
  label: string,
  pick: (each: LoadInterval) => number | undefined,
): Chart {
  return {
    id,
    title,
    kind: 'line',
    x: { label: 'time, s', scale: 'linear' },
    y: { label, scale: id === 'p99' ? 'log' : 'linear' },
    series: timeSeries(runs, '', pick),
  };
}

/** Without the runs of which nothing is known. */
function timeSeries(
  runs: readonly Measured[],
  suffix: string,
  pick: (each: LoadInterval) => number | undefined,
): ChartSeries[] {
  return runs.flatMap(({ name, report }) => {
    const measured = report.intervals.filter(({ atSeconds }) => atSeconds > 0);
    const y = measured.map((each) => pick(each) ?? null);
    if (y.every((value) => value === null)) return [];
    return [{ name: `${name}${suffix}`, x: measured.map(({ atSeconds }) => atSeconds), y }];
  });
}

/** Runs that differ in one number, over that number: rising load and sweeps. */
function sweepSections({ breakingPoints }: ScenarioResult, runs: readonly Measured[]): ReportSection[] {
  if (breakingPoints.length > 0) return [riseSection(runs)];
  const connections = new Set(runs.map((run) => run.connections));
  const sizes = new Set(runs.map((run) => run.payload));
  if (connections.size > 2) {
    const charts = sweepCharts(runs, 'connections', (run) => run.connections);
    return [{ title: 'Over connections', charts }];
  }
  if (sizes.size > 2 && !sizes.has(undefined)) {
    const charts = sweepCharts(runs, 'bytes of text', (run) => run.payload ?? 0);
    return [{ title: 'Over sizes', charts }];
  }
  return [];
}

function riseSection(runs: readonly Measured[]): ReportSection {
  const byRate = (run: Measured): number => run.targetRate ?? 0;
  const groups = grouped(runs, (run) => run.transport);
  const chart = (
    id: string,
    title: string,
    label: string,
    pick: (run: Measured) => number | null,
  ): Chart => ({
    id,
    title,
    kind: 'points',
    x: { label: 'requests per second wanted', scale: 'log' },
    y: { label, scale: 'log' },
    series: sweepSeries(groups, byRate, pick),
  });
  return {
    title: 'Rising load',
    charts: [
      chart('rise-p99', 'p99 over the rate', 'latency, ms', (run) => run.report.p99us / 1000),
      chart('rise-rate', 'Rate reached', 'requests per second', (run) => run.report.rate),
    ],
  };
}

function sweepCharts(runs: readonly Measured[], label: string, x: (run: Measured) => number): Chart[] {
  const isByConnections = label === 'connections';
  const groups = grouped(runs, (run) =>
    isByConnections && run.payload !== undefined
      ? `${run.transport}, ${formatSize(run.payload)}`
      : run.transport,
  );
  const chart = (id: string, title: string, y: string, pick: (run: Measured) => number | null): Chart => ({
    id,
    title,
    kind: 'points',
    x: { label, scale: 'log' },
    y: { label: y, scale: 'log' },
    series: sweepSeries(groups, x, pick),
  });
  return [
    chart('sweep-rate', 'Throughput', 'requests per second', (run) => run.report.rate),
    chart('sweep-p99', 'p99', 'latency, ms', (run) => run.report.p99us / 1000),
    chart('sweep-cpu', 'CPU of the server', 'µs a call', (run) => run.report.cpuUsPerMsg ?? null),
  ];
}

function grouped(runs: readonly Measured[], key: (run: Measured) => string): Map<string, Measured[]> {
  const groups = new Map<string, Measured[]>();
  for (const run of runs) groups.set(key(run), [...(groups.get(key(run)) ?? []), run]);
  return groups;
}

function sweepSeries(
  groups: ReadonlyMap<string, readonly Measured[]>,
  x: (run: Measured) => number,
  y: (run: Measured) => number | null,
): ChartSeries[] {
  return [...groups].map(([name, runs]) => {
    const rising = [...runs].sort((a, b) => x(a) - x(b));
    // A log axis has no place for nothing.
    return {
      name,
      x: rising.map((run) => Math.max(1, x(run))),
      y: rising.map((run) => y(run) || null),
    };
  });
}

function operationSections(runs: readonly Measured[]): ReportSection[] {
  const rows = runs.flatMap(({ name, report }) =>
    report.operations.length < 2
      ? []
      : report.operations.map((each) => [
          name,
          each.name,
          formatCount(each.messages),
          formatCount(each.errors),
          formatMs(each.p50us / 1000),
          formatMs(each.p95us / 1000),
          formatMs(each.p99us / 1000),
          formatMs(each.maxUs / 1000),
        ]),
  );
  if (rows.length === 0) return [];
  const columns = ['run', 'operation', 'answered', 'errors', 'p50', 'p95', 'p99', 'max'];
  return [{ title: 'Operations', tables: [{ columns, rows }] }];
}

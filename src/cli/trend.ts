import type { BenchRecord } from '../analysis/record.js';
import { sparkline, type Trend, trendMetrics, trendsOf } from '../analysis/trend.js';
import { changeLines, trendPage } from '../analysis/trend-page.js';
import { RingwireError } from '../errors.js';
import { writeReport } from '../workbench/report/write-report.js';
import { readRecords, recordedScenarios, resultsFolder } from '../workbench/results.js';
import { defineCommand } from './command.js';
import { ExitCode } from './exit-codes.js';
import { columns, paint, printError, printJson, printLine } from './terminal.js';
import { wordOption } from './transport-options.js';
import { suggestion, UsageError } from './usage-error.js';

const metricNames = { rate: 'rate', p99: 'p99us', cpu: 'cpuUsPerMsg' } as const;

const figure = (value: number): string =>
  value >= 1000 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);

interface Recorded {
  readonly records: BenchRecord[];
  readonly notes: string[];
}

/** Of one scenario, or of all: those that hold something else than measurements of a load are told and left out. */
async function readAll(folder: string, scenario: string | undefined): Promise<Recorded> {
  const known = await recordedScenarios(folder);
  if (scenario !== undefined && !known.includes(scenario))
    throw new UsageError(
      `${folder} has no results of ${JSON.stringify(scenario)}.`,
      known.length === 0
        ? 'ringwire bench SCENARIO records one each time it runs.'
        : suggestion(scenario, known, `Recorded are ${known.join(', ')}.`),
    );
  const records: BenchRecord[] = [];
  const notes: string[] = [];
  for (const name of scenario === undefined ? known : [scenario]) {
    try {
      records.push(...(await readRecords(name, folder)));
    } catch (error) {
      if (scenario !== undefined || !(error instanceof RingwireError) || error.code !== 'CONFIG_INVALID')
        throw error;
      notes.push(`left out ${name}: ${error.message}`);
    }
  }
  return { records, notes };
}

function row(trend: Trend): string[] {
  const { name, metric, points, changes } = trend;
  const last = changes[changes.length - 1];
  const verdict = last === undefined ? 'no change' : changeLines(trend)[changes.length - 1];
  const colour = last?.verdict === 'worse' ? 'red' : 'green';
  return [
    name,
    metric.name,
    String(points.length),
    sparkline(points.map(({ value }) => value)),
    `${figure(points[points.length - 1].value)} ${metric.unit}`,
    last === undefined ? verdict : paint(verdict, colour),
  ];
}

function render(trends: readonly Trend[]): string {
  const machines = [...new Set(trends.map(({ machine }) => machine))];
  const head = ['what', 'metric', 'runs', 'trend', 'latest', 'latest change of level'];
  return machines
    .map((machine) => {
      const rows = trends.filter((trend) => trend.machine === machine).map(row);
      return `${paint(machine, 'bold')}\n${columns([head, ...rows])}`;
    })
    .join('\n\n');
}

export const trend = defineCommand({
  name: 'bench trend',
  summary: 'Show how recorded results changed over time, and where their level changed',
  usage: '[SCENARIO] [OPTIONS]',
  details:
    'Reads what ringwire bench recorded. Results of the same scenario, contender, transport, connections, depth and\nmachine make one line. A change is told where chance explains it once in a hundred at most; a level needs at least\nfour runs to be told from outliers.',
  options: {
    results: {
      type: 'string',
      placeholder: 'FOLDER',
      description: 'Folder of the JSON lines; where ringwire bench keeps them by default',
    },
    metric: { type: 'string', placeholder: 'NAME', description: 'Only rate, p99 or cpu' },
    html: { type: 'string', placeholder: 'FILE', description: 'Write a page with charts' },
    json: { type: 'boolean', description: 'Print the result as JSON' },
  },
  examples: [
    'ringwire bench trend',
    'ringwire bench trend 10k --metric p99',
    'ringwire bench trend --results bench/results --html trend.html',
  ],
  async run({ options, positionals }) {
    const [scenario, ...more] = positionals;
    if (more.length > 0) throw new UsageError('ringwire bench trend takes one scenario.');
    const metric = wordOption('metric', options.metric, Object.keys(metricNames));
    const field = metric === undefined ? undefined : metricNames[metric as keyof typeof metricNames];
    const folder = options.results ?? resultsFolder();
    const { records, notes } = await readAll(folder, scenario);
    const metrics = trendMetrics.filter((one) => field === undefined || one.field === field);
    const trends = trendsOf(records, metrics);
    for (const note of notes) printError(`ringwire: ${note}`);
    if (trends.length === 0)
      throw new UsageError(
        `There are no results in ${folder}.`,
        'ringwire bench SCENARIO records one each time it runs; --results names another folder.',
      );
    if (options.json === true) printJson(trends);
    else printLine(render(trends));
    if (options.html !== undefined)
      writeReport(trendPage(trends, `ringwire bench trend, ${folder}`), options.html);
    return ExitCode.Ok;
  },
});

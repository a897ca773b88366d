import { resolve } from 'node:path';
import { fewestRounds } from '../analysis/compare.js';
import { beyondBudget, type Comparison, compareRecords } from '../analysis/comparison.js';
import { comparisonColumns, comparisonPage, comparisonRow } from '../analysis/comparison-page.js';
import type { BenchRecord } from '../analysis/record.js';
import type { ComparisonRequest, ComparisonResult } from '../workbench/compare/run-comparison.js';
import type { LoadReport } from '../workbench/load/load-plan.js';
import { loadOptionSpecs, loadOptions, processOption, targetOptionSpecs } from './bench/options.js';
import { type CommandInput, defineCommand } from './command.js';
import { isResultsFile, sideTarget } from './compare/sides.js';
import { ExitCode } from './exit-codes.js';
import { interruptible } from './interrupt.js';
import { integerOption, numberOption } from './parse-input.js';
import { columns, paint, printError, printJson, printLine } from './terminal.js';
import { UsageError } from './usage-error.js';

const { 'server-pid': _pid, ...addressSpecs } = targetOptionSpecs;
const defaultRounds = 6;
const defaultSeconds = 2;
const defaultWarmup = 0.5;

const optionSpecs = {
  ...loadOptionSpecs,
  ...addressSpecs,
  rounds: {
    type: 'string',
    placeholder: 'COUNT',
    description: `Runs of each side, in turn: ${defaultRounds} by default, at least ${fewestRounds}`,
  },
  budget: {
    type: 'string',
    placeholder: 'PERCENT',
    description: 'Exit code 1 where B is worse by more than this, outside the noise',
  },
  'pid-a': { type: 'string', placeholder: 'PID', description: 'Process behind the address A, for its CPU' },
  'pid-b': { type: 'string', placeholder: 'PID', description: 'Process behind the address B, for its CPU' },
  'any-answer': { type: 'boolean', description: 'Compare although A and B answer differently' },
  'no-pin': { type: 'boolean', description: 'Let the system choose cores for server and generator' },
  html: { type: 'string', placeholder: 'FILE', description: 'Write a page with a chart of the rounds' },
  json: { type: 'boolean', description: 'Print everything as JSON' },
} as const;

type Input = CommandInput<typeof optionSpecs>;
type Options = Input['options'];

interface Outcome {
  readonly sides: { readonly a: string; readonly b: string };
  readonly comparisons: readonly Comparison[];
  readonly notes: readonly string[];
  readonly failed: boolean;
  readonly wasInterrupted: boolean;
  /** What --json prints. */
  readonly json: unknown;
}

async function recordsOf(file: string): Promise<BenchRecord[]> {
  const { readRecordFile } = await import('../workbench/results.js');
  const records = await readRecordFile(resolve(file));
  if (records.length === 0) throw new UsageError(`${file} does not exist, or holds no results.`);
  return records;
}

function some(names: readonly string[]): string {
  const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
  return `${names.slice(0, 3).join('; ')}${more}`;
}

async function compareFiles(a: string, b: string, options: Options): Promise<Outcome> {
  const given = Object.keys(options).filter((name) => !['json', 'html', 'budget'].includes(name));
  if (given.length > 0)
    throw new UsageError(`--${given[0]} goes with servers that are loaded, not with files of results.`);
  const result = compareRecords(await recordsOf(a), await recordsOf(b));
  if (result.comparisons.length === 0)
    throw new UsageError(
      `${a} and ${b} hold no results of the same load.`,
      `A has ${some(result.onlyA)}. B has ${some(result.onlyB)}.`,
    );
  const notes = [
    'Compared as recorded: not measured in turn, so a drift of the machine shows as a difference.',
    ...(result.onlyA.length > 0 ? [`Only A has ${some(result.onlyA)}.`] : []),
    ...(result.onlyB.length > 0 ? [`Only B has ${some(result.onlyB)}.`] : []),
  ];
  return { sides: { a, b }, ...result, notes, failed: false, wasInterrupted: false, json: result };
}

async function requestOf(a: string, b: string, options: Options): Promise<ComparisonRequest> {
  const side = (word: string, which: 'pid-a' | 'pid-b'): ComparisonRequest['a'] => {
    const target = sideTarget(word, options);
    if (options[which] !== undefined && 'command' in target)
      throw new UsageError(`--${which} is of an address; the process of a command is known.`);
    const serverPid = processOption(which, options[which]);
    return { target, ...(serverPid === undefined ? {} : { serverPid }) };
  };
  const { warmup, payload, seconds, ...load } = loadOptions(options);
  const sides = { a: side(a, 'pid-a'), b: side(b, 'pid-b') };
  const [server, generator] =
    options['no-pin'] === true ? [] : (await import('../workbench/machine.js')).allowedCores();
  return {
    ...sides,
    load: {
      ...(load.method === undefined && load.mix === undefined ? { mix: 'echo' } : {}),
      ...load,
      seconds: seconds ?? defaultSeconds,
      warmupSeconds: warmup ?? defaultWarmup,
      ...(payload === undefined ? {} : { textBytes: payload }),
    },
    rounds: integerOption('rounds', options.rounds, fewestRounds, defaultRounds, 1000),
    ...(generator === undefined ? {} : { cores: { server, generator } }),
    anyAnswer: options['any-answer'] === true,
  };
}

/** What has to be known before the figures are believed. */
function notesOn({ metrics, reports }: ComparisonResult): string[] {
  const sides = [
    ['A', reports.a],
    ['B', reports.b],
  ] as const;
  const unique = (texts: (string | undefined)[]): string[] => [
    ...new Set(texts.filter((text) => text !== undefined)),
  ];
  const saturated = sides.flatMap(([name, all]) =>
    unique(all.map(({ saturation }) => saturation && `${name}: ${saturation}`)),
  );
  const failures = sides.flatMap(([name, all]) => {
    const errors = all.reduce((sum, report) => sum + report.errors, 0);
    const first = all.find(({ firstError }: LoadReport) => firstError !== undefined)?.firstError;
    return errors === 0 ? [] : [`${name}: ${errors} errors; the first: ${first ?? 'unknown'}`];
  });
  const hasCpu = metrics.some(({ name }) => name === 'CPU per message');
  const unknown = hasCpu
    ? []
    : ['CPU per message is not compared: name the processes with --pid-a and --pid-b.'];
  return [...failures, ...saturated.slice(0, 2), ...unknown];
}

async function measure(a: string, b: string, options: Options): Promise<Outcome> {
  const { runComparison } = await import('../workbench/compare/run-comparison.js');
  const request = await requestOf(a, b, options);
  const interrupt = interruptible();
  const isShown = process.stderr.isTTY === true;
  try {
    const result = await runComparison(request, {
      signal: interrupt.signal,
      onInterval: (side, round, { rate, p99us }) => {
        if (!isShown) return;
        const line = `round ${round}/${request.rounds}  ${side}  ${Math.round(rate).toLocaleString('en')}/s  p99 ${Math.round(p99us)} µs`;
        process.stderr.write(`\r\u001b[K${line}`);
      },
    });
    const failed = [...result.reports.a, ...result.reports.b].some(({ errors }) => errors > 0);
    const { wasInterrupted } = result;
    return {
      sides: { a, b },
      comparisons: [result],
      notes: notesOn(result),
      failed,
      wasInterrupted,
      json: result,
    };
  } finally {
    interrupt.done();
    if (isShown) process.stderr.write('\r\u001b[K');
  }
}

function render({ comparisons, notes }: Outcome): string {
  const colours = {
    better: 'green',
    worse: 'red',
    'no difference': 'bold',
    'too few rounds': 'yellow',
  } as const;
  const tables = comparisons.map((comparison) => {
    const rows = comparison.metrics.map((metric) => {
      const row = comparisonRow(metric);
      return [...row.slice(0, -1), paint(metric.verdict, colours[metric.verdict])];
    });
    return `${paint(comparison.name, 'bold')}\n${columns([comparisonColumns, ...rows])}`;
  });
  return [...tables, ...(notes.length === 0 ? [] : [notes.join('\n')])].join('\n\n');
}

async function writeHtml({ sides, comparisons, notes }: Outcome, file: string): Promise<void> {
  const { writeReport } = await import('../workbench/report/write-report.js');
  writeReport(comparisonPage(sides, comparisons, notes, new Date().toISOString()), file);
}

export const compare = defineCommand({
  name: 'bench compare',
  summary: 'Compare two servers under the same load, or two files of results',
  usage: 'A B [OPTIONS]',
  details:
    "A and B are addresses, commands in quotes ('node a.mjs': their stdin and stdout are the connection), or two files of\nresults (.jsonl). Servers are first asked the same, which they have to answer alike, then loaded in turn. B is better\nor worse where its 95 % interval, the noise within A and within B, and a Mann-Whitney U test agree on it. What of the\nload is not said follows from A's transport; the default mix is echo.",
  options: optionSpecs,
  examples: [
    "ringwire bench compare 'node old.mjs' 'node new.mjs' --depth 64",
    'ringwire bench compare tcp://127.0.0.1:4000 http://127.0.0.1:8080/mcp --connections 16 --depth 1',
    'ringwire bench compare before.jsonl after.jsonl --budget 5',
  ],
  async run({ options, positionals, rest }: Input) {
    const [a, b, ...more] = positionals;
    if (a === undefined || b === undefined || more.length > 0 || rest.length > 0)
      throw new UsageError(
        'ringwire bench compare takes two sides, A and B.',
        "Each is an address, a command in quotes or a .jsonl file: ringwire bench compare 'node a.mjs' 'node b.mjs'",
      );
    const budget =
      options.budget === undefined ? undefined : numberOption('budget', options.budget, 0, 0, 1000) / 100;
    if (isResultsFile(a) !== isResultsFile(b))
      throw new UsageError('A file of results is compared with another file of results.');
    const outcome = isResultsFile(a) ? await compareFiles(a, b, options) : await measure(a, b, options);
    if (options.json === true) printJson(outcome.json);
    else printLine(render(outcome));
    if (options.html !== undefined) await writeHtml(outcome, options.html);
    if (outcome.wasInterrupted) return ExitCode.Interrupted;
    const worse = budget === undefined ? [] : outcome.comparisons.flatMap((one) => beyondBudget(one, budget));
    for (const { name, ratio } of worse)
      printError(
        `ringwire: ${name} of B is ${ratio.toFixed(3)} times that of A; the budget is ${options.budget} %`,
      );
    return worse.length > 0 || outcome.failed ? ExitCode.Failure : ExitCode.Ok;
  },
});

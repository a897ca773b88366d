import { resolve } from 'node:path';
import { listScenarios } from '../workbench/scenarios/find-scenario.js';
import { recordsOf, type ScenarioResult } from '../workbench/scenarios/run-result.js';
import { runScenario, type ScenarioOptions } from '../workbench/scenarios/run-scenario.js';
import {
  criteriaOption,
  formOption,
  loadOptionSpecs,
  loadOptions,
  processOption,
  scenarioOptionSpecs,
  targetOptionSpecs,
  transportsOption,
} from './bench/options.js';
import { Progress } from './bench/progress.js';
import { renderResult } from './bench/render.js';
import { readSubject } from './bench/subject.js';
import { type CommandInput, defineCommand, type OptionValues } from './command.js';
import { ExitCode } from './exit-codes.js';
import { interruptible } from './interrupt.js';
import { columns, printError, printJson, printLine } from './terminal.js';
import { transportOptions, wordOption } from './transport-options.js';
import { UsageError } from './usage-error.js';

const outputOptionSpecs = {
  html: {
    type: 'string',
    placeholder: 'FILE',
    description: 'Write a report with charts: one file, no network',
  },
  results: {
    type: 'string',
    placeholder: 'FOLDER',
    description: 'Where records are appended, or none; by default results of the state folder',
  },
  json: { type: 'boolean', description: 'Print everything as JSON' },
} as const;

const optionSpecs = {
  ...loadOptionSpecs,
  ...scenarioOptionSpecs,
  ...targetOptionSpecs,
  ...outputOptionSpecs,
};
type Values = OptionValues<typeof optionSpecs>;

async function list(values: Values, more: readonly string[]): Promise<ExitCode> {
  if (more.length > 0) throw new UsageError('ringwire bench list takes no further word.');
  const scenarios = await listScenarios();
  if (values.json === true) printJson(scenarios);
  else
    printLine(
      columns(
        scenarios.map(({ name, transports, description }) => [name, description, transports.join(', ')]),
      ),
    );
  return ExitCode.Ok;
}

function optionsFrom(values: Values, hasTarget: boolean): ScenarioOptions {
  const serverPid = processOption('server-pid', values['server-pid']);
  for (const name of ['transport', 'implementation', 'engine', 'no-pin'] as const)
    if (hasTarget && values[name] !== undefined)
      throw new UsageError(`--${name} is of servers that are started for the run, not of an address.`);
  return {
    form: formOption(values),
    load: loadOptions(values),
    transports: transportsOption(values.transport),
    criteria: criteriaOption(values.criterion),
    implementation: transportOptions({ implementation: values.implementation }).implementation,
    engine: wordOption('engine', values.engine, ['auto', 'uws', 'node']) as 'auto' | undefined,
    pin: values['no-pin'] !== true,
    ...(serverPid === undefined ? {} : { serverPid }),
  };
}

/** Quick runs mean nothing and leave nothing, unless a folder is named. */
async function record(result: ScenarioResult, folder: string | undefined): Promise<readonly string[]> {
  if (folder === 'none' || (folder === undefined && result.form === 'quick')) return [];
  const { appendRecords, resultsFolder } = await import('../workbench/results.js');
  return appendRecords(recordsOf(result), folder === undefined ? resultsFolder() : resolve(folder));
}

async function writeHtml(result: ScenarioResult, file: string): Promise<void> {
  const [{ scenarioPage }, { writeReport }] = await Promise.all([
    import('../workbench/scenarios/report.js'),
    import('../workbench/report/write-report.js'),
  ]);
  writeReport(scenarioPage(result), file);
}

async function measure(
  { positionals, rest }: CommandInput<typeof optionSpecs>,
  values: Values,
): Promise<ExitCode> {
  const { scenario, target } = await readSubject(positionals, rest, values);
  const options = {
    ...optionsFrom(values, target !== undefined),
    ...(target === undefined ? {} : { target }),
  };
  const progress = new Progress();
  const interrupt = interruptible();
  let result: ScenarioResult;
  try {
    result = await runScenario(scenario, options, {
      onRun: (run, seconds) => progress.begin(run, seconds),
      onInterval: (run, interval) => progress.update(run, interval),
      onRunEnd: () => progress.clear(),
      signal: interrupt.signal,
    });
  } finally {
    progress.clear();
    interrupt.done();
  }
  // First what cannot fail: minutes of measuring went into it.
  if (values.json === true) printJson(result);
  else printLine(renderResult(result));
  for (const file of await record(result, values.results)) printError(`recorded in ${file}`);
  if (values.html !== undefined) {
    await writeHtml(result, values.html);
    printError(`report in ${values.html}`);
  }
  if (result.wasInterrupted) return ExitCode.Interrupted;
  return result.passed ? ExitCode.Ok : ExitCode.Failure;
}

export const bench = defineCommand({
  name: 'bench',
  summary: 'Measure a scenario, a server or a command under load',
  usage: '[SCENARIO] [URL] [OPTIONS] [-- COMMAND]\nringwire bench list',
  details:
    'A scenario starts its servers, each in a process of its own, unless an address or a command takes their place.\nSCENARIO is a name of ringwire bench list or a path to a YAML file; every option counts before the file.\nExit code 1: a criterion of the scenario was missed, or a call failed. See docs/benchmarking.md.',
  options: optionSpecs,
  examples: [
    'ringwire bench quick',
    'ringwire bench 10k --transport http --html report.html',
    'ringwire bench https://example.com/mcp --rate 1000 --seconds 30 --tool search --arguments \'{"query":"x"}\'',
    'ringwire bench stress tcp://127.0.0.1:4000 --method add --params \'{"a":1,"b":2}\'',
    'ringwire bench --connections 1 --mix echo -- node server.mjs',
  ],
  async run(input) {
    const [word, ...more] = input.positionals;
    if (word === 'list') return list(input.options, more);
    return measure(input, input.options);
  },
});

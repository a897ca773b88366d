import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { hasCritical } from '../analysis/bottleneck-report.js';
import { analyzeBottlenecks } from '../analysis/bottlenecks.js';
import type { Finding } from '../analysis/finding.js';
import type { Sample } from '../analysis/sample.js';
import { RingwireError } from '../errors.js';
import { sampleLoadedServer } from '../workbench/analyzer/loaded-server.js';
import { PerformanceAnalyzer } from '../workbench/analyzer/performance-analyzer.js';
import { monitorResources } from '../workbench/monitor/monitor-resources.js';
import { collectSamples } from '../workbench/monitor/sample-source.js';
import { Arguments } from './analyze/arguments.js';
import { kinds, type Outcome } from './analyze/kinds.js';
import { findingsText } from './analyze/show.js';
import { StatusLine } from './analyze/status-line.js';
import { type CommandInput, defineCommand } from './command.js';
import { ExitCode } from './exit-codes.js';
import { interruptible } from './interrupt.js';
import { integerOption } from './parse-input.js';
import { columns, printError, printJson, printLine } from './terminal.js';
import { sampleLine } from './top/view.js';
import { suggestion, UsageError } from './usage-error.js';

const optionSpecs = {
  short: { type: 'boolean', description: 'Fewer repeats and shorter loads: says less, in seconds' },
  html: { type: 'string', placeholder: 'FILE', description: 'Write the report as one page with charts' },
  markdown: { type: 'string', placeholder: 'FILE', description: 'Write the report as Markdown' },
  samples: { type: 'string', placeholder: 'FILE', description: 'Write the samples as JSON lines' },
  pid: { type: 'string', placeholder: 'PID', description: 'resources: of this process (Linux)' },
  url: { type: 'string', placeholder: 'URL', description: 'resources: of a server with health on' },
  json: { type: 'boolean', description: 'Print the result as JSON' },
} as const;

type Options = CommandInput<typeof optionSpecs>['options'];
type OptionName = keyof typeof optionSpecs;

interface Form {
  readonly usage: string;
  readonly summary: string;
  readonly options: readonly OptionName[];
}

/** Those that start no server. */
const watching = {
  resources: {
    usage: '[MS] [INTERVAL]',
    summary:
      'samples of a process (--pid), a server (--url) or an echo server under load, for 60,000 ms, one each 1,000 ms',
    options: ['pid', 'url', 'samples'],
  },
  bottlenecks: {
    usage: 'FILE|URL|PID [MS] [INTERVAL]',
    summary: 'what limits a server, from samples of it',
    options: ['samples'],
  },
} as const satisfies Record<string, Form>;

const all: Readonly<Record<string, Form>> = { ...kinds, ...watching };

function checkOptions(what: string, allowed: readonly OptionName[], options: Options): void {
  const given = (Object.keys(options) as OptionName[]).filter((name) => name !== 'json');
  const wrong = given.find((name) => !allowed.includes(name));
  if (wrong === undefined) return;
  const right = [...allowed, 'json'].map((name) => `--${name}`).join(', ');
  throw new UsageError(`ringwire analyze ${what} does nothing with --${wrong}.`, `It takes ${right}.`);
}

function writeText(file: string, text: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new RingwireError('IO_ERROR', `${file} cannot be written (${why}).`, { cause });
  }
}

function writeSamples(file: string | undefined, samples: readonly Sample[]): void {
  if (file !== undefined) writeText(file, samples.map((sample) => `${JSON.stringify(sample)}\n`).join(''));
}

function exitCodeFor(findings: readonly Finding[]): ExitCode {
  return hasCritical(findings) ? ExitCode.Failure : ExitCode.Ok;
}

async function runKind(what: string, words: readonly string[], options: Options): Promise<ExitCode> {
  const kind = kinds[what];
  const given = new Arguments(what, kind.usage, words);
  const run = kind.prepare(given);
  given.end();
  const line = new StatusLine();
  const { signal, done } = interruptible();
  let outcome: Outcome;
  try {
    const onProgress = (text: string): void => line.show(text);
    const analyzer = await PerformanceAnalyzer.start({ signal, onProgress });
    outcome = await run(analyzer, { signal, onProgress, short: options.short === true });
  } finally {
    done();
    line.clear();
  }
  writeSamples(options.samples, outcome.samples);
  if (options.html !== undefined) writeText(options.html, outcome.html ?? '');
  if (options.markdown !== undefined) writeText(options.markdown, outcome.markdown ?? '');
  if (options.json === true) printJson({ ...outcome.json, findings: outcome.findings });
  else printLine(`${outcome.text}\n\n${findingsText(outcome.findings)}`);
  return exitCodeFor(outcome.findings);
}

async function runResources(words: readonly string[], options: Options): Promise<ExitCode> {
  const given = new Arguments('resources', watching.resources.usage, words);
  const durationMs = given.whole('MS', 10, 31_536_000_000) ?? 60_000;
  const intervalMs = given.whole('INTERVAL', 10, 2 ** 31 - 1) ?? 1_000;
  given.end();
  if (options.pid !== undefined && options.url !== undefined)
    throw new UsageError('Give --pid or --url, not both.');
  const target = targetOf(options);
  const { signal, done } = interruptible();
  const samples: Sample[] = [];
  const show = (sample: Sample): void => {
    samples.push(sample);
    printLine(options.json === true ? JSON.stringify(sample) : sampleLine(sample));
  };
  try {
    if (target === undefined) await sampleLoadedServer(durationMs, intervalMs, { signal, onSample: show });
    else
      for await (const sample of monitorResources(durationMs, intervalMs, { ...target, signal }))
        show(sample);
  } finally {
    done();
    writeSamples(options.samples, samples);
  }
  if (samples.length === 0) throw new RingwireError('CONNECTION_CLOSED', 'It ended before the first sample.');
  const findings = analyzeBottlenecks(samples);
  if (options.json !== true) printLine(`\n${findingsText(findings)}`);
  return exitCodeFor(findings);
}

function targetOf({ pid, url }: Options): { readonly pid: number } | { readonly url: string } | undefined {
  if (url !== undefined) return { url };
  return pid === undefined ? undefined : { pid: integerOption('pid', pid, 1, 1) };
}

async function runBottlenecks(words: readonly string[], options: Options): Promise<ExitCode> {
  const given = new Arguments('bottlenecks', watching.bottlenecks.usage, words);
  const source = given.text(
    'samples: a file of JSON lines, the URL of a server with health on, or the number of a process',
    'ringwire analyze bottlenecks samples.jsonl',
  );
  const durationMs = given.whole('MS', 10, 31_536_000_000);
  const intervalMs = given.whole('INTERVAL', 10, 2 ** 31 - 1);
  given.end();
  const line = new StatusLine();
  const { signal, done } = interruptible();
  let samples: readonly Sample[];
  try {
    samples = await collectSamples(source, {
      signal,
      ...(durationMs !== undefined && { durationMs }),
      ...(intervalMs !== undefined && { intervalMs }),
      onSample: (sample) => line.show(sampleLine(sample)),
    });
  } finally {
    done();
    line.clear();
  }
  writeSamples(options.samples, samples);
  const findings = analyzeBottlenecks(samples);
  if (options.json === true) printJson({ samples: samples.length, findings });
  else {
    const count = samples.length === 1 ? '1 sample' : `${samples.length} samples`;
    printError(`${count} of ${source}`);
    printLine(findingsText(findings));
  }
  return exitCodeFor(findings);
}

export const analyze = defineCommand({
  name: 'analyze',
  summary: 'Measure transports and explain what limits them',
  usage: 'WHAT [ARGUMENTS] [OPTIONS]',
  details: `${columns(Object.entries(all).map(([name, { usage, summary }]) => [`  ${name}${usage === '' ? '' : ` ${usage}`}`, summary]))}

Tests and analyses call echo servers that they start, each in a process of its own, and compare every answer with what was
sent. TRANSPORT is stdio, tcp, unix, http, ws or memory. Ends with 1 where a finding is critical, with 0 otherwise.`,
  options: optionSpecs,
  examples: [
    'ringwire analyze throughput stdio 1000 1024',
    'ringwire analyze stress tcp 30000 10',
    'ringwire analyze resources 60000 1000 --pid 4711 --samples samples.jsonl',
    'ringwire analyze bottlenecks samples.jsonl',
    'ringwire analyze report --short --html report.html',
  ],
  async run({ options, positionals }) {
    const [what, ...words] = positionals;
    if (what === undefined)
      throw new UsageError(
        'ringwire analyze needs to know what.',
        `It is one of ${Object.keys(all).join(', ')}.`,
      );
    if (!Object.hasOwn(all, what))
      throw new UsageError(
        `ringwire analyze has no ${JSON.stringify(what)}.`,
        suggestion(what, Object.keys(all), `It is one of ${Object.keys(all).join(', ')}.`),
      );
    checkOptions(what, all[what].options, options);
    if (what === 'resources') return runResources(words, options);
    if (what === 'bottlenecks') return runBottlenecks(words, options);
    return runKind(what, words, options);
  },
});

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { addon } from '../binding/addon.js';
import { packageRoot } from '../binding/package-root.js';
import { RingwireError } from '../errors.js';
import type { Implementation, TransportOptions } from '../transports/transport.js';
import { type LoadResult, runLoad } from './bench/load.js';
import { nativeGeneratorExists, runNativeLoad } from './bench/native-load.js';
import type { FromServer } from './bench/server-child.js';
import { defineCommand } from './command.js';
import { ExitCode } from './exit-codes.js';
import { integerOption } from './parse-input.js';
import { columns, paint, printJson, printLine } from './terminal.js';
import { transportOptionSpecs, transportOptions, wordOption } from './transport-options.js';
import { suggestion, UsageError } from './usage-error.js';

const warmUpMs = 500;
/** Above this share of a core a process was the limit. */
const fullCore = 0.9;

type Generator = 'c++' | 'javascript';

interface QuickOptions {
  readonly connections: number;
  readonly depth: number;
  readonly seconds: number;
  readonly implementation: TransportOptions['implementation'];
  readonly generator: Generator;
}

interface QuickResult extends LoadResult {
  readonly connections: number;
  readonly depth: number;
  readonly rate: number;
  readonly serverCpuUsPerCall: number;
  readonly serverCpu: number;
  readonly serverRssBytes: number;
  readonly implementation: Implementation;
  readonly simd: string | null;
  readonly cores: number;
  readonly generator: Generator;
  readonly generatorWasLimit: boolean;
}

async function message(child: ChildProcess): Promise<FromServer> {
  const ended = once(child, 'exit').then(([code, signal]) => {
    throw new RingwireError(
      'CHILD_EXITED',
      `The measured server ended early (${signal ?? `exit code ${code}`}).`,
    );
  });
  const [received] = (await Promise.race([once(child, 'message'), ended])) as [FromServer];
  return received;
}

async function usage(
  child: ChildProcess,
): Promise<{ cpuUs: number; rssBytes: number; implementation: Implementation }> {
  const answer = message(child);
  child.send('usage');
  const received = await answer;
  if (!('cpu' in received)) throw new RingwireError('INTERNAL', 'The measured server answered out of turn.');
  const { cpu, rssBytes, implementation } = received;
  return { cpuUs: cpu.user + cpu.system, rssBytes, implementation };
}

async function measure(options: QuickOptions): Promise<QuickResult> {
  const script = fileURLToPath(new URL('dist/cli/bench/server-child.js', packageRoot));
  const child = fork(script, [options.implementation ?? 'auto'], { execArgv: [] });
  try {
    const ready = await message(child);
    if (!('port' in ready)) throw new RingwireError('INTERNAL', 'The measured server answered out of turn.');
    const { connections, depth, seconds } = options;
    const load = { host: '127.0.0.1', port: ready.port, connections, depth };
    // A first run warms the server up, so that its processor time is that of the measured calls alone.
    const run = options.generator === 'c++' ? runNativeLoad : runLoad;
    await run({ ...load, measureMs: warmUpMs });
    const before = await usage(child);
    const result = await run({ ...load, measureMs: seconds * 1000 });
    const after = await usage(child);
    const serverCpuUs = after.cpuUs - before.cpuUs;
    const { implementation } = after;
    return {
      connections,
      depth,
      rate: (result.calls * 1000) / result.elapsedMs,
      ...result,
      serverCpuUsPerCall: serverCpuUs / Math.max(1, result.calls),
      serverCpu: serverCpuUs / 1000 / result.elapsedMs,
      serverRssBytes: after.rssBytes,
      implementation,
      simd: implementation === 'native' ? (addon()?.buildInfo().simd ?? null) : null,
      cores: availableParallelism(),
      generator: options.generator,
      generatorWasLimit: result.generatorCpu >= fullCore,
    };
  } finally {
    child.kill();
  }
}

function verdictOf({ generator, generatorWasLimit, serverCpu }: QuickResult): string {
  if (generatorWasLimit) {
    const advice = generator === 'c++' ? '' : ' In a clone, npm run bench builds a C++ generator.';
    return `The generator was the limit, not the server: it answers more than this.${advice}`;
  }
  if (serverCpu >= fullCore)
    return 'The server was the limit: this is what it answers on this core at this load.';
  return 'Neither was at its limit: the load is too light for a rate, or something else used the cores.';
}

const generatorNames: Record<Generator, string> = {
  'c++': 'C++ in a process of its own',
  javascript: 'JavaScript in this process',
};

/** The C++ generator where a clone has built it, unless another is asked for. */
function pickGenerator(wanted: string | undefined): Generator {
  const name = wordOption('generator', wanted, ['auto', 'c++', 'javascript']) ?? 'auto';
  if (name === 'c++' && !nativeGeneratorExists()) {
    throw new UsageError(
      'There is no C++ generator here.',
      'In a clone npm run bench builds it; --generator javascript needs none.',
    );
  }
  if (name === 'javascript') return name;
  return nativeGeneratorExists() ? 'c++' : 'javascript';
}

function render(result: QuickResult): string {
  const percent = (share: number): string => `${Math.round(share * 100)} % of a core`;
  const micros = (value: number): string =>
    value < 1000 ? `${value.toFixed(0)} µs` : `${(value / 1000).toFixed(2)} ms`;
  const engine = result.simd === null ? result.implementation : `${result.implementation}, ${result.simd}`;
  const table = columns([
    ['rate', paint(`${Math.round(result.rate).toLocaleString('en')} calls/s`, 'bold')],
    ['latency', `p50 ${micros(result.p50Us)}, p99 ${micros(result.p99Us)}, max ${micros(result.maxUs)}`],
    [
      'server',
      `${result.serverCpuUsPerCall.toFixed(2)} µs CPU a call, ${percent(result.serverCpu)} (${engine})`,
    ],
    ['generator', `${generatorNames[result.generator]}, ${percent(result.generatorCpu)}`],
  ]);
  const shape = `${result.connections} connections x ${result.depth} in flight, ${(result.elapsedMs / 1000).toFixed(1)} s`;
  const verdict = verdictOf(result);
  return `echo tool over TCP, ${shape}\n\n${table}\n\n${verdict}`;
}

export const bench = defineCommand({
  name: 'bench',
  summary: 'Measure a call of an echo tool on this machine',
  usage: 'quick [OPTIONS]',
  details:
    'Starts a server with an echo tool in a process of its own, calls it over TCP and prints rate, latency and processor\ntime. Server and generator share the machine; the output says which of the two was the limit.',
  options: {
    connections: { type: 'string', placeholder: 'COUNT', description: 'Connections, 8 by default' },
    depth: { type: 'string', placeholder: 'COUNT', description: 'Calls in flight on each, 16 by default' },
    seconds: { type: 'string', placeholder: 'SECONDS', description: 'Time measured, 2 by default' },
    generator: {
      type: 'string',
      placeholder: 'NAME',
      description: 'c++ or javascript; c++ where a clone has built it',
    },
    implementation: transportOptionSpecs.implementation,
    json: { type: 'boolean', description: 'Print the result as JSON' },
  },
  examples: [
    'ringwire bench quick',
    'ringwire bench quick --connections 1 --depth 1',
    'ringwire bench quick --json',
  ],
  async run({ options, positionals }) {
    const [what, ...more] = positionals;
    if (what !== 'quick' || more.length > 0) {
      const problem =
        what === undefined
          ? 'ringwire bench needs the name of a benchmark.'
          : `There is no benchmark ${JSON.stringify(positionals.join(' '))}.`;
      throw new UsageError(problem, suggestion(what ?? '', ['quick'], 'Write ringwire bench quick.'));
    }
    const result = await measure({
      connections: integerOption('connections', options.connections, 1, 8, 1000),
      depth: integerOption('depth', options.depth, 1, 16, 1000),
      seconds: integerOption('seconds', options.seconds, 1, 2, 60),
      implementation: transportOptions({ implementation: options.implementation }).implementation,
      generator: pickGenerator(options.generator),
    });
    if (options.json === true) printJson(result);
    else printLine(render(result));
    return ExitCode.Ok;
  },
});

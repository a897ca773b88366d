/** What `ringwire profile` is to record, and what it sends meanwhile. */
import { parseConnectEndpoint } from '../../transports/endpoint.js';
import type { LoadTarget } from '../../workbench/load/load-plan.js';
import { engineNames, type ProfileSubject } from '../../workbench/profile/engine.js';
import { isNodeCommand } from '../../workbench/profile/launch.js';
import type { ProfileRequest, ProfileTarget } from '../../workbench/profile/record-profile.js';
import { expand, type ResolvedLoad } from '../../workbench/scenarios/expand.js';
import { loadScenario } from '../../workbench/scenarios/find-scenario.js';
import { schemeOf } from '../../workbench/scenarios/run-subject.js';
import type { Scenario } from '../../workbench/scenarios/scenario.js';
import {
  type MeasuredServerOptions,
  type MeasuredTransport,
  measuredTransports,
} from '../../workbench/servers/measured-server.js';
import { loadOptionSpecs, loadOptions } from '../bench/options.js';
import { isAddress, plain } from '../bench/subject.js';
import type { OptionValues } from '../command.js';
import { integerOption } from '../parse-input.js';
import { transportOptionSpecs, transportOptions, wordOption } from '../transport-options.js';
import { UsageError } from '../usage-error.js';

export const profileOptionSpecs = {
  pid: { type: 'string', placeholder: 'PID', description: 'Record a process that runs already' },
  engine: {
    type: 'string',
    placeholder: 'NAME',
    description: 'What records: auto (default), perf, 0x, cpu-prof, or inspector',
  },
  heap: { type: 'boolean', description: 'Record what is allocated and still alive at the end, in bytes' },
  allocations: { type: 'boolean', description: 'Record all that is allocated, in bytes' },
  frequency: {
    type: 'string',
    short: 'f',
    placeholder: 'HERTZ',
    description: 'Samples per second, 997 by default; 0x always takes 1,000',
  },
  transport: {
    type: 'string',
    short: 't',
    placeholder: 'NAME',
    description: `Which server of the scenario: ${measuredTransports.join(', ')}; tcp where it has it`,
  },
  'http-engine': {
    type: 'string',
    placeholder: 'NAME',
    description: 'HTTP engine of that server: auto, uws or node',
  },
  implementation: transportOptionSpecs.implementation,
  http2: { type: 'boolean', description: 'Speak HTTP/2 to an http or https address' },
  ...loadOptionSpecs,
  output: {
    type: 'string',
    short: 'o',
    placeholder: 'FOLDER',
    description: 'Write there instead of keeping a session',
  },
  svg: { type: 'string', placeholder: 'FILE', description: 'Write the picture there too' },
  json: { type: 'boolean', description: 'Print the summary as JSON' },
} as const;

type Values = OptionValues<typeof profileOptionSpecs>;

/** Of a scenario that says more: a profile needs no minute. */
const defaultSeconds = 10;
const maxPid = 2 ** 22;

interface Words {
  readonly name?: string;
  readonly url?: string;
}

function wordsOf(positionals: readonly string[]): Words {
  const urls = positionals.filter(isAddress);
  const names = positionals.filter((word) => !isAddress(word));
  const extra = names[1] ?? urls[1];
  if (extra !== undefined)
    throw new UsageError(
      `ringwire profile takes one scenario and one address; ${JSON.stringify(extra)} is too much.`,
    );
  return { name: names[0], url: urls[0] };
}

function addressOf(url: string | undefined, { http2 }: Values): LoadTarget | undefined {
  if (url === undefined) {
    if (http2 === true)
      throw new UsageError('--http2 goes with an address; a server of ours has --transport http2.');
    return undefined;
  }
  const { kind } = parseConnectEndpoint(url);
  if (kind === 'memory' || kind === 'child' || kind === 'child-h2')
    throw new UsageError(
      `${JSON.stringify(url)} cannot be loaded from outside.`,
      'Take an address of a socket.',
    );
  if (http2 === true && kind !== 'http') throw new UsageError('--http2 goes with an http or https address.');
  return { url, ...(http2 === true ? { http2: true } : {}) };
}

function subjectOf({ heap, allocations }: Values): ProfileSubject {
  if (heap === true && allocations === true)
    throw new UsageError('--heap and --allocations do not go together.', 'Leave one of the two out.');
  if (heap === true) return 'heap';
  return allocations === true ? 'allocations' : 'cpu';
}

/** One run: the first of a scenario that has several. */
function loadOf(scenario: Scenario, transport: MeasuredTransport | undefined, values: Values): ResolvedLoad {
  const given = loadOptions(values);
  const [load] = expand(scenario, transport, given).loads;
  return { ...load, seconds: given.seconds ?? Math.min(load.seconds, defaultSeconds) };
}

function serverOf(scenario: Scenario, values: Values): { readonly server: MeasuredServerOptions } {
  const { transports } = scenario;
  const asked = wordOption('transport', values.transport, measuredTransports) as
    | MeasuredTransport
    | undefined;
  const transport = asked ?? (transports.includes('tcp') ? 'tcp' : transports[0]);
  const { implementation } = transportOptions({ implementation: values.implementation });
  const engine = wordOption('http-engine', values['http-engine'], ['auto', 'uws', 'node']) as
    | 'auto'
    | undefined;
  return { server: { transport, implementation, engine } };
}

function targetOf(
  { name }: Words,
  rest: readonly string[],
  values: Values,
): Exclude<ProfileTarget, { server: unknown }> | undefined {
  const { pid } = values;
  if (pid !== undefined && rest.length > 0)
    throw new UsageError('--pid and a command do not go together.', 'Record one of the two.');
  if (pid === undefined && rest.length === 0) {
    if (name !== undefined) return undefined;
    throw new UsageError(
      'ringwire profile needs a scenario, --pid or a command.',
      'For instance ringwire profile 10k --transport http, or ringwire profile -- node app.js',
    );
  }
  for (const option of ['transport', 'http-engine', 'implementation'] as const)
    if (values[option] !== undefined)
      throw new UsageError(`--${option} is of servers that are started for the recording.`);
  if (pid !== undefined) return { pid: integerOption('pid', pid, 1, 0, maxPid) };
  if (!isNodeCommand(rest))
    throw new UsageError(
      `The command must start with node: ${JSON.stringify(rest[0])} gives Node.js no flags to record with.`,
      'Start it yourself and record it with --pid.',
    );
  return { command: rest as [string, ...string[]] };
}

/** Throws UsageError for what does not go together, CONFIG_INVALID for a scenario that is not there. */
export async function readRequest(
  positionals: readonly string[],
  rest: readonly string[],
  values: Values,
): Promise<ProfileRequest> {
  const words = wordsOf(positionals);
  const target = targetOf(words, rest, values);
  const url = addressOf(words.url, values);
  const engine = wordOption('engine', values.engine, ['auto', ...engineNames]) as
    | ProfileRequest['engine']
    | 'auto';
  const common = {
    subject: subjectOf(values),
    engine: engine === 'auto' ? undefined : engine,
    hertz:
      values.frequency === undefined ? undefined : integerOption('frequency', values.frequency, 1, 0, 20_000),
    output: values.output,
  };
  if (target === undefined) {
    if (url !== undefined)
      throw new UsageError(
        'An address alone does not say which process to record.',
        'Add --pid PID or -- node app.js',
      );
    const scenario = await loadScenario(words.name ?? '');
    const server = serverOf(scenario, values);
    const { transport } = server.server;
    return {
      ...common,
      target: server,
      what: `${scenario.name} over ${transport}`,
      load: loadOf(scenario, transport, values),
    };
  }
  const what =
    'pid' in target
      ? `process ${target.pid}`
      : rest
          .map((word) => word.replace(/^.*[\\/]/, ''))
          .join(' ')
          .slice(0, 60);
  if (url === undefined) {
    refuseLoad(words, values);
    const seconds = loadOptions({ seconds: values.seconds }).seconds;
    return { ...common, target, what, seconds: seconds ?? ('pid' in target ? defaultSeconds : undefined) };
  }
  const scenario = words.name === undefined ? plain : await loadScenario(words.name);
  return { ...common, target, what, url, load: loadOf(scenario, schemeOf(url), values) };
}

function refuseLoad({ name }: Words, values: Values): void {
  if (name !== undefined)
    throw new UsageError(
      `The scenario ${name} needs the address it is to load.`,
      'For instance http://127.0.0.1:8080/mcp',
    );
  for (const option of Object.keys(loadOptionSpecs) as (keyof typeof loadOptionSpecs)[])
    if (option !== 'seconds' && values[option] !== undefined)
      throw new UsageError(
        `--${option} is of a load, which needs an address.`,
        'For instance http://127.0.0.1:8080/mcp',
      );
}

/** What `ringwire bench` takes on its command line, and what it means. */
import { RingwireError } from '../../errors.js';
import { parseMix } from '../../workbench/load/operations.js';
import { type TextKind, textKinds } from '../../workbench/load/sample-arguments.js';
import { type Criterion, parseCriterionLine } from '../../workbench/scenarios/criteria.js';
import { eras, generators, loadRanges } from '../../workbench/scenarios/parse-scenario.js';
import { type FormName, formNames, type ScenarioLoad } from '../../workbench/scenarios/scenario.js';
import { type MeasuredTransport, measuredTransports } from '../../workbench/servers/measured-server.js';
import type { OptionValues } from '../command.js';
import { httpClientOptionSpecs } from '../http-options.js';
import { integerOption, numberOption } from '../parse-input.js';
import { transportOptionSpecs, wordOption } from '../transport-options.js';
import { UsageError } from '../usage-error.js';

/** What the load is: also taken by other commands that load a server. */
export const loadOptionSpecs = {
  connections: { type: 'string', short: 'c', placeholder: 'COUNT', description: 'Connections' },
  depth: { type: 'string', placeholder: 'COUNT', description: 'Requests in flight on each connection' },
  rate: {
    type: 'string',
    short: 'r',
    placeholder: 'PER_SECOND',
    description:
      'Requests per second on a fixed schedule (open loop); without it each answer sends the next one',
  },
  seconds: { type: 'string', short: 's', placeholder: 'SECONDS', description: 'Time measured' },
  warmup: { type: 'string', placeholder: 'SECONDS', description: 'Load before the clock starts' },
  mix: {
    type: 'string',
    placeholder: 'MIX',
    description:
      'echo, list, ping, mcp (0.7 reads, 0.2 calls, 0.1 subscriptions), or weights: read=0.8,call=0.2',
  },
  tool: { type: 'string', placeholder: 'NAME', description: 'Call this tool' },
  arguments: { type: 'string', placeholder: 'JSON', description: 'Arguments of the tool, an object' },
  method: { type: 'string', placeholder: 'NAME', description: 'Call this JSON-RPC method' },
  params: { type: 'string', placeholder: 'JSON', description: 'Params of the method, an object' },
  resource: { type: 'string', placeholder: 'URI', description: 'Read this resource, or subscribe to it' },
  payload: { type: 'string', placeholder: 'BYTES', description: 'Bytes of text in each call' },
  text: {
    type: 'string',
    placeholder: 'KIND',
    description: `What the text consists of: ${textKinds.join(', ')}`,
  },
  era: {
    type: 'string',
    placeholder: 'NAME',
    description: 'auto (default): the server is asked; modern or legacy MCP; none: JSON-RPC alone',
  },
  generator: {
    type: 'string',
    placeholder: 'NAME',
    description: 'auto (default), native: C++ in a process of its own, or javascript',
  },
} as const;

export const targetOptionSpecs = {
  http2: { type: 'boolean', description: 'Speak HTTP/2 to an http or https address' },
  header: httpClientOptionSpecs.header,
  insecure: { type: 'boolean', description: 'Accept a certificate nobody vouches for' },
  'server-pid': {
    type: 'string',
    placeholder: 'PID',
    description: 'Process behind the address, for its CPU and memory',
  },
} as const;

export const scenarioOptionSpecs = {
  transport: {
    type: 'string',
    short: 't',
    multiple: true,
    placeholder: 'NAME',
    description: `Only these of the scenario: ${measuredTransports.join(', ')}`,
  },
  implementation: transportOptionSpecs.implementation,
  engine: { type: 'string', placeholder: 'NAME', description: 'HTTP engine: auto (default), uws or node' },
  criterion: {
    type: 'string',
    multiple: true,
    placeholder: 'TEXT',
    description: "What must be reached, 'p99 < 5 ms' or 'http cpu < 50 %'; replaces the scenario's",
  },
  quick: { type: 'boolean', description: 'The shortest form: proves that it runs; its figures mean nothing' },
  short: { type: 'boolean', description: 'The short form of the scenario' },
  long: { type: 'boolean', description: 'The long form of the scenario' },
  'no-pin': { type: 'boolean', description: 'Let the system choose cores for server and generator' },
} as const;

/** A number of the load, or a UsageError that says which ones there are. */
function loadNumber(name: keyof typeof loadRanges, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const { min, max, ...rest } = loadRanges[name];
  return 'integer' in rest
    ? integerOption(name, value, min, min, max)
    : numberOption(name, value, min, min, max);
}

/** A process of this machine whose processor time and memory are measured. */
export function processOption(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const pid = integerOption(name, value, 1, 0, 2 ** 22);
  if (isAlive(pid)) return pid;
  throw new UsageError(`--${name}: there is no process ${pid} on this machine.`);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function objectOption(name: string, value: string | undefined): Record<string, unknown> | undefined {
  if (value === undefined) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch {
    parsed = undefined;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw new UsageError(`--${name} must be a JSON object.`, `For instance --${name} '{"text":"hello"}'.`);
  return parsed as Record<string, unknown>;
}

export function mixOption(value: string | undefined): string | undefined {
  if (value !== undefined) usage('mix', () => parseMix(value));
  return value;
}

/** A value that is refused is a wrong command line. */
function usage<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof RingwireError) throw new UsageError(`--${name}: ${error.message}`);
    throw error;
  }
}

/** Only what was given. */
export function loadOptions(values: OptionValues<typeof loadOptionSpecs>): ScenarioLoad {
  refuseTogether(values);
  const load: ScenarioLoad = {
    connections: loadNumber('connections', values.connections),
    depth: loadNumber('depth', values.depth),
    rate: loadNumber('rate', values.rate),
    seconds: loadNumber('seconds', values.seconds),
    warmup: loadNumber('warmup', values.warmup),
    payload: loadNumber('payload', values.payload),
    mix: mixOption(values.mix),
    tool: values.tool,
    arguments: objectOption('arguments', values.arguments),
    method: values.method,
    params: objectOption('params', values.params),
    resource: values.resource,
    text: wordOption('text', values.text, textKinds) as TextKind | undefined,
    era: wordOption('era', values.era, eras) as 'auto' | undefined,
    generator: wordOption('generator', values.generator, generators) as 'auto' | undefined,
  };
  return Object.fromEntries(Object.entries(load).filter(([, value]) => value !== undefined));
}

function refuseTogether(values: OptionValues<typeof loadOptionSpecs>): void {
  const rivals = [
    ['method', 'tool'],
    ['method', 'mix'],
    ['method', 'resource'],
    ['method', 'payload'],
    ['payload', 'arguments'],
    ['text', 'arguments'],
  ] as const;
  for (const [one, other] of rivals)
    if (values[one] !== undefined && values[other] !== undefined)
      throw new UsageError(`--${one} and --${other} do not go together.`, 'Leave one of the two out.');
  for (const [needs, needed] of [
    ['arguments', 'tool'],
    ['params', 'method'],
  ] as const)
    if (values[needs] !== undefined && values[needed] === undefined)
      throw new UsageError(`--${needs} goes with --${needed}, which is missing.`);
}

export function transportsOption(values: readonly string[] | undefined): MeasuredTransport[] | undefined {
  return values?.map((value) => wordOption('transport', value, measuredTransports) as MeasuredTransport);
}

export function formOption(values: OptionValues<typeof scenarioOptionSpecs>): FormName | undefined {
  const [form, ...more] = formNames.filter((name) => values[name] === true);
  if (more.length > 0)
    throw new UsageError(`--${form} and --${more[0]} do not go together.`, 'Leave one of the two out.');
  return form;
}

export function criteriaOption(values: readonly string[] | undefined): Criterion[] | undefined {
  return values?.map((value) => usage('criterion', () => parseCriterionLine(value)));
}

/** From a scenario and what the command line says to the runs it is made of. */
import { RingwireError } from '../../errors.js';
import {
  defaultCommandDepth,
  defaultConnections,
  defaultDepth,
  defaultHttpConnections,
  defaultLoadSeconds,
  defaultWarmupSeconds,
} from '../load/prepare.js';
import type { MeasuredTransport } from '../servers/measured-server.js';
import type { FormName, Rise, Scenario, ScenarioLoad, Variation } from './scenario.js';

/** What every run has; the rest of ScenarioLoad says what is asked for. */
export interface ResolvedLoad extends ScenarioLoad {
  readonly connections: number;
  readonly seconds: number;
  readonly warmup: number;
}

export interface Expansion {
  readonly loads: readonly ResolvedLoad[];
  /** Rates rise from the first load on. */
  readonly rise?: Rise;
}

/** What says what a request is: one that is given takes the place of all the others. */
const subjects = [
  'mix',
  'payloads',
  'tool',
  'arguments',
  'method',
  'params',
  'resource',
  'operations',
] as const;
const dimensions = ['connections', 'depth', 'rate', 'payload'] as const;

/**
 * The runs on one transport. HTTP/1.1 has one request in flight on a connection, and stdio one connection: there the
 * scenario's depth and connections count 1 unless `overrides` says otherwise.
 */
export function expand(
  scenario: Scenario,
  transport: MeasuredTransport | undefined,
  overrides: ScenarioLoad = {},
  form?: FormName,
): Expansion {
  const formLoad = form === undefined ? {} : scenario.forms[form];
  if (formLoad === undefined) throw noForm(scenario, form);
  const { vary: formVary, rise: formRise, ...ofForm } = formLoad;
  const inFile = merge(scenario.load, ofForm);
  const load = merge({ ...inFile, ...limitsOf(transport, inFile) }, overrides);
  const vary = variationOf({ ...scenario.vary, ...formVary }, overrides, transport);
  if (scenario.rise === undefined) return { loads: combine(resolve(load, transport), vary) };
  const rise = {
    ...scenario.rise,
    ...formRise,
    ...(overrides.rate === undefined ? {} : { from: overrides.rate }),
  };
  return { loads: [resolve({ ...load, rate: rise.from }, transport)], rise };
}

function noForm({ name, forms }: Scenario, form: FormName | undefined): RingwireError {
  const known = Object.keys(forms).map((each) => `--${each}`);
  const right = known.length === 0 ? 'It has one form only.' : `It has ${known.join(', ')}.`;
  return new RingwireError('CONFIG_INVALID', `The scenario ${name} has no --${form} form. ${right}`);
}

function limitsOf(transport: MeasuredTransport | undefined, { depth }: ScenarioLoad): ScenarioLoad {
  if (transport === 'http') return depth === undefined ? {} : { depth: 1 };
  return transport === 'stdio' ? { connections: 1 } : {};
}

/** `over` counts; a new subject takes the place of the whole old one. */
function merge(under: ScenarioLoad, over: ScenarioLoad): ScenarioLoad {
  const kept: Record<string, unknown> = { ...under };
  if (subjects.some((key) => over[key] !== undefined)) for (const key of subjects) delete kept[key];
  // Generated texts, where others were written out.
  if (over.payload !== undefined || over.text !== undefined) {
    for (const key of ['payloads', 'arguments', 'operations']) delete kept[key];
  }
  return { ...kept, ...over };
}

function variationOf(
  vary: Variation,
  overrides: ScenarioLoad,
  transport: MeasuredTransport | undefined,
): Variation {
  const kept: Record<string, readonly number[]> = {};
  for (const key of dimensions) {
    const values = vary[key];
    if (values === undefined || overrides[key] !== undefined) continue;
    if (key === 'depth' && transport === 'http') continue;
    kept[key] = values;
  }
  return kept;
}

function resolve(load: ScenarioLoad, transport: MeasuredTransport | undefined): ResolvedLoad {
  const isHttp = transport === 'http';
  const isStdio = transport === 'stdio';
  const usual = isStdio ? 1 : isHttp ? defaultHttpConnections : defaultConnections;
  const { connections = usual, seconds = defaultLoadSeconds, warmup = defaultWarmupSeconds } = load;
  const inFlight = isHttp ? 1 : isStdio ? defaultCommandDepth : defaultDepth;
  const depth = load.depth ?? (load.rate === undefined ? inFlight : undefined);
  return { ...load, connections, seconds, warmup, ...(depth === undefined ? {} : { depth }) };
}

function combine(load: ResolvedLoad, vary: Variation): ResolvedLoad[] {
  let loads = [load];
  for (const key of dimensions) {
    const values = vary[key];
    if (values !== undefined)
      loads = values.flatMap((value) => loads.map((each) => ({ ...each, [key]: value })));
  }
  return loads;
}

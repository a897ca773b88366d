/** Scenario files. Every key of them stands in docs/benchmarking.md. */
import { maxLoadConnections, maxLoadDepth, maxLoadRate, maxLoadSeconds } from '../load/check-plan.js';
import type { LoadOperation } from '../load/load-plan.js';
import { parseMix } from '../load/operations.js';
import { textKinds } from '../load/sample-arguments.js';
import { type MeasuredTransport, measuredTransports } from '../servers/measured-server.js';
import { type Criterion, metrics, parseCriterion } from './criteria.js';
import {
  type FormName,
  formNames,
  type Rise,
  type Scenario,
  type ScenarioForm,
  type ScenarioLoad,
  type Variation,
} from './scenario.js';
import { type NumberRange, readYaml, type YamlValue } from './yaml-reader.js';

const positive = (max: number): NumberRange => ({ min: 1, max, integer: true });

/** What a number of the load may be, in files and on the command line. */
export const loadRanges = {
  connections: positive(maxLoadConnections),
  depth: positive(maxLoadDepth),
  rate: { min: 0.1, max: maxLoadRate },
  seconds: { min: 0.1, max: maxLoadSeconds },
  warmup: { min: 0, max: 3_600 },
  payload: positive(16 * 1024 * 1024),
} as const satisfies Record<string, NumberRange>;

/** Eras a scenario may name. */
export const eras = ['auto', 'modern', 'legacy', 'none'] as const;
export const generators = ['auto', 'native', 'javascript'] as const;
const expectations = ['result', 'any-result', 'subscription'] as const;
const loadKeys = [
  ...Object.keys(loadRanges),
  'mix',
  'payloads',
  'text',
  'tool',
  'arguments',
  'method',
  'params',
  'resource',
  'era',
  'operations',
  'generator',
];
const variedKeys = ['connections', 'depth', 'rate', 'payload'] as const;
const riseRanges = {
  from: { min: 1, max: maxLoadRate },
  factor: { min: 1.05, max: 10 },
  steps: positive(100),
  refine: { min: 0, max: 10, integer: true },
} as const satisfies Record<keyof Rise, NumberRange>;

/**
 * Reads the text of a scenario file. `name` stands in messages, and for the name where the file has none. Throws
 * CONFIG_INVALID with file, line and column.
 */
export function parseScenario(text: string, file: string): Scenario {
  const root = readYaml(text, file);
  const fields = root.fields([
    'name',
    'description',
    'transports',
    'load',
    'vary',
    'rise',
    'criteria',
    'targets',
    'forms',
  ]);
  const read = <T>(key: string, reader: (value: YamlValue) => T, fallback: T): T => {
    const value = fields.get(key);
    return value === undefined ? fallback : reader(value);
  };
  const rise = fields.get('rise');
  const vary = fields.get('vary');
  const scenario: Scenario = {
    name: read('name', scenarioName, nameOf(file)),
    description: read('description', (value) => value.text(), ''),
    transports: read('transports', transportsOf, ['tcp']),
    load: read('load', (value) => loadOf(value.fields(loadKeys)), {}),
    ...(vary === undefined ? {} : { vary: variationOf(vary) }),
    ...(rise === undefined ? {} : { rise: { ...riseDefaults, ...riseOf(rise) } }),
    criteria: read('criteria', criteriaOf, []),
    targets: read('targets', criteriaOf, []),
    forms: read('forms', formsOf, {}),
  };
  for (const key of ['criteria', 'targets'] as const)
    if (rise === undefined && scenario[key].some(({ metric }) => metric === 'breakingRate'))
      throw fields.get(key)!.fault('has "breakingRate", which goes with "rise".');
  if (rise !== undefined && vary !== undefined)
    throw vary.fault('does not go with "rise".', 'A scenario has one of the two.');
  return scenario;
}

const riseDefaults: Rise = { from: 1_000, factor: 1.5, steps: 20, refine: 2 };

/** 10k of scenarios/10k.yaml. */
function nameOf(file: string): string {
  return file.replace(/^.*[\\/]/, '').replace(/\.ya?ml$/i, '');
}

/** Results are kept in a file of this name. */
function scenarioName(value: YamlValue): string {
  const name = value.scalarText();
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name))
    throw value.fault('must be made of letters, digits, ".", "_" and "-".');
  return name;
}

function transportsOf(value: YamlValue): MeasuredTransport[] {
  return [...new Set(value.list().map((each) => each.word(measuredTransports)))];
}

function loadOf(fields: ReadonlyMap<string, YamlValue>): ScenarioLoad {
  const load: Record<string, unknown> = {};
  for (const [key, value] of fields) {
    if (Object.hasOwn(loadRanges, key)) load[key] = value.number(loadRanges[key as keyof typeof loadRanges]);
    else if (key === 'mix') load[key] = mixOf(value);
    else if (key === 'payloads') load[key] = payloadsOf(value);
    else if (key === 'generator') load[key] = value.word(generators);
    else if (key === 'text') load[key] = value.word(textKinds);
    else if (key === 'era') load[key] = value.word(eras);
    else if (key === 'operations') load[key] = value.list().map(operationOf);
    else if (key === 'arguments' || key === 'params') load[key] = value.object();
    else if (loadKeys.includes(key)) load[key] = value.text();
  }
  return load;
}

/** A name, weights as text, or a map of weights. */
function mixOf(value: YamlValue): string {
  const mix = value.isMap
    ? value
        .entries()
        .map(([kind, weight]) => `${kind}=${weight.number({ min: 0, max: 1e6 })}`)
        .join(',')
    : value.text();
  value.within(() => parseMix(mix));
  return mix;
}

function payloadsOf(value: YamlValue): Record<number, number> {
  const payloads: Record<number, number> = {};
  for (const [bytes, weight] of value.entries()) {
    const { max } = loadRanges.payload;
    if (!/^[1-9]\d*$/.test(bytes) || Number(bytes) > max)
      throw weight.fault(`has a key that is no number of bytes from 1 to ${max}.`);
    payloads[Number(bytes)] = weight.number({ min: 1e-6, max: 1e6 });
  }
  return payloads;
}

function operationOf(value: YamlValue): LoadOperation {
  const fields = value.fields(['name', 'weight', 'method', 'params', 'expect']);
  const method = fields.get('method');
  if (method === undefined) throw value.fault('has no "method".');
  const name = method.text();
  return {
    name: fields.get('name')?.text() ?? name,
    weight: fields.get('weight')?.number({ min: 1e-6, max: 1e6 }) ?? 1,
    method: name,
    params: fields.get('params')?.object() ?? {},
    expect: fields.get('expect')?.word(expectations) ?? 'result',
  };
}

function variationOf(value: YamlValue): Variation {
  const vary: Record<string, readonly number[]> = {};
  for (const [key, list] of value.fields(variedKeys))
    vary[key] = list.list().map((each) => each.number(loadRanges[key as (typeof variedKeys)[number]]));
  return vary;
}

function riseOf(value: YamlValue): Partial<Rise> {
  const rise: Record<string, number> = {};
  for (const [key, number] of value.fields(Object.keys(riseRanges)))
    rise[key] = number.number(riseRanges[key as keyof Rise]);
  return rise;
}

/** `p99: < 5 ms`, a list of them, or one for each transport. */
function criteriaOf(value: YamlValue): Criterion[] {
  const read = (metric: string, each: YamlValue, transport?: string): Criterion[] =>
    each.isList
      ? each.list().flatMap((one) => read(metric, one, transport))
      : [each.within(() => parseCriterion(metric, each.scalarText(), transport))];
  return [...value.fields(Object.keys(metrics))].flatMap(([metric, each]) =>
    each.isMap
      ? [...each.fields(measuredTransports)].flatMap(([transport, one]) => read(metric, one, transport))
      : read(metric, each),
  );
}

function formsOf(value: YamlValue): Partial<Record<FormName, ScenarioForm>> {
  const forms: Partial<Record<FormName, ScenarioForm>> = {};
  for (const [name, form] of value.fields(formNames)) {
    const fields = form.fields([...loadKeys, 'vary', 'rise']);
    const vary = fields.get('vary');
    const rise = fields.get('rise');
    forms[name as FormName] = {
      ...loadOf(fields),
      ...(vary === undefined ? {} : { vary: variationOf(vary) }),
      ...(rise === undefined ? {} : { rise: riseOf(rise) }),
    };
  }
  return forms;
}

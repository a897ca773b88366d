/** Scenario files: what they mean, and where a faulty one is told to be wrong. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { RingwireError } from '../../src/errors.js';
import { expand } from '../../src/workbench/scenarios/expand.js';
import { listScenarios, loadScenario } from '../../src/workbench/scenarios/find-scenario.js';
import { parseScenario } from '../../src/workbench/scenarios/parse-scenario.js';

const folder = mkdtempSync(join(tmpdir(), 'ringwire-scenarios-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function fault(text: string): string {
  try {
    parseScenario(text, 'mine.yaml');
  } catch (error) {
    expect(error).toBeInstanceOf(RingwireError);
    expect((error as RingwireError).code).toBe('CONFIG_INVALID');
    return (error as Error).message;
  }
  throw new Error('was taken');
}

describe('a scenario file', () => {
  it('says what is loaded and what must be reached', () => {
    const text = `
description: Mine
transports: [http, tcp, http]
load:
  rate: 500
  seconds: 2.5
  mix: { read: 7, call: 3 }
criteria:
  p99: [< 5 ms, '> 1 us']
  errors: 0
  cpu: { http: < 50 % }
targets:
  memory: < 2 GB
forms:
  quick: { seconds: 1, vary: { connections: [1, 2] } }
`;
    const scenario = parseScenario(text, 'some/where/mine.yaml');
    expect(scenario).toMatchObject({
      name: 'mine',
      description: 'Mine',
      transports: ['http', 'tcp'],
      load: { rate: 500, seconds: 2.5, mix: 'read=7,call=3' },
      forms: { quick: { seconds: 1, vary: { connections: [1, 2] } } },
    });
    expect(scenario.criteria).toEqual([
      { metric: 'p99', comparison: '<', limit: 5, text: '< 5 ms' },
      { metric: 'p99', comparison: '>', limit: 0.001, text: '> 1 us' },
      { metric: 'errors', comparison: '=', limit: 0, text: '0' },
      { metric: 'cpu', comparison: '<', limit: 0.5, transport: 'http', text: '< 50 %' },
    ]);
    expect(scenario.targets).toEqual([{ metric: 'memory', comparison: '<', limit: 2e9, text: '< 2 GB' }]);
  });

  it('may hold operations word for word, and sizes by weight', () => {
    const text = `
load:
  payloads: { 16: 40, 1024: 1.5 }
  operations:
    - { method: add, params: { a: 1, b: [2] }, weight: 2 }
    - { name: sum, method: add, expect: any-result }
`;
    expect(parseScenario(text, 'a.yaml').load).toEqual({
      payloads: { 16: 40, 1024: 1.5 },
      operations: [
        { name: 'add', weight: 2, method: 'add', params: { a: 1, b: [2] }, expect: 'result' },
        { name: 'sum', weight: 1, method: 'add', params: {}, expect: 'any-result' },
      ],
    });
  });

  it.each([
    ['load:\n  raet: 5\n', 'mine.yaml:2:3: "load.raet" is no key of a scenario. Did you mean "rate"?'],
    ['load:\n  rate: fast\n', 'mine.yaml:2:9: "load.rate" must be a number from 0.1 to 10000000.'],
    [
      'load:\n  connections: 1.5\n',
      'mine.yaml:2:16: "load.connections" must be a whole number from 1 to 20000.',
    ],
    ['load: 5\n', 'mine.yaml:1:7: "load" must be a map of names and values.'],
    ['load:\n', 'mine.yaml:1:6: "load" must be a map of names and values.'],
    [
      'transports: [tpc]\n',
      'mine.yaml:1:14: "transports[0]" is "tpc", which is none of stdio, tcp, unix, http, http2, ws. Did you mean "tcp"?',
    ],
    ['transports: []\n', 'mine.yaml:1:13: "transports" must be a list of at least one.'],
    [
      'criteria:\n  p98: < 5 ms\n',
      'mine.yaml:2:3: "criteria.p98" is no key of a scenario. Did you mean "p90"?',
    ],
    [
      'criteria:\n  p99: < 5\n',
      'mine.yaml:2:8: The limit "< 5" of p99 has no unit. It has µs, us, ms, s; for instance "p99: < 5 ms".',
    ],
    [
      'criteria:\n  p99: < 5 MB\n',
      'mine.yaml:2:8: "MB" is no unit of p99. It has µs, us, ms, s; for instance "p99: < 5 ms".',
    ],
    ['criteria:\n  p99: soon\n', 'mine.yaml:2:8: "soon" is no criterion of p99. For instance "p99: < 5 ms".'],
    [
      'criteria: { breakingRate: "> 5 /s" }\n',
      'mine.yaml:1:11: "criteria" has "breakingRate", which goes with "rise".',
    ],
    [
      'vary: { connections: [1] }\nrise: { from: 1 }\n',
      'mine.yaml:1:7: "vary" does not go with "rise". A scenario has one of the two.',
    ],
    ['load:\n  rate: 5\n  rate: 6\n', 'mine.yaml:3:3: is no YAML: Map keys must be unique'],
    [
      'load: [\n',
      'mine.yaml:2:1: is no YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
    [
      'a: &x 1\nload: { rate: *x }\n',
      'mine.yaml:1:1: "a" is no key of a scenario. Known here are name, description, transports, load, vary, rise, criteria, targets, forms.',
    ],
    [
      'load: { rate: &x 5, seconds: *x }\n',
      'mine.yaml:1:30: "load.seconds" must be a number from 0.1 to 86400.',
    ],
    ['load:\n  operations: [{ name: x }]\n', 'mine.yaml:2:16: "load.operations[0]" has no "method".'],
    ['name: ../x\n', 'mine.yaml:1:7: "name" must be made of letters, digits, ".", "_" and "-".'],
    ['', 'mine.yaml:1:1: must be a map of names and values.'],
  ])('tells what is wrong with %j', (text, message) => {
    expect(fault(text)).toBe(message);
  });
});

describe('scenarios of the package', () => {
  it('are all valid, and each has a quick form', async () => {
    const scenarios = await listScenarios();
    expect(scenarios.map(({ name }) => name)).toEqual([
      '10k',
      'peak',
      'quick',
      'scaling',
      'sizes',
      'soak',
      'stress',
    ]);
    for (const { description, forms, criteria } of scenarios) {
      expect(description).not.toBe('');
      expect(forms.quick?.seconds).toBeLessThanOrEqual(1);
      expect(criteria.some(({ metric }) => metric === 'errors')).toBe(true);
    }
  });

  it('are found by name, those of the user by path', async () => {
    const path = join(folder, 'mine.yml');
    writeFileSync(path, 'load: { rate: 5 }\n');
    expect(await loadScenario(path)).toMatchObject({ name: 'mine', load: { rate: 5 } });
    await expect(loadScenario('peek')).rejects.toThrow('There is no scenario "peek". Did you mean peak?');
    await expect(loadScenario(join(folder, 'none.yaml'))).rejects.toThrow('there is no such file');
  });
});

describe('the runs of a scenario', () => {
  const scenario = parseScenario(
    `
load: { connections: 8, depth: 4, seconds: 3, payloads: { 16: 1 } }
vary: { connections: [1, 2], payload: [10, 20] }
forms:
  quick: { seconds: 1, vary: { payload: [10] } }
`,
    'a.yaml',
  );

  it('are all combinations of what varies', () => {
    const { loads } = expand(scenario, 'tcp');
    expect(loads.map(({ connections, payload }) => [connections, payload])).toEqual([
      [1, 10],
      [2, 10],
      [1, 20],
      [2, 20],
    ]);
    expect(loads[0]).toMatchObject({ depth: 4, seconds: 3, warmup: 1 });
  });

  it('are those of the form, and of the command line before it', () => {
    expect(expand(scenario, 'tcp', {}, 'quick').loads).toHaveLength(2);
    const { loads } = expand(scenario, 'tcp', { connections: 5, seconds: 9, mix: 'echo' }, 'quick');
    expect(loads).toEqual([{ connections: 5, depth: 4, seconds: 9, warmup: 1, mix: 'echo', payload: 10 }]);
    expect(() => expand(scenario, 'tcp', {}, 'long')).toThrow('has no --long form. It has --quick.');
  });

  it('have one call in flight on a connection of HTTP/1.1, and one process on stdio, unless asked otherwise', () => {
    expect(expand(scenario, 'http').loads[0]).toMatchObject({ depth: 1 });
    expect(expand(scenario, 'http2').loads[0]).toMatchObject({ depth: 4 });
    expect(expand(scenario, 'http', { depth: 2 }).loads[0]).toMatchObject({ depth: 2 });
    const plain = parseScenario('load: { connections: 8 }', 'b.yaml');
    expect(expand(plain, 'stdio').loads[0]).toMatchObject({ connections: 1, depth: 64 });
    expect(expand(plain, 'stdio', { connections: 3 }).loads[0]).toMatchObject({ connections: 3 });
  });

  it('rise from the rate that is asked for', () => {
    const rising = parseScenario('rise: { from: 100, steps: 3 }', 'c.yaml');
    expect(expand(rising, 'tcp').rise).toEqual({ from: 100, factor: 1.5, steps: 3, refine: 2 });
    const { loads, rise } = expand(rising, 'tcp', { rate: 50 });
    expect(rise?.from).toBe(50);
    expect(loads).toMatchObject([{ rate: 50 }]);
    expect(loads[0]).not.toHaveProperty('depth');
  });
});

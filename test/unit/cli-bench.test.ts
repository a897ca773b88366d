/** What `ringwire bench` refuses before it starts anything, and what its progress and tables look like. */
import { describe, expect, it } from 'vitest';
import { adviseCommand } from '../../src/cli/advise.js';
import { progressLine } from '../../src/cli/bench/progress.js';
import { renderResult } from '../../src/cli/bench/render.js';
import { readSubject } from '../../src/cli/bench/subject.js';
import { bench } from '../../src/cli/bench.js';
import { doctor } from '../../src/cli/doctor.js';
import { parseInput } from '../../src/cli/parse-input.js';
import { writeReport } from '../../src/workbench/report/write-report.js';
import { parseCriterion } from '../../src/workbench/scenarios/criteria.js';
import { expand } from '../../src/workbench/scenarios/expand.js';
import { figuresOf } from '../../src/workbench/scenarios/figures.js';
import { parseScenario } from '../../src/workbench/scenarios/parse-scenario.js';
import { scenarioPage } from '../../src/workbench/scenarios/report.js';
import { type RunResult, recordsOf, type ScenarioResult } from '../../src/workbench/scenarios/run-result.js';
import { runScenario } from '../../src/workbench/scenarios/run-scenario.js';
import { schemeOf } from '../../src/workbench/scenarios/run-subject.js';
import { loadReport } from './load-report-support.js';

describe('ringwire bench refuses', () => {
  it.each([
    [[], 'needs a scenario, an address or a command'],
    [['peek'], 'Did you mean peak?'],
    [['quick', 'peak'], '"peak" is a second one'],
    [['quick', '--conections', '5'], 'Did you mean --connections?'],
    [['quick', '--rate', '0'], '--rate must be a number between 0.1'],
    [['quick', '--mix', 'ecko'], 'Did you mean "echo"?'],
    [['quick', '--mix', 'read=0'], 'weighs nothing above 0'],
    [['quick', '--arguments', '{}'], '--arguments goes with --tool'],
    [['quick', '--tool', 'echo', '--arguments', '[1]'], '--arguments must be a JSON object'],
    [['quick', '--criterion', 'p98 < 5 ms'], 'Did you mean "p90"?'],
    [['quick', '--quick', '--long'], '--quick and --long do not go together'],
    [['quick', '--long'], 'has no --long form'],
    [['quick', '-t', 'tpc'], 'Did you mean --transport tcp?'],
    [['quick', '--http2'], '--http2 does not go with'],
    [['tcp://127.0.0.1:1', '--transport', 'tcp'], '--transport is of servers that are started'],
    [['tcp://127.0.0.1:1', '--header', 'a:b'], '--header does not go with an address of tcp'],
    [['stdio:'], 'stdio: needs the command to start'],
    [['tcp://127.0.0.1:1', '--', 'node'], 'goes without the address'],
    [['tcp://127.0.0.1:1', '--server-pid', '4194303'], 'there is no process 4194303'],
    [['list', 'all'], 'takes no further word'],
  ])('%j', async (args, message) => {
    const refused = (async () => bench.run(parseInput(bench, args)))().catch(
      (error: Error & { hint?: string }) => `${error.message} ${error.hint ?? ''}`,
    );
    expect(await refused).toContain(message);
  });
});

it.each([
  [doctor, ['10k'], 'ringwire doctor takes options alone, but "10k" was given.'],
  [adviseCommand, ['20000'], 'ringwire advise takes options alone, but "20000" was given.'],
])('commands without words refuse them', async (command, args, message) => {
  await expect((async () => command.run(parseInput(command, args)))()).rejects.toThrow(message);
});

it('gives a scenario up whose first run finds nobody', async () => {
  const scenario = parseScenario('rise: { from: 10 }\nload: { method: x }', 'rise.yaml');
  const run = runScenario(scenario, { target: { url: 'tcp://127.0.0.1:1' } });
  await expect(run).rejects.toMatchObject({ code: 'CONNECTION_REFUSED' });
});

it('says which report cannot be written', () => {
  expect(() => writeReport(scenarioPage(result), '/dev/null/report.html')).toThrow(
    /The report cannot be written to \/dev\/null\/report.html: /,
  );
});

it('loads an address with as many connections as its transport wants', async () => {
  const connections = async (...words: string[]) => {
    const { scenario, target } = await readSubject(words, [], {});
    return expand(scenario, schemeOf(target)).loads.map((load) => load.connections);
  };
  expect(await connections('http://127.0.0.1:1/')).toEqual([32]);
  expect(await connections('tcp://127.0.0.1:1')).toEqual([8]);
});

const run: RunResult = {
  transport: 'tcp',
  contender: 'ringwire-native',
  connections: 4,
  targetRate: 100,
  mix: 'mcp',
  report: { ...loadReport, saturation: 'the generator used 1.00 of one core', firstError: 'out of paper' },
  figures: figuresOf(loadReport),
  verdicts: [{ criterion: parseCriterion('p99', '< 5 ms'), value: 0.99, verdict: 'met' }],
  targets: [{ criterion: parseCriterion('cpu', '< 10 %'), value: 0.2, verdict: 'missed' }],
};

const result: ScenarioResult = {
  scenario: 'mine',
  description: 'Mine',
  origin: {
    node: '20.0.0',
    ringwire: '1.0.0',
    date: '2026-11-22T00:00:00.000Z',
    machine: { cpu: 'a', cores: 2, kernel: '6' },
  },
  runs: [
    run,
    { ...run, transport: 'http', report: undefined, error: { code: 'IO_ERROR', message: 'no room' } },
  ],
  breakingPoints: [],
  wasInterrupted: false,
  passed: false,
};

describe('the result of ringwire bench', () => {
  it('is a table, what somebody has to know to read it, and the verdicts', () => {
    const text = renderResult(result);
    expect(text).toMatch(
      /^tcp +100\/s +500 µs +950 µs +990 µs +999 µs +1\.00 ms +0 +20 % +20\.0 µs +64 MiB$/m,
    );
    expect(text).toMatch(/^tcp +read +700 calls +p50 400 µs +p99 950 µs +errors 0$/m);
    expect(text).toContain('tcp: the generator used 1.00 of one core');
    expect(text).toContain('tcp: first error: out of paper');
    expect(text).toContain('http: not measured: no room (IO_ERROR)');
    expect(text).toMatch(/^criteria +p99 < 5 ms\ntcp +✓ 990 µs/m);
    expect(text).toMatch(/^targets +server CPU < 10 %\ntcp +✗ 20 %/m);
  });

  it('says where rising load ended', () => {
    const breakingPoints = [
      {
        transport: 'tcp',
        rate: 500,
        brokeAt: 750,
        reason: 'p99 210 ms',
        generatorWasLimit: true,
        verdicts: [],
      },
    ];
    expect(renderResult({ ...result, breakingPoints })).toContain(
      'tcp: held 500 requests per second, not 750: p99 210 ms. The generator was at its end there, not the server.',
    );
  });

  it('leaves a record for each run that was measured', () => {
    const [record, ...more] = recordsOf(result);
    expect(more).toEqual([]);
    expect(record).toMatchObject({
      scenario: 'mine',
      contender: 'ringwire-native',
      rate: 100,
      targetRate: 100,
      p95us: 950,
      generatorLate: true,
      machine: { cores: 2 },
    });
  });

  it('becomes a page whose charts hold as many values as places', () => {
    const { sections, title } = scenarioPage(result);
    expect(title).toBe('ringwire bench mine');
    const charts = sections.flatMap((section) => section.charts ?? []);
    expect(charts.map(({ id }) => id)).toEqual(['percentiles', 'rate', 'p99', 'cpu', 'memory']);
    for (const { series } of charts)
      for (const { x, y } of series) {
        expect(x.length).toBeGreaterThan(0);
        expect(y).toHaveLength(x.length);
      }
    const [curve] = charts[0].series;
    expect(Math.max(...curve.x)).toBeLessThanOrEqual(0.999);
    expect(curve.y.at(-1)).toBeCloseTo(1, 2);
  });

  it('shows progress in one line that fits the terminal', () => {
    const [interval] = loadReport.intervals;
    const line = progressLine('tcp', interval, { warmup: 1, measured: 20 }, 200);
    expect(line).toMatch(/^tcp █{8}░{8} 10\/20 s {2}100\/s {2}p50 500 µs .* server 20 % {2}generator 10 %$/);
    expect(progressLine('tcp', { ...interval, atSeconds: -0.5 }, { warmup: 1, measured: 20 }, 200)).toMatch(
      /^tcp █{8}░{8} warm-up/,
    );
    expect(progressLine('tcp', interval, { warmup: 1, measured: 20 }, 60)).toHaveLength(59);
  });
});

/** Two sides compared: records of the same load are paired, and what is worse than allowed is found. */
import { describe, expect, it } from 'vitest';
import { beyondBudget, compareRecords, compareSides } from '../../src/analysis/comparison.js';
import { comparisonPage, comparisonRow } from '../../src/analysis/comparison-page.js';
import type { BenchRecord } from '../../src/analysis/record.js';
import { sideTarget, splitWords } from '../../src/cli/compare/sides.js';
import { compare } from '../../src/cli/compare.js';
import { parseInput } from '../../src/cli/parse-input.js';

function record(more: Partial<BenchRecord>): BenchRecord {
  return {
    scenario: 'tcp',
    contender: 'a',
    transport: 'tcp',
    connections: 8,
    depth: 16,
    rate: 1000,
    p50us: 10,
    p99us: 100,
    errors: 0,
    ...more,
  };
}

const rates = [1000, 1010, 990, 1005];

describe('compareRecords', () => {
  it('pairs what was measured under the same load, round by round', () => {
    const a = [record({ rates }), record({ rates, connections: 1 }), record({ rates: [7], errors: 1 })];
    const b = [record({ rates: rates.map((rate) => rate * 0.8) }), record({ transport: 'unix' })];
    const { comparisons, onlyA, onlyB } = compareRecords(a, b);
    expect(comparisons.map(({ name }) => name)).toEqual(['tcp: tcp, 8x16']);
    expect(comparisons[0].metrics).toMatchObject([
      { name: 'rate', verdict: 'worse', rounds: { a: 4, b: 4 }, a: 1002.5 },
      { name: 'p99', verdict: 'too few rounds', rounds: { a: 1, b: 1 } },
    ]);
    expect(onlyA).toEqual(['tcp: tcp, 1x16']);
    expect(onlyB).toEqual(['tcp: unix, 8x16']);
  });

  it('compares one contender with another, but of several each with itself', () => {
    const [one, other] = [record({ contender: 'old' }), record({ contender: 'new' })];
    expect(compareRecords([one], [other]).comparisons).toHaveLength(1);
    const several = compareRecords([one, other], [other]);
    expect(several.comparisons.map(({ name }) => name)).toEqual(['tcp: new, tcp, 8x16']);
    expect(several.onlyA).toEqual(['tcp: old, tcp, 8x16']);
  });

  it('takes records of single runs together', () => {
    const runs = rates.map((rate, at) => record({ rate, p99us: 100 + at, cpuUsPerMsg: 5 + at / 100 }));
    const slower = runs.map((run) => ({ ...run, cpuUsPerMsg: (run.cpuUsPerMsg ?? 0) * 1.5 }));
    const [{ metrics }] = compareRecords(runs, slower).comparisons;
    expect(metrics.map(({ name, verdict }) => `${name}: ${verdict}`)).toEqual([
      'rate: no difference',
      'p99: no difference',
      'CPU per message: worse',
    ]);
  });
});

describe('beyondBudget', () => {
  const rounds = (factor: number) => rates.map((rate) => ({ rate: rate * factor }));

  it('counts what is worse by more than allowed, and nothing that is better', () => {
    const slower = compareSides('x', rounds(1), rounds(0.9));
    expect(beyondBudget(slower, 0.05).map(({ name }) => name)).toEqual(['rate']);
    expect(beyondBudget(slower, 0.15)).toEqual([]);
    expect(beyondBudget(compareSides('x', rounds(1), rounds(1.5)), 0)).toEqual([]);
  });
});

describe('comparisonPage', () => {
  it('shows the figures behind the verdict, and every round', () => {
    const comparison = compareSides('tcp, 8x16', rates.map((rate) => ({ rate })), rates.map((rate) => ({ rate: rate / 2 }))); // biome-ignore format: one line
    expect(comparisonRow(comparison.metrics[0])).toEqual([
      'rate',
      '1,003 msg/s',
      '501 msg/s',
      '-50.0 %',
      expect.stringMatching(/^-5\d\.\d % to -4\d\.\d %$/),
      expect.stringMatching(/^±\d\.\d %$/),
      expect.stringMatching(/^±\d\.\d %$/),
      '0.029',
      '4',
      'worse',
    ]);
    const page = comparisonPage({ a: 'old', b: 'new' }, [comparison], ['a note'], '');
    expect(page.sections[0].paragraphs).toEqual(['A is old. B is new.', 'a note']);
    expect(page.sections[1]).toMatchObject({ title: 'tcp, 8x16', tone: 'high' });
    expect(page.sections[1].charts?.[0].series).toMatchObject([
      { name: 'A', x: [1, 2, 3, 4], y: rates },
      { name: 'B', y: rates.map((rate) => rate / 2) },
    ]);
  });
});

describe('sides', () => {
  it.each([
    ['node a.mjs', ['node', 'a.mjs']],
    [`  node 'my file.mjs'  "x y"z `, ['node', 'my file.mjs', 'x yz']],
    [String.raw`a\ b "c\"d" 'e\f'`, ['a b', 'c"d', String.raw`e\f`]],
    [`a ''`, ['a', '']],
    ['', []],
  ])('%j is parted into words as a shell does', (text, words) => {
    expect(splitWords(text)).toEqual(words);
  });

  it('tell addresses from commands', () => {
    expect(sideTarget('tcp://127.0.0.1:4000', { header: ['a: b'] })).toEqual({ url: 'tcp://127.0.0.1:4000' });
    expect(sideTarget('unix:/run/mcp.sock', {})).toEqual({ url: 'unix:/run/mcp.sock' });
    expect(sideTarget('http://127.0.0.1/mcp', { http2: true, insecure: true })).toEqual({
      url: 'http://127.0.0.1/mcp',
      http2: true,
      insecure: true,
    });
    expect(sideTarget('node a.mjs', {})).toEqual({ command: ['node', 'a.mjs'] });
    expect(() => sideTarget('node "a', {})).toThrow(/quote " is left open/);
    expect(() => sideTarget('  ', {})).toThrow(/empty/);
  });
});

describe('ringwire bench compare', () => {
  it.each([
    [[], /takes two sides/],
    [['a.jsonl', 'tcp://127.0.0.1:1'], /compared with another file of results/],
    [['a.jsonl', 'b.jsonl'], /a\.jsonl does not exist, or holds no results/],
    [['a.jsonl', 'b.jsonl', '--rounds', '5'], /--rounds goes with servers that are loaded/],
    [['node a', 'node b', '--rounds', '3'], /--rounds must be a whole number between 4 and 1000/],
    [['node a', 'node b', '--budget', 'x'], /--budget must be a number between 0 and 1000/],
    [['node a', 'node b', '--pid-a', '5'], /--pid-a is of an address/],
    [['memory:x', 'node b'], /lies inside a process/],
  ])('%j is wrong usage', async (args, message) => {
    await expect(async () => compare.run(parseInput(compare, args))).rejects.toThrow(message);
  });
});

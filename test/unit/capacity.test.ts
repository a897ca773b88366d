/** Capacity: what is read from files, what is planned, and how well the largest point of a run is predicted. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { planCapacity, scalingCurve } from '../../src/analysis/capacity.js';
import { capacityPage } from '../../src/analysis/capacity-page.js';
import { type ScalingPoint, scalingRate } from '../../src/analysis/usl.js';
import { capacity } from '../../src/cli/capacity.js';
import { parseInput } from '../../src/cli/parse-input.js';
import { readScaling } from '../../src/workbench/capacity/read-scaling.js';

const recorded = fileURLToPath(new URL('../fixtures/scaling-run.jsonl', import.meta.url));

const openloop = fileURLToPath(new URL('../../bench/results/openloop.jsonl', import.meta.url));

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ringwire-capacity-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function fileOf(text: string, name = 'run.csv'): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

const law = (counts: readonly number[], lambda: number, sigma: number, kappa: number): ScalingPoint[] =>
  counts.map((n) => ({ n, rate: scalingRate({ lambda, sigma, kappa }, n) }));
const doubled = [1, 2, 4, 8, 16, 32];

describe('the largest point, left out', () => {
  it('is predicted within 15 % in a recorded scaling run of ringwire', async () => {
    const curves = await readScaling(recorded);
    expect(curves.length).toBeGreaterThan(0);
    for (const curve of curves) {
      const { heldOut, rows } = planCapacity(curve);
      expect(heldOut?.n, curve.name).toBe(rows[rows.length - 1].n);
      expect(Math.abs(heldOut?.error ?? Number.NaN), curve.name).toBeLessThan(0.15);
    }
  });

  it('is predicted within 15 % in noisy runs of a known law', () => {
    for (const [lambda, sigma, kappa] of [
      [20_000, 0.05, 0.0005],
      [8000, 0.3, 0.002],
      [50_000, 0.01, 0],
    ]) {
      const noisy = law([...doubled, 64], lambda, sigma, kappa).map(({ n, rate }, at) => ({
        n,
        rate: rate * (1 + 0.02 * (at % 2 === 0 ? 1 : -1)),
      }));
      const { heldOut } = planCapacity(scalingCurve('known', 'connections', noisy));
      expect(Math.abs(heldOut?.error ?? Number.NaN)).toBeLessThan(0.15);
    }
  });

  it('is not left out of four', () => {
    expect(planCapacity(scalingCurve('few', 'n', law([1, 2, 4, 8], 10, 0.1, 0)))).not.toHaveProperty(
      'heldOut',
    );
  });
});

describe('planCapacity', () => {
  it('plans nodes like the one that was loaded by connections', () => {
    const curve = scalingCurve('server', 'connections', law(doubled, 10_000, 0.1, 0));
    const { best, plan } = planCapacity(curve, { rate: 200_000, headroom: 0.5 });
    expect(best.n).toBe(32);
    expect(best.rate).toBeCloseTo(320_000 / 4.1, 3);
    // 200,000 / (78,049 / 2), rounded up.
    expect(plan).toMatchObject({ nodes: 6, together: false });
  });

  it('promises no more than was measured, and no more than the peak', () => {
    const rising = planCapacity(scalingCurve('rising', 'connections', law(doubled, 100, 0, 0)));
    expect(rising.best).toMatchObject({ n: 32 });
    const falling = planCapacity(scalingCurve('falling', 'connections', law(doubled, 100, 0.05, 0.01)));
    expect(falling.best.n).toBe(9);
  });

  it('plans N itself where N is nodes', () => {
    const curve = scalingCurve('cluster', 'nodes', law(doubled, 1000, 0.02, 0.0001));
    const { plan } = planCapacity(curve, { rate: 8000, headroom: 0 });
    expect(plan).toMatchObject({ together: true, groups: 1, nodes: 10 });
  });

  it('parts nodes into groups where one is beyond its peak', () => {
    // The peak: 9 nodes, 4,228 per second.
    const curve = scalingCurve('cluster', 'workers', law(doubled, 1000, 0.05, 0.01));
    const { plan, fit } = planCapacity(curve, { rate: 10_000, headroom: 0 });
    expect(Math.floor(fit.peakN)).toBe(9);
    expect(plan?.groups).toBe(Math.ceil(10_000 / scalingRate({ lambda: 1000, sigma: 0.05, kappa: 0.01 }, 9)));
    expect(plan?.nodes).toBeGreaterThan(9);
    expect(plan?.nodes).toBeLessThanOrEqual((plan?.groups ?? 0) * 9);
  });

  it('takes the median of what was measured twice', () => {
    const curve = scalingCurve('again', 'n', [
      { n: 2, rate: 30 },
      { n: 1, rate: 10 },
      { n: 1, rate: 14 },
      { n: 1, rate: 11 },
    ]);
    expect(curve.points).toEqual([
      { n: 1, rate: 11 },
      { n: 2, rate: 30 },
    ]);
  });
});

describe('readScaling', () => {
  const record = (more: object): string =>
    JSON.stringify({
      scenario: 'scaling',
      contender: 'a',
      transport: 'tcp',
      connections: 1,
      depth: 1,
      ...more,
    });

  it('reads columns, whose first line may name what was scaled', async () => {
    const points = [
      { n: 1, rate: 1000 },
      { n: 2, rate: 1900.5 },
    ];
    expect(await readScaling(await fileOf('workers,rate\n1,1000\n2,1900.5\n'))).toMatchObject([
      { unit: 'workers', points },
    ]);
    expect(await readScaling(await fileOf('# a run\r\n1;1000\r\n2;1900.5'))).toMatchObject([
      { unit: 'connections', points },
    ]);
    expect(await readScaling(await fileOf('n,rate\n1,1000\n'), 'pods')).toMatchObject([{ unit: 'pods' }]);
  });

  it('finds in records what was scaled, for each contender and transport', async () => {
    const lines = [
      ...[1, 2, 4].map((connections) => record({ connections, rate: connections * 10 })),
      ...[1, 8].map((depth) => record({ contender: 'b', depth, rate: depth * 5 })),
      ...[1, 2].flatMap((connections) =>
        [1, 8].map((depth) => record({ transport: 'http', connections, depth, rate: connections + depth })),
      ),
      ...[1, 2].flatMap((connections) =>
        [16, 1024].map((textBytes) =>
          record({ contender: 'c', connections, textBytes, rate: 9, generatorLate: connections === 2 }),
        ),
      ),
      record({ contender: 'open', connections: 3, targetRate: 10, rate: 10 }),
    ];
    const curves = await readScaling(await fileOf(lines.join('\n'), 'run.jsonl'));
    expect(curves.map(({ name, unit, points }) => `${name}: ${points.length} ${unit}`)).toEqual([
      'a, tcp: 3 connections',
      'b, tcp: 2 depth',
      'a, http, depth 1: 2 connections',
      'a, http, depth 8: 2 connections',
      'c, tcp, 16 B: 2 connections',
      'c, tcp, 1024 B: 2 connections',
    ]);
    expect(curves[4].generatorBound).toEqual([2]);
    expect(curves[0]).not.toHaveProperty('generatorBound');
  });

  it('leaves out runs with errors and quick ones, and keeps machines apart', async () => {
    const lines = [
      ...[1, 2].map((connections) => record({ connections, rate: 10, errors: 0 })),
      record({ connections: 4, rate: 99, errors: 5 }),
      record({ connections: 8, rate: 99, form: 'quick' }),
    ];
    const [curve, ...more] = await readScaling(await fileOf(lines.join('\n'), 'run.jsonl'));
    expect(more).toEqual([]);
    expect(curve.points.map(({ n }) => n)).toEqual([1, 2]);
    const bad = record({ rate: 5, errors: 1 });
    await expect(readScaling(await fileOf(bad, 'run.jsonl'))).rejects.toThrow('runs with errors');
    const hosts = ['x', 'y'].flatMap((fingerprint) =>
      [1, 2].map((connections) => record({ connections, rate: 10, machine: { fingerprint } })),
    );
    const curves = await readScaling(await fileOf(hosts.join('\n'), 'run.jsonl'));
    expect(curves.map(({ name }) => name)).toEqual(['a, tcp, machine x', 'a, tcp, machine y']);
  });

  it('says what is wrong, and where', async () => {
    await expect(readScaling(join(folder, 'missing.csv'))).rejects.toMatchObject({ code: 'IO_ERROR' });
    await expect(readScaling(await fileOf('1,10\n2,-5\n'))).rejects.toThrow(
      /run\.csv:2 is "2,-5"; wanted are/,
    );
    await expect(readScaling(await fileOf('1,10\nx,y\n'))).rejects.toThrow(/:2 is "x,y"/);
    await expect(readScaling(await fileOf('1,2,3\n'))).rejects.toThrow(/:1 is/);
    await expect(readScaling(await fileOf('{"no":1}', 'run.jsonl'))).rejects.toThrow(/is no record/);
    await expect(readScaling(await fileOf(record({ rate: 5 }), 'run.jsonl'))).rejects.toThrow(
      /is no scaling run/,
    );
    await expect(readScaling(await fileOf(record({ rate: 5, targetRate: 5 }), 'run.jsonl'))).rejects.toThrow(
      /open loops only/,
    );
  });
});

describe('capacityPage', () => {
  it('has the measured and the fitted curve, and says what was predicted and planned', () => {
    const curve = scalingCurve('server, tcp', 'connections', law([...doubled, 64], 10_000, 0.1, 0.001));
    const bound = { ...curve, generatorBound: [32, 64] };
    const page = capacityPage([planCapacity(bound, { rate: 100_000 })], 'ringwire capacity run.csv');
    const [{ title, paragraphs, tables, charts }] = page.sections;
    expect(title).toBe('server, tcp');
    expect(paragraphs?.join('\n')).toMatch(/peak at 30 connections.*More serve less/);
    expect(paragraphs?.join('\n')).toMatch(/At 32, 64 connections the load generator was the limit/);
    expect(paragraphs?.join('\n')).toMatch(/Without the measurement at 64 connections/);
    expect(paragraphs?.join('\n')).toMatch(
      /100,000 per second need \d+ nodes like the measured one, with 30 % left free/,
    );
    expect(tables?.[0].rows).toHaveLength(7);
    const [measured, fitted] = charts?.[0].series ?? [];
    expect(measured.y).toEqual(curve.points.map(({ rate }) => rate));
    expect(fitted.x.length).toBe(fitted.y.length);
  });
});

describe('ringwire capacity', () => {
  it.each([
    [[], /takes one file/],
    [['none.csv'], /none\.csv cannot be read/],
    [[recorded, '--headroom', '100'], /--headroom must be a number between 0 and 99/],
    [[recorded, '--rate', '0'], /--rate must be a number between 0.001/],
    [[openloop], /open loops only/],
  ])('%j says what is wrong', async (args, message) => {
    await expect(async () => capacity.run(parseInput(capacity, args))).rejects.toThrow(message);
  });
});

/** Criteria of scenarios: how they are read, judged and shown, and where rising load ends. */
import { describe, expect, it } from 'vitest';
import type { LoadInterval, LoadReport } from '../../src/workbench/load/load-plan.js';
import {
  formatFigure,
  judge,
  parseCriterion,
  parseCriterionLine,
} from '../../src/workbench/scenarios/criteria.js';
import { figuresOf } from '../../src/workbench/scenarios/figures.js';
import { findBreakingPoint, type StepVerdict } from '../../src/workbench/scenarios/rise.js';
import { loadReport } from './load-report-support.js';

describe('a criterion', () => {
  it.each([
    ['p99', '< 5 ms', 5],
    ['p99.9', '<= 1.5 s', 1500],
    ['mean', '> 20 µs', 0.02],
    ['cpu', '< 70 %', 0.7],
    ['errors', '< 0.1 %', 0.001],
    ['errors', '0', 0],
    ['memory', '< 2 GiB', 2 ** 31],
    ['rate', '>= 9900 /s', 9900],
    ['memoryGrowth', '< 6 MB/min', 1e5],
    ['latencyGrowth', '< 60 ms/min', 1],
  ])('%s: %s', (metric, text, limit) => {
    expect(parseCriterion(metric, text).limit).toBeCloseTo(limit, 12);
  });

  it('is read from a line', () => {
    expect(parseCriterionLine('http cpu < 50 %')).toEqual({
      metric: 'cpu',
      comparison: '<',
      limit: 0.5,
      transport: 'http',
      text: '< 50 %',
    });
    expect(parseCriterionLine('p99.9<5ms')).toMatchObject({ metric: 'p99.9', comparison: '<', limit: 5 });
    expect(() => parseCriterionLine('fast')).toThrow('"fast" is no criterion. For instance "p99 < 5 ms".');
    expect(() => parseCriterionLine('htp cpu < 5 %')).toThrow(
      'There is no transport "htp". Did you mean "http"?',
    );
  });

  it('of one transport counts there in the place of the one of all', () => {
    const criteria = [parseCriterion('cpu', '< 70 %'), parseCriterion('cpu', '< 50 %', 'http')];
    const verdicts = (transport: string) =>
      judge(criteria, { cpu: 0.6 }, transport).map(({ criterion, verdict }) => [criterion.text, verdict]);
    expect(verdicts('http')).toEqual([['< 50 %', 'missed']]);
    expect(verdicts('tcp')).toEqual([['< 70 %', 'met']]);
  });

  it('says when it was not measured', () => {
    expect(judge([parseCriterion('cpu', '< 70 %')], {}, 'tcp')).toMatchObject([{ verdict: 'not measured' }]);
  });

  it.each([
    ['<', 1, 'missed'],
    ['<=', 1, 'met'],
    ['>', 1, 'missed'],
    ['>=', 1, 'met'],
    ['=', 1, 'met'],
    ['=', 1.1, 'missed'],
    ['<', 0.9, 'met'],
    ['>', 1.1, 'met'],
  ])('%s 1 of %d is %s', (comparison, value, verdict) => {
    const criterion = parseCriterion('p50', `${comparison} 1 ms`);
    expect(judge([criterion], { p50: value }, undefined)).toMatchObject([{ verdict }]);
  });

  it('shows figures with their units', () => {
    expect(formatFigure('p99', 0.08)).toBe('80 µs');
    expect(formatFigure('p99', 12.34)).toBe('12.3 ms');
    expect(formatFigure('max', 1500)).toBe('1.50 s');
    expect(formatFigure('errors', 0)).toBe('0 %');
    expect(formatFigure('cpu', 0.3456)).toBe('34.6 %');
    expect(formatFigure('memory', 62_000_000)).toBe('62.0 MB');
    expect(formatFigure('rate', 10_000.4)).toBe('10,000 /s');
    expect(formatFigure('memoryGrowth', 1e5)).toBe('6 MB/min');
  });
});

describe('the figures of a run', () => {
  const intervals = (memory: (second: number) => number, p99: (second: number) => number): LoadInterval[] =>
    Array.from({ length: 120 }, (_, index) => ({
      ...loadReport.intervals[0],
      atSeconds: index + 1,
      seconds: 1,
      serverRssMb: memory(index),
      p99us: p99(index),
    }));
  // Noise that no test run changes.
  const noise = (index: number): number => Math.sin(index * 12.9898) * 0.5;
  const figures = (report: Partial<LoadReport>) => figuresOf({ ...loadReport, ...report });

  it('of errors is a share of all calls, answered wrongly or not at all', () => {
    expect(figures({ messages: 1000, errors: 1000, lost: 0 }).errors).toBe(1);
    expect(figures({ messages: 1000, errors: 20, lost: 0 }).errors).toBe(0.02);
    expect(figures({ messages: 900, errors: 100, lost: 100 }).errors).toBe(0.1);
    expect(figures({ messages: 0, errors: 0, lost: 0 }).errors).toBe(1);
    // Errors of the warm-up count, its calls do not.
    expect(figures({ messages: 10, errors: 30, lost: 0 }).errors).toBe(1);
  });

  it('come in base units', () => {
    const seen = figures({
      messages: 990,
      errors: 10,
      lost: 10,
      rate: 99,
      targetRate: 100,
      rssPeakMb: 64,
      p99us: 1500,
    });
    expect(seen).toMatchObject({ errors: 0.01, rateReached: 0.99, memory: 64 * 2 ** 20, p99: 1.5 });
  });

  it('tell growth from noise', () => {
    const steady = figures({
      intervals: intervals(
        (second) => 80 + noise(second),
        (second) => 500 + 40 * noise(second),
      ),
    });
    expect(steady).toMatchObject({ memoryGrowth: 0, latencyGrowth: 0 });
    const growing = figures({
      intervals: intervals(
        (second) => 80 + second + noise(second),
        (second) => 500 + 10 * second + 40 * noise(second),
      ),
    });
    expect(growing.memoryGrowth).toBeGreaterThan(0.9 * 2 ** 20);
    expect(growing.memoryGrowth).toBeLessThan(1.1 * 2 ** 20);
    expect(growing.latencyGrowth).toBeGreaterThan(0.008);
    expect(growing.latencyGrowth).toBeLessThan(0.012);
  });

  it('leave growth out where a run is too short to tell', () => {
    const { memoryGrowth, latencyGrowth } = figures({
      intervals: intervals(
        () => 80,
        () => 500,
      ).slice(0, 5),
    });
    expect([memoryGrowth, latencyGrowth]).toEqual([undefined, undefined]);
  });
});

describe('rising load', () => {
  const rise = { from: 100, factor: 2, steps: 10, refine: 3 };

  async function search(verdictOf: (rate: number) => StepVerdict | undefined, options = rise) {
    const rates: number[] = [];
    const end = await findBreakingPoint(options, async (rate) => {
      rates.push(rate);
      return verdictOf(rate);
    });
    return { rates, end };
  }

  it('ends at the first rate that breaks and halves what lies before it', async () => {
    const { rates, end } = await search((rate) => (rate <= 700 ? 'held' : 'broke'));
    expect(rates).toEqual([100, 200, 400, 800, 600, 700, 750]);
    expect(end).toEqual({ held: 700, brokeAt: 750, generatorWasLimit: false });
  });

  it('goes down where not even the first rate holds', async () => {
    const { rates, end } = await search((rate) => (rate <= 30 ? 'held' : 'broke'));
    expect(rates).toEqual([100, 50, 25, 38, 32, 29]);
    expect(end).toEqual({ held: 29, brokeAt: 32, generatorWasLimit: false });
  });

  it('says when no rate held', async () => {
    const { rates, end } = await search(() => 'broke');
    expect(rates).toEqual([100, 50, 25, 13, 7, 4, 2, 1]);
    expect(end).toEqual({ held: 0, brokeAt: 1, generatorWasLimit: false });
  });

  it('says when every rate held', async () => {
    const { rates, end } = await search(() => 'held', { ...rise, steps: 3 });
    expect(rates).toEqual([100, 200, 400]);
    expect(end).toEqual({ held: 400, generatorWasLimit: false });
  });

  it('says when it was the generator that ended it', async () => {
    const { end } = await search((rate) => (rate <= 150 ? 'held' : 'generator'), { ...rise, refine: 0 });
    expect(end).toEqual({ held: 100, brokeAt: 200, generatorWasLimit: true });
  });

  it('stops where it is told to', async () => {
    const { rates, end } = await search((rate) => (rate < 400 ? 'held' : undefined));
    expect(rates).toEqual([100, 200, 400]);
    expect(end).toEqual({ held: 200, generatorWasLimit: false });
  });
});

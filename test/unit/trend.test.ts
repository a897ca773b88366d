/** Trends: which records belong together, and where their level changed. */
import { describe, expect, it } from 'vitest';
import type { BenchRecord } from '../../src/analysis/record.js';
import { sparkline, trendMetrics, trendsOf } from '../../src/analysis/trend.js';
import { changeLines, trendPage } from '../../src/analysis/trend-page.js';

const machine = { cpu: 'AMD EPYC', cores: 2, kernel: '6.1' };

function record(more: Partial<BenchRecord> & Record<string, unknown>): BenchRecord {
  return {
    scenario: 'tcp',
    contender: 'ringwire',
    transport: 'tcp',
    connections: 32,
    depth: 64,
    rate: 1000,
    p50us: 10,
    p99us: 100,
    errors: 0,
    machine,
    ...more,
  };
}

/** Twelve runs, the second half slower. */
const runs = Array.from({ length: 12 }, (_, at) =>
  record({
    rate: (at < 6 ? 1000 : 800) + (at % 3),
    p99us: (at < 6 ? 100 : 130) + (at % 2),
    date: `2026-11-${String(at + 1).padStart(2, '0')}T00:00:00.000Z`,
    commit: `c${at}`,
  }),
);

describe('trendsOf', () => {
  it('finds when a level changed, and whether that was good', () => {
    // Files are appended to by several machines: the order is the date's.
    const trends = trendsOf([...runs].reverse());
    expect(trends.map(({ metric }) => metric.field)).toEqual(['rate', 'p99us']);
    for (const { points, changes } of trends) {
      expect(points.map(({ commit }) => commit)).toEqual(runs.map(({ commit }) => commit));
      expect(changes).toMatchObject([{ index: 6, commit: 'c6', verdict: 'worse' }]);
    }
    expect(changeLines(trends[0])).toEqual(['rate -20.0 % (1,001 to 801 msg/s) since c6, 2026-11-07: worse']);
    expect(trendsOf(runs.map((run) => ({ ...run, rate: 1e6 / run.rate })))[0].changes[0].verdict).toBe(
      'better',
    );
  });

  it('keeps apart what cannot be compared', () => {
    const kinds = [
      record({}),
      record({ connections: 1 }),
      record({ contender: 'other' }),
      record({ transport: 'unix' }),
      record({ text: 'utf8' }),
      record({ targetRate: 10_000 }),
      record({ machine: { ...machine, cpu: 'other' } }),
      record({ machine: { ...machine, fingerprint: 'abc' } }),
      record({ node: '22.1.0' }),
    ];
    const trends = trendsOf(kinds, [trendMetrics[0]]);
    expect(trends).toHaveLength(kinds.length);
    expect(trendsOf([...kinds, ...kinds], [trendMetrics[0]])).toHaveLength(kinds.length);
  });

  it('leaves out quick runs, failed ones, and figures that were not measured', () => {
    expect(trendsOf([record({ quick: true }), record({ errors: 3 })])).toEqual([]);
    expect(trendsOf([record({ p99us: 0 })]).map(({ metric }) => metric.name)).toEqual(['rate']);
  });
});

describe('trendPage', () => {
  it('has a chart for each figure, with the levels, and says what became worse', () => {
    const page = trendPage(trendsOf(runs), 'ringwire bench trend');
    expect(page.sections).toHaveLength(1);
    const [{ tone, title, paragraphs, charts = [] }] = page.sections;
    expect({ tone, title }).toEqual({ tone: 'medium', title: 'tcp: ringwire, tcp, 32x64' });
    expect(paragraphs).toHaveLength(3);
    expect(charts).toHaveLength(2);
    const [rate, level] = charts[0].series;
    expect(charts[0].x.scale).toBe('time');
    expect(rate.y).toEqual(runs.map((run) => run.rate));
    expect(new Set(level.y.slice(0, 6))).toEqual(new Set([1001]));
    expect(new Set(level.y.slice(6))).toEqual(new Set([801]));
    expect(new Set(charts.map(({ id }) => id)).size).toBe(2);
  });

  it('numbers runs without a date, and draws no level where nothing changed', () => {
    const page = trendPage(trendsOf([record({}), record({ rate: 1001 })], [trendMetrics[0]]), '');
    const [chart] = page.sections[0].charts ?? [];
    expect(chart.series).toMatchObject([{ x: [1, 2], y: [1000, 1001] }]);
    expect(page.sections[0].paragraphs?.join()).toMatch(/No change of level/);
  });
});

describe('sparkline', () => {
  it('shows the newest values between their lowest and highest', () => {
    expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7])).toBe('▁▂▃▄▅▆▇█');
    expect(sparkline([9, 9, 0, 7], 2)).toBe('▁█');
    expect(sparkline([5, 5, 5])).toBe('▄▄▄');
    expect(sparkline([])).toBe('');
  });
});

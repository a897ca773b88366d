import { describe, expect, it } from 'vitest';
import { age, bytes, ms, percent, sparkline } from '../../src/cli/top/figures.js';
import { sampleLine, screenLines } from '../../src/cli/top/view.js';
import type { MonitorSample } from '../../src/workbench/monitor/monitor-resources.js';

const row = {
  transport: 'tcp',
  peer: '127.0.0.1:4000',
  ageSeconds: 61,
  calls: 500,
  inFlight: 2,
  bufferedBytes: 0,
};

function sample(second: number, change: Partial<MonitorSample> = {}): MonitorSample {
  return {
    atMs: second * 1_000,
    intervalMs: 1_000,
    calls: {
      calls: 1_000 * second,
      errors: 10,
      latency: { count: 60, meanMs: 1, p50Ms: 0.8, p95Ms: 1.2, p99Ms: 2.5, p999Ms: 3, maxMs: 120 },
      inFlight: 3,
      queuedBytes: 2_048,
      backpressureMs: 2_500,
      connections: 7,
    },
    process: {
      cpu: 0.5,
      rssBytes: 81_000_000,
      heapUsedBytes: 20_000_000,
      heapLimitBytes: 2_000_000_000,
      eventLoopUtilization: 0.2,
      eventLoopLagMs: { p50: 1, p99: 3, max: 9 },
      gc: { count: 5, majorCount: 1, pauseMs: 6, longestPauseMs: 2 },
      descriptors: 40,
      descriptorLimit: 1_024,
      threads: 11,
    },
    connections: [{ ...row, calls: 500 * second }],
    ...change,
  };
}

const large = { columns: 140, rows: 40 };

describe('the view of top', () => {
  it('shows what a sample says', () => {
    const text = screenLines('http://127.0.0.1:80', [sample(1), sample(2)], large).join('\n');
    expect(text).toContain('2,000 /s   errors 0.5 %');
    expect(text).toContain('p50 0.80  p95 1.20  p99 2.50  p99.9 3.00  max 120 ms');
    // Waiting connections add up: no more than all the time is shown.
    expect(text).toContain('3 in flight   2.0 kB queued   backpressure 100 %   7 connections');
    expect(text).toContain('40 of 1,024 descriptors');
    expect(text).toContain('81.0 MB resident');
    expect(text).toContain('lag p50 1.00  p99 3.00  max 9.00 ms');
    expect(text).toMatch(/tcp +127\.0\.0\.1:4000 +1 min +1,000 +500 +2 +0 B/);
    expect(text).toMatch(/[▁-█]{2}$/m);
    expect(text).toContain('high: Connections waited for their peers to read 100 % of the time.');
  });

  it('keeps to the screen, however small it is', () => {
    const history = Array.from({ length: 50 }, (_, index) => sample(index + 1));
    for (const size of [
      large,
      { columns: 80, rows: 24 },
      { columns: 20, rows: 5 },
      { columns: 1, rows: 1 },
    ]) {
      const lines = screenLines('x'.repeat(300), history, size);
      expect(lines.length).toBeLessThanOrEqual(size.rows);
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(size.columns);
    }
  });

  it('leaves out what is not known', () => {
    const outside = sample(1, {
      calls: undefined,
      connections: undefined,
      process: { cpu: 0.1, rssBytes: 5_000 },
    });
    const text = screenLines('process 1', [outside], large).join('\n');
    expect(text).not.toMatch(/latency|heap|undefined|NaN/);
    expect(sampleLine(outside)).toBe('    1.0 s  cpu 0.10  rss 5.0 kB  - descriptors');
    expect(screenLines('process 1', [], large).join('\n')).toContain('Waiting');
  });

  it('shows names of peers as text', () => {
    const peer = 'evil\u001b]0;title\u0007\u202e\u009b2J';
    const hostile = sample(1, { connections: [{ ...row, peer }] });
    const text = screenLines('name\u001b[2J', [hostile], large).join('\n');
    expect(text).not.toMatch(/(?!\n)\p{Cc}|\p{Cf}/u);
    expect(text).toContain('evil?]0;title?');
  });

  it('writes a sample in one line', () => {
    expect(sampleLine(sample(1))).toBe(
      '    1.0 s  1,000 calls/s  errors 1.0 %  p50 0.80 p99 2.50 ms  3 in flight  2.0 kB queued  cpu 0.50  rss 81.0 MB  heap 20.0 MB  gc 0.6 %  lag 9.00 ms  40 descriptors',
    );
  });
});

describe('figures', () => {
  it('are short', () => {
    expect([0, 999, 1_500, 150_000, 2.5e9].map(bytes)).toEqual([
      '0 B',
      '999 B',
      '1.5 kB',
      '150 kB',
      '2.5 GB',
    ]);
    expect([0, 0.004, 0.5, 1].map(percent)).toEqual(['0 %', '0.4 %', '50 %', '100 %']);
    expect([0.1, 12, 1_234].map(ms)).toEqual(['0.10', '12.0', '1,234']);
    expect([5, 61, 7_200, 200_000].map(age)).toEqual(['5 s', '1 min', '2 h', '2 d']);
  });

  it('have a history', () => {
    expect(sparkline([0, 1, undefined, 8], 10)).toBe('▁▁ █');
    expect(sparkline([0, 0], 10)).toBe('▁▁');
    expect(sparkline([1, 2, 3], 2)).toHaveLength(2);
    expect(sparkline([1], 0)).toBe('');
  });
});

/** Where the findings of the six analyses begin (R64), and that each has its line in docs/analysis.md. */
import { describe, expect, it } from 'vitest';
import {
  type BufferingRow,
  bufferingFindings,
  bufferingRules,
} from '../../src/analysis/analyses/buffering.js';
import type { CallFigures } from '../../src/analysis/analyses/call-figures.js';
import { memoryFindings, memoryRow } from '../../src/analysis/analyses/memory.js';
import {
  type ReconnectionRow,
  reconnectionFindings,
  reconnectionRules,
} from '../../src/analysis/analyses/reconnection.js';
import { type RestartRow, restartFindings, restartRules } from '../../src/analysis/analyses/restarts.js';
import { type RoutingRow, routingFindings, routingRules } from '../../src/analysis/analyses/routing.js';
import {
  type SwitchingRow,
  switchingFindings,
  switchingRules,
} from '../../src/analysis/analyses/switching.js';
import {
  breakingPointOf,
  limitOf,
  type StressStep,
  transportTestRules,
  wrongAnswerFindings,
} from '../../src/analysis/analyses/transport-tests.js';
import { bottleneckPage, evidenceText, hasCritical } from '../../src/analysis/bottleneck-report.js';
import { bottleneckRules } from '../../src/analysis/bottlenecks.js';
import type { Finding } from '../../src/analysis/finding.js';
import { renderMarkdown } from '../../src/analysis/report/render-markdown.js';
import type { Sample } from '../../src/analysis/sample.js';
import { seedFigures, seedIdOf, seedWords } from '../../src/analysis/seed-figures.js';
import { read } from '../layering/sources.js';

const found = (findings: readonly Finding[]): string[] =>
  findings.map(({ rule, severity }) => `${rule} ${severity}`);

const switched: SwitchingRow = {
  from: 'tcp',
  to: 'http',
  isLoaded: false,
  switches: 100,
  failures: 10,
  meanMs: 20,
  maxMs: 1_000,
};

const routed: RoutingRow = {
  registry: 'tools',
  entries: 1,
  callsPerSecond: 10_000,
  meanMs: 10,
  p99Ms: 12,
  callers: 50,
  wantedPerSecond: 5_000,
  queueDepthMax: 1_000,
  errors: 0,
};

const buffered: BufferingRow = {
  transport: 'tcp',
  reader: 'slow',
  sender: 'waits',
  sends: 100,
  overflows: 5,
  accepted: 95,
  received: 95,
  outOfOrder: 0,
  watermarkCrossings: 5,
  backpressureMs: 10,
  seconds: 1,
  bufferedBytesMax: 1_000_000,
  highWatermarkBytes: 1_000_000,
  frameBytes: 1_000,
  gcPauseMs: 0,
};

const reconnected: ReconnectionRow = {
  transport: 'tcp',
  failure: 'crash',
  attempts: 10,
  recovered: 7,
  outageMs: 100,
  detectMs: 5_000,
  recoverMs: 30_000,
  afterReturnMs: 10,
};

const restarted: RestartRow = {
  unit: 'process',
  restarts: 10,
  failures: 0,
  firstAnswerMs: 700,
  firstAnswerMaxMs: 900,
  downMs: 710,
  ownConnections: 1,
  otherConnections: 100,
  hurtConnections: 20,
};

describe('findings of the six analyses', () => {
  it('[R64] hold nothing against what is at its threshold', () => {
    expect(switchingFindings([switched])).toEqual([]);
    expect(routingFindings([routed])).toEqual([]);
    expect(bufferingFindings([buffered])).toEqual([]);
    expect(reconnectionFindings([reconnected])).toEqual([]);
    expect(restartFindings([restarted])).toEqual([]);
  });

  it.each<[string, readonly Finding[], string[]]>([
    [
      '11 % of switches fail',
      switchingFindings([{ ...switched, failures: 11 }]),
      ['switch-failures critical'],
    ],
    ['a switch takes 1,001 ms', switchingFindings([{ ...switched, maxMs: 1_001 }]), ['switch-slow critical']],
    ['1,001 calls wait', routingFindings([{ ...routed, queueDepthMax: 1_001 }]), ['dispatch-queue critical']],
    ['a lone call takes 11 ms', routingFindings([{ ...routed, meanMs: 11 }]), ['dispatch-slow medium']],
    ['a lone call takes 101 ms', routingFindings([{ ...routed, meanMs: 101 }]), ['dispatch-slow high']],
    [
      'many entries quarter the rate',
      routingFindings([routed, { ...routed, entries: 10_000, callsPerSecond: 2_400 }]),
      ['dispatch-scaling medium'],
    ],
    [
      '6 % of sends overflow',
      bufferingFindings([{ ...buffered, overflows: 6 }]),
      ['buffer-overflow critical'],
    ],
    [
      'a sender that insists overflows',
      bufferingFindings([{ ...buffered, overflows: 90, sender: 'insists' }]),
      [],
    ],
    ['a frame is lost', bufferingFindings([{ ...buffered, received: 94 }]), ['buffer-loss critical']],
    ['frames change places', bufferingFindings([{ ...buffered, outOfOrder: 2 }]), ['buffer-loss critical']],
    [
      'more waits than may',
      bufferingFindings([{ ...buffered, bufferedBytesMax: 2_000_000 }]),
      ['buffer-unbounded high'],
    ],
    [
      '60 % of reconnections succeed',
      reconnectionFindings([{ ...reconnected, recovered: 6 }]),
      ['reconnection-unstable critical'],
    ],
    [
      'failures are noticed late',
      reconnectionFindings([{ ...reconnected, detectMs: 5_001 }]),
      ['detection-slow high'],
    ],
    [
      'answers come late',
      reconnectionFindings([{ ...reconnected, recoverMs: 30_001 }]),
      ['recovery-slow high'],
    ],
    [
      '21 % of others are hurt',
      restartFindings([{ ...restarted, hurtConnections: 21 }]),
      ['restart-cascade critical'],
    ],
    ['a restart fails', restartFindings([{ ...restarted, failures: 1 }]), ['restart-failures high']],
    ['restarts fail', restartFindings([{ ...restarted, failures: 4 }]), ['restart-failures critical']],
    [
      'a start takes 701 ms',
      restartFindings([{ ...restarted, firstAnswerMs: 701 }]),
      ['restart-slow medium'],
    ],
  ])('[R64] %s', (_, findings, expected) => {
    expect(found(findings)).toEqual(expected);
    for (const finding of findings) {
      expect(finding.evidence.some(({ threshold }) => threshold !== undefined)).toBe(true);
      for (const text of [finding.component, finding.summary, finding.cause, finding.recommendation])
        expect(text).not.toBe('');
    }
  });

  it('[R65] find a leak in samples of a server under load, and none in one that stays', () => {
    const samples = (bytesPerSecond: number): Sample[] =>
      Array.from({ length: 60 }, (_, index) => ({
        atMs: (index + 1) * 1_000,
        intervalMs: 1_000,
        series: 'tcp',
        process: {
          rssBytes: 80e6 + index * bytesPerSecond,
          heapUsedBytes: 20e6 + index * bytesPerSecond + (index % 2) * 100_000,
          gc: { count: 4, majorCount: 1, pauseMs: 5, longestPauseMs: 2 },
        },
      }));
    const leaking = samples(1_000_000);
    expect(found(memoryFindings(leaking))).toContain('memory-leak critical');
    expect(memoryRow('tcp', leaking)).toMatchObject({ isLeak: true, verdict: 'grows', calls: 0 });
    expect(memoryRow('tcp', leaking).slopeBytesPerSecond / 1e6).toBeCloseTo(1, 1);
    expect(found(memoryFindings(samples(0)))).toEqual([]);
    expect(memoryRow('tcp', samples(0)).isLeak).toBe(false);
  });
});

const figures: CallFigures = {
  calls: 100,
  errors: 0,
  wrong: 0,
  seconds: 1,
  callsPerSecond: 100,
  kilobytesPerSecond: 1,
  latency: { count: 100, meanMs: 1, p50Ms: 1, p95Ms: 1, p99Ms: 1, p999Ms: 1, maxMs: 1 },
  clientCpu: 0.5,
};

function step(workers: number, callsPerSecond: number, more: Partial<CallFigures> = {}): StressStep {
  return { workers, figures: { ...figures, callsPerSecond, ...more }, limitedBy: 'neither' };
}

describe('the breaking point', () => {
  const limits = { errorShare: 0.05, latencyMs: 10 };

  it('[R62] is where calls fail, where they take long, or where more workers only wait', () => {
    const fine = [step(1, 100), step(2, 200), step(4, 400)];
    expect(breakingPointOf(fine, limits)).toBeUndefined();
    const failing = step(8, 800, { errors: 6, firstError: 'refused' });
    expect(breakingPointOf([...fine, failing], limits)).toMatchObject({ workers: 8, reason: 'errors' });
    const slow = step(8, 800, { latency: { ...figures.latency, meanMs: 11 } });
    expect(breakingPointOf([...fine, slow], limits)).toMatchObject({ workers: 8, reason: 'latency' });
    expect(breakingPointOf([...fine, step(8, 405)], limits)).toMatchObject({
      workers: 8,
      reason: 'saturation',
    });
  });

  it('is no dip between two steps that gain', () => {
    expect(breakingPointOf([step(1, 100), step(2, 98), step(4, 300)], limits)).toBeUndefined();
  });

  it('names whose processor was at its limit', () => {
    const server = { rssBytes: 1, heapUsedBytes: 1, gcCount: 0, gcPauseMs: 0 };
    expect(limitOf({ ...figures, clientCpu: 0.95, server: { ...server, cpu: 0.2 } })).toBe('client');
    expect(limitOf({ ...figures, server: { ...server, cpu: 0.95 } })).toBe('server');
    expect(limitOf({ ...figures, server: { ...server, cpu: 0.5 } })).toBe('neither');
    expect(limitOf(figures)).toBe('unknown');
  });
});

describe('the report', () => {
  it('[R63] puts the worst finding first, with its figures', () => {
    const findings = [
      ...restartFindings([{ ...restarted, firstAnswerMs: 701 }]),
      ...wrongAnswerFindings('tcp', [{ ...figures, wrong: 3, firstError: 'no echo' }]),
    ];
    const page = bottleneckPage({ title: 'T', subtitle: 'S' }, findings, []);
    expect(page.sections[0].tone).toBe('critical');
    expect(page.sections[0].paragraphs).toEqual(['2 findings: 1 critical, 1 medium.']);
    expect(page.sections[0].tables?.[0].rows.map(([severity]) => severity)).toEqual(['critical', 'medium']);
    const markdown = renderMarkdown(page);
    expect(markdown).toContain('wrong answers 3 (limit 0)');
    expect(markdown).toContain('mean 701 ms (limit 700 ms)');
    expect(hasCritical(findings)).toBe(true);
    expect(hasCritical(findings.slice(0, 1))).toBe(false);
  });

  it('writes evidence in its unit', () => {
    expect(evidenceText({ name: 'a', value: 0.123, unit: 'share', threshold: 0.1 })).toBe(
      'a 12.3 % (limit 10 %)',
    );
    expect(evidenceText({ name: 'b', value: 12_345_678, unit: 'bytes' })).toBe('b 12.3 MB');
    expect(evidenceText({ name: 'c', value: 5, unit: 'count' })).toBe('c 5');
  });

  it('has a line in docs/analysis.md for each rule, and no other', () => {
    const documented = [...read('docs/analysis.md').matchAll(/^\| `([a-z]+(?:-[a-z]+)*)` \|/gm)]
      .map(([, rule]) => rule)
      .filter((rule) => !analysisNames.includes(rule));
    const known = [
      ...bottleneckRules,
      ...transportTestRules,
      ...switchingRules,
      ...routingRules,
      ...bufferingRules,
      ...reconnectionRules,
      ...restartRules,
    ];
    expect([...documented].sort()).toEqual([...known].sort());
  });
});

/** Rows of the other table. */
const analysisNames = ['switching', 'routing', 'buffering', 'reconnection', 'restarts', 'memory'];

describe('seed figures', () => {
  it('say what the documents say, once each', () => {
    expect(new Set(seedFigures.map(({ id }) => id)).size).toBe(seedFigures.length);
    expect(seedWords('throughput.stdio')).toBe('1000-5000 KB/s');
    expect(seedWords(seedIdOf('switching', 'http'))).toBe('100-400 ms');
    expect(seedWords(seedIdOf('switching', 'ws'))).toBe('-');
    for (const { low, high } of seedFigures) {
      expect(low ?? high).toBeDefined();
      if (low !== undefined && high !== undefined) expect(low).toBeLessThan(high);
    }
  });
});

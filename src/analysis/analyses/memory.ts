/** What a server holds under a load that stays as it is. */
import { analyzeBottlenecks } from '../bottlenecks.js';
import { countText, megabytesText, msText, shareText } from '../figure-text.js';
import type { Finding } from '../finding.js';
import { detectLeak, type GrowthReason, gcPressure } from '../leak.js';
import type { ReportSection } from '../report/page.js';
import type { Sample } from '../sample.js';
import { seedIdOf, seedWords } from '../seed-figures.js';
import { thresholds } from '../thresholds.js';
import { sectionOf } from './section.js';

export interface MemoryRow {
  readonly transport: string;
  readonly seconds: number;
  readonly calls: number;
  readonly errors: number;
  readonly rssPeakBytes: number;
  readonly heapPeakBytes: number;
  readonly externalPeakBytes: number;
  /** Resident memory at the end less that at the beginning, by time; begins before the first call. */
  readonly growthBytesPerSecond: number;
  /** Of what is left after collections. */
  readonly slopeBytesPerSecond: number;
  readonly isLeak: boolean;
  readonly verdict: GrowthReason;
  readonly collectionsPerSecond: number;
  /** Of the time, 0 to 1. */
  readonly gcShare: number;
  readonly longestPauseMs: number;
}

/** Rules of samples that speak of memory: what else they show is not asked for here. */
const memoryRules = new Set(['memory-leak', 'memory-high', 'heap-near-limit', 'gc-pressure', 'error-rate']);

/** Of the samples of one transport, in order. */
export function memoryRow(transport: string, samples: readonly Sample[]): MemoryRow {
  const known = samples.flatMap(({ process }) => (process === undefined ? [] : [process]));
  const peak = (values: readonly (number | undefined)[]): number =>
    Math.max(0, ...values.map((value) => value ?? 0));
  const seconds = samples.reduce((sum, { intervalMs }) => sum + intervalMs, 0) / 1_000;
  const leak = detectLeak(samples);
  const gc = gcPressure(samples);
  const [first, last] = [known[0]?.rssBytes ?? 0, known.at(-1)?.rssBytes ?? 0];
  return {
    transport,
    seconds,
    calls: samples.reduce((sum, { calls }) => sum + (calls?.calls ?? 0), 0),
    errors: samples.reduce((sum, { calls }) => sum + (calls?.errors ?? 0), 0),
    rssPeakBytes: peak(known.map(({ rssBytes }) => rssBytes)),
    heapPeakBytes: peak(known.map(({ heapUsedBytes }) => heapUsedBytes)),
    externalPeakBytes: peak(known.map(({ externalBytes }) => externalBytes)),
    growthBytesPerSecond: (last - first) / Math.max(seconds, 1e-9),
    slopeBytesPerSecond: leak.bytesPerSecond,
    isLeak: leak.isLeak,
    verdict: leak.reason,
    collectionsPerSecond: gc?.collectionsPerSecond ?? 0,
    gcShare: gc?.pauseShare ?? 0,
    longestPauseMs: gc?.longestPauseMs ?? 0,
  };
}

/** Samples of all transports, each its own series. */
export function memoryFindings(samples: readonly Sample[]): readonly Finding[] {
  return analyzeBottlenecks(samples).filter(({ rule }) => memoryRules.has(rule));
}

export function memorySection(
  rows: readonly MemoryRow[],
  samples: readonly Sample[],
  findings: readonly Finding[],
): ReportSection {
  return sectionOf('Memory', findings, {
    paragraphs: [
      'A steady load on one server for each transport. Growth is that of resident memory from before the first call, warm-up included; the slope is that of what collections leave, and decides whether it leaks.',
    ],
    tables: [
      {
        columns: [
          'transport',
          'calls',
          'peak',
          'Seed (peak)',
          'heap peak',
          'growth',
          'Seed (growth)',
          'slope',
          'verdict',
          'GC',
          'time in GC',
          'longest pause',
        ],
        rows: rows.map((row) => [
          row.transport,
          countText(row.calls),
          megabytesText(row.rssPeakBytes),
          seedWords(seedIdOf('memory', row.transport) ?? 'memory.peak'),
          megabytesText(row.heapPeakBytes),
          `${megabytesText(row.growthBytesPerSecond)}/s`,
          seedWords('memory.growth'),
          `${megabytesText(row.slopeBytesPerSecond)}/s`,
          row.isLeak ? 'leaks' : `no leak (${row.verdict})`,
          `${row.collectionsPerSecond.toFixed(1)}/s`,
          shareText(row.gcShare),
          msText(row.longestPauseMs),
        ]),
      },
    ],
    charts: [
      {
        id: 'memory',
        title: 'Resident memory under load',
        kind: 'line',
        x: { label: 'time, s' },
        y: { label: 'MB' },
        series: rows.map(({ transport }) => {
          const own = samples.filter(
            ({ series, process }) => series === transport && process?.rssBytes !== undefined,
          );
          return {
            name: transport,
            x: own.map(({ atMs }) => atMs / 1_000),
            y: own.map(({ process }) => (process?.rssBytes ?? 0) / 1e6),
          };
        }),
        marks: [{ y: thresholds.memoryBytesCritical / 1e6, label: 'critical' }],
      },
    ],
  });
}

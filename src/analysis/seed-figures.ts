/**
 * The figures of the two documents ringwire grew from, as they stand there. Reports show them beside what was measured;
 * they were taken elsewhere, on another machine and in another language, and nothing of ours is computed from them.
 */

/** 'analysis': the transport performance analysis; 'optimization': the performance optimization summary. */
export type SeedSource = 'analysis' | 'optimization';

export interface SeedFigure {
  readonly id: string;
  /** What it is of. */
  readonly subject: string;
  /** As the document says it. */
  readonly words: string;
  /** The same as numbers; an end that is open in the document is undefined. */
  readonly low?: number;
  readonly high?: number;
  readonly unit: 'KB/s' | 'ms' | 'MB' | 'MB/s' | 'share' | 'calls/s' | 'count' | 'connections';
  readonly source: SeedSource;
}

type Row = readonly [
  id: string,
  subject: string,
  words: string,
  low: number | undefined,
  high: number | undefined,
  unit: SeedFigure['unit'],
];

const analysisRows = [
  ['throughput.stdio', 'stdio: throughput', '1000-5000 KB/s', 1_000, 5_000, 'KB/s'],
  ['throughput.tcp', 'TCP: throughput', '500-2000 KB/s', 500, 2_000, 'KB/s'],
  ['throughput.http', 'HTTP: throughput', '100-500 KB/s', 100, 500, 'KB/s'],
  ['p95.stdio', 'stdio: latency p95', '1-5 ms', 1, 5, 'ms'],
  ['p95.tcp', 'TCP: latency p95', '5-25 ms', 5, 25, 'ms'],
  ['p95.http', 'HTTP: latency p95', '50-200 ms', 50, 200, 'ms'],
  ['memory.stdio', 'stdio: memory peak', '20-50 MB', 20, 50, 'MB'],
  ['memory.tcp', 'TCP: memory peak', '50-100 MB', 50, 100, 'MB'],
  ['memory.http', 'HTTP: memory peak', '100-200 MB', 100, 200, 'MB'],
  ['switching.stdio', 'switching to stdio', '30-80 ms', 30, 80, 'ms'],
  ['switching.tcp', 'switching to TCP', '50-150 ms', 50, 150, 'ms'],
  ['switching.http', 'switching to HTTP', '100-400 ms', 100, 400, 'ms'],
  ['switching.failures', 'switching under load: failures', '5-10% failure rate', 0.05, 0.1, 'share'],
  ['routing.rate', 'registry: operations', '~1000-5000 ops/sec', 1_000, 5_000, 'calls/s'],
  ['routing.latency', 'registry: latency', '<10 ms', undefined, 10, 'ms'],
  ['routing.queue', 'registry: queue depth', '>100 at 50+ connections', 100, undefined, 'count'],
  ['buffering.stdio', 'stdio: buffer overflow', '<1% overflow', undefined, 0.01, 'share'],
  ['buffering.tcp', 'TCP: buffer overflow', '2-5% overflow under sustained load', 0.02, 0.05, 'share'],
  ['reconnection.timeout', 'reconnection: network timeout', '5-15 seconds', 5_000, 15_000, 'ms'],
  ['reconnection.refused', 'reconnection: connection refused', '1-3 seconds', 1_000, 3_000, 'ms'],
  ['reconnection.shutdown', 'reconnection: server shutdown', '3-8 seconds', 3_000, 8_000, 'ms'],
  ['reconnection.stability', 'reconnection: success', '85-95% success rate', 0.85, 0.95, 'share'],
  ['restart.child', 'child process restart', '10-50 ms average', 10, 50, 'ms'],
  ['restart.supervisor', 'supervisor restart', '100-700 ms average', 100, 700, 'ms'],
  ['restart.cascade', 'cascade failures', '5-15%', 0.05, 0.15, 'share'],
  ['restart.affected', 'processes affected per restart', '1-10 processes', 1, 10, 'count'],
  ['memory.peak', 'memory: peak', '50-200 MB', 50, 200, 'MB'],
  ['memory.growth', 'memory: growth under load', '1-10 MB/s', 1, 10, 'MB/s'],
  ['concurrent.success', '20+ connections: success', '80%+ success rate', 0.8, undefined, 'share'],
  ['scaling.linear', 'linear scaling', 'up to 10-20 concurrent connections', 10, 20, 'connections'],
] as const satisfies readonly Row[];

const optimizationRows = [
  ['load.rate', 'load: throughput', '10.5K req/sec (target 10K+)', 10_500, undefined, 'calls/s'],
  ['load.p95', 'load: latency p95', '85 ms (target <100 ms)', undefined, 85, 'ms'],
  ['load.p99', 'load: latency p99', '150 ms (target <200 ms)', undefined, 150, 'ms'],
  ['load.cpu', 'load: CPU', '65% avg (target <70%)', undefined, 0.65, 'share'],
  ['load.memory', 'load: memory', '1.8 GB/node (target <2 GB)', undefined, 1_800, 'MB'],
  ['load.errors', 'load: errors', '0.05% (target <0.1%)', undefined, 0.000_5, 'share'],
  ['peak.rate', 'peak: throughput', '14,800 req/sec of 15,000', 14_800, undefined, 'calls/s'],
  ['peak.p99', 'peak: latency p99', '180 ms', undefined, 180, 'ms'],
  ['peak.errors', 'peak: errors', '0.08%', undefined, 0.000_8, 'share'],
  ['peak.cpu', 'peak: CPU', '75%', undefined, 0.75, 'share'],
  ['peak.memory', 'peak: memory', '85%', undefined, 0.85, 'share'],
  ['chaos.detection', 'partition: detected', '<5 s', undefined, 5_000, 'ms'],
  ['chaos.recovery', 'partition: recovered', '<30 s', undefined, 30_000, 'ms'],
  ['chaos.errors', 'partition: errors', '<1% error spike', undefined, 0.01, 'share'],
] as const satisfies readonly Row[];

export type SeedId = (typeof analysisRows)[number][0] | (typeof optimizationRows)[number][0];

function figures(rows: readonly Row[], source: SeedSource): SeedFigure[] {
  return rows.map(([id, subject, words, low, high, unit]) => ({
    id,
    subject,
    words,
    ...(low !== undefined && { low }),
    ...(high !== undefined && { high }),
    unit,
    source,
  }));
}

/** In the order of the documents. */
export const seedFigures: readonly SeedFigure[] = [
  ...figures(analysisRows, 'analysis'),
  ...figures(optimizationRows, 'optimization'),
];

const byId = new Map(seedFigures.map((figure) => [figure.id, figure]));

/** The figure's words for a table's "Seed" column; a dash where the documents have none. */
export function seedWords(id: SeedId | undefined): string {
  return id === undefined ? '-' : (byId.get(id)?.words ?? '-');
}

/** The id of a figure that exists for some transports only. */
export function seedIdOf(
  group: 'throughput' | 'p95' | 'memory' | 'switching' | 'buffering',
  transport: string,
): SeedId | undefined {
  const id = `${group}.${transport}`;
  return byId.has(id) ? (id as SeedId) : undefined;
}

/** Ever more workers, until the server or the client breaks. */
import {
  breakingPointOf,
  limitOf,
  type StressResult,
  type StressStep,
} from '../../analysis/analyses/transport-tests.js';
import type { Sample } from '../../analysis/sample.js';
import { thresholds } from '../../analysis/thresholds.js';
import { type AnalyzerOptions, checkNotAborted, withServer } from './analyzer-options.js';
import { findingsOf } from './test-findings.js';
import { loadOf } from './transport-tests.js';
import { type AnalyzedTransport, checkTransport, checkWhole, maxMessageBytes } from './transports.js';

/** Each step doubles the workers. */
const steps = 8;
const mostWorkers = 4_096;

export interface StressOptions extends AnalyzerOptions {
  /** Default 256. */
  readonly bytesPerMessage?: number;
  /** More errors than this break it. Default 0.05. */
  readonly errorShare?: number;
  /** A longer mean latency breaks it. Default 10 ms. */
  readonly latencyMs?: number;
}

/** Workers share connections beyond this many: it is the calls that are to be many. */
function connectionsOf(transport: AnalyzedTransport, workers: number): number {
  return Math.min(workers, transport === 'stdio' ? 4 : 64);
}

/**
 * Begins with `workers` callers, each with one call in flight, and doubles them every eighth of `durationMs` until more
 * than 5 % of calls fail or they take longer than 10 ms on average.
 */
export async function stressTest(
  name: AnalyzedTransport,
  durationMs = 30_000,
  workers = 10,
  options: StressOptions = {},
): Promise<StressResult> {
  const transport = checkTransport(name);
  checkWhole('durationMs', durationMs, 100, 24 * 3_600_000);
  checkWhole('workers', workers, 1, 1_000);
  const bytes = checkWhole('bytesPerMessage', options.bytesPerMessage ?? 256, 1, maxMessageBytes);
  const limits = {
    errorShare: options.errorShare ?? thresholds.errorShare,
    latencyMs: options.latencyMs ?? thresholds.latencyMeanMs,
  };
  const done: StressStep[] = [];
  const samples: Sample[] = [];
  await withServer(transport, options, async (target) => {
    for (let count = workers, step = 0; step < steps && count <= mostWorkers; count *= 2, step += 1) {
      options.onProgress?.(`${transport}: ${count} workers`);
      const connections = connectionsOf(transport, count);
      const result = await loadOf(transport, options, {
        target,
        bytes,
        connections,
        callers: count,
        durationMs: durationMs / steps,
        warmupCalls: 5,
      });
      checkNotAborted(options);
      samples.push(...result.samples);
      const { figures } = result;
      done.push({ workers: count, figures, limitedBy: transport === 'memory' ? 'both' : limitOf(figures) });
      const reason = breakingPointOf(done, limits)?.reason;
      if (reason === 'errors' || reason === 'latency') break;
    }
  });
  const breakingPoint = breakingPointOf(done, limits);
  return {
    test: 'stress',
    transport,
    steps: done,
    bestCallsPerSecond: Math.max(...done.map(({ figures }) => figures.callsPerSecond)),
    ...(breakingPoint !== undefined && { breakingPoint }),
    samples,
    // It is driven to its limit on purpose: only what is wrong at any load is a finding.
    findings: findingsOf(
      transport,
      [],
      done.map(({ figures }) => figures),
    ),
  };
}

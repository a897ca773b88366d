/** Throughput, latency, concurrency and scaling of one transport. */
import { successShare } from '../../analysis/analyses/call-figures.js';
import {
  type ConcurrentResult,
  type ConcurrentRow,
  type LatencyResult,
  limitOf,
  type ScalingResult,
  type ScalingRow,
  type ThroughputResult,
} from '../../analysis/analyses/transport-tests.js';
import type { Sample } from '../../analysis/sample.js';
import { type AnalyzerOptions, checkNotAborted, withServer } from './analyzer-options.js';
import { type EchoLoad, type EchoLoadResult, runEchoLoad } from './echo-load.js';
import { findingsOf } from './test-findings.js';
import {
  type AnalyzedTransport,
  checkTransport,
  checkWhole,
  checkWholes,
  maxMessageBytes,
} from './transports.js';

const maxMessages = 100_000_000;
const warmupCalls = 50;

/** Connections a test may open; each to a child on stdio is a process. */
export function maxConnectionsOf(transport: AnalyzedTransport): number {
  return transport === 'stdio' ? 32 : 1_000;
}

/** A load with what all tests have in common. */
export function loadOf(
  transport: AnalyzedTransport,
  options: AnalyzerOptions,
  more: Pick<EchoLoad, 'target' | 'bytes' | 'connections' | 'callers'> & Partial<EchoLoad>,
): Promise<EchoLoadResult> {
  return runEchoLoad({
    series: transport,
    sharesProcess: transport === 'memory',
    warmupCalls,
    ...(options.onSample !== undefined && { onSample: options.onSample }),
    ...(options.signal !== undefined && { signal: options.signal }),
    ...more,
  });
}

export interface ThroughputOptions extends AnalyzerOptions {
  /** Messages in flight. Default 32. */
  readonly inFlight?: number;
}

export async function throughputTest(
  name: AnalyzedTransport,
  messages = 1_000,
  bytesPerMessage = 1_024,
  options: ThroughputOptions = {},
): Promise<ThroughputResult> {
  const transport = checkTransport(name);
  checkWhole('messages', messages, 1, maxMessages);
  checkWhole('bytesPerMessage', bytesPerMessage, 1, maxMessageBytes);
  const inFlight = checkWhole('inFlight', options.inFlight ?? 32, 1, 4_096);
  options.onProgress?.(`${transport}: throughput, ${messages} messages of ${bytesPerMessage} bytes`);
  const { figures, samples } = await withServer(transport, options, (target) =>
    loadOf(transport, options, {
      target,
      bytes: bytesPerMessage,
      connections: 1,
      callers: inFlight,
      calls: messages,
    }),
  );
  checkNotAborted(options);
  return {
    test: 'throughput',
    transport,
    messages,
    bytesPerMessage,
    inFlight,
    figures,
    limitedBy: transport === 'memory' ? 'both' : limitOf(figures),
    samples,
    findings: findingsOf(transport, samples, [figures]),
  };
}

export async function latencyTest(
  name: AnalyzedTransport,
  messages = 1_000,
  bytesPerMessage = 64,
  options: AnalyzerOptions = {},
): Promise<LatencyResult> {
  const transport = checkTransport(name);
  checkWhole('messages', messages, 1, maxMessages);
  checkWhole('bytesPerMessage', bytesPerMessage, 1, maxMessageBytes);
  options.onProgress?.(`${transport}: latency, ${messages} messages`);
  const { figures, samples } = await withServer(transport, options, (target) =>
    loadOf(transport, options, {
      target,
      bytes: bytesPerMessage,
      connections: 1,
      callers: 1,
      calls: messages,
    }),
  );
  checkNotAborted(options);
  const findings = findingsOf(transport, samples, [figures]);
  return { test: 'latency', transport, messages, bytesPerMessage, figures, samples, findings };
}

export interface ConcurrentOptions extends AnalyzerOptions {
  /** Calls of each connection, one at a time. Default 50. */
  readonly messagesPerConnection?: number;
  /** Default 256. */
  readonly bytesPerMessage?: number;
}

export async function concurrentTest(
  name: AnalyzedTransport,
  connections: number | readonly number[] | undefined,
  options: ConcurrentOptions = {},
): Promise<ConcurrentResult> {
  const transport = checkTransport(name);
  const counts = connectionCounts(transport, connections, [1, 10, 20, 50]);
  const each = checkWhole('messagesPerConnection', options.messagesPerConnection ?? 50, 1, 1_000_000);
  const bytes = checkWhole('bytesPerMessage', options.bytesPerMessage ?? 256, 1, maxMessageBytes);
  const rows: ConcurrentRow[] = [];
  const samples: Sample[] = [];
  await withServer(transport, options, async (target) => {
    for (const count of counts) {
      options.onProgress?.(`${transport}: ${count} connections at once`);
      const result = await loadOf(transport, options, {
        target,
        bytes,
        connections: count,
        callers: count,
        calls: count * each,
        warmupCalls: 2,
      });
      checkNotAborted(options);
      samples.push(...result.samples);
      const { figures, refused } = result;
      rows.push({ connections: count, refused, successShare: successShare(figures), figures });
    }
  });
  const findings = findingsOf(
    transport,
    samples,
    rows.map(({ figures }) => figures),
  );
  return { test: 'concurrent', transport, rows, samples, findings };
}

export interface ScalingOptions extends AnalyzerOptions {
  /** Default 1, 5, 10, 20 (stdio: 1, 2, 4). */
  readonly connections?: readonly number[];
  /** Bytes of text in a message, each over the first number of connections' middle. Default 64, 1,024, 16,384, 131,072. */
  readonly sizes?: readonly number[];
  /** Of each point. Default 1,000. */
  readonly durationMs?: number;
}

/** Connections at 1,024 bytes, then sizes over the smallest number of connections. */
export async function scalingTest(
  name: AnalyzedTransport,
  options: ScalingOptions = {},
): Promise<ScalingResult> {
  const transport = checkTransport(name);
  const counts = connectionCounts(transport, options.connections, [1, 5, 10, 20]);
  const sizes = checkWholes('sizes', options.sizes ?? [64, 1_024, 16_384, 131_072], 1, maxMessageBytes);
  const durationMs = checkWhole('durationMs', options.durationMs ?? 1_000, 10, 3_600_000);
  const points = [
    ...counts.map((connections) => ({ connections, bytes: 1_024 })),
    ...sizes.map((bytes) => ({ connections: counts[0], bytes })),
  ];
  const rows: ScalingRow[] = [];
  const samples: Sample[] = [];
  await withServer(transport, options, async (target) => {
    for (const { connections, bytes } of points) {
      options.onProgress?.(`${transport}: ${connections} connections, ${bytes} bytes`);
      const result = await loadOf(transport, options, {
        target,
        bytes,
        connections,
        callers: 4 * connections,
        durationMs,
        warmupCalls: 10,
      });
      checkNotAborted(options);
      samples.push(...result.samples);
      rows.push({ connections, bytesPerMessage: bytes, figures: result.figures });
    }
  });
  const findings = findingsOf(
    transport,
    samples,
    rows.map(({ figures }) => figures),
  );
  return { test: 'scaling', transport, rows, samples, findings };
}

function connectionCounts(
  transport: AnalyzedTransport,
  given: number | readonly number[] | undefined,
  usual: readonly number[],
): readonly [number, ...number[]] {
  const most = maxConnectionsOf(transport);
  const standard = transport === 'stdio' ? [1, 2, 4] : usual;
  return checkWholes('connections', typeof given === 'number' ? [given] : (given ?? standard), 1, most);
}

/** Measures transports and explains them. */
import { access } from 'node:fs/promises';
import {
  type ConcurrentResult,
  concurrentSection,
  type LatencyResult,
  type ScalingResult,
  type StressResult,
  scalingSection,
  stressSection,
  type ThroughputResult,
  throughputSection,
} from '../../analysis/analyses/transport-tests.js';
import { analyzeBottlenecks, type BottleneckOptions } from '../../analysis/bottlenecks.js';
import type { Finding } from '../../analysis/finding.js';
import type { Sample } from '../../analysis/sample.js';
import { RingwireError } from '../../errors.js';
import { type MonitorOptions, type MonitorSample, monitorResources } from '../monitor/monitor-resources.js';
import { type AnalyzerOptions, withServer } from './analyzer-options.js';
import { type FullReport, reportOf } from './bottleneck-report.js';
import { echoScript } from './echo-server.js';
import { type AnalysisOptions, runAllAnalyses } from './six-analyses.js';
import { type StressOptions, stressTest } from './stress-test.js';
import {
  type ConcurrentOptions,
  concurrentTest,
  latencyTest,
  type ScalingOptions,
  scalingTest,
  type ThroughputOptions,
  throughputTest,
} from './transport-tests.js';
import { type AnalyzedTransport, analyzedTransports } from './transports.js';

export interface TransportResults {
  readonly throughput: readonly ThroughputResult[];
  readonly latency: readonly LatencyResult[];
  readonly concurrent: readonly ConcurrentResult[];
  readonly stress: readonly StressResult[];
  readonly scaling: readonly ScalingResult[];
}

export interface AnalyzerReport extends FullReport {
  readonly transports: TransportResults;
}

/**
 * Calls echo servers on stdio, tcp, unix, http, ws and memory, each in a process of its own but the last, and compares
 * every answer with what was sent. One test at a time: tests that run together measure each other. Each rejects with
 * CONFIG_INVALID for an argument that cannot be, with CANCELLED after stop(), and with what a server could not be started
 * or connected to for.
 */
export class PerformanceAnalyzer {
  readonly #options: AnalyzerOptions;
  readonly #stop = new AbortController();

  private constructor(options: AnalyzerOptions) {
    this.#options = options;
  }

  /** `options` hold for all tests; those of a test come before them. */
  static async start(options: AnalyzerOptions = {}): Promise<PerformanceAnalyzer> {
    try {
      await access(echoScript);
    } catch (cause) {
      throw new RingwireError(
        'IO_ERROR',
        `The analyzer's server is not at ${echoScript}; in a clone, npm run build makes it.`,
        { cause, retryable: false },
      );
    }
    return new PerformanceAnalyzer(options);
  }

  /** Ends what runs and refuses what would run. Idempotent. */
  stop(): void {
    this.#stop.abort();
  }

  #with<Options extends AnalyzerOptions>(options: Options): Options {
    const own = options.signal ?? this.#options.signal;
    return { ...this.#options, ...options, signal: this.#until(own) };
  }

  #until(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal]);
  }

  /** KB/s and messages/s over one connection, 32 messages in flight. */
  runThroughputTest(
    transport: AnalyzedTransport,
    messages?: number,
    bytesPerMessage?: number,
    options: ThroughputOptions = {},
  ): Promise<ThroughputResult> {
    return throughputTest(transport, messages, bytesPerMessage, this.#with(options));
  }

  /** p50 to max of one message at a time. */
  runLatencyTest(
    transport: AnalyzedTransport,
    messages?: number,
    bytesPerMessage?: number,
    options: AnalyzerOptions = {},
  ): Promise<LatencyResult> {
    return latencyTest(transport, messages, bytesPerMessage, this.#with(options));
  }

  /** Success by connections. Default 1, 10, 20, 50 (stdio, where each is a process: 1, 2, 4). */
  runConcurrentTest(
    transport: AnalyzedTransport,
    connections?: number | readonly number[],
    options: ConcurrentOptions = {},
  ): Promise<ConcurrentResult> {
    return concurrentTest(transport, connections, this.#with(options));
  }

  /**
   * Begins with `workers` callers and doubles them each eighth of `durationMs`, until more than 5 % of calls fail or they
   * take longer than 10 ms on average; says where more workers stopped bringing more answers, too.
   */
  runStressTest(
    transport: AnalyzedTransport,
    durationMs?: number,
    workers?: number,
    options: StressOptions = {},
  ): Promise<StressResult> {
    return stressTest(transport, durationMs, workers, this.#with(options));
  }

  /** Rates over connections, and over sizes of messages. */
  runScalingTest(transport: AnalyzedTransport, options: ScalingOptions = {}): Promise<ScalingResult> {
    return scalingTest(transport, this.#with(options));
  }

  /** Samples of this process, of another one or of a server; see monitorResources(). Ends with stop(). */
  monitorResources(
    durationMs = 60_000,
    intervalMs = 1_000,
    options: MonitorOptions = {},
  ): AsyncGenerator<MonitorSample, void, undefined> {
    const signal =
      options.signal === undefined ? this.#stop.signal : AbortSignal.any([options.signal, this.#stop.signal]);
    return monitorResources(durationMs, intervalMs, { ...options, signal });
  }

  /** What limits the server the samples are of; pure. */
  analyzeBottlenecks(samples: readonly Sample[], options: BottleneckOptions = {}): readonly Finding[] {
    return analyzeBottlenecks(samples, options);
  }

  /** Every test on every transport, then the six analyses: some ten minutes, with `short` half a minute. */
  async generateFullReport(options: AnalysisOptions = {}): Promise<AnalyzerReport> {
    const all = this.#with(options);
    const transports = await this.#testAll(all);
    const { throughput, latency, concurrent, stress, scaling } = transports;
    const analyses = await runAllAnalyses(all);
    const results = [...throughput, ...latency, ...concurrent, ...stress, ...scaling];
    const report = reportOf(
      'Performance report',
      analyses,
      [
        throughputSection(throughput, latency),
        concurrentSection(concurrent),
        stressSection(stress),
        scalingSection(scaling),
      ],
      results.flatMap(({ findings }) => findings),
      {
        transports: Object.fromEntries(Object.entries(transports).map(([name, of]) => [name, of.map(bare)])),
      },
      all.short === true,
    );
    const samples = [...results.flatMap((result) => result.samples), ...report.samples];
    return { ...report, samples, transports };
  }

  async #testAll(options: AnalysisOptions): Promise<TransportResults> {
    const isShort = options.short === true;
    const throughput: ThroughputResult[] = [];
    const latency: LatencyResult[] = [];
    const concurrent: ConcurrentResult[] = [];
    const stress: StressResult[] = [];
    const scaling: ScalingResult[] = [];
    for (const transport of analyzedTransports) {
      // One server for all tests of a transport.
      await withServer(transport, options, async (target) => {
        const own = { ...options, servers: { [transport]: target } };
        throughput.push(await throughputTest(transport, isShort ? 500 : 20_000, 1_024, own));
        latency.push(await latencyTest(transport, isShort ? 100 : 2_000, 64, own));
        // The short form leaves out what says little more than these.
        if (isShort && transport !== 'tcp' && transport !== 'http') return;
        const counts = isShort ? [20] : undefined;
        const each = isShort ? 5 : 100;
        concurrent.push(await concurrentTest(transport, counts, { ...own, messagesPerConnection: each }));
        stress.push(await stressTest(transport, isShort ? 800 : 16_000, 10, own));
        const sizes = isShort ? { connections: [1, 2], sizes: [64, 16_384], durationMs: 100 } : {};
        scaling.push(await scalingTest(transport, { ...own, ...sizes }));
      });
    }
    return { throughput, latency, concurrent, stress, scaling };
  }
}

/** Without samples and findings, which stand elsewhere in a report. */
function bare<Result extends { readonly samples: unknown; readonly findings: unknown }>({
  samples: _samples,
  findings: _findings,
  ...rest
}: Result): Omit<Result, 'samples' | 'findings'> {
  return rest;
}

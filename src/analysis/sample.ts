/**
 * What was seen of a process, and of the load on it, in one interval. Samples come from a load generator, a monitor, a
 * metrics endpoint or a file of JSON lines; every source fills what it knows and leaves the rest undefined.
 */

/** Latencies of the calls that ended in an interval, in milliseconds. */
export interface LatencySummary {
  readonly count: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

/** Where the processor's time went. Shares of it sum to 1 with 'other'. */
export type Layer =
  | 'transport'
  | 'framing'
  | 'scan'
  | 'dispatch'
  | 'handler'
  | 'serialise'
  | 'write'
  | 'gc'
  | 'kernel'
  | 'node'
  | 'other';

/** The process that serves. CPU is in cores: 1 is one core the whole interval. */
export interface ProcessSample {
  readonly pid?: number;
  readonly cpu?: number;
  /** Milliseconds of the interval the main thread was ready to run and got no processor: the host is short of them. */
  readonly processorWaitMs?: number;
  readonly rssBytes?: number;
  readonly heapUsedBytes?: number;
  /** heapUsedBytes soon after the interval's last collection of the whole heap; undefined where there was none. */
  readonly heapAfterGcBytes?: number;
  readonly heapTotalBytes?: number;
  /** Where V8 gives up. */
  readonly heapLimitBytes?: number;
  /** Memory of Buffers and native objects that V8 knows of. */
  readonly externalBytes?: number;
  /** How late timers ran, the interval's own. */
  readonly eventLoopLagMs?: { readonly p50: number; readonly p99: number; readonly max: number };
  /** Share of the interval the loop was not idle, 0 to 1. */
  readonly eventLoopUtilization?: number;
  readonly gc?: {
    readonly count: number;
    /** Collections of the whole heap among them. */
    readonly majorCount: number;
    readonly pauseMs: number;
    readonly longestPauseMs: number;
  };
  readonly descriptors?: number;
  readonly descriptorLimit?: number;
  readonly threads?: number;
  readonly networkBytes?: { readonly received: number; readonly sent: number };
  readonly diskBytes?: { readonly read: number; readonly written: number };
}

/** Calls that ended in the interval, and what was waiting at its end. */
export interface CallSample {
  readonly calls: number;
  readonly errors: number;
  readonly latency?: LatencySummary;
  readonly inFlight?: number;
  /** Calls or frames that wait for their turn. */
  readonly queueDepth?: number;
  readonly queuedBytes?: number;
  /** Sends that were refused because a buffer was full, and sends tried, in the interval. */
  readonly overflows?: number;
  readonly sends?: number;
  /** Times a high watermark was crossed. */
  readonly watermarkCrossings?: number;
  /** Milliseconds in which at least one connection was not read from or not written to because its buffer was full. */
  readonly backpressureMs?: number;
  readonly connections?: number;
}

/** The load generator, where there was one: it must not be what was measured. */
export interface GeneratorSample {
  /** Cores. */
  readonly cpu?: number;
  /** How late requests left against their schedule (open loop). */
  readonly lateP99Ms?: number;
  /** Requests wanted in the interval (open loop). */
  readonly wanted?: number;
}

export interface Sample {
  /** Milliseconds since the first sample's interval began; this is the end of the interval. */
  readonly atMs: number;
  readonly intervalMs: number;
  /** What was measured: 'tcp', 'reconnection', 'worker 2'. Samples of one series have one name. */
  readonly series?: string;
  readonly calls?: CallSample;
  readonly process?: ProcessSample;
  readonly generator?: GeneratorSample;
  readonly layers?: Partial<Record<Layer, number>>;
}

/** What a server counted since it began, as its `/stats` document tells it: plain JSON, of which consumers take differences. */
import type { HistogramJson } from './histogram.js';
import type { ProcessTotals } from './process-totals.js';

export interface CallTotals {
  /** Calls that were answered. */
  readonly total: number;
  /** Those answered with an error. */
  readonly errors: number;
  /** At work now. */
  readonly inFlight: number;
  /** Nanoseconds from a request's arrival to its answer, of one call in `latencyEvery`. */
  readonly latency: HistogramJson;
  readonly latencyEvery: number;
}

/** Bytes on their way to peers, over all connections. */
export interface SendTotals {
  /** That wait now. */
  readonly queuedBytes: number;
  /** Messages or frames that wait for their turn now. */
  readonly queueDepth?: number;
  /** Milliseconds in which at least one connection waited for its peer to read. */
  readonly backpressureMs: number;
  /** How often a connection began to wait. */
  readonly watermarkCrossings: number;
}

export interface ConnectionRow {
  readonly transport: string;
  /** Address and port, socket path, or process id. */
  readonly peer: string;
  readonly ageSeconds: number;
  /** Requests and notifications it sent so far. */
  readonly calls: number;
  readonly inFlight: number;
  readonly bufferedBytes: number;
}

export interface ServerTotals {
  readonly ringwire: string;
  readonly uptimeSeconds: number;
  readonly process: ProcessTotals;
  readonly calls: CallTotals;
  readonly sends: SendTotals;
  /** Open now, those of HTTP included. */
  readonly connections: number;
  /** Connections that last: streams and WebSockets, the busiest first, a limited number of them. */
  readonly rows: readonly ConnectionRow[];
}

/** What a number of calls came to. */
import type { LatencySummary } from '../sample.js';

export interface CallFigures {
  /** Calls that were answered with what was sent, wrong answers and errors. */
  readonly calls: number;
  /** Wrong answers among them. */
  readonly errors: number;
  /** Answers that were not the echo of what was sent. */
  readonly wrong: number;
  readonly firstError?: string;
  readonly seconds: number;
  /** Of answers that were right. */
  readonly callsPerSecond: number;
  /** Text that was echoed, counted once: 1 KB is 1,000 bytes. */
  readonly kilobytesPerSecond: number;
  /** Of answers that were right. */
  readonly latency: LatencySummary;
  /** Cores. */
  readonly clientCpu: number;
  readonly server?: ServerFigures;
}

/** Of the server's process, the highest of all samples; CPU is the mean, in cores. In memory it is the client's, too. */
export interface ServerFigures {
  readonly cpu: number;
  readonly rssBytes: number;
  readonly heapUsedBytes: number;
  readonly gcCount: number;
  /** Milliseconds. */
  readonly gcPauseMs: number;
}

export function successShare({ calls, errors }: Pick<CallFigures, 'calls' | 'errors'>): number {
  return calls === 0 ? 0 : (calls - errors) / calls;
}

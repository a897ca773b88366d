/** Something that is sampled: a process, or a server by its address. */
import type { Sample } from '../../analysis/sample.js';
import type { ConnectionRow } from '../../observability/server-totals.js';

/** A sample without its place in time, which whoever asks knows. */
export interface Reading extends Pick<Sample, 'process' | 'calls'> {
  /** The connections now, where they are known. */
  readonly connections?: readonly ConnectionRow[];
}

export interface Probe {
  /** What is watched, for people: 'process 4711'. */
  readonly name: string;
  /** Begins the first interval. Rejects with RingwireError where there is nothing to sample. */
  start(): Promise<void>;
  /** The interval since the last reading; undefined when what is watched has ended. */
  read(): Promise<Reading | undefined>;
  /** Closes everything. Called once, after a failed start(), too. */
  stop(): Promise<void>;
}

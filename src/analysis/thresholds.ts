/** Where findings begin. One table for every analysis, so that a page and an alert never disagree. */

const mega = 1_000_000;

export const thresholds = {
  /** Mean latency of calls, milliseconds. */
  latencyMeanMs: 10,
  latencyMeanMsHigh: 100,
  latencyMeanMsCritical: 1_000,
  /** Errors as a share of calls. */
  errorShare: 0.05,
  errorShareCritical: 0.25,
  /** Memory the application holds (heap and buffers; where these are not known, resident memory). */
  memoryBytes: 100 * mega,
  memoryBytesCritical: 500 * mega,
  /** Switches of transport that failed, and how long one took. */
  switchFailureShare: 0.1,
  switchMsCritical: 1_000,
  /** Calls or frames that wait for their turn. */
  queueDepthCritical: 1_000,
  /** Sends refused because a buffer was full, as a share of sends. */
  overflowShareCritical: 0.05,
  /** Share of the time, or of the attempts, a connection was good. */
  stabilityShareCritical: 0.7,
  /** Share of the calls of others that one failing child or worker took along. */
  cascadeShareCritical: 0.2,

  /** A turn of the event loop that takes this long is a blocked loop. */
  loopBlockedMs: 100,
  loopBlockedMsCritical: 1_000,
  /** Share of the time the event loop, or a core, was at work. */
  busyShare: 0.9,
  /** Below this share of the time at work, a process waits for others. */
  idleShare: 0.7,
  /** Share of the time the thread was ready and got no processor. */
  contentionShare: 0.2,
  /** Share of the time in pauses of garbage collection. */
  gcPauseShare: 0.1,
  gcPauseShareCritical: 0.3,
  gcPauseMs: 100,
  /** Heap in use after a collection as a share of where V8 gives up. */
  heapShare: 0.85,
  /** Open descriptors as a share of the limit. */
  descriptorShare: 0.8,
  descriptorShareCritical: 0.95,
  /** Share of the time a connection waited for its peer to read. */
  backpressureShare: 0.2,
  /** Cores of the load generator, and how late its requests left. */
  generatorCores: 0.9,
  generatorLateMs: 10,
  /** Share of the requests that were wanted. */
  generatorSentShare: 0.95,
  /** Share of one layer in the processor's time that makes it the one to look at. */
  layerShare: 0.4,
} as const;

export type Thresholds = { readonly [Name in keyof typeof thresholds]: number };

/** What an analysis concluded. */

export const severities = ['low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof severities)[number];

/** One figure a finding rests on. */
export interface Evidence {
  readonly name: string;
  readonly value: number;
  /** 'ms', 'bytes', 'bytes/s', 'share' (of 1), 'calls/s', 'cores', 'count'. */
  readonly unit: string;
  /** The limit it passed. */
  readonly threshold?: number;
}

export interface Finding {
  /** Stable: what a test or an alert matches on, 'event-loop-blocked' for instance. Each has a line in docs/analysis.md. */
  readonly rule: string;
  /** The part that is the bottleneck: 'event loop', 'memory', 'tcp', 'reconnection'. */
  readonly component: string;
  readonly severity: Severity;
  /** One sentence with the figure in it. */
  readonly summary: string;
  readonly evidence: readonly Evidence[];
  readonly cause: string;
  readonly recommendation: string;
}

/** How a client comes back, by how the connection was lost. */
import { msText, shareText } from '../figure-text.js';
import type { Finding } from '../finding.js';
import type { ReportSection } from '../report/page.js';
import { type SeedId, seedWords } from '../seed-figures.js';
import { thresholds } from '../thresholds.js';
import { barChart, sectionOf } from './section.js';

export const failureClasses = ['refused', 'reset', 'shutdown', 'unresponsive', 'crash'] as const;
export type FailureClass = (typeof failureClasses)[number];

export interface ReconnectionRow {
  readonly transport: string;
  readonly failure: FailureClass;
  readonly attempts: number;
  /** With an answer that was right before the time was over. */
  readonly recovered: number;
  readonly firstError?: string;
  /** How long the server was away each time: what no client can be faster than. */
  readonly outageMs: number;
  /** From the failure to the call that told of it; means. */
  readonly detectMs: number;
  /** From the failure to the first answer that was right. */
  readonly recoverMs: number;
  /** The same, from when the server was there again. */
  readonly afterReturnMs: number;
}

export const reconnectionRules = ['reconnection-unstable', 'detection-slow', 'recovery-slow'] as const;

const seeds: Partial<Record<FailureClass, SeedId>> = {
  refused: 'reconnection.refused',
  shutdown: 'reconnection.shutdown',
  unresponsive: 'reconnection.timeout',
};

/** Milliseconds: a partition is to be seen and to be over within these. */
const detectionLimitMs = 5_000;
const recoveryLimitMs = 30_000;

export function stability(rows: readonly ReconnectionRow[]): number {
  const attempts = rows.reduce((sum, row) => sum + row.attempts, 0);
  return attempts === 0 ? 1 : rows.reduce((sum, row) => sum + row.recovered, 0) / attempts;
}

export function reconnectionFindings(rows: readonly ReconnectionRow[]): readonly Finding[] {
  return [...unstable(rows), ...slow(rows)];
}

function* unstable(rows: readonly ReconnectionRow[]): Generator<Finding> {
  for (const transport of new Set(rows.map((row) => row.transport))) {
    const own = rows.filter((row) => row.transport === transport);
    const share = stability(own);
    if (share >= thresholds.stabilityShareCritical) continue;
    const failed = own.filter(({ attempts, recovered }) => recovered < attempts);
    yield {
      rule: 'reconnection-unstable',
      component: `${transport} reconnection`,
      severity: 'critical',
      summary: `${transport}: ${shareText(share)} of reconnections succeed; not after ${failed
        .map(({ failure }) => failure)
        .join(', ')}.`,
      evidence: [
        { name: 'stability', value: share, unit: 'share', threshold: thresholds.stabilityShareCritical },
        {
          name: 'attempts',
          value: own.reduce((sum, { attempts }) => sum + attempts, 0),
          unit: 'count',
        },
      ],
      cause:
        failed.find(({ firstError }) => firstError !== undefined)?.firstError ?? 'No answer came in time.',
      recommendation:
        'Call again after retryable errors with growing pauses; see that something restarts the server at the same address.',
    };
  }
}

function* slow(rows: readonly ReconnectionRow[]): Generator<Finding> {
  const rules = [
    ['detection-slow', 'detectMs', detectionLimitMs, 'until a call told of the failure'],
    ['recovery-slow', 'recoverMs', recoveryLimitMs, 'until the first right answer'],
  ] as const;
  for (const [rule, field, limit, what] of rules) {
    const [worst] = [...rows].sort((a, b) => b[field] - a[field]);
    if (worst === undefined || worst[field] <= limit) continue;
    yield {
      rule,
      component: `${worst.transport} reconnection`,
      severity: 'high',
      summary: `${worst.transport}, ${worst.failure}: ${msText(worst[field])} ${what}.`,
      evidence: [
        { name: what, value: worst[field], unit: 'ms', threshold: limit },
        { name: 'time the server was away', value: worst.outageMs, unit: 'ms' },
      ],
      cause:
        rule === 'detection-slow'
          ? 'A peer that does not answer is only seen when the timeout of a call is over.'
          : 'Pauses between attempts, or the timeout of the attempts, are long.',
      recommendation:
        rule === 'detection-slow'
          ? 'Give calls a shorter timeoutMs; on TCP set userTimeoutMs and keepAlive.'
          : 'Begin with short pauses between attempts and limit how long they grow.',
    };
  }
}

export function reconnectionSection(
  rows: readonly ReconnectionRow[],
  findings: readonly Finding[],
): ReportSection {
  return sectionOf('Reconnection', findings, {
    paragraphs: [
      `Connections are lost in five ways, and a client calls until it has a right answer again. ${shareText(stability(rows))} of all reconnections succeeded (Seed: ${seedWords('reconnection.stability')}).`,
    ],
    tables: [
      {
        columns: [
          'transport',
          'failure',
          'succeeded',
          'server away',
          'noticed after',
          'answered after',
          'after its return',
          'Seed',
        ],
        rows: rows.map((row) => [
          row.transport,
          row.failure,
          `${row.recovered} of ${row.attempts}`,
          msText(row.outageMs),
          msText(row.detectMs),
          msText(row.recoverMs),
          msText(row.afterReturnMs),
          seedWords(seeds[row.failure]),
        ]),
      },
    ],
    charts: [
      barChart(
        'reconnection',
        'From the return of the server to the first right answer',
        'time, ms',
        rows.map((row) => [`${row.transport}, ${row.failure}`, row.afterReturnMs]),
      ),
    ],
  });
}

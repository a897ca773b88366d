/** What the restart of a child process or of a worker costs, and whom else it hurts. */
import { countText, msText, shareText } from '../figure-text.js';
import type { Finding } from '../finding.js';
import type { ReportSection } from '../report/page.js';
import { type SeedId, seedWords } from '../seed-figures.js';
import { thresholds } from '../thresholds.js';
import { barChart, sectionOf } from './section.js';

export interface RestartRow {
  /** 'stdio child', 'process', 'worker' or 'all workers'. */
  readonly unit: string;
  readonly restarts: number;
  readonly failures: number;
  readonly firstError?: string;
  /** From the order to start to the first right answer; means and longest. */
  readonly firstAnswerMs: number;
  readonly firstAnswerMaxMs: number;
  /** From the kill to the first right answer. */
  readonly downMs: number;
  /** Connections that the restarted unit held: they are lost with it. */
  readonly ownConnections: number;
  /** Connections to others, over all restarts, and how many of them had a call that failed meanwhile. */
  readonly otherConnections: number;
  readonly hurtConnections: number;
}

export const restartRules = ['restart-cascade', 'restart-failures', 'restart-slow'] as const;

/** Milliseconds: the seed's longest. */
const slowMs = 700;

export function cascadeShare({
  otherConnections,
  hurtConnections,
}: Pick<RestartRow, 'otherConnections' | 'hurtConnections'>): number {
  return otherConnections === 0 ? 0 : hurtConnections / otherConnections;
}

export function restartFindings(rows: readonly RestartRow[]): readonly Finding[] {
  return rows.flatMap((row) => [...cascade(row), ...failures(row), ...slow(row)]);
}

function* cascade(row: RestartRow): Generator<Finding> {
  const share = cascadeShare(row);
  if (share <= thresholds.cascadeShareCritical) return;
  yield {
    rule: 'restart-cascade',
    component: `${row.unit} restart`,
    severity: 'critical',
    summary: `The restart of one ${row.unit} hurt ${shareText(share)} of the connections to others.`,
    evidence: [
      { name: 'cascade', value: share, unit: 'share', threshold: thresholds.cascadeShareCritical },
      { name: 'connections to others', value: row.otherConnections, unit: 'count' },
    ],
    cause: 'What was restarted serves others as well, or starting it takes the processor from them.',
    recommendation:
      'Put what fails into a process of its own; start one at a time, with a pause between them.',
  };
}

function* failures(row: RestartRow): Generator<Finding> {
  if (row.failures === 0) return;
  const share = row.failures / row.restarts;
  yield {
    rule: 'restart-failures',
    component: `${row.unit} restart`,
    severity: share > 1 - thresholds.stabilityShareCritical ? 'critical' : 'high',
    summary: `${countText(row.failures)} of ${countText(row.restarts)} restarts of a ${row.unit} ended without a right answer.`,
    evidence: [{ name: 'failed restarts', value: share, unit: 'share', threshold: 0 }],
    cause: row.firstError ?? 'No answer came in time.',
    recommendation: 'Start it by hand and read what it prints; see that its address is free again.',
  };
}

function* slow(row: RestartRow): Generator<Finding> {
  if (row.firstAnswerMs <= slowMs) return;
  yield {
    rule: 'restart-slow',
    component: `${row.unit} restart`,
    severity: 'medium',
    summary: `A ${row.unit} takes ${msText(row.firstAnswerMs)} from its start to its first answer.`,
    evidence: [
      { name: 'mean', value: row.firstAnswerMs, unit: 'ms', threshold: slowMs },
      { name: 'longest', value: row.firstAnswerMaxMs, unit: 'ms' },
    ],
    cause: 'Loading modules takes most of a start; a busy host does the rest.',
    recommendation:
      'Load late what the first answer does not need, bundle the program, or keep a spare one started.',
  };
}

function seedOf(unit: string): SeedId {
  return unit === 'all workers' ? 'restart.supervisor' : 'restart.child';
}

export function restartSection(rows: readonly RestartRow[], findings: readonly Finding[]): ReportSection {
  return sectionOf('Restarts', findings, {
    paragraphs: [
      'What serves is killed and started again while clients of others go on calling. The seed measured Erlang processes, which need no program to be loaded.',
    ],
    tables: [
      {
        columns: [
          'unit',
          'restarts',
          'failed',
          'start to first answer',
          'longest',
          'Seed',
          'kill to first answer',
          'own connections',
          'others hurt',
          'Seed (cascade)',
        ],
        rows: rows.map((row) => [
          row.unit,
          countText(row.restarts),
          countText(row.failures),
          msText(row.firstAnswerMs),
          msText(row.firstAnswerMaxMs),
          seedWords(seedOf(row.unit)),
          msText(row.downMs),
          countText(row.ownConnections),
          `${countText(row.hurtConnections)} of ${countText(row.otherConnections)}`,
          seedWords('restart.cascade'),
        ]),
      },
    ],
    charts: [
      barChart(
        'restarts',
        'From the start to the first right answer',
        'time, ms',
        rows.map((row) => [row.unit, row.firstAnswerMs]),
      ),
    ],
  });
}

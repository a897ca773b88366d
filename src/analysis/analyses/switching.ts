/** What it costs to go from one transport to another. */
import { msText, shareText } from '../figure-text.js';
import type { Finding } from '../finding.js';
import type { ReportSection } from '../report/page.js';
import { seedIdOf, seedWords } from '../seed-figures.js';
import { thresholds } from '../thresholds.js';
import { barChart, sectionOf } from './section.js';

/** One pair of transports, idle or while other clients load both ends. */
export interface SwitchingRow {
  readonly from: string;
  readonly to: string;
  readonly isLoaded: boolean;
  readonly switches: number;
  /** Without an answer that was right on the new transport, or with calls lost that were in flight on the old one. */
  readonly failures: number;
  readonly firstError?: string;
  /** From the decision to the first right answer on the new transport; of the switches that succeeded. */
  readonly meanMs: number;
  readonly maxMs: number;
}

export const switchingRules = ['switch-failures', 'switch-slow'] as const;

export function switchingFindings(rows: readonly SwitchingRow[]): readonly Finding[] {
  return [...failures(rows), ...slow(rows)];
}

function* failures(rows: readonly SwitchingRow[]): Generator<Finding> {
  for (const isLoaded of [false, true]) {
    const own = rows.filter((row) => row.isLoaded === isLoaded);
    const switches = own.reduce((sum, row) => sum + row.switches, 0);
    const failed = own.reduce((sum, row) => sum + row.failures, 0);
    const share = switches === 0 ? 0 : failed / switches;
    if (share <= thresholds.switchFailureShare) continue;
    const example = own.find(({ firstError }) => firstError !== undefined)?.firstError;
    yield {
      rule: 'switch-failures',
      component: 'transport switching',
      severity: 'critical',
      summary: `${shareText(share)} of ${switches} switches ${isLoaded ? 'under load' : 'at rest'} failed${
        example === undefined ? '.' : `, for instance: ${example}`
      }`,
      evidence: [
        { name: 'failed switches', value: share, unit: 'share', threshold: thresholds.switchFailureShare },
        { name: 'switches', value: switches, unit: 'count' },
      ],
      cause: 'The new transport cannot be connected to, or calls that were open on the old one were lost.',
      recommendation:
        'Connect to the new transport first and close the old one when its calls are answered; stop switching to an endpoint that fails for a while.',
    };
  }
}

function* slow(rows: readonly SwitchingRow[]): Generator<Finding> {
  const [worst] = rows
    .filter(({ maxMs }) => maxMs > thresholds.switchMsCritical)
    .sort((a, b) => b.maxMs - a.maxMs);
  if (worst === undefined) return;
  yield {
    rule: 'switch-slow',
    component: 'transport switching',
    severity: 'critical',
    summary: `A switch from ${worst.from} to ${worst.to} took ${msText(worst.maxMs)}.`,
    evidence: [
      { name: 'longest switch', value: worst.maxMs, unit: 'ms', threshold: thresholds.switchMsCritical },
      { name: 'mean of this pair', value: worst.meanMs, unit: 'ms' },
    ],
    cause: 'Connecting waits: for a process that starts, for a handshake, or for a server that is busy.',
    recommendation: 'Keep a connection to the fallback open, or start its process before it is needed.',
  };
}

export function switchingSection(rows: readonly SwitchingRow[], findings: readonly Finding[]): ReportSection {
  const idle = rows.filter(({ isLoaded }) => !isLoaded);
  return sectionOf('Transport switching', findings, {
    paragraphs: [
      'A client closes its connection, connects by another transport and makes a call. The time is that to the first answer that is right; to stdio it includes the start of a process.',
    ],
    tables: [
      {
        columns: ['from', 'to', 'load', 'switches', 'failed', 'mean', 'longest', 'Seed (mean)'],
        rows: rows.map((row) => [
          row.from,
          row.to,
          row.isLoaded ? 'loaded' : 'idle',
          String(row.switches),
          shareText(row.switches === 0 ? 0 : row.failures / row.switches),
          msText(row.meanMs),
          msText(row.maxMs),
          seedWords(seedIdOf('switching', row.to)),
        ]),
      },
    ],
    charts: [
      barChart(
        'switching',
        'Mean time of a switch, idle, by the transport switched to',
        'time, ms',
        meansBy(idle),
        [{ y: thresholds.switchMsCritical, label: 'critical' }],
      ),
    ],
  });
}

function meansBy(rows: readonly SwitchingRow[]): readonly (readonly [string, number])[] {
  const names = [...new Set(rows.map(({ to }) => to))];
  return names.map((to) => {
    const own = rows.filter((row) => row.to === to);
    return [to, own.reduce((sum, { meanMs }) => sum + meanMs, 0) / own.length];
  });
}

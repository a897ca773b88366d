/** Results of analyses as people read them on a terminal. */
import type {
  LatencyResult,
  StressResult,
  ThroughputResult,
} from '../../analysis/analyses/transport-tests.js';
import { evidenceText, worstFirst } from '../../analysis/bottleneck-report.js';
import { coresText, countText, megabytesText, msText, rateText } from '../../analysis/figure-text.js';
import type { Finding, Severity } from '../../analysis/finding.js';
import type { ReportSection } from '../../analysis/report/page.js';
import { seedIdOf, seedWords } from '../../analysis/seed-figures.js';
import { type Colour, columns, paint, safeText } from '../terminal.js';

const colours: Record<Severity, Colour> = { critical: 'red', high: 'red', medium: 'yellow', low: 'cyan' };

export function findingsText(findings: readonly Finding[]): string {
  if (findings.length === 0) return paint('No findings: nothing passed its threshold.', 'green');
  // Summaries and causes quote what peers said.
  const blocks = worstFirst(findings).map(({ severity, rule, summary, evidence, cause, recommendation }) =>
    [
      `${paint(severity, colours[severity])}  ${paint(safeText(summary), 'bold')}  ${paint(`(${rule})`, 'dim')}`,
      `  evidence: ${evidence.map(evidenceText).join('; ')}`,
      `  cause:    ${safeText(cause)}`,
      `  do:       ${recommendation}`,
    ].join('\n'),
  );
  return blocks.join('\n\n');
}

export function sectionText({ title, paragraphs = [], tables = [] }: ReportSection): string {
  const parts = [paint(title, 'bold'), ...paragraphs];
  for (const { columns: heads, rows } of tables) parts.push(columns([heads, ...rows]));
  return parts.join('\n\n');
}

export function throughputText(result: ThroughputResult): string {
  const { transport, messages, bytesPerMessage, inFlight, figures, limitedBy } = result;
  const rows = [
    [
      'throughput',
      `${rateText(figures.kilobytesPerSecond, ' KB')}, ${rateText(figures.callsPerSecond, ' messages')}`,
      `Seed: ${seedWords(seedIdOf('throughput', transport))}`,
    ],
    ...commonRows(result),
    ['limited by', limitedBy],
  ];
  return `${transport}: ${countText(messages)} messages of ${countText(bytesPerMessage)} bytes, ${inFlight} in flight\n\n${columns(rows)}`;
}

export function latencyText(result: LatencyResult): string {
  const { transport, messages, bytesPerMessage } = result;
  const head = `${transport}: ${countText(messages)} messages of ${countText(bytesPerMessage)} bytes, one at a time`;
  return `${head}\n\n${columns(commonRows(result))}`;
}

function commonRows({ transport, figures }: ThroughputResult | LatencyResult): string[][] {
  const { latency, server } = figures;
  const right = figures.calls - figures.errors;
  return [
    [
      'latency',
      `p50 ${msText(latency.p50Ms)}, p95 ${msText(latency.p95Ms)}, p99 ${msText(latency.p99Ms)}, max ${msText(latency.maxMs)}`,
      `Seed p95: ${seedWords(seedIdOf('p95', transport))}`,
    ],
    [
      'server',
      `${coresText(server?.cpu)} cores, ${megabytesText(server?.rssBytes)}, heap ${megabytesText(server?.heapUsedBytes)}`,
      `Seed memory: ${seedWords(seedIdOf('memory', transport))}`,
    ],
    ['client', `${coresText(figures.clientCpu)} cores`],
    [
      'answers',
      `${countText(right)} of ${countText(figures.calls)} right${figures.wrong > 0 ? `, ${countText(figures.wrong)} wrong` : ''}${
        figures.firstError === undefined ? '' : `; ${safeText(figures.firstError)}`
      }`,
    ],
  ];
}

export function breakingPointText({ transport, steps, breakingPoint }: StressResult): string {
  if (breakingPoint === undefined)
    return `${transport}: no breaking point up to ${countText(steps.at(-1)?.workers)} workers.`;
  return `${paint(`Breaking point: ${countText(breakingPoint.workers)} workers (${breakingPoint.reason})`, 'bold')}\n${safeText(breakingPoint.summary)}`;
}

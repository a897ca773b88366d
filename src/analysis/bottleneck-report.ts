/** The report of all analyses as a page, and its findings as rows. */
import { type Evidence, type Finding, severities } from './finding.js';
import type { ReportPage, ReportSection } from './report/page.js';

export interface ReportHead {
  readonly title: string;
  /** Machine, versions, date: one line. */
  readonly subtitle: string;
}

/** The worst first; of one severity, as they were found. */
export function worstFirst(findings: readonly Finding[]): readonly Finding[] {
  return [...findings].sort((a, b) => severities.indexOf(b.severity) - severities.indexOf(a.severity));
}

export function hasCritical(findings: readonly Finding[]): boolean {
  return findings.some(({ severity }) => severity === 'critical');
}

/** The findings first, then each analysis. */
export function bottleneckPage(
  { title, subtitle }: ReportHead,
  findings: readonly Finding[],
  sections: readonly ReportSection[],
): ReportPage {
  return { title, subtitle, sections: [findingsSection(findings), ...sections] };
}

export function findingsSection(findings: readonly Finding[]): ReportSection {
  const sorted = worstFirst(findings);
  const [worst] = sorted;
  if (worst === undefined)
    return { title: 'Findings', tone: 'ok', paragraphs: ['Nothing passed its threshold.'] };
  return {
    title: 'Findings',
    tone: worst.severity,
    paragraphs: [countsOf(sorted)],
    tables: [
      {
        columns: ['severity', 'component', 'rule', 'finding', 'evidence', 'likely cause', 'recommendation'],
        rows: sorted.map((finding) => [
          finding.severity,
          finding.component,
          finding.rule,
          finding.summary,
          finding.evidence.map(evidenceText).join('; '),
          finding.cause,
          finding.recommendation,
        ]),
      },
    ],
  };
}

function countsOf(findings: readonly Finding[]): string {
  const counts = [...severities].reverse().flatMap((severity) => {
    const count = findings.filter((finding) => finding.severity === severity).length;
    return count === 0 ? [] : [`${count} ${severity}`];
  });
  return `${findings.length === 1 ? '1 finding' : `${findings.length} findings`}: ${counts.join(', ')}.`;
}

/** 'mean latency 12.3 ms (limit 10 ms)'. */
export function evidenceText({ name, value, unit, threshold }: Evidence): string {
  const limit = threshold === undefined ? '' : ` (limit ${quantity(threshold, unit)})`;
  return `${name} ${quantity(value, unit)}${limit}`;
}

function quantity(value: number, unit: string): string {
  if (unit === 'share') return `${Number((value * 100).toPrecision(3))} %`;
  if (unit === 'bytes') return `${Number((value / 1e6).toPrecision(3))} MB`;
  if (unit === 'bytes/s') return `${Number((value / 1e6).toPrecision(3))} MB/s`;
  const figure = Math.abs(value) >= 1_000 ? Math.round(value) : Number(value.toPrecision(3));
  return unit === 'count' ? String(figure) : `${figure} ${unit}`;
}

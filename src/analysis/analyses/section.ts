/** What the sections of all analyses have in common. */
import { type Finding, severities } from '../finding.js';
import type { Chart, ReportSection } from '../report/page.js';

export function sectionOf(
  title: string,
  findings: readonly Finding[],
  content: Omit<ReportSection, 'title' | 'tone'>,
): ReportSection {
  const worst = Math.max(-1, ...findings.map(({ severity }) => severities.indexOf(severity)));
  return { title, tone: worst < 0 ? 'ok' : severities[worst], ...content };
}

/** Bars of one series over things with names. */
export function barChart(
  id: string,
  title: string,
  label: string,
  bars: readonly (readonly [name: string, value: number])[],
  marks?: Chart['marks'],
): Chart {
  return {
    id,
    title,
    kind: 'bars',
    x: { label: '', categories: bars.map(([name]) => name) },
    y: { label },
    series: [{ name: label, x: bars.map((_, index) => index), y: bars.map(([, value]) => value) }],
    ...(marks !== undefined && { marks }),
  };
}

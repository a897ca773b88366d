/** The six analyses as one report. */
import { bottleneckPage, worstFirst } from '../../analysis/bottleneck-report.js';
import type { Finding } from '../../analysis/finding.js';
import type { ReportPage, ReportSection } from '../../analysis/report/page.js';
import { renderMarkdown } from '../../analysis/report/render-markdown.js';
import type { Sample } from '../../analysis/sample.js';
import { describeMachine } from '../machine.js';
import { renderReport } from '../report/write-report.js';
import { analysisNames } from './analysis-result.js';
import { type AnalysisOptions, type AnalysisResults, runAllAnalyses } from './six-analyses.js';

export interface FullReport {
  /** The worst first. */
  readonly findings: readonly Finding[];
  readonly analyses: AnalysisResults;
  readonly samples: readonly Sample[];
  readonly page: ReportPage;
  readonly markdown: string;
  /** Findings, rows and machine as JSON text; samples are left out. */
  readonly json: string;
  /** One self-contained page with charts. */
  readonly html: string;
}

export const BottleneckReport = {
  /**
   * Runs the six analyses, which takes minutes, and with `short` a quarter of a minute. Starts servers and kills them. Rejects
   * with CANCELLED where the signal aborts.
   */
  async generateFullReport(options: AnalysisOptions = {}): Promise<FullReport> {
    const analyses = await runAllAnalyses(options);
    return reportOf('Bottleneck report', analyses, [], [], {}, options.short === true);
  },
} as const;

/** Made of the analyses and of what was measured before them. */
export function reportOf(
  title: string,
  analyses: AnalysisResults,
  firstSections: readonly ReportSection[],
  firstFindings: readonly Finding[],
  more: Readonly<Record<string, unknown>>,
  isShort: boolean,
): FullReport {
  const all = analysisNames.map((name) => analyses[name]);
  const findings = worstFirst([...firstFindings, ...all.flatMap((each) => each.findings)]);
  const host = describeMachine();
  const date = new Date().toISOString();
  const subtitle = [
    `${host.cpu}, ${host.cores} cores`,
    host.kernel,
    `Node.js ${process.versions.node}`,
    date.slice(0, 16).replace('T', ' '),
    ...(isShort ? ['short form: few repeats'] : []),
  ].join(' · ');
  const page = bottleneckPage({ title, subtitle }, findings, [
    ...firstSections,
    ...all.map(({ section }) => section),
  ]);
  const rows = Object.fromEntries(all.map((each) => [each.name, each.rows]));
  return {
    findings,
    analyses,
    samples: all.flatMap(({ samples }) => samples),
    page,
    markdown: renderMarkdown(page),
    json: JSON.stringify({ title, date, machine: host, isShort, findings, ...more, analyses: rows }, null, 2),
    html: renderReport(page),
  };
}

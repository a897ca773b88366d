/** What each of the six analyses hands back. */
import type { Finding } from '../../analysis/finding.js';
import type { ReportSection } from '../../analysis/report/page.js';
import type { Sample } from '../../analysis/sample.js';

export const analysisNames = [
  'switching',
  'routing',
  'buffering',
  'reconnection',
  'restarts',
  'memory',
] as const;
export type AnalysisName = (typeof analysisNames)[number];

export interface AnalysisResult<Row> {
  readonly name: AnalysisName;
  /** What was measured: one for each case. */
  readonly rows: readonly Row[];
  /** Of the processes meanwhile; none where cases are too short to be sampled. */
  readonly samples: readonly Sample[];
  readonly findings: readonly Finding[];
  /** Rows and findings as tables and charts. */
  readonly section: ReportSection;
}

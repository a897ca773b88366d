/** Findings of a test: what its samples show, and answers that were wrong. */
import type { CallFigures } from '../../analysis/analyses/call-figures.js';
import { wrongAnswerFindings } from '../../analysis/analyses/transport-tests.js';
import { analyzeBottlenecks } from '../../analysis/bottlenecks.js';
import type { Finding } from '../../analysis/finding.js';
import type { Sample } from '../../analysis/sample.js';

/**
 * The client compares every answer, in JavaScript, so that it is the limit of most tests: that is told where it is so,
 * and is nothing wrong with the server.
 */
export function findingsOf(
  component: string,
  samples: readonly Sample[],
  figures: readonly CallFigures[],
): readonly Finding[] {
  const found = analyzeBottlenecks(samples).map(
    (finding): Finding => (finding.rule === 'generator-bound' ? { ...finding, severity: 'low' } : finding),
  );
  return [...wrongAnswerFindings(component, figures), ...found.map((finding) => named(finding, component))];
}

function named(finding: Finding, series: string): Finding {
  return finding.summary.startsWith(`${series}:`)
    ? finding
    : { ...finding, summary: `${series}: ${finding.summary}` };
}

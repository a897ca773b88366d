/** Findings of a test: what its samples show, and answers that were wrong. */
import type { CallFigures } from '../../analysis/analyses/call-figures.js';
import { wrongAnswerFindings } from '../../analysis/analyses/transport-tests.js';
import { analyzeBottlenecks } from '../../analysis/bottlenecks.js';
import type { Finding } from '../../analysis/finding.js';
import type { Sample } from '../../analysis/sample.js';

/**
 * The rules of samples know neither that the handlers only echo nor that the client compares every answer, in JavaScript,
 * so that it is the limit of most tests: that is told where it is so, and is nothing wrong with the server.
 */
export function findingsOf(
  component: string,
  samples: readonly Sample[],
  figures: readonly CallFigures[],
): readonly Finding[] {
  const judged = component === 'memory' || spanMs(samples) < leastMs ? outcomesAlone : undefined;
  const found = analyzeBottlenecks(samples)
    .filter(({ rule }) => judged?.has(rule) ?? true)
    .map(asOfEcho);
  return [...wrongAnswerFindings(component, figures), ...found.map((finding) => named(finding, component))];
}

/** What a process uses in less than this is start-up and chance. */
const leastMs = 1_000;

/**
 * Rules of what came of the calls. In memory the process is the caller's own, and what it uses is mostly the caller's.
 */
const outcomesAlone = new Set(['error-rate']);

function spanMs(samples: readonly Sample[]): number {
  return samples.reduce((sum, { intervalMs }) => sum + intervalMs, 0);
}

function asOfEcho(finding: Finding): Finding {
  if (finding.rule === 'generator-bound') return { ...finding, severity: 'low' };
  if (finding.rule !== 'handler-waits') return finding;
  return {
    ...finding,
    rule: 'latency-high',
    component: 'calls',
    cause:
      'An echo waits for nothing: the time is that of the client, of the transport, or of a host that is busy with something else.',
    recommendation: 'Run it again on an idle host; where it stays so, profile the client.',
  };
}

function named(finding: Finding, series: string): Finding {
  return finding.summary.startsWith(`${series}:`)
    ? finding
    : { ...finding, summary: `${series}: ${finding.summary}` };
}

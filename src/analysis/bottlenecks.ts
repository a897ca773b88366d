/**
 * Finds what limits a server from samples of it. Rules find what stands out; then findings that another one explains are
 * taken into it, so that one cause is one finding and the wrong part is not blamed.
 */
import { type Evidence, type Finding, type Severity, severities } from './finding.js';
import { errorRate, handlerWaits, latencyHigh, queueDepth } from './rules/calls.js';
import { descriptors, overflow, slowReader } from './rules/connections.js';
import { cpuSaturated, eventLoopBlocked, processorContention } from './rules/event-loop.js';
import { generatorBound } from './rules/generator.js';
import { gcPause, heapNearLimit, memoryHigh, memoryLeak } from './rules/memory.js';
import { type Picture, pictureOf } from './rules/picture.js';
import type { Rule } from './rules/rule.js';
import type { Sample } from './sample.js';
import { type Thresholds, thresholds } from './thresholds.js';

export interface BottleneckOptions {
  /** In place of those of the table. */
  readonly thresholds?: Partial<Thresholds>;
}

/** Causes before what they explain. */
const rules: Readonly<Record<string, Rule>> = {
  'generator-bound': generatorBound,
  'slow-reader': slowReader,
  'memory-leak': memoryLeak,
  'gc-pressure': gcPause,
  'event-loop-blocked': eventLoopBlocked,
  'cpu-saturated': cpuSaturated,
  'processor-contention': processorContention,
  'handler-waits': handlerWaits,
  'heap-near-limit': heapNearLimit,
  'memory-high': memoryHigh,
  'error-rate': errorRate,
  'queue-depth': queueDepth,
  overflow,
  'descriptors-near-limit': descriptors,
  'latency-high': latencyHigh,
};

/** The ids of all rules, for documents and tests. */
export const bottleneckRules: readonly string[] = Object.keys(rules);

const slowness = ['handler-waits', 'latency-high', 'queue-depth'] as const;

/** What a finding makes of others: they are its symptoms, or there is no judging them. */
const explains: Readonly<Record<string, readonly string[]>> = {
  'generator-bound': [...slowness, 'cpu-saturated', 'processor-contention'],
  'slow-reader': [...slowness, 'memory-leak', 'memory-high', 'gc-pressure', 'overflow'],
  'memory-leak': ['memory-high', 'heap-near-limit', 'gc-pressure'],
  'gc-pressure': [...slowness, 'cpu-saturated'],
  'event-loop-blocked': [...slowness, 'cpu-saturated'],
  'cpu-saturated': slowness,
  'processor-contention': ['latency-high', 'queue-depth'],
  'handler-waits': ['latency-high', 'queue-depth'],
  'heap-near-limit': ['gc-pressure', 'memory-high'],
};

/**
 * The findings of samples, the worst first; none where nothing stands out. Series are judged apart. Takes samples of any
 * source: what nobody measured is not judged.
 */
export function analyzeBottlenecks(
  samples: readonly Sample[],
  options: BottleneckOptions = {},
): readonly Finding[] {
  const limits = { ...thresholds, ...options.thresholds };
  const series = new Map<string, Sample[]>();
  for (const sample of samples) {
    const name = sample.series ?? '';
    const known = series.get(name);
    if (known === undefined) series.set(name, [sample]);
    else known.push(sample);
  }
  const found = [...series].flatMap(([name, own]) =>
    judge(pictureOf(own, limits)).map((finding) => (series.size > 1 ? named(finding, name) : finding)),
  );
  return found.sort((a, b) => severities.indexOf(b.severity) - severities.indexOf(a.severity));
}

function judge(picture: Picture): readonly Finding[] {
  const all = Object.values(rules)
    .map((rule) => rule(picture))
    .filter((each): each is Finding => each !== undefined);
  const collects = all.some(({ rule }) => rule === 'gc-pressure');
  const found = collects ? all.filter((finding) => !isPauses(finding, picture)) : all;
  const kept = new Map<string, Finding>();
  for (const finding of found) {
    const cause = found.find(
      (other) => kept.has(other.rule) && explains[other.rule]?.includes(finding.rule) === true,
    );
    if (cause === undefined) kept.set(finding.rule, finding);
    else kept.set(cause.rule, withSymptom(kept.get(cause.rule) as Finding, finding));
  }
  return [...kept.values()];
}

/** A loop that is blocked by collections is not blocked by anything else. */
function isPauses({ rule }: Finding, { gc, lag }: Picture): boolean {
  return (
    rule === 'event-loop-blocked' &&
    gc !== undefined &&
    lag !== undefined &&
    gc.longestPauseMs >= lag.maxMs / 2
  );
}

/**
 * What a symptom measured becomes evidence of its cause. It is none of a server behind a generator that is the limit, and
 * memory that waits for a peer is no leak.
 */
function withSymptom(cause: Finding, symptom: Finding): Finding {
  if (cause.rule === 'generator-bound' || symptom.rule === 'memory-leak') return cause;
  const known = new Set(cause.evidence.map(({ name }) => name));
  const added: Evidence[] = symptom.evidence.filter(
    ({ name, threshold }) => threshold !== undefined && !known.has(name),
  );
  return {
    ...cause,
    severity: worse(cause.severity, symptom.severity),
    evidence: [...cause.evidence, ...added],
  };
}

function worse(a: Severity, b: Severity): Severity {
  return severities.indexOf(a) >= severities.indexOf(b) ? a : b;
}

function named(finding: Finding, series: string): Finding {
  return series === '' ? finding : { ...finding, summary: `${series}: ${finding.summary}` };
}

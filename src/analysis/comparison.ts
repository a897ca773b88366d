/** Two sides compared in every figure that both have. */
import { type CompareOptions, compareRounds, type MetricComparison, worsening } from './compare.js';
import type { BenchRecord } from './record.js';
import { recordName, type TrendMetric, trendMetrics } from './trend.js';

/** What one round, or one record, says of one side. */
export type RoundFigures = Readonly<Partial<Record<TrendMetric['field'], number>>>;

export interface Comparison {
  /** What was done by both: 'tcp, 8x16' or the scenario of records. */
  readonly name: string;
  /** Only figures that both sides have. */
  readonly metrics: readonly MetricComparison[];
  /** Of each round, in the order they were measured. */
  readonly rounds: { readonly a: readonly RoundFigures[]; readonly b: readonly RoundFigures[] };
}

function values(rounds: readonly RoundFigures[], field: TrendMetric['field']): number[] {
  return rounds
    .map((round) => round[field])
    .filter((value): value is number => value !== undefined && value > 0);
}

export function compareSides(
  name: string,
  a: readonly RoundFigures[],
  b: readonly RoundFigures[],
  options: CompareOptions = {},
): Comparison {
  const metrics = trendMetrics.flatMap(({ field, ...metric }) => {
    const [first, second] = [values(a, field), values(b, field)];
    return first.length === 0 || second.length === 0 ? [] : [compareRounds(metric, first, second, options)];
  });
  return { name, metrics, rounds: { a, b } };
}

/** The figures by which B is worse, by more than `budget` (a share). */
export function beyondBudget({ metrics }: Comparison, budget: number): MetricComparison[] {
  return metrics.filter((metric) => metric.verdict === 'worse' && worsening(metric) > budget);
}

/** A record of several rounds tells the rate of each, and medians of all else. */
function roundsOf(record: BenchRecord): RoundFigures[] {
  const { rates = [record.rate], p99us, cpuUsPerMsg } = record;
  const first = { p99us, ...(cpuUsPerMsg === undefined ? {} : { cpuUsPerMsg }) };
  return rates.map((rate, index) => (index === 0 ? { rate, ...first } : { rate }));
}

function series(records: readonly BenchRecord[], withContender: boolean): Map<string, RoundFigures[]> {
  const all = new Map<string, RoundFigures[]>();
  for (const record of records) {
    if (record.errors > 0) continue;
    const name = recordName(record, withContender);
    all.set(name, [...(all.get(name) ?? []), ...roundsOf(record)]);
  }
  return all;
}

export interface RecordComparison {
  readonly comparisons: readonly Comparison[];
  /** Measured on one side only. */
  readonly onlyA: readonly string[];
  readonly onlyB: readonly string[];
}

/**
 * Records of A against those of B where scenario, transport, connections, depth and payload are the same. Who was
 * measured has to be the same too, unless each side has one contender only: then it is one against the other.
 * Records with errors take no part.
 */
export function compareRecords(
  a: readonly BenchRecord[],
  b: readonly BenchRecord[],
  options: CompareOptions = {},
): RecordComparison {
  const contenders = (records: readonly BenchRecord[]): number =>
    new Set(records.map(({ contender }) => contender)).size;
  const withContender = contenders(a) > 1 || contenders(b) > 1;
  const [first, second] = [series(a, withContender), series(b, withContender)];
  const both = [...first.keys()].filter((name) => second.has(name));
  return {
    comparisons: both.map((name) =>
      compareSides(name, first.get(name) ?? [], second.get(name) ?? [], options),
    ),
    onlyA: [...first.keys()].filter((name) => !second.has(name)),
    onlyB: [...second.keys()].filter((name) => !first.has(name)),
  };
}

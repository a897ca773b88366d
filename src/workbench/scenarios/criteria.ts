/** What a run must reach: 'p99 < 200 ms', 'cpu < 50 %', 'errors = 0'. Units are read and shown, values kept in base units. */
import { RingwireError } from '../../errors.js';
import { closestName } from '../../transports/option-checks.js';
import { type MeasuredTransport, measuredTransports } from '../servers/measured-server.js';

type Kind = 'time' | 'share' | 'bytes' | 'rate' | 'byteSlope' | 'timeSlope';

/** The figures of a run, by the names that criteria and tables use. Base units: ms, share of 1, bytes, per second. */
export const metrics = {
  mean: { kind: 'time', label: 'mean latency' },
  p50: { kind: 'time', label: 'p50' },
  p90: { kind: 'time', label: 'p90' },
  p95: { kind: 'time', label: 'p95' },
  p99: { kind: 'time', label: 'p99' },
  'p99.9': { kind: 'time', label: 'p99.9' },
  'p99.99': { kind: 'time', label: 'p99.99' },
  max: { kind: 'time', label: 'longest latency' },
  errors: { kind: 'share', label: 'errors' },
  rate: { kind: 'rate', label: 'rate' },
  /** Of the rate that was wanted, in the open loop. */
  rateReached: { kind: 'share', label: 'rate reached' },
  breakingRate: { kind: 'rate', label: 'breaking point' },
  /** Of one core. */
  cpu: { kind: 'share', label: 'server CPU' },
  memory: { kind: 'bytes', label: 'peak memory' },
  memoryGrowth: { kind: 'byteSlope', label: 'memory growth' },
  latencyGrowth: { kind: 'timeSlope', label: 'growth of p99' },
} as const satisfies Record<string, { readonly kind: Kind; readonly label: string }>;

export type Metric = keyof typeof metrics;
export type Comparison = '<' | '<=' | '>' | '>=' | '=';

export interface Criterion {
  readonly metric: Metric;
  readonly comparison: Comparison;
  /** In the base unit of the metric. */
  readonly limit: number;
  /** Of these transports alone; undefined: of every one. */
  readonly transport?: MeasuredTransport;
  /** As it was written: '< 200 ms'. */
  readonly text: string;
}

export interface Verdict {
  readonly criterion: Criterion;
  /** Undefined where it was not measured. */
  readonly value: number | undefined;
  readonly verdict: 'met' | 'missed' | 'not measured';
}

const units: Readonly<Record<Kind, Readonly<Record<string, number>>>> = {
  time: { µs: 1e-3, us: 1e-3, ms: 1, s: 1000 },
  share: { '%': 0.01, '': 1 },
  bytes: {
    B: 1,
    kB: 1e3,
    KB: 1e3,
    MB: 1e6,
    GB: 1e9,
    KiB: 2 ** 10,
    MiB: 2 ** 20,
    GiB: 2 ** 30,
  },
  rate: { '/s': 1, 'req/s': 1, '': 1 },
  byteSlope: { 'kB/s': 1e3, 'MB/s': 1e6, 'kB/min': 1e3 / 60, 'MB/min': 1e6 / 60, 'MB/h': 1e6 / 3600 },
  timeSlope: { 'ms/s': 1, 'ms/min': 1 / 60, 'ms/h': 1 / 3600 },
};

const pattern = /^(<=|>=|<|>|=)?\s*(\d+(?:\.\d+)?(?:e\d+)?)\s*([^\s\d]\S*)?$/;

/** Reads '< 200 ms' for a metric; throws CONFIG_INVALID that says what would be right. */
export function parseCriterion(metric: string, text: string, transport?: string): Criterion {
  if (!isMetric(metric))
    throw invalid(`there is no figure "${metric}"`, near(metric, Object.keys(metrics), 'Figures are'));
  if (transport !== undefined && !isTransport(transport))
    throw invalid(
      `there is no transport "${transport}"`,
      near(transport, measuredTransports, 'Transports are'),
    );
  const known = units[metrics[metric].kind];
  const example = `"${metric}: ${exampleOf(metric)}"`;
  const match = pattern.exec(text.trim());
  if (match === null) throw invalid(`"${text}" is no criterion of ${metric}`, `For instance ${example}.`);
  const [, comparison = '=', digits, unit = ''] = match;
  // Nothing of anything is nothing in every unit.
  const factor = Object.hasOwn(known, unit) ? known[unit] : Number(digits) === 0 ? 1 : undefined;
  if (factor === undefined) {
    const names = Object.keys(known).filter((name) => name !== '');
    throw invalid(
      unit === '' ? `the limit "${text}" of ${metric} has no unit` : `"${unit}" is no unit of ${metric}`,
      `It has ${names.join(', ')}; for instance ${example}.`,
    );
  }
  return {
    metric,
    comparison: comparison as Comparison,
    // 70 * 0.01 is no 0.7.
    limit: unit === '%' ? Number(digits) / 100 : Number(digits) * factor,
    ...(transport === undefined ? {} : { transport: transport as MeasuredTransport }),
    text: text.trim(),
  };
}

/** 'p99 < 5 ms' as a command line gives it, or 'http p99 < 5 ms'. */
export function parseCriterionLine(line: string): Criterion {
  const match = /^(?:(\S+)\s+)?([A-Za-z][\w.]*)\s*((?:<=|>=|<|>|=).*)$/.exec(line.trim());
  if (match === null) throw invalid(`"${line}" is no criterion`, 'For instance "p99 < 5 ms".');
  const [, transport, metric, text] = match;
  return parseCriterion(metric, text, transport);
}

export type Figures = Readonly<Partial<Record<Metric, number>>>;

/** Against a server that is not ours `transport` is undefined, and criteria of one transport alone do not apply. */
export function judge(
  criteria: readonly Criterion[],
  figures: Figures,
  transport: string | undefined,
): Verdict[] {
  // What is said of one transport counts there in the place of what is said of all.
  const own = criteria.filter((each) => each.transport !== undefined && each.transport === transport);
  const common = criteria.filter(
    (each) => each.transport === undefined && !own.some(({ metric }) => metric === each.metric),
  );
  return [...common, ...own].map((criterion) => {
    const value = figures[criterion.metric];
    if (value === undefined) return { criterion, value, verdict: 'not measured' };
    return { criterion, value, verdict: holds(value, criterion) ? 'met' : 'missed' };
  });
}

function holds(value: number, { comparison, limit }: Criterion): boolean {
  switch (comparison) {
    case '<':
      return value < limit;
    case '<=':
      return value <= limit;
    case '>':
      return value > limit;
    case '>=':
      return value >= limit;
    case '=':
      return value === limit;
  }
}

/** A figure for people, with its unit. */
export function formatFigure(metric: Metric, value: number): string {
  switch (metrics[metric].kind) {
    case 'time':
      return formatMs(value);
    case 'share':
      return value === 0 ? '0 %' : `${significant(value * 100)} %`;
    case 'bytes':
      return value >= 1e9 ? `${(value / 1e9).toFixed(2)} GB` : `${(value / 1e6).toFixed(1)} MB`;
    case 'rate':
      return `${Math.round(value).toLocaleString('en')} /s`;
    case 'byteSlope':
      return `${significant((value * 60) / 1e6)} MB/min`;
    case 'timeSlope':
      return `${significant(value * 60)} ms/min`;
  }
}

export function formatMs(ms: number): string {
  if (ms < 1) return `${Math.round(ms * 1000)} µs`;
  return ms < 1000 ? `${ms.toFixed(ms < 10 ? 2 : 1)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

function significant(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function isMetric(name: string): name is Metric {
  return Object.hasOwn(metrics, name);
}

function isTransport(name: string): name is MeasuredTransport {
  return (measuredTransports as readonly string[]).includes(name);
}

function exampleOf(metric: Metric): string {
  const examples: Record<Kind, string> = {
    time: '< 5 ms',
    share: metric === 'rateReached' ? '>= 99 %' : '< 50 %',
    bytes: '< 2 GB',
    rate: '>= 10000 /s',
    byteSlope: '< 1 MB/min',
    timeSlope: '< 1 ms/min',
  };
  return examples[metrics[metric].kind];
}

function near(word: string, known: readonly string[], otherwise: string): string {
  const found = closestName(word, known);
  return found === undefined ? `${otherwise} ${known.join(', ')}.` : `Did you mean "${found}"?`;
}

function invalid(problem: string, right: string): RingwireError {
  return new RingwireError(
    'CONFIG_INVALID',
    `${problem.charAt(0).toUpperCase()}${problem.slice(1)}. ${right}`,
  );
}

/** What happened to a figure over time: records of the same thing in the order they were measured, and where it changed. */
import { type ChangePoint, type ChangePointOptions, changePoints } from './change-points.js';
import type { BenchRecord } from './record.js';

export interface TrendMetric {
  /** The field of a record. */
  readonly field: 'rate' | 'p99us' | 'cpuUsPerMsg';
  readonly name: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
}

export const trendMetrics: readonly TrendMetric[] = [
  { field: 'rate', name: 'rate', unit: 'msg/s', better: 'higher' },
  { field: 'p99us', name: 'p99', unit: 'µs', better: 'lower' },
  { field: 'cpuUsPerMsg', name: 'CPU per message', unit: 'µs', better: 'lower' },
];

export interface TrendPoint {
  readonly value: number;
  readonly date?: string;
  readonly commit?: string;
}

export interface TrendChange extends ChangePoint {
  readonly date?: string;
  readonly commit?: string;
  readonly verdict: 'better' | 'worse';
}

/** One figure of one thing that was measured again and again on one machine. */
export interface Trend {
  /** 'tcp: ringwire-native, tcp, 32x64'. */
  readonly name: string;
  readonly machine: string;
  readonly metric: TrendMetric;
  readonly points: readonly TrendPoint[];
  readonly changes: readonly TrendChange[];
}

/** What else has to be the same for records to be comparable; fields that bench/ writes besides those of a record. */
type MeasuredRecord = BenchRecord & {
  readonly payload?: string;
  readonly text?: string;
  readonly textBytes?: number;
  readonly frameBytes?: number;
  readonly shape?: string;
  readonly messageBytes?: number;
  readonly mix?: string;
  readonly quick?: boolean;
  readonly form?: string;
};

/** The machine's fingerprint; of records without one, what is known of it. */
function machineOf({ machine, node }: BenchRecord): string {
  const version = node === undefined ? '' : `, Node ${node.split('.')[0]}`;
  if (machine === undefined) return `unknown${version}`;
  // The kernel's release counts builds: the same machine after an update is to stay one series.
  const { cpu, cores, fingerprint } = machine;
  return `${cpu}, ${cores} cores${fingerprint === undefined ? '' : ` (${fingerprint})`}${version}`;
}

/** `withContender`: whether who was measured is part of it. */
export function recordName(record: BenchRecord, withContender = true): string {
  const { scenario, contender, transport, connections, depth, targetRate } = record;
  const { payload, text, textBytes, frameBytes, shape, messageBytes, mix, form } = record as MeasuredRecord;
  const bytes = textBytes ?? frameBytes ?? messageBytes;
  const parts = [
    withContender ? contender : undefined,
    transport,
    connections === undefined ? undefined : `${connections}x${depth ?? 'any'}`,
    targetRate === undefined ? undefined : `${targetRate}/s wanted`,
    payload === 'tool' ? undefined : payload,
    text === 'ascii' ? undefined : text,
    mix,
    form,
    shape,
    bytes === undefined ? undefined : `${bytes} B`,
  ];
  return `${scenario}: ${parts.filter((part) => part !== undefined).join(', ')}`;
}

function trendOf(
  name: string,
  machine: string,
  metric: TrendMetric,
  records: readonly BenchRecord[],
  options: ChangePointOptions,
): Trend | undefined {
  const points = records.flatMap((record): TrendPoint[] => {
    const { [metric.field]: value, date, commit } = record;
    if (value === undefined || !(value > 0)) return [];
    return [{ value, ...(date === undefined ? {} : { date }), ...(commit === undefined ? {} : { commit }) }];
  });
  if (points.length === 0) return undefined;
  const changes = changePoints(
    points.map(({ value }) => value),
    options,
  ).map((change): TrendChange => {
    const { date, commit } = points[change.index];
    const verdict = change.ratio > 1 === (metric.better === 'higher') ? 'better' : 'worse';
    return {
      ...change,
      verdict,
      ...(date === undefined ? {} : { date }),
      ...(commit === undefined ? {} : { commit }),
    };
  });
  return { name, machine, metric, points, changes };
}

/**
 * Records of one scenario, contender, transport, connections, depth, payload and machine make a trend for each metric.
 * Quick runs and runs with errors take no part: their figures mean nothing. Without a date the order given counts.
 */
export function trendsOf(
  records: readonly BenchRecord[],
  metrics: readonly TrendMetric[] = trendMetrics,
  options: ChangePointOptions = {},
): Trend[] {
  const series = new Map<string, { name: string; machine: string; records: BenchRecord[] }>();
  for (const record of records as readonly MeasuredRecord[]) {
    if (record.quick === true || record.form === 'quick' || record.errors > 0) continue;
    const [name, machine] = [recordName(record), machineOf(record)];
    const key = `${name}\n${machine}`;
    const one = series.get(key) ?? { name, machine, records: [] };
    one.records.push(record);
    series.set(key, one);
  }
  return [...series.values()].flatMap(({ name, machine, records: unsorted }) => {
    const sorted = unsorted.sort((a, b) => (a.date ?? '').localeCompare(b.date ?? ''));
    return metrics
      .map((metric) => trendOf(name, machine, metric, sorted, options))
      .filter((trend) => trend !== undefined);
  });
}

const blocks = '▁▂▃▄▅▆▇█';

/** A line of block characters, the newest `width` values; '' of none. */
export function sparkline(values: readonly number[], width = 24): string {
  const shown = values.slice(-width);
  const [low, high] = [Math.min(...shown), Math.max(...shown)];
  // All the same: in the middle, for nothing can be said to be low or high.
  if (low === high) return blocks[3].repeat(shown.length);
  return shown
    .map((value) => blocks[Math.round(((value - low) / (high - low)) * (blocks.length - 1))])
    .join('');
}

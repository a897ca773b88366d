/** Scaling runs from files: records of measurements as JSON lines, or two columns of comma-separated values. */
import { readFile } from 'node:fs/promises';
import { type ScalingCurve, scalingCurve } from '../../analysis/capacity.js';
import type { BenchRecord } from '../../analysis/record.js';
import type { ScalingPoint } from '../../analysis/usl.js';
import { RingwireError } from '../../errors.js';
import { readRecordFile } from '../results.js';

/** A record with what scaling runs over processes say besides. */
type ScalingRecord = BenchRecord & {
  readonly workers?: number;
  readonly nodes?: number;
  /** What makes curves of its own where it varies. */
  readonly mix?: string;
  readonly payload?: string;
  readonly text?: string;
  readonly textBytes?: number;
};

/** What may have been scaled, the first that varies; more of machines comes before more load on each. */
const scaled = ['nodes', 'workers', 'connections', 'depth'] as const;
type Scaled = (typeof scaled)[number];

const invalid = (message: string): RingwireError => new RingwireError('CONFIG_INVALID', message);

function varies(records: readonly ScalingRecord[], field: Scaled): boolean {
  return new Set(records.map((record) => record[field])).size > 1;
}

/** Parts records into groups that differ in nothing but what was scaled. */
function groups(
  records: readonly ScalingRecord[],
  keyOf: (record: ScalingRecord) => string,
): Map<string, ScalingRecord[]> {
  const all = new Map<string, ScalingRecord[]>();
  for (const record of records) all.set(keyOf(record), [...(all.get(keyOf(record)) ?? []), record]);
  return all;
}

function curvesOf(
  name: string,
  records: readonly ScalingRecord[],
  asked: string | undefined,
): ScalingCurve[] {
  const unit = scaled.find((field) => field === asked) ?? scaled.find((field) => varies(records, field));
  if (unit === undefined) return [];
  // What else varies makes curves of its own: one for each depth, for instance.
  const others = scaled.filter((field) => field !== unit && varies(records, field));
  const label = (record: ScalingRecord): string =>
    [name, ...others.map((field) => `${field} ${record[field]}`)].join(', ');
  return [...groups(records, label)].map(([title, group]) => {
    const points = group.flatMap((record): ScalingPoint[] => {
      const n = record[unit];
      return n === undefined ? [] : [{ n, rate: record.rate }];
    });
    const bound = group
      .filter(({ generatorLate }) => generatorLate === true)
      .map((record) => record[unit] ?? 0);
    const curve = scalingCurve(title, asked ?? unit, points);
    return bound.length === 0
      ? curve
      : { ...curve, generatorBound: [...new Set(bound)].sort((a, b) => a - b) };
  });
}

function curvesOfRecords(
  file: string,
  records: readonly ScalingRecord[],
  unit: string | undefined,
): ScalingCurve[] {
  // An open loop reaches the rate it was given: that says nothing about capacity.
  const closed = records.filter(({ targetRate }) => targetRate === undefined);
  // The rate of calls that fail, or of a run that was to prove that it runs, is no capacity.
  const sound = closed.filter(({ errors, form }) => !(errors > 0) && form !== 'quick');
  if (closed.length === 0) {
    const why =
      records.length === 0 ? 'has no records' : 'has records of open loops only, whose rate was given';
    throw invalid(`${file} ${why}; a scaling run is of closed loops.`);
  }
  if (sound.length === 0) throw invalid(`${file} has records of runs with errors, and of quick ones, only.`);
  const machines = new Set(sound.map(({ machine }) => machine?.fingerprint));
  const nameOf = ({
    contender,
    transport,
    scenario,
    mix,
    payload,
    text,
    textBytes,
    machine,
  }: ScalingRecord): string => {
    const size = textBytes === undefined ? undefined : `${textBytes} B`;
    const host = machines.size > 1 ? `machine ${machine?.fingerprint ?? 'unknown'}` : undefined;
    return [contender ?? scenario, transport, mix, payload, text, size, host]
      .filter((part) => part !== undefined)
      .join(', ');
  };
  const curves = [...groups(sound, nameOf)].flatMap(([name, group]) => curvesOf(name, group, unit));
  if (curves.length === 0)
    throw invalid(
      `${file} is no scaling run: in all records of a contender ${scaled.join(', ')} are the same.`,
    );
  return curves;
}

/** `n,rate` lines; the first line may name the columns, and its first name says what there is N of. */
function parseColumns(file: string, text: string, asked: string | undefined): ScalingCurve {
  const points: ScalingPoint[] = [];
  let unit = asked;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const cells = line.split(/[,;\t]/).map((cell) => cell.trim());
    const [n, rate] = cells.map(Number);
    if (cells.length === 2 && cells.every((cell) => cell !== '') && n > 0 && rate > 0)
      points.push({ n, rate });
    else if (points.length === 0 && cells.length === 2 && Number.isNaN(n) && Number.isNaN(rate))
      unit ??= cells[0].toLowerCase();
    else
      throw invalid(
        `${file}:${index + 1} is ${JSON.stringify(line.slice(0, 60))}; wanted are a number and a rate above 0, as in 4,25000.`,
      );
  }
  return scalingCurve(file, unit === undefined || unit === 'n' ? 'connections' : unit, points);
}

/**
 * The curves in a file: one of comma-separated values, one per contender and transport of records. `unit` names what
 * was scaled where the file does not. Rejects with CONFIG_INVALID that names the line, IO_ERROR where it cannot be read.
 */
export async function readScaling(file: string, unit?: string): Promise<ScalingCurve[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new RingwireError('IO_ERROR', `${file} cannot be read: ${(cause as Error).message}.`, { cause });
  }
  if (!text.trimStart().startsWith('{')) return [parseColumns(file, text, unit)];
  return curvesOfRecords(file, await readRecordFile(file), unit);
}

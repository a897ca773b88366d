/**
 * Whether memory leaks: by the slope of what is left after collections, not of what is in use. Warm-up, the saw-tooth
 * between two collections, noise and a single step (a cache that was filled) are no leak.
 */
import type { Sample } from './sample.js';
import { type Point, type Slope, slopeOf } from './slope.js';

export interface MemoryPoint {
  readonly atMs: number;
  readonly bytes: number;
}

export interface GrowthOptions {
  /** Share of the time at the beginning that is left out: what starts fills its caches. Default 0.2. */
  readonly warmupShare?: number;
  /** Less growth over the whole time is none. Default 4 MB. */
  readonly minGrowthBytes?: number;
  /** And less than this share of what was there at the beginning. Default 0.1. */
  readonly minGrowthShare?: number;
  /** How sure it must be, 0 to 1. Default 0.95. */
  readonly confidence?: number;
}

/** Why memory leaks or does not. */
export type GrowthReason =
  | 'grows'
  | 'too few points'
  | 'within the noise'
  | 'too little'
  | 'levels off'
  | 'a single step';

export interface Growth {
  readonly isLeak: boolean;
  readonly reason: GrowthReason;
  /** By the median slope; 0 where there are too few points. */
  readonly bytesPerSecond: number;
  /** The 95 % confidence interval of bytesPerSecond. */
  readonly lowBytesPerSecond: number;
  readonly highBytesPerSecond: number;
  /** How sure it is that it rises, 0 to 1. */
  readonly confidence: number;
  /** bytesPerSecond over the time that was looked at. */
  readonly growthBytes: number;
  /** Points that were looked at. */
  readonly points: number;
}

export interface LeakVerdict extends Growth {
  /** What grows: objects of JavaScript, Buffers and native objects V8 knows of, or what neither of them explains. */
  readonly memory: 'heap' | 'buffers' | 'resident';
}

const minPoints = 5;
/** A run is cut into so many windows, of which each gives its lowest value. */
const windows = 24;
/** Collections of the whole heap without which nobody knows what is garbage. */
const minCollections = 3;
/** Resident memory rises for reasons of the allocator's, so that it takes more and longer to blame it. */
const residentMinMs = 20_000;
const residentMinBytes = 32_000_000;
const residentMinShare = 0.25;

/**
 * Whether values of memory grow steadily. They should be what is left after collections; see detectLeak() for samples of
 * a process. At least five points behind the warm-up are needed.
 */
export function detectGrowth(given: readonly MemoryPoint[], options: GrowthOptions = {}): Growth {
  const { warmupShare = 0.2, minGrowthBytes = 4_000_000, minGrowthShare = 0.1, confidence = 0.95 } = options;
  const points = afterWarmup(given, warmupShare);
  const slope = points.length < minPoints ? undefined : slopeOf(points);
  if (slope === undefined) return growth('too few points', undefined, points);
  const spanSeconds = (points.at(-1) as Point).x - points[0].x;
  const growthBytes = slope.slope * spanSeconds;
  const floor = Math.min(...points.map(({ y }) => y));
  if (slope.confidence < confidence || slope.low <= 0) return growth('within the noise', slope, points);
  if (isStep(points, slope.slope)) return growth('a single step', slope, points);
  if (growthBytes < Math.max(minGrowthBytes, minGrowthShare * floor))
    return growth('too little', slope, points);
  if (levelsOff(points)) return growth('levels off', slope, points);
  return growth('grows', slope, points);
}

/**
 * Whether a process leaks. Takes heapAfterGcBytes where samples have it, else the lowest heapUsedBytes of windows of the
 * run; Buffers apart; resident memory where the heap is not known or does not explain it.
 */
export function detectLeak(samples: readonly Sample[], options: GrowthOptions = {}): LeakVerdict {
  const heap = heapGrowth(samples, options);
  if (heap?.isLeak === true) return heap;
  const buffers = growthOf(samples, ({ externalBytes }) => externalBytes, options);
  if (buffers.isLeak) return { ...buffers, memory: 'buffers' };
  const resident: LeakVerdict = {
    ...growthOf(samples, ({ rssBytes }) => rssBytes, {
      minGrowthBytes: residentMinBytes,
      minGrowthShare: residentMinShare,
      ...options,
    }),
    memory: 'resident',
  };
  const isLong = samples.length > 0 && (samples.at(-1) as Sample).atMs - samples[0].atMs >= residentMinMs;
  if (resident.isLeak && (isLong || heap === undefined)) return resident;
  return heap ?? resident;
}

export interface GcPressure {
  readonly collectionsPerSecond: number;
  readonly majorPerSecond: number;
  /** Share of the time in pauses, 0 to 1. */
  readonly pauseShare: number;
  readonly longestPauseMs: number;
}

/** How often and how long the process stops to collect garbage; undefined where samples do not tell. */
export function gcPressure(samples: readonly Sample[]): GcPressure | undefined {
  let seconds = 0;
  let [count, major, pauseMs, longestPauseMs] = [0, 0, 0, 0];
  for (const { intervalMs, process } of samples) {
    if (process?.gc === undefined) continue;
    seconds += intervalMs / 1_000;
    count += process.gc.count;
    major += process.gc.majorCount;
    pauseMs += process.gc.pauseMs;
    longestPauseMs = Math.max(longestPauseMs, process.gc.longestPauseMs);
  }
  if (seconds === 0) return undefined;
  return {
    collectionsPerSecond: count / seconds,
    majorPerSecond: major / seconds,
    pauseShare: pauseMs / (seconds * 1_000),
    longestPauseMs,
  };
}

/** Undefined where samples tell nothing of the heap. */
function heapGrowth(samples: readonly Sample[], options: GrowthOptions): LeakVerdict | undefined {
  const afterGc = pointsOf(samples, ({ heapAfterGcBytes }) => heapAfterGcBytes);
  if (afterGc.length >= minPoints) {
    const found = detectGrowth(afterGc, options);
    if (found.reason !== 'too few points') return { ...found, memory: 'heap' };
  }
  const used = pointsOf(samples, ({ heapUsedBytes }) => heapUsedBytes);
  if (used.length === 0) return undefined;
  const known = samples.filter(({ process }) => process?.gc !== undefined);
  const collections = known.reduce((sum, { process }) => sum + (process?.gc?.majorCount ?? 0), 0);
  if (known.length > 0 && collections < minCollections)
    return { ...growth('too few points', undefined, []), memory: 'heap' };
  return { ...detectGrowth(lowest(used), options), memory: 'heap' };
}

type ProcessFigure = (process: NonNullable<Sample['process']>) => number | undefined;

function growthOf(samples: readonly Sample[], figure: ProcessFigure, options: GrowthOptions): Growth {
  return detectGrowth(lowest(pointsOf(samples, figure)), options);
}

function pointsOf(samples: readonly Sample[], figure: ProcessFigure): MemoryPoint[] {
  const points: MemoryPoint[] = [];
  for (const { atMs, process } of samples) {
    const bytes = process === undefined ? undefined : figure(process);
    if (bytes !== undefined) points.push({ atMs, bytes });
  }
  return points;
}

/** The lowest value of each window; all values where they are few. */
function lowest(points: readonly MemoryPoint[]): readonly MemoryPoint[] {
  const size = Math.floor(points.length / windows);
  if (size < 2) return points;
  const found: MemoryPoint[] = [];
  for (let start = 0; start + size <= points.length; start += size) {
    const window = points.slice(start, start + size);
    found.push(window.reduce((least, each) => (each.bytes < least.bytes ? each : least)));
  }
  return found;
}

/** In seconds and bytes. */
function afterWarmup(points: readonly MemoryPoint[], share: number): Point[] {
  if (points.length === 0) return [];
  const first = points[0].atMs;
  const from = first + ((points.at(-1) as MemoryPoint).atMs - first) * share;
  return points.filter(({ atMs }) => atMs >= from).map(({ atMs, bytes }) => ({ x: atMs / 1_000, y: bytes }));
}

/** Whether more than half of all that was gained came at once. */
function isStep(points: readonly Point[], slope: number): boolean {
  const gained = (points.at(-1) as Point).y - points[0].y;
  for (let index = 1; index < points.length; index += 1) {
    const [before, after] = [points[index - 1], points[index]];
    if (after.y - before.y - slope * (after.x - before.x) > gained / 2) return true;
  }
  return false;
}

/** Whether the second half grows much slower than the first one. */
function levelsOff(points: readonly Point[]): boolean {
  const middle = points.length >> 1;
  const early = rate(points.slice(0, middle + 1));
  const late = rate(points.slice(middle));
  return late < early * 0.4;
}

function rate(points: readonly Point[]): number {
  const slope = slopeOf(points);
  if (slope !== undefined) return slope.slope;
  const [first, last] = [points[0], points.at(-1) as Point];
  return last.x === first.x ? 0 : (last.y - first.y) / (last.x - first.x);
}

function growth(reason: GrowthReason, slope: Slope | undefined, points: readonly Point[]): Growth {
  const seconds = points.length === 0 ? 0 : (points.at(-1) as Point).x - points[0].x;
  return {
    isLeak: reason === 'grows',
    reason,
    bytesPerSecond: slope?.slope ?? 0,
    lowBytesPerSecond: slope?.low ?? 0,
    highBytesPerSecond: slope?.high ?? 0,
    confidence: slope?.confidence ?? 0,
    growthBytes: (slope?.slope ?? 0) * seconds,
    points: points.length,
  };
}

import { describe, expect, it } from 'vitest';
import { detectGrowth, detectLeak, gcPressure, type MemoryPoint } from '../../src/analysis/leak.js';
import type { ProcessSample, Sample } from '../../src/analysis/sample.js';
import { slopeOf } from '../../src/analysis/slope.js';

/** The same numbers each time (mulberry32). */
function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const mega = 1_000_000;

function points(count: number, bytes: (second: number) => number): MemoryPoint[] {
  return Array.from({ length: count }, (_, second) => ({ atMs: (second + 1) * 1_000, bytes: bytes(second) }));
}

function samples(count: number, process: (second: number) => ProcessSample): Sample[] {
  return Array.from({ length: count }, (_, second) => ({
    atMs: (second + 1) * 1_000,
    intervalMs: 1_000,
    process: process(second),
  }));
}

describe('the slope of points', () => {
  it('is exact on a line and hardly moved by a third of wild points', () => {
    const line = points(30, (second) => 5 * second).map(({ atMs, bytes }) => ({ x: atMs / 1_000, y: bytes }));
    expect(slopeOf(line)?.slope).toBe(5);
    const wild = line.map((point, index) => (index % 4 === 0 ? { x: point.x, y: 10_000 } : point));
    expect(slopeOf(wild)?.slope).toBeGreaterThan(3);
    expect(slopeOf(wild)?.slope).toBeLessThan(8);
  });

  it('holds the true slope in its interval, and is sure of what rises alone', () => {
    const random = noise(1);
    const rising = Array.from({ length: 60 }, (_, x) => ({ x, y: 3 * x + 40 * (random() - 0.5) }));
    const found = slopeOf(rising);
    expect(found?.low).toBeLessThan(3);
    expect(found?.high).toBeGreaterThan(3);
    expect(found?.confidence).toBeGreaterThan(0.99);
    const falling = slopeOf(rising.map(({ x, y }) => ({ x, y: -y })));
    expect(falling?.confidence).toBeLessThan(0.01);
  });

  it('is none of two points, and none of one moment', () => {
    expect(
      slopeOf([
        { x: 0, y: 0 },
        { x: 1, y: 1 },
      ]),
    ).toBeUndefined();
    expect(slopeOf([0, 1, 2].map((y) => ({ x: 4, y })))).toBeUndefined();
  });
});

describe('growth of memory', () => {
  it('is a leak where it is steady, with its rate', () => {
    const random = noise(2);
    const found = detectGrowth(points(60, (second) => 50 * mega + second * 0.5 * mega + random() * 2 * mega));
    expect(found.reason).toBe('grows');
    expect(found.bytesPerSecond / mega).toBeCloseTo(0.5, 1);
    expect(found.lowBytesPerSecond).toBeLessThan(0.5 * mega);
    expect(found.highBytesPerSecond).toBeGreaterThan(0.5 * mega);
  });

  it('is none in a warm-up that levels off', () => {
    const found = detectGrowth(points(60, (second) => 40 * mega + 80 * mega * (1 - Math.exp(-second / 10))));
    expect(found.isLeak).toBe(false);
    const slow = detectGrowth(
      points(60, (second) => 40 * mega + 30 * mega * Math.log1p(second)),
      {
        warmupShare: 0,
      },
    );
    expect(slow.reason).toBe('levels off');
  });

  it('is none in noise, in a plateau, in a single step, and in what falls', () => {
    const random = noise(3);
    expect(detectGrowth(points(60, () => 50 * mega + random() * 30 * mega)).isLeak).toBe(false);
    expect(detectGrowth(points(60, () => 50 * mega)).reason).toBe('within the noise');
    for (const at of [15, 30, 45])
      expect(detectGrowth(points(60, (second) => (second < at ? 50 : 150) * mega)).isLeak).toBe(false);
    const step = points(60, (second) => (second < 35 ? 50 : 150) * mega + second * 1_000);
    expect(detectGrowth(step).reason).toBe('a single step');
    expect(detectGrowth(points(60, (second) => 100 * mega - second * mega)).isLeak).toBe(false);
  });

  it('is none that is too little, or of too few points', () => {
    expect(detectGrowth(points(60, (second) => 50 * mega + second * 20_000)).reason).toBe('too little');
    expect(
      detectGrowth(
        points(60, (second) => 50 * mega + second * 20_000),
        { minGrowthBytes: 100_000, minGrowthShare: 0 },
      ).reason,
    ).toBe('grows');
    expect(detectGrowth(points(5, (second) => second * mega)).reason).toBe('too few points');
    expect(detectGrowth([]).reason).toBe('too few points');
  });
});

describe('leaks of a process', () => {
  const gc = { count: 10, majorCount: 1, pauseMs: 5, longestPauseMs: 2 };

  it('are not seen in the saw-tooth between collections', () => {
    const random = noise(4);
    const sawTooth = (second: number): number => 40 * mega + ((second * 7) % 50) * mega + random() * mega;
    expect(detectLeak(samples(200, (second) => ({ heapUsedBytes: sawTooth(second), gc }))).isLeak).toBe(
      false,
    );
    const leaking = samples(200, (second) => ({
      heapUsedBytes: sawTooth(second) + second * 0.4 * mega,
      gc,
    }));
    const found = detectLeak(leaking);
    expect(found).toMatchObject({ isLeak: true, memory: 'heap' });
    expect(found.bytesPerSecond / mega).toBeCloseTo(0.4, 1);
  });

  it('are told by what collections leave where samples say that', () => {
    const held = (leak: number) =>
      samples(20, (second) => ({
        heapUsedBytes: 60 * mega + second * 3 * mega,
        heapAfterGcBytes: 30 * mega + second * leak,
        gc,
      }));
    expect(detectLeak(held(0)).isLeak).toBe(false);
    expect(detectLeak(held(2 * mega))).toMatchObject({ isLeak: true, memory: 'heap' });
  });

  it('are not told where nothing was collected', () => {
    const idle = { ...gc, majorCount: 0 };
    const found = detectLeak(samples(20, (second) => ({ heapUsedBytes: second * 9 * mega, gc: idle })));
    expect(found).toMatchObject({ isLeak: false, reason: 'too few points' });
  });

  it('are found in Buffers, and in resident memory only where it grew long and much', () => {
    const flat = { heapUsedBytes: 30 * mega, heapAfterGcBytes: 30 * mega, gc };
    expect(
      detectLeak(samples(30, (second) => ({ ...flat, externalBytes: 5 * mega + second * mega }))),
    ).toMatchObject({ isLeak: true, memory: 'buffers' });
    const resident = (count: number) =>
      samples(count, (second) => ({ ...flat, rssBytes: 80 * mega + second * 4 * mega }));
    expect(detectLeak(resident(12)).isLeak).toBe(false);
    expect(detectLeak(resident(60))).toMatchObject({ isLeak: true, memory: 'resident' });
  });
});

describe('pressure of collections', () => {
  it('is by second, over the intervals that know of it', () => {
    const known = samples(4, () => ({
      gc: { count: 20, majorCount: 2, pauseMs: 50, longestPauseMs: 9 },
    }));
    expect(gcPressure([...known, { atMs: 5_000, intervalMs: 1_000 }])).toEqual({
      collectionsPerSecond: 20,
      majorPerSecond: 2,
      pauseShare: 0.05,
      longestPauseMs: 9,
    });
    expect(gcPressure([])).toBeUndefined();
  });
});

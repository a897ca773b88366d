import { describe, expect, it } from 'vitest';
import { analyzeBottlenecks, bottleneckRules } from '../../src/analysis/bottlenecks.js';
import type { CallSample, GeneratorSample, Layer, ProcessSample, Sample } from '../../src/analysis/sample.js';

interface Change {
  readonly calls?: Partial<CallSample>;
  readonly process?: Partial<ProcessSample>;
  readonly generator?: GeneratorSample;
  readonly layers?: Partial<Record<Layer, number>>;
  readonly series?: string;
}

const mega = 1_000_000;

/** Ten seconds of a server that is well, with what differs. */
function samples(change: Change | ((second: number) => Change) = {}): Sample[] {
  return Array.from({ length: 10 }, (_, second) => {
    const differs = typeof change === 'function' ? change(second) : change;
    return {
      atMs: (second + 1) * 1_000,
      intervalMs: 1_000,
      ...(differs.series === undefined ? {} : { series: differs.series }),
      ...(differs.layers === undefined ? {} : { layers: differs.layers }),
      calls: { calls: 1_000, errors: 0, latency: latency(0.8), inFlight: 1, queueDepth: 0, ...differs.calls },
      process: {
        cpu: 0.2,
        rssBytes: 80 * mega,
        heapUsedBytes: (20 + ((second * 7) % 5)) * mega,
        heapAfterGcBytes: 15 * mega,
        heapLimitBytes: 2_000 * mega,
        externalBytes: 2 * mega,
        eventLoopLagMs: { p50: 1, p99: 3, max: 9 },
        eventLoopUtilization: 0.2,
        gc: { count: 5, majorCount: 1, pauseMs: 6, longestPauseMs: 2 },
        descriptors: 40,
        descriptorLimit: 1_024,
        ...differs.process,
      },
      generator: { cpu: 0.3, lateP99Ms: 0.4, wanted: 1_000, ...differs.generator },
    };
  });
}

function latency(meanMs: number) {
  return {
    count: 1_000,
    meanMs,
    p50Ms: meanMs,
    p95Ms: meanMs * 1.5,
    p99Ms: meanMs * 2,
    p999Ms: meanMs * 3,
    maxMs: meanMs * 4,
  };
}

function found(given: readonly Sample[]): string[] {
  return analyzeBottlenecks(given).map(({ rule }) => rule);
}

const lag = (max: number) => ({ eventLoopLagMs: { p50: max / 10, p99: max, max } });

describe('a server that is well', () => {
  it('has no findings, and neither have no samples or empty ones', () => {
    expect(analyzeBottlenecks(samples())).toEqual([]);
    expect(analyzeBottlenecks([])).toEqual([]);
    expect(analyzeBottlenecks([{ atMs: 1_000, intervalMs: 1_000 }])).toEqual([]);
    expect(analyzeBottlenecks([{ atMs: 0, intervalMs: 0, calls: { calls: 0, errors: 0 } }])).toEqual([]);
  });
});

describe('one cause is one finding', () => {
  it('a handler that waits', () => {
    const [finding, ...more] = analyzeBottlenecks(samples({ calls: { latency: latency(21) } }));
    expect(more).toEqual([]);
    expect(finding).toMatchObject({ rule: 'handler-waits', component: 'handler', severity: 'medium' });
    expect(finding.evidence).toContainEqual({ name: 'mean latency', value: 21, unit: 'ms', threshold: 10 });
    expect(finding.summary).toContain('21 ms');
  });

  it('a blocked loop, with the latency it makes', () => {
    const given = samples({
      calls: { latency: latency(150), queueDepth: 2_000 },
      process: { ...lag(300), cpu: 0.95, eventLoopUtilization: 0.97 },
    });
    const [finding, ...more] = analyzeBottlenecks(given);
    expect(more).toEqual([]);
    // The queue behind it is critical, so it is.
    expect(finding).toMatchObject({ rule: 'event-loop-blocked', severity: 'critical' });
    expect(finding.evidence.map(({ name }) => name)).toContain('mean latency');
    expect(finding.evidence.map(({ name }) => name)).toContain('waiting');
  });

  it('a loop that is blocked without computing', () => {
    expect(found(samples({ process: { ...lag(200), cpu: 0.02, eventLoopUtilization: 0.9 } }))).toEqual([
      'event-loop-blocked',
    ]);
  });

  it('a loop that was blocked once is none', () => {
    expect(found(samples((second) => ({ process: lag(second === 3 ? 250 : 10) })))).toEqual([]);
    expect(found(samples((second) => ({ process: lag(second === 3 ? 2_500 : 10) })))).toEqual([
      'event-loop-blocked',
    ]);
  });

  it('collections that stop the loop', () => {
    const process = {
      ...lag(180),
      cpu: 0.9,
      gc: { count: 40, majorCount: 3, pauseMs: 400, longestPauseMs: 170 },
    };
    const [finding, ...more] = analyzeBottlenecks(samples({ process, calls: { latency: latency(60) } }));
    expect(more).toEqual([]);
    expect(finding).toMatchObject({ rule: 'gc-pressure', severity: 'critical' });
  });

  it('a leak, with the memory it fills', () => {
    const given = samples((second) => ({
      process: {
        heapUsedBytes: (300 + second * 60) * mega,
        heapAfterGcBytes: (280 + second * 60) * mega,
        rssBytes: (400 + second * 60) * mega,
      },
    }));
    const [finding, ...more] = analyzeBottlenecks(given);
    expect(more).toEqual([]);
    expect(finding).toMatchObject({ rule: 'memory-leak', severity: 'critical' });
    expect(finding.evidence[0]).toMatchObject({ unit: 'bytes/s' });
    expect(finding.evidence[0].value / mega).toBeCloseTo(60, 0);
  });

  it('a slow reader, whose answers fill memory and are no leak', () => {
    const given = samples((second) => ({
      calls: {
        backpressureMs: 990,
        queuedBytes: second * 8 * mega,
        latency: latency(40),
        watermarkCrossings: 1,
      },
      process: { heapAfterGcBytes: (20 + second * 9) * mega, heapUsedBytes: (30 + second * 9) * mega },
    }));
    const [finding, ...more] = analyzeBottlenecks(given);
    expect(more).toEqual([]);
    expect(finding).toMatchObject({ rule: 'slow-reader', component: 'peer', severity: 'high' });
  });

  it('a generator at its limit says nothing about the server', () => {
    const given = samples({
      generator: { cpu: 0.99, lateP99Ms: 400, wanted: 5_000 },
      calls: { latency: latency(500), queueDepth: 5_000 },
      process: { cpu: 0.97, eventLoopUtilization: 0.97 },
    });
    expect(found(given)).toEqual(['generator-bound']);
    expect(analyzeBottlenecks(given)[0].evidence.map(({ name }) => name)).not.toContain('mean latency');
  });

  it('a generator that is late while the server is idle', () => {
    expect(found(samples({ generator: { cpu: 0.4, lateP99Ms: 50, wanted: 3_000 } }))).toEqual([
      'generator-bound',
    ]);
    expect(
      found(samples({ generator: { cpu: 0.4, lateP99Ms: 90 }, calls: { latency: latency(60) } })),
    ).toEqual(['generator-bound']);
    expect(
      found(samples({ generator: { cpu: 0.4, lateP99Ms: 11 }, calls: { latency: latency(60) } })),
    ).toEqual(['handler-waits']);
  });

  it('a generator at its limit hides no fact of the process', () => {
    const given = samples({
      generator: { cpu: 1 },
      process: { ...lag(400), cpu: 0.9, eventLoopUtilization: 0.95 },
    });
    expect(found(given).sort()).toEqual(['event-loop-blocked', 'generator-bound']);
  });

  it('a busy thread, with the layer that takes the time', () => {
    const process = { cpu: 0.98, eventLoopUtilization: 0.99 };
    const calls = { latency: latency(30) };
    expect(analyzeBottlenecks(samples({ process, calls }))).toMatchObject([
      { rule: 'cpu-saturated', component: 'processor' },
    ]);
    expect(
      analyzeBottlenecks(samples({ process, calls, layers: { handler: 0.7, kernel: 0.3 } })),
    ).toMatchObject([{ rule: 'cpu-saturated', component: 'handler' }]);
    expect(found(samples({ process: { cpu: 0.98, eventLoopUtilization: undefined } }))).toEqual([
      'cpu-saturated',
    ]);
  });

  it('a host that is short of processors, which is no blocked loop and no slow handler', () => {
    const given = samples({
      process: { ...lag(150), cpu: 0.15, eventLoopUtilization: 0.8, processorWaitMs: 640 },
      calls: { latency: { ...latency(35), p50Ms: 2 } },
    });
    expect(found(given)).toEqual(['processor-contention']);
    // Where every call is slow, the handlers wait as well.
    const both = given.map((sample) => ({
      ...sample,
      calls: { calls: 1_000, errors: 0, latency: latency(35) },
    }));
    expect(found(both).sort()).toEqual(['handler-waits', 'processor-contention']);
  });

  it('a blocked loop is seen on a host that is short of processors, too', () => {
    const given = samples({
      process: { ...lag(600), cpu: 0.5, eventLoopUtilization: 0.9, processorWaitMs: 350 },
      calls: { latency: latency(300) },
    });
    expect(found(given)).toContain('event-loop-blocked');
  });
});

describe('limits', () => {
  it.each([
    [0.04, undefined],
    [0.06, 'high'],
    [0.3, 'critical'],
  ])('errors of %d of all calls', (share, severity) => {
    const given = analyzeBottlenecks(samples({ calls: { errors: share * 1_000 } }));
    expect(given[0]?.severity).toBe(severity);
    expect(given.length).toBe(severity === undefined ? 0 : 1);
  });

  it.each([
    [90, undefined],
    [150, 'medium'],
    [600, 'critical'],
  ])('%d MB of heap', (heap, severity) => {
    const given = analyzeBottlenecks(
      samples({ process: { heapUsedBytes: heap * mega, heapAfterGcBytes: heap * mega } }),
    );
    expect(given[0]?.severity).toBe(severity);
    expect(given.map(({ rule }) => rule)).toEqual(severity === undefined ? [] : ['memory-high']);
  });

  it('resident memory counts where the heap is not known, and for less', () => {
    const unknown = { heapUsedBytes: undefined, heapAfterGcBytes: undefined, rssBytes: 150 * mega };
    expect(analyzeBottlenecks(samples({ process: unknown }))).toMatchObject([
      { rule: 'memory-high', severity: 'low' },
    ]);
    expect(found(samples({ process: { rssBytes: 150 * mega } }))).toEqual([]);
  });

  it('a queue that stays long', () => {
    expect(analyzeBottlenecks(samples({ calls: { queueDepth: 1_500 } }))).toMatchObject([
      { rule: 'queue-depth', severity: 'critical' },
    ]);
    expect(found(samples((second) => ({ calls: { queueDepth: second < 8 ? 1_500 : 0 } })))).toEqual([]);
  });

  it('sends that overflow', () => {
    expect(found(samples({ calls: { sends: 1_000, overflows: 40 } }))).toEqual([]);
    expect(analyzeBottlenecks(samples({ calls: { sends: 1_000, overflows: 80 } }))).toMatchObject([
      { rule: 'overflow', severity: 'critical' },
    ]);
  });

  it('descriptors', () => {
    expect(analyzeBottlenecks(samples({ process: { descriptors: 900 } }))).toMatchObject([
      { rule: 'descriptors-near-limit', severity: 'high' },
    ]);
    expect(analyzeBottlenecks(samples({ process: { descriptors: 1_000 } }))).toMatchObject([
      { rule: 'descriptors-near-limit', severity: 'critical' },
    ]);
  });

  it('a heap that is nearly full', () => {
    const given = samples({
      process: { heapUsedBytes: 95 * mega, heapAfterGcBytes: 90 * mega, heapLimitBytes: 100 * mega },
    });
    expect(analyzeBottlenecks(given)).toMatchObject([{ rule: 'heap-near-limit', severity: 'critical' }]);
  });

  it('latency of what cannot be told', () => {
    const bare = samples({ calls: { latency: latency(2_000) } }).map(
      ({ process: _, generator: __, ...rest }) => rest,
    );
    expect(analyzeBottlenecks(bare)).toMatchObject([{ rule: 'latency-high', severity: 'critical' }]);
  });

  it('can be given', () => {
    const given = samples({ calls: { latency: latency(21) } });
    expect(analyzeBottlenecks(given, { thresholds: { latencyMeanMs: 50 } })).toEqual([]);
  });
});

describe('findings', () => {
  it('are judged by series, and the worst come first', () => {
    const tcp = samples({ series: 'tcp', calls: { latency: latency(20) } });
    const http = samples({ series: 'http', calls: { errors: 500 } });
    const given = analyzeBottlenecks([...tcp, ...http]);
    expect(given.map(({ rule, severity }) => `${rule} ${severity}`)).toEqual([
      'error-rate critical',
      'handler-waits medium',
    ]);
    expect(given[0].summary).toMatch(/^http: /);
    expect(given[1].summary).toMatch(/^tcp: /);
  });

  it('have ids that are all known', () => {
    expect(new Set(bottleneckRules).size).toBe(bottleneckRules.length);
    expect(bottleneckRules).toContain('handler-waits');
  });
});

import { describe, expect, it } from 'vitest';
import { advise, type Calibration, type DescribedLoad, suggestProfile } from '../../src/analysis/advice.js';
import { shapeOf } from '../../src/workbench/advise/calibrate.js';

const load: DescribedLoad = {
  callsPerSecond: 10_000,
  payloadBytes: 256,
  connections: 32,
  clients: 'network',
  standardOnly: false,
  handlerMs: 0,
  roundTripMs: 1,
};

function figures(
  transport: 'stdio' | 'unix' | 'tcp' | 'http' | 'ws',
  cpuUsPerCall: number,
  p99us: number,
): Calibration['transports'][number] {
  return {
    transport,
    maxRate: 1e6 / cpuUsPerCall,
    cpuUsPerCall,
    p50us: p99us / 3,
    p99us,
    latencyRate: 10_000,
    generatorBound: false,
  };
}

const calibration: Calibration = {
  cores: 2,
  transports: [figures('http', 18, 900), figures('ws', 6, 600), figures('tcp', 2, 400)],
  encodings: [
    { encoding: 'json', cpuUsPerCall: 4 },
    { encoding: 'msgpack', cpuUsPerCall: 5 },
  ],
  profiles: [
    { profile: 'none', cpuUsPerCall: 2, p99us: 400 },
    { profile: 'medium', cpuUsPerCall: 2.1, p99us: 380 },
  ],
};

describe('advise', () => {
  it('takes what costs least, and says what it measured', () => {
    const advice = advise(load, calibration);
    expect(advice).toMatchObject({
      transport: 'tcp',
      encoding: 'json',
      profile: 'medium',
      workers: 1,
      hosts: 1,
    });
    expect(advice.busyCores).toBeCloseTo(0.02);
    expect(advice.choices.map(({ about }) => about)).toEqual([
      'transport',
      'encoding',
      'profile',
      'buffers',
      'workers',
    ]);
    expect(advice.choices[0].because).toContain('2.0 µs of processor time a call (http 18.0 µs, ws 6.0 µs)');
    expect(advice.keepsLatency).toBeUndefined();
  });

  it('takes the more widely spoken one where the difference is noise', () => {
    const transports = [figures('http', 6.3, 900), figures('ws', 6, 600), figures('tcp', 6.5, 400)];
    expect(advise(load, { ...calibration, transports }).transport).toBe('http');
  });

  it('offers web pages no socket, and programs that start the server only stdio', () => {
    expect(advise({ ...load, clients: 'browser' }, calibration).transport).toBe('ws');
    const spawned = { ...load, clients: 'spawned', connections: 1, handlerMs: 1 } as const;
    const transports = [figures('stdio', 2, 100)];
    expect(advise(spawned, { ...calibration, transports })).toMatchObject({ transport: 'stdio', workers: 1 });
    expect(() => advise(spawned, calibration)).toThrow(RangeError);
  });

  it('prefers what keeps to the latency, and says where nothing does', () => {
    const transports = [figures('http', 18, 900), figures('ws', 6, 9_000), figures('tcp', 2, 8_000)];
    const kept = advise({ ...load, p99Ms: 1 }, { ...calibration, transports });
    expect(kept).toMatchObject({ transport: 'http', keepsLatency: true });
    const missed = advise({ ...load, p99Ms: 0.5 }, { ...calibration, transports });
    expect(missed).toMatchObject({ transport: 'tcp', keepsLatency: false });
    expect(missed.choices[0].because).toContain('none keeps to 0.5 ms');
  });

  it('takes MessagePack where it is measured to save, and counts it', () => {
    const encodings = [
      { encoding: 'json', cpuUsPerCall: 100 },
      { encoding: 'msgpack', cpuUsPerCall: 50 },
    ] as const;
    const advice = advise({ ...load, payloadBytes: 100_000 }, { ...calibration, encodings });
    expect(advice.encoding).toBe('msgpack');
    expect(advice.busyCores).toBeCloseTo(0.01);
  });

  it('leaves sockets alone where tuning costs', () => {
    const profiles = [
      { profile: 'none', cpuUsPerCall: 2, p99us: 400 },
      { profile: 'medium', cpuUsPerCall: 3, p99us: 400 },
    ] as const;
    expect(advise(load, { ...calibration, profiles }).profile).toBe('none');
    expect(advise(load, { ...calibration, profiles: [] }).profile).toBe('none');
  });

  it('counts workers and hosts from processor time, with room for bursts', () => {
    const busy = advise({ ...load, handlerMs: 0.298 }, calibration);
    expect(busy.busyCores).toBeCloseTo(3);
    expect(busy).toMatchObject({ workers: 2, hosts: 3 });
  });

  it('makes buffers as large as messages and long paths want them', () => {
    const { buffers } = advise(load, calibration);
    expect(buffers).toEqual({ maxFrameBytes: 4_194_304, highWatermarkBytes: 1_048_576 });
    const far = advise(
      { ...load, payloadBytes: 3_000_000, callsPerSecond: 10, connections: 1, roundTripMs: 100 },
      calibration,
    ).buffers;
    expect(far.maxFrameBytes).toBeGreaterThanOrEqual(4 * 3_000_000);
    expect(far.highWatermarkBytes).toBeGreaterThanOrEqual(2 * 3_000_000);
    // 30 MB/s for a tenth of a second.
    expect(far.socketBytes).toBeGreaterThanOrEqual(3_000_000);
  });

  it('suggests tuning by the shape of the load', () => {
    expect(suggestProfile(load)).toBe('medium');
    expect(suggestProfile({ ...load, connections: 5_000 })).toBe('low');
    expect(suggestProfile({ ...load, callsPerSecond: 100_000 })).toBe('high');
    expect(suggestProfile({ ...load, payloadBytes: 1_000_000 })).toBe('extreme');
  });
});

describe('the calls of a calibration', () => {
  it.each([
    [256, 1000, { connections: 64, depth: 16 }],
    [256, 3, { connections: 3, depth: 16 }],
    [2 ** 20, 64, { connections: 16, depth: 16 }],
    [32 * 2 ** 20, 64, { connections: 1, depth: 8 }],
  ])('of %d bytes on %d connections fit into the memory', (payloadBytes, connections, shape) => {
    expect(shapeOf({ ...load, payloadBytes, connections })).toEqual(shape);
  });
});

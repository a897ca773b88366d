/** `ringwire advise` runs for real, for a fifth of a second each: what it measured is coarse, what it says of it is not. */
import { describe, expect, it } from 'vitest';
import type { Advice, Calibration, DescribedLoad } from '../../src/analysis/advice.js';
import { ringwire } from './run.js';

interface Told {
  readonly load: DescribedLoad;
  readonly calibration: Calibration;
  readonly advice: Advice;
}

describe('ringwire advise', () => {
  it('measures every transport the clients can reach, and chooses one of them', async () => {
    const { code, stdout, stderr } = await ringwire([
      'advise',
      '--clients',
      'local',
      '--seconds',
      '0.2',
      '--json',
    ]);
    expect(code, stderr).toBe(0);
    const { calibration, advice } = JSON.parse(stdout) as Told;
    const names = calibration.transports.map(({ transport }) => transport);
    expect(names).toEqual(['http', 'ws', 'unix', 'tcp']);
    expect(names).toContain(advice.transport);
    for (const { cpuUsPerCall, maxRate, p99us } of calibration.transports)
      for (const value of [cpuUsPerCall, maxRate, p99us]) expect(value).toBeGreaterThan(0);
    expect(calibration.encodings.map(({ encoding }) => encoding)).toEqual(['json', 'msgpack']);
    expect(calibration.profiles.map(({ profile }) => profile)).toEqual(['none', 'medium']);
  }, 60_000);

  it('says what it would take, ends with 1 where the latency cannot be kept', async () => {
    const args = ['advise', '--clients', 'spawned', '--seconds', '0.2', '--rate', '10', '--p99', '0.01'];
    const { code, stdout } = await ringwire(args);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^transport +stdio +/m);
    expect(stdout).toContain('No transport keeps 99 % of the calls within 0.01 ms');
    expect(stdout).toContain('ringwire serve app.mjs --stdio');
  }, 60_000);

  it.each([
    [['--clients', 'locl'], /--clients must be .* or browser.*\n.*Did you mean --clients local/s],
    [['--rate', 'fast'], /--rate must be a number between/],
    [['--payload', '0'], /--payload must be a whole number between 1 and/],
  ])('refuses %j with what is right', async (args, message) => {
    const { code, stderr } = await ringwire(['advise', ...args]);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringMatching(message) });
  });
});

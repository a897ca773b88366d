import { describe, expect, it } from 'vitest';
import { describeMachine, fingerprintOf } from '../../src/workbench/machine.js';

describe('the fingerprint of a machine', () => {
  const machine = describeMachine();

  it('is the same after its kernel was updated', () => {
    const { fingerprint, ...known } = machine;
    expect(fingerprint).toMatch(/^[0-9a-f]{16}$/);
    expect(fingerprintOf({ ...known, kernel: '99.0.1' })).toBe(fingerprint);
  });

  it.each([
    ['processor', { cpu: 'another' }],
    ['number of cores', { cores: 1000 }],
    ['amount of memory', { memoryBytes: (machine.memoryBytes ?? 0) + 2 ** 31 }],
  ])('is another one for another %s', (_what, changes) => {
    expect(fingerprintOf({ ...machine, ...changes })).not.toBe(machine.fingerprint);
  });
});

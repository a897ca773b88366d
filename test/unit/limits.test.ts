/** The limits: each says its unit and its reason, and they fit together. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as limits from '../../src/limits.js';

const source = readFileSync(new URL('../../src/limits.ts', import.meta.url), 'utf8');

describe('limits', () => {
  it('each has a docstring directly above it', () => {
    const documented = [...source.matchAll(/\/\*\*(?:[^*]|\*(?!\/)){20,}\*\/\nexport const (\w+)/g)];
    expect(documented.map(([, name]) => name).sort()).toEqual(Object.keys(limits).sort());
  });

  it('are positive integers', () => {
    for (const [name, value] of Object.entries(limits)) {
      expect(Number.isSafeInteger(value), name).toBe(true);
      expect(value, name).toBeGreaterThan(0);
    }
  });

  it('fit together', () => {
    expect(limits.maxFrameBytes).toBeLessThanOrEqual(limits.maxFrameBytesLimit);
    expect(limits.maxDepth).toBeLessThanOrEqual(limits.maxDepthLimit);
    expect(limits.lowWatermarkBytes).toBeLessThan(limits.highWatermarkBytes);
    expect(limits.defaultTimeoutMs).toBeLessThanOrEqual(limits.maxTimeoutMs);
    // A frame must fit into one V8 string.
    expect(limits.maxFrameBytesLimit).toBeLessThan(0x1fffffe8);
    expect(
      JSON.stringify(JSON.parse('['.repeat(limits.maxDepthLimit) + ']'.repeat(limits.maxDepthLimit))),
    ).toHaveLength(2 * limits.maxDepthLimit);
  });
});

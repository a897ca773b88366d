/** Samples recorded of servers with a known fault (test/process/faulty-server.mjs), on a host that was short of processors. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { analyzeBottlenecks } from '../../src/analysis/bottlenecks.js';
import type { Sample } from '../../src/analysis/sample.js';
import { readSamples } from '../../src/workbench/monitor/sample-source.js';

function recorded(name: string): Promise<readonly Sample[]> {
  return readSamples(fileURLToPath(new URL(`fixtures/samples/${name}.jsonl`, import.meta.url)));
}

const rules = (samples: readonly Sample[]): string[] => analyzeBottlenecks(samples).map(({ rule }) => rule);

describe('recorded samples', () => {
  it.each([
    ['healthy', []],
    ['delay', ['handler-waits']],
    ['leak', ['memory-leak']],
    ['blocked', ['event-loop-blocked']],
    ['slow-reader', ['slow-reader']],
    ['generator', ['generator-bound']],
  ])('of %s: %o', async (name, wanted) => {
    const samples = await recorded(name);
    // Of a generator that is late nothing is concluded, nor of what else the host did.
    const host = name === 'generator' ? [] : ['processor-contention'];
    expect(rules(samples).sort()).toEqual([...wanted, ...host].sort());
  });

  it('tell the same where fewer figures are known', async () => {
    // As a monitor sees a process from outside, and a load generator its calls.
    const outside = (await recorded('delay')).map(({ process, ...rest }) => ({
      ...rest,
      process: { cpu: process?.cpu, rssBytes: process?.rssBytes, processorWaitMs: process?.processorWaitMs },
    }));
    expect(rules(outside).sort()).toEqual(['handler-waits', 'processor-contention']);
  });
});

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it, vi } from 'vitest';
import { UsageMeter } from '../../src/workbench/servers/usage-meter.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

it('tells the longest pause of each interval, also where an earlier one was longer', async () => {
  const meter = new UsageMeter();
  // Collections are told of a while later.
  for (let interval = 0; interval < 2; interval += 1) {
    collect();
    await vi.waitFor(() => expect(meter.read().gc.longestPauseMs).toBeGreaterThan(0), { interval: 5 });
    // Nothing was told since.
    expect(meter.read().gc).toMatchObject({ longestPauseMs: 0 });
  }
});

/** Memory: what is held, what leaks, and what collecting it costs. */
import { detectLeak } from '../leak.js';
import type { Picture } from './picture.js';
import { figure, measured, megabytes, milliseconds, ms, percent, type Rule, share } from './rule.js';

const leakAdvice = {
  heap: 'Take two heap snapshots some minutes apart (`ringwire profile --heap`) and compare which objects became more; look for maps, arrays and listeners that are only ever added to.',
  buffers:
    'Look for Buffers that are kept: caches without a limit, chunks that are collected and never joined.',
  resident:
    'The heap does not explain it: look at native addons and at the allocator (MALLOC_ARENA_MAX=2, jemalloc).',
};

export const memoryLeak: Rule = ({ samples, queuedBytes }) => {
  const found = detectLeak(samples);
  if (!found.isLeak) return undefined;
  // What waits for peers is held, not lost.
  if (queuedBytes !== undefined && queuedBytes.grown > found.growthBytes / 2) return undefined;
  const what = { heap: 'The heap', buffers: 'Memory of Buffers', resident: 'Resident memory' }[found.memory];
  return {
    rule: 'memory-leak',
    component: 'memory',
    severity: 'critical',
    summary: `${what} grows by ${megabytes(found.bytesPerSecond)} a second and is not given back.`,
    evidence: [
      figure('growth', found.bytesPerSecond, 'bytes/s'),
      figure('growth, lower end of the 95 % interval', found.lowBytesPerSecond, 'bytes/s', 0),
      figure('growth over the time looked at', found.growthBytes, 'bytes'),
      share('confidence', found.confidence, 0.95),
    ],
    cause:
      found.memory === 'heap'
        ? 'What is left after each collection is more than after the one before: objects are kept that nobody needs.'
        : 'It grows steadily while the load stays as it is.',
    recommendation: leakAdvice[found.memory],
  };
};

export const memoryHigh: Rule = ({ memory, thresholds }) => {
  if (memory === undefined || memory.bytes < thresholds.memoryBytes) return undefined;
  const isCritical = memory.bytes >= thresholds.memoryBytesCritical;
  const what = memory.isResident ? 'resident memory' : 'heap and buffers';
  // Node.js alone has about half of the limit resident: that says less than the heap does.
  const severity = isCritical ? 'critical' : memory.isResident ? 'low' : 'medium';
  return {
    rule: 'memory-high',
    component: 'memory',
    severity,
    summary: `The process holds ${megabytes(memory.bytes)} of ${what}.`,
    evidence: [
      figure(
        what,
        memory.bytes,
        'bytes',
        isCritical ? thresholds.memoryBytesCritical : thresholds.memoryBytes,
      ),
    ],
    cause: 'It keeps that much: caches, large answers, many connections or many calls at once.',
    recommendation:
      'Look at a heap profile; set limits on caches and on bytes that wait for peers (maxBacklogBytes, highWatermarkBytes).',
  };
};

export const gcPause: Rule = ({ gc, cpu, thresholds }) => {
  if (gc === undefined) return undefined;
  const isLong = gc.longestPauseMs >= thresholds.gcPauseMs;
  if (gc.pauseShare < thresholds.gcPauseShare && !isLong) return undefined;
  return {
    rule: 'gc-pressure',
    component: 'garbage collection',
    severity: gc.pauseShare >= thresholds.gcPauseShareCritical ? 'critical' : 'high',
    summary: `Collections stop the process ${percent(gc.pauseShare)} of the time, for up to ${milliseconds(gc.longestPauseMs)}.`,
    evidence: measured(
      share('time in pauses', gc.pauseShare, thresholds.gcPauseShare),
      ms('longest pause', gc.longestPauseMs, thresholds.gcPauseMs),
      figure('collections of the whole heap', gc.majorPerSecond, 'count/s'),
      cpu === undefined ? undefined : figure('processor', cpu, 'cores'),
    ),
    cause:
      'Calls allocate much, or what lives long fills the heap so that each collection has much to look through.',
    recommendation:
      'Allocate less for each call (see the allocation profile); a larger young generation (--max-semi-space-size=64) helps where most of it is short-lived.',
  };
};

export const heapNearLimit: Rule = ({ samples, thresholds }) => {
  const full = fullness(samples);
  if (full === undefined || full.share < thresholds.heapShare) return undefined;
  return {
    rule: 'heap-near-limit',
    component: 'memory',
    severity: 'critical',
    summary: `The heap is ${percent(full.share)} full after collections: the process is about to end.`,
    evidence: [
      share('heap in use of its limit', full.share, thresholds.heapShare),
      figure('limit of the heap', full.limitBytes, 'bytes'),
    ],
    cause: 'The heap is too small for what the process holds, or it leaks.',
    recommendation: 'Find what is held by a heap profile; else raise --max-old-space-size.',
  };
};

/** By the lowest of the last third: the peaks between collections say nothing. */
function fullness(
  samples: Picture['samples'],
): { readonly share: number; readonly limitBytes: number } | undefined {
  const last = samples.slice(Math.floor((samples.length * 2) / 3));
  let found: { share: number; limitBytes: number } | undefined;
  for (const { process } of last) {
    const limitBytes = process?.heapLimitBytes;
    const used = process?.heapAfterGcBytes ?? process?.heapUsedBytes;
    if (limitBytes === undefined || limitBytes <= 0 || used === undefined) continue;
    const share = used / limitBytes;
    if (found === undefined || share < found.share) found = { share, limitBytes };
  }
  return found;
}

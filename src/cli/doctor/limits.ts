/** What the control group and V8 let this process have. */
import { availableParallelism } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import type { CgroupLimits } from '../../observability/cgroup.js';
import { couldBeBetter, type Finding, ok } from './check.js';

const mebibyte = 1024 * 1024;
/** A group that is stopped more often than this adds whole periods of 100 ms to its tail latency. */
const fewThrottledPeriods = 0.01;
/** What a process needs beside V8's heap: Buffers, native memory, stacks, code. */
const heapShareOfGroup = 0.75;
const nearlyFull = 0.9;

const mb = (value: number): string => `${Math.round(value / mebibyte)} MiB`;

export function cgroupFindings(limits: CgroupLimits, heapLimitBytes = heapLimit()): Finding[] {
  return [cpuQuota(limits), memory(limits, heapLimitBytes)];
}

/** V8 adds the young generation to what --max-old-space-size says. */
function heapLimit(): number {
  return getHeapStatistics().heap_size_limit;
}

function cpuQuota({ cpus, throttledShare = 0 }: CgroupLimits): Finding {
  if (cpus === undefined) return ok('cpu quota', `none; ${availableParallelism()} cores may be used whole`);
  const found = `${cpus} cores in each period, stopped in ${(throttledShare * 100).toFixed(1)} % of the periods`;
  if (cpus >= 1 && throttledShare <= fewThrottledPeriods) return ok('cpu quota', found);
  const wanted = Math.max(2, Math.ceil(cpus * 2));
  return couldBeBetter(
    'cpu quota',
    `${found}; a stopped process answers nobody until the next period`,
    `docker update --cpus ${wanted} CONTAINER   (Kubernetes: resources.limits.cpu: "${wanted}"; systemd: CPUQuota=${wanted * 100}%)`,
  );
}

function memory({ memoryBytes, memoryUsedBytes }: CgroupLimits, heapLimitBytes: number): Finding {
  const heap = `V8's heap may grow to ${mb(heapLimitBytes)}`;
  if (memoryBytes === undefined) return ok('memory', `no limit of the group; ${heap}`);
  const used = memoryUsedBytes === undefined ? '' : `, ${mb(memoryUsedBytes)} used`;
  const found = `${mb(memoryBytes)} for the group${used}; ${heap}`;
  if (memoryUsedBytes !== undefined && memoryUsedBytes > nearlyFull * memoryBytes) {
    const wanted = Math.ceil((2 * memoryBytes) / mebibyte);
    return couldBeBetter(
      'memory',
      `${found}; the kernel kills what goes beyond`,
      `docker update --memory ${wanted}m CONTAINER   (Kubernetes: resources.limits.memory: ${wanted}Mi)`,
    );
  }
  const most = heapShareOfGroup * memoryBytes;
  if (heapLimitBytes <= Math.max(most, mebibyte)) return ok('memory', found);
  return couldBeBetter(
    'memory',
    `${found}, beyond what the group leaves it: the kernel kills the process before V8 collects`,
    `export NODE_OPTIONS="--max-old-space-size=${Math.floor((most / mebibyte) * 0.9)}"`,
  );
}

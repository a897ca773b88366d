/**
 * What the control group of this process grants (https://docs.kernel.org/admin-guide/cgroup-v2.html, and version 1's
 * cpu and memory controllers). A container's limits stand here and nowhere else: the host's processors and memory are
 * not what the process may use.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface CgroupLimits {
  /** Processors the quota is worth; undefined: no quota. */
  readonly cpus?: number;
  /** Share of its periods in which the group was stopped because its quota was used up; undefined without a quota. */
  readonly throttledShare?: number;
  readonly memoryBytes?: number;
  readonly memoryUsedBytes?: number;
}

/** Version 1 says "no limit" with the largest number of pages. */
const noLimitBytes = 2 ** 60;

type Read = (path: string) => string | undefined;

function reader(root: string): Read {
  return (path) => {
    try {
      return readFileSync(join(root, path), 'utf8').trim();
    } catch {
      return undefined;
    }
  };
}

/** The group's own folder first, then its parents': a limit holds for all below it. */
function ancestors(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '');
  return parts.map((_, index) => parts.slice(0, parts.length - index).join('/')).concat('');
}

function least(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined && Number.isFinite(value) && value > 0);
  return known.length === 0 ? undefined : Math.min(...(known as number[]));
}

function quota(text: string | undefined): number | undefined {
  const [most, period] = (text ?? '').split(/\s+/);
  return most === 'max' ? undefined : Number(most) / Number(period);
}

function bytes(text: string | undefined): number | undefined {
  const value = text === undefined ? Number.NaN : Number(text);
  return value < noLimitBytes ? value : undefined;
}

/** Of `cpu.stat`. */
function throttled(text: string | undefined): number | undefined {
  const value = (name: string): number => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text ?? '')?.[1]);
  const share = value('nr_throttled') / value('nr_periods');
  return Number.isFinite(share) ? share : undefined;
}

/** Every field that is known; `root` is the folder that holds `proc` and `sys`. Empty where there is no /proc. */
export function readCgroup(root = '/'): CgroupLimits {
  const read = reader(root);
  const lines = (read('proc/self/cgroup') ?? '').split('\n').map((line) => line.split(':'));
  const pathOf = (controller: string): string | undefined =>
    lines.find(([, names]) => names?.split(',').includes(controller))?.[2];
  const v2 = pathOf('');
  const v1Cpu = pathOf('cpu');
  const v1Memory = pathOf('memory');
  const below = (folder: string, path: string | undefined): string[] =>
    path === undefined ? [] : ancestors(path).map((part) => join('sys/fs/cgroup', folder, part));
  // Version 2 is mounted at the top, or beside version 1 as `unified`.
  const unified = [...below('', v2), ...below('unified', v2)];
  const cpu = below('cpu', v1Cpu);
  const memory = below('memory', v1Memory);
  const cpus = least([
    ...unified.map((folder) => quota(read(`${folder}/cpu.max`))),
    ...cpu.map(
      (folder) => Number(read(`${folder}/cpu.cfs_quota_us`)) / Number(read(`${folder}/cpu.cfs_period_us`)),
    ),
  ]);
  const first = (folders: readonly string[], file: string): string | undefined =>
    folders.map((folder) => read(`${folder}/${file}`)).find((text) => text !== undefined);
  const memoryBytes = least([
    ...unified.map((folder) => bytes(read(`${folder}/memory.max`))),
    ...memory.map((folder) => bytes(read(`${folder}/memory.limit_in_bytes`))),
  ]);
  const memoryUsedBytes = bytes(first(unified, 'memory.current') ?? first(memory, 'memory.usage_in_bytes'));
  const throttledShare = cpus === undefined ? undefined : throttled(first([...unified, ...cpu], 'cpu.stat'));
  return {
    ...(cpus === undefined ? {} : { cpus }),
    ...(throttledShare === undefined ? {} : { throttledShare }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(memoryUsedBytes === undefined ? {} : { memoryUsedBytes }),
  };
}

/** What a record says of where it was measured. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { BenchRecord, Machine } from '../analysis/record.js';
import { packageRoot } from '../binding/package-root.js';

/** Reads the files of one control group, of version 2 or 1; undefined where there is no limit, or no such file. */
function cgroupNumber(files: readonly string[]): number | undefined {
  for (const file of files) {
    const text = readOrEmpty(file).trim();
    // Version 1 writes a number near 2^63 for no limit.
    if (/^\d+$/.test(text) && Number(text) < 2 ** 60) return Number(text);
  }
  return undefined;
}

/** Cores that the control group grants, where it grants fewer than the machine has. */
function cgroupCores(): number | undefined {
  const [quota, period] = readOrEmpty('/sys/fs/cgroup/cpu.max').trim().split(' ').map(Number);
  if (quota > 0 && period > 0) return quota / period;
  const oldQuota = cgroupNumber(['/sys/fs/cgroup/cpu/cpu.cfs_quota_us']);
  const oldPeriod = cgroupNumber(['/sys/fs/cgroup/cpu/cpu.cfs_period_us']);
  return oldQuota !== undefined && oldPeriod !== undefined && oldPeriod > 0
    ? oldQuota / oldPeriod
    : undefined;
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** This machine, as far as it decides what is measured on it. */
export function describeMachine(): Machine {
  const granted = cgroupCores();
  const cores = availableParallelism();
  const limit = cgroupNumber(['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes']);
  const known = {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: granted === undefined ? cores : Math.min(cores, Math.round(granted * 100) / 100),
    kernel: release(),
    memoryBytes: Math.min(limit ?? Number.POSITIVE_INFINITY, totalmem()),
    platform: `${process.platform}-${process.arch}`,
  };
  const digest = createHash('sha256').update(JSON.stringify(known)).digest('hex');
  return { ...known, fingerprint: digest.slice(0, 16) };
}

/** Cores this process may run on, rising; empty where that cannot be told. */
export function allowedCores(): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readOrEmpty('/proc/self/status'))?.[1];
  if (list === undefined) return [];
  return list.split(',').flatMap((part) => {
    const [first, last = first] = part.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

async function git(folder: string, ...args: string[]): Promise<string | undefined> {
  try {
    return (await promisify(execFile)('git', args, { cwd: folder })).stdout.trim();
  } catch {
    return undefined;
  }
}

/** The commit of the clone that the package runs from; nothing where it was installed. */
async function describeCommit(): Promise<Pick<BenchRecord, 'commit' | 'dirty'>> {
  const folder = fileURLToPath(packageRoot);
  if (!existsSync(new URL('.git', packageRoot))) return {};
  const commit = await git(folder, 'rev-parse', '--short=12', 'HEAD');
  if (commit === undefined) return {};
  const changes = await git(folder, 'status', '--porcelain', '--untracked-files=no');
  return { commit, dirty: changes !== '' };
}

export type Origin = Pick<BenchRecord, 'commit' | 'dirty' | 'node' | 'ringwire' | 'machine' | 'date'>;

/** Where and of what a measurement is that begins now. */
export async function describeOrigin(now: Date = new Date()): Promise<Origin> {
  const { version } = createRequire(packageRoot)('./package.json') as { readonly version: string };
  return {
    ...(await describeCommit()),
    node: process.versions.node,
    ringwire: version,
    machine: describeMachine(),
    date: now.toISOString(),
  };
}

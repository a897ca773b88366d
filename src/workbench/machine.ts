/** What a record says of where it was measured. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { BenchRecord, Machine } from '../analysis/record.js';
import { packageRoot, packageVersion } from '../binding/package-root.js';
import { readCgroup } from '../observability/cgroup.js';

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** This machine, as far as it decides what is measured on it. */
export function describeMachine(): Machine {
  const { cpus: granted, memoryBytes: limit } = readCgroup();
  const cores = availableParallelism();
  const known = {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: granted === undefined ? cores : Math.min(cores, Math.round(granted * 100) / 100),
    kernel: release(),
    memoryBytes: Math.min(limit ?? Number.POSITIVE_INFINITY, totalmem()),
    platform: `${process.platform}-${process.arch}`,
  };
  return { ...known, fingerprint: fingerprintOf(known) };
}

/** Equal for the same machine after an update: the kernel's release is left out, and so is the memory it keeps for itself. */
export function fingerprintOf({ cpu, cores, platform, memoryBytes }: Omit<Machine, 'fingerprint'>): string {
  const gibibytes = Math.ceil((memoryBytes ?? 0) / 2 ** 30);
  return createHash('sha256')
    .update(JSON.stringify([cpu, cores, platform, gibibytes]))
    .digest('hex')
    .slice(0, 16);
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
  return {
    ...(await describeCommit()),
    node: process.versions.node,
    ringwire: packageVersion(),
    machine: describeMachine(),
    date: now.toISOString(),
  };
}

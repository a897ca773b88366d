// What a record says about where it was measured, and which cores server and generator get.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

function git(...args) {
  const result = spawnSync('git', args, { cwd: root, encoding: 'utf8' });
  return result.status === 0 ? result.stdout.trim() : undefined;
}

// Ids of the CPUs this process may use, from a list such as "0-1,4".
function allowedCpus() {
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  return list.split(',').flatMap((part) => {
    const [first, last = first] = part.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

/** Server on the first core, generator on the second; neither is pinned where there is only one. */
export function chooseCores() {
  const cpus = allowedCpus();
  const taskset = spawnSync('taskset', ['--version']).status === 0;
  return cpus.length > 1 && taskset ? { server: cpus[0], generator: cpus[1] } : {};
}

export function describeRun() {
  const [cpu] = os.cpus();
  return {
    commit: git('rev-parse', '--short=12', 'HEAD') ?? 'unknown',
    // Results aside, did the measured tree differ from the commit?
    dirty: (git('status', '--porcelain', '--untracked-files=no', '--', '.', ':!bench/results') ?? '') !== '',
    node: process.versions.node,
    machine: { cpu: cpu?.model ?? 'unknown', cores: os.availableParallelism(), kernel: os.release() },
    date: new Date().toISOString(),
  };
}

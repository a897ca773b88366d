// Builds the load generator and the C++ contenders with make; a no-op when they are up to date.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { BenchError } from './errors.mjs';

const folder = fileURLToPath(new URL('../loadgen/', import.meta.url));

export const loadgenPath = `${folder}build/loadgen`;
export const epollEchoPath = `${folder}build/epoll-echo`;

export function buildLoadgen() {
  if (process.platform !== 'linux') {
    throw new BenchError(
      'the load generator needs Linux (epoll); run the benchmarks in a Linux machine or container',
    );
  }
  const made = spawnSync('make', ['-s', '-j2', '-C', folder], { encoding: 'utf8' });
  if (made.status === 0) return;
  const reason = made.error?.code === 'ENOENT' ? 'make was not found' : (made.stderr || made.stdout).trim();
  throw new BenchError(
    `cannot build the load generator: ${reason}\n` +
      'It needs make and a C++17 compiler: on Debian and Ubuntu, apt-get install make g++',
  );
}

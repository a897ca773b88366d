// bench/loadgen/src to bench/loadgen/build/loadgen, by make: the load generator, which needs epoll and hence Linux.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

export const loadgen = 'bench/loadgen/build/loadgen';

/** Whether this platform has a generator at all. Others load with the one in JavaScript. */
export const hasLoadgen = process.platform === 'linux';

/** Returns whether it is up to date. */
export function buildLoadgen({ quiet }) {
  if (!quiet && !existsSync(loadgen)) process.stderr.write('build: the load generator…\n');
  const result = spawnSync('make', ['-s', '-j2', '-C', 'bench/loadgen', 'build/loadgen'], {
    encoding: 'utf8',
  });
  if (result.status === 0) return true;
  const missing = result.error?.code === 'ENOENT' ? 'make not found' : undefined;
  const reason = missing ?? (result.stderr || result.stdout || `exit ${result.status}`).trim();
  process.stderr.write(`build: no native load generator (${reason.slice(0, 2000)})\n`);
  process.stderr.write(
    existsSync(loadgen)
      ? 'build: the one of the build before it stays in use\n'
      : 'build: ringwire bench loads with the slower one in JavaScript; on Debian or Ubuntu: apt-get install make g++\n',
  );
  return false;
}

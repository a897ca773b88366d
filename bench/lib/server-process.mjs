// Starts a contender that listens, waits for its LISTENING line, ends it again.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { BenchError, lastWords } from './errors.mjs';

const startTimeoutMs = 20_000;
const stopTimeoutMs = 3_000;
const running = new Set();

process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** argv that runs on `cpu` only; unchanged without a cpu. taskset execs, so the pid is the server's. */
export function pinned(argv, cpu) {
  return cpu === undefined ? argv : ['taskset', '-c', String(cpu), ...argv];
}

/** Resolves to { url, pid, startMs, stop(), ended() }; rejects with what the program said when it ended instead. */
export async function startServer(argv, cpu) {
  const [file, ...args] = pinned(argv, cpu);
  const begin = performance.now();
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  child.once('exit', () => running.delete(child));
  let output = '';
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors = (errors + chunk).slice(-4000);
  });
  const url = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new BenchError('did not listen in time')), startTimeoutMs);
    timer.unref();
    child.on('error', (error) => reject(new BenchError(error.message)));
    child.on('exit', () =>
      reject(new BenchError(`ended before it listened: ${lastWords(errors || output)}`)),
    );
    child.stdout.on('data', (chunk) => {
      output += chunk;
      const line = /^LISTENING (\S+)$/m.exec(output);
      if (line === null) return;
      clearTimeout(timer);
      resolve(line[1]);
    });
  }).catch((error) => {
    child.kill('SIGKILL');
    throw error;
  });
  const startMs = performance.now() - begin;
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
    await ended;
    clearTimeout(timer);
  };
  /** How the server ended, or undefined while it lives. */
  const ended = () => {
    const how = child.signalCode ?? child.exitCode;
    return how === null ? undefined : `the server ended (${how}): ${lastWords(errors) || 'without a word'}`;
  };
  return { url, pid: child.pid, startMs, stop, ended };
}

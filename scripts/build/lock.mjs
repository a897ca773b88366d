// One build at a time in a clone: `npm test` in one terminal and `npm start` in another must not compile into
// the same folder together.
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';

const folder = 'node_modules/.cache/ringwire';
const file = `${folder}/build.lock`;
const pollMs = 100;
/** A lock without a process id is younger than this: its owner is between creating and writing it. */
const unwrittenMs = 5_000;

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Whether the process that made the lock is gone. */
function isStale() {
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    return pid > 0 ? !isAlive(pid) : Date.now() - statSync(file).mtimeMs > unwrittenMs;
  } catch {
    return false; // Released while we looked.
  }
}

function tryLock() {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Waits for the lock and returns what releases it. */
export function acquireLock({ quiet }) {
  mkdirSync(folder, { recursive: true });
  const pause = new Int32Array(new SharedArrayBuffer(4));
  let told = quiet;
  while (!tryLock()) {
    if (isStale()) {
      rmSync(file, { force: true });
      continue;
    }
    if (!told) process.stderr.write('build: waiting for another build of this clone…\n');
    told = true;
    Atomics.wait(pause, 0, 0, pollMs);
  }
  const release = () => rmSync(file, { force: true });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => {
      release();
      process.exit(1);
    });
  return release;
}

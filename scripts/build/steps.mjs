// What the steps of a build share: running a program, and knowing that nothing has changed since last time.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Every file below folder, as slash-separated paths from the root of the clone, sorted. */
export function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath ?? entry.path}/${entry.name}`.replaceAll('\\', '/'))
    .sort();
}

/** A digest of the facts and of the name, size and time of change of each file. */
export function fingerprint(facts, files) {
  const hash = createHash('sha256').update(JSON.stringify(facts));
  for (const file of files) {
    const stat = statSync(file, { throwIfNoEntry: false });
    hash.update(`\n${file} ${stat?.size} ${stat?.mtimeMs}`);
  }
  return hash.digest('hex');
}

/** Whether the stamp file says that the step last succeeded on the same inputs. */
export function isCurrent(stamp, digest) {
  try {
    return readFileSync(stamp, 'utf8') === digest;
  } catch {
    return false; // First build.
  }
}

export function writeStamp(stamp, digest) {
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, digest);
}

/** Lines of a failed program's output worth showing: the compiler's first error is what explains the rest. */
const shownLines = 60;

function excerpt(text) {
  const lines = text.trimEnd().split('\n');
  const firstError = lines.findIndex((line) => /error|ERR!|fatal/i.test(line));
  const start = firstError < 0 ? Math.max(0, lines.length - shownLines) : firstError;
  return lines.slice(start, start + shownLines).join('\n');
}

/** Runs a Node script to its end; on failure prints what it printed. Returns whether it succeeded. */
export function run(label, script, args, { quiet }) {
  const started = performance.now();
  if (!quiet) process.stderr.write(`build: ${label}…\n`);
  const result = spawnSync(process.execPath, [script, ...args], { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (result.status === 0) {
    const took = Math.round(performance.now() - started);
    if (!quiet) process.stderr.write(`build: ${label} done in ${took} ms\n`);
    return true;
  }
  const why =
    result.error?.message ?? (result.signal ? `killed by ${result.signal}` : `exit ${result.status}`);
  process.stderr.write(`build: ${label} failed (${why})\n`);
  process.stderr.write(`${excerpt(`${result.stdout ?? ''}${result.stderr ?? ''}`)}\n`);
  return false;
}

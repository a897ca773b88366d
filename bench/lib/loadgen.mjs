// Calls of the load generator.
import { spawn, spawnSync } from 'node:child_process';
import { loadgenPath } from './build.mjs';
import { BenchError, lastWords } from './errors.mjs';

const flags = (options) =>
  Object.entries(options)
    .filter(([, value]) => value !== undefined)
    .flatMap(([name, value]) => [`--${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`, String(value)]);

const children = new Set();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

async function call(command, options, server) {
  const args = [command, ...flags(options), ...(server === undefined ? [] : ['--', ...server])];
  const child = spawn(loadgenPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  children.add(child);
  const chunks = [];
  let errors = '';
  child.stdout.on('data', (chunk) => chunks.push(chunk));
  child.stderr.on('data', (chunk) => {
    errors = (errors + chunk).slice(-4000);
  });
  const [code, signal] = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (...how) => resolve(how));
  });
  children.delete(child);
  if (code !== 0) {
    const own = errors.split('\n').find((line) => line.startsWith('loadgen: ')) ?? '';
    // A stdio server shares the generator's stderr: its own reason comes first.
    const reason = [lastWords(errors.replace(/^loadgen: .*$/gm, '')), own].filter(Boolean).join('; ');
    throw new BenchError(`loadgen ${command} failed (${signal ?? code}): ${reason}`);
  }
  return Buffer.concat(chunks);
}

/** The request of these options as an object, its id being one no run uses. */
export function requestOf({ payload, text, textBytes, tool }) {
  const printed = spawnSync(loadgenPath, ['request', ...flags({ payload, text, textBytes, tool })], {
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
  });
  if (printed.status !== 0) throw new BenchError(`loadgen request failed: ${printed.stderr}`);
  return JSON.parse(printed.stdout);
}

/** One reply, parsed. `server` is the argv of a stdio server; otherwise options.url says where. */
export const probe = async (options, server) => JSON.parse(await call('probe', options, server));

/** One run: the load generator's report. */
export const load = async (options, server) => JSON.parse(await call('run', options, server));

/** Idle connections: what they cost, and the latency of a few that call. */
export const idle = async (options) => JSON.parse(await call('idle', options));

/** The first call to a server and its idle memory. */
export const start = async (options, server) => JSON.parse(await call('start', options, server));

// Load generators that nobody here wrote, against the same servers: wrk and h2load (Debian: wrk, nghttp2-client).
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { BenchError } from './errors.mjs';
import { requestOf } from './loadgen.mjs';
import { cpuSeconds, residentMb } from './proc.mjs';
import { pinned } from './server-process.mjs';
import { significant } from './statistics.mjs';

const run = promisify(execFile);
const script = fileURLToPath(new URL('post.lua', import.meta.url));
const modernFields = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
  'mcp-protocol-version': '2026-07-28',
  'mcp-method': 'tools/call',
  'mcp-name': 'echo',
};

/** Whether the program is there. */
export const isInstalled = (name) => spawnSync(name, ['--version']).error === undefined;

async function call(argv, env) {
  const [file, ...args] = argv;
  try {
    return (await run(file, args, { env: { ...process.env, ...env }, maxBuffer: 2 ** 26 })).stdout;
  } catch (error) {
    throw new BenchError(`${file} failed: ${error.stderr || error.message}`);
  }
}

async function withBody(work) {
  const folder = mkdtempSync(path.join(tmpdir(), 'ringwire-bench-'));
  try {
    const file = path.join(folder, 'body.json');
    writeFileSync(file, JSON.stringify(requestOf({})));
    return await work(file, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** wrk over HTTP/1.1: { rate, p50us, p99us, errors }. It starts its clock before its connections are open. */
export const wrk = ({ url, connections, seconds, cpu }) =>
  withBody(async (file) => {
    // wrk takes whole seconds.
    const duration = `${Math.max(1, Math.round(seconds))}s`;
    const argv = ['wrk', '-t1', `-c${connections}`, `-d${duration}`, '-s', script, url];
    const output = await call(pinned(argv, cpu), { RINGWIRE_BENCH_BODY: file });
    return JSON.parse(output.slice(output.lastIndexOf('{')));
  });

const quantile = (sorted, fraction) =>
  sorted[Math.min(sorted.length - 1, Math.floor(fraction * sorted.length))];

/** Each line of h2load's log is a request: start, status, microseconds. */
function latencies(log) {
  return log
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Number(line.split('\t')[2]))
    .sort((a, b) => a - b);
}

/**
 * h2load over HTTP/2 with `streams` at a time on each connection, or over HTTP/1.1 with `isHttp1`:
 * { rate, p50us, p99us, meanUs, errors, messages } and, with a `pid`, CPU and memory of that server.
 */
export const h2load = ({ url, connections, streams = 1, seconds, isHttp1 = false, pid, cpu }) =>
  withBody(async (file, folder) => {
    const log = path.join(folder, 'requests.log');
    const fields = Object.entries(modernFields).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
    const argv = ['h2load', '-t1', `-c${connections}`, `-m${streams}`, '-d', file, ...fields];
    const before = pid === undefined ? undefined : cpuSeconds(pid);
    const begin = performance.now();
    const output = await call(
      pinned(
        [
          ...argv,
          `-D${Math.max(1, Math.round(seconds))}`,
          '--log-file',
          log,
          ...(isHttp1 ? ['--h1'] : []),
          url,
        ],
        cpu,
      ),
    );
    const elapsed = (performance.now() - begin) / 1000;
    const rate = Number(/finished in .*?, ([\d.]+) req\/s/.exec(output)?.[1]);
    const counts = /(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout/.exec(output);
    if (counts === null || !(rate >= 0)) throw new BenchError(`h2load said: ${output.slice(-500)}`);
    const [succeeded, ...wrong] = counts.slice(1).map(Number);
    const times = latencies(readFileSync(log, 'latin1'));
    const report = {
      rate: significant(rate),
      p50us: quantile(times, 0.5),
      p99us: quantile(times, 0.99),
      p999us: quantile(times, 0.999),
      meanUs: significant(times.reduce((sum, time) => sum + time, 0) / times.length),
      messages: succeeded,
      errors: wrong.reduce((sum, count) => sum + count, 0),
    };
    if (pid === undefined) return report;
    const cpuTime = cpuSeconds(pid) - before;
    return {
      ...report,
      cpuUsPerMsg: significant((cpuTime * 1e6) / Math.max(1, succeeded)),
      serverCpu: significant(cpuTime / elapsed, 4),
      rssMb: significant(residentMb(pid), 4),
    };
  });

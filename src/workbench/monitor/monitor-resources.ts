/** Samples a process or a server again and again. */
import { performance } from 'node:perf_hooks';
import type { Sample } from '../../analysis/sample.js';
import { RingwireError } from '../../errors.js';
import type { ConnectionRow } from '../../observability/server-totals.js';
import type { Probe } from './probe.js';

export interface MonitorOptions {
  /** Another process of this machine (Linux). Default: this one. */
  readonly pid?: number;
  /**
   * With `pid` of a Node.js process: opens its inspector by SIGUSR1 for heap, collections and the event loop, and closes it
   * again. While it is open, other users of this machine may connect to it.
   */
  readonly attach?: boolean;
  /** A server with health on: 'http://127.0.0.1:8080', or the URL of its stats. Not together with `pid`. */
  readonly url?: string;
  /** Sent with each request to `url`, for whoever stands before it. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Written into each sample. */
  readonly series?: string;
  /** Ends the samples; the one under way is still delivered. */
  readonly signal?: AbortSignal;
}

/** A sample with the connections of the server, where it tells them. */
export interface MonitorSample extends Sample {
  readonly connections?: readonly ConnectionRow[];
}

/**
 * A sample every `intervalMs`, for `durationMs` (Infinity until the consumer breaks or the signal aborts). Ends early when
 * the process does. Whatever it opened is closed when the consumer stops. Throws CONFIG_INVALID for a bad argument, for a
 * process that is not there and for an address that serves no stats; connection errors as they are.
 */
export async function* monitorResources(
  durationMs: number,
  intervalMs: number,
  options: MonitorOptions = {},
): AsyncGenerator<MonitorSample, void, undefined> {
  check(durationMs, intervalMs, options);
  const probe = await makeProbe(options);
  try {
    await probe.start();
    yield* sampled(probe, durationMs, intervalMs, options);
  } finally {
    await probe.stop();
  }
}

async function* sampled(
  probe: Probe,
  durationMs: number,
  intervalMs: number,
  { series, signal }: MonitorOptions,
): AsyncGenerator<MonitorSample, void, undefined> {
  const begin = performance.now();
  let last = begin;
  for (let due = intervalMs; last - begin < durationMs; ) {
    await sleepUntil(begin + Math.min(due, durationMs), signal);
    const reading = await probe.read();
    const now = performance.now();
    if (reading === undefined || now === last) return;
    const sample = { atMs: now - begin, intervalMs: now - last, ...reading };
    last = now;
    yield series === undefined ? sample : { ...sample, series };
    if (signal?.aborted === true) return;
    // A consumer that took longer than the interval gets the next sample at the next beat, not all it missed.
    due = (Math.floor((performance.now() - begin) / intervalMs + 0.1) + 1) * intervalMs;
  }
}

function sleepUntil(atMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, Math.max(0, atMs - performance.now()));
    if (signal?.aborted === true) end();
    else signal?.addEventListener('abort', end);
  });
}

/** The code of a probe is loaded with it. */
async function makeProbe(options: MonitorOptions): Promise<Probe> {
  const { pid, url, attach } = options;
  if (url !== undefined) return (await import('./stats-probe.js')).statsProbe(url, options.headers);
  const { ownProbe, procProbe } = await import('./process-probes.js');
  if (pid === undefined || pid === process.pid) return ownProbe();
  return attach === true ? (await import('./attach-probe.js')).attachProbe(pid) : procProbe(pid);
}

/** Timers of Node.js are of 32 bits. */
const maxIntervalMs = 2 ** 31 - 1;

function check(durationMs: number, intervalMs: number, { pid, url, attach }: MonitorOptions): void {
  if (!(durationMs > 0)) throw invalid(`"durationMs" must be milliseconds above 0, not ${durationMs}.`);
  if (!(intervalMs >= 10 && intervalMs <= maxIntervalMs))
    throw invalid(`"intervalMs" must be 10 to ${maxIntervalMs} milliseconds, not ${intervalMs}.`);
  if (pid !== undefined && !(Number.isInteger(pid) && pid > 0))
    throw invalid(`"pid" must be the number of a process, not ${pid}.`);
  if (pid !== undefined && url !== undefined) throw invalid('Give "pid" or "url", not both.');
  if (attach === true && pid === undefined) throw invalid('"attach" needs the "pid" of a Node.js process.');
}

function invalid(message: string): RingwireError {
  return new RingwireError('CONFIG_INVALID', message);
}

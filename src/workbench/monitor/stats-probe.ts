/** A probe of a server by the stats it serves where health is on. */
import { summaryOf } from '../../analysis/latency-summary.js';
import type { CallSample, LatencySummary } from '../../analysis/sample.js';
import { RingwireError } from '../../errors.js';
import { histogramBetween, readingBetween } from '../../observability/process-totals.js';
import type { ServerTotals } from '../../observability/server-totals.js';
import type { Probe, Reading } from './probe.js';

/** A server that does not answer in this time is not there. */
const timeoutMs = 10_000;

/** `url` is that of the stats themselves, or of a server, whose '/stats' is asked then. */
export function statsProbe(url: string, headers: Readonly<Record<string, string>> = {}): Probe {
  const target = statsUrl(url);
  let last: ServerTotals | undefined;
  const take = (): Promise<ServerTotals> => fetchTotals(target, headers);
  return {
    name: target.href,
    async start() {
      last = await take();
    },
    async read(): Promise<Reading | undefined> {
      const before = last as ServerTotals;
      const after = await take().catch((error: unknown) => {
        // It went away while it was watched: that is an end, not a failure.
        if (error instanceof RingwireError && error.code === 'CONNECTION_REFUSED') return undefined;
        throw error;
      });
      if (after === undefined) return undefined;
      last = after;
      // A process with another number is a new one, which began at 0.
      if (before.process.pid !== after.process.pid || after.uptimeSeconds < before.uptimeSeconds)
        return { connections: after.rows };
      return {
        process: readingBetween(before.process, after.process),
        calls: callsBetween(before, after),
        connections: after.rows,
      };
    },
    async stop() {},
  };
}

function callsBetween(before: ServerTotals, after: ServerTotals): CallSample {
  const latency = latencyBetween(before, after);
  return {
    calls: after.calls.total - before.calls.total,
    errors: after.calls.errors - before.calls.errors,
    ...(latency === undefined ? {} : { latency }),
    inFlight: after.calls.inFlight,
    ...(after.sends.queueDepth === undefined ? {} : { queueDepth: after.sends.queueDepth }),
    queuedBytes: after.sends.queuedBytes,
    backpressureMs: after.sends.backpressureMs - before.sends.backpressureMs,
    watermarkCrossings: after.sends.watermarkCrossings - before.sends.watermarkCrossings,
    connections: after.connections,
  };
}

function latencyBetween(before: ServerTotals, after: ServerTotals): LatencySummary | undefined {
  const histogram = histogramBetween(before.calls.latency, after.calls.latency);
  return histogram.total === 0 ? undefined : summaryOf(histogram);
}

/** Throws CONFIG_INVALID for what is no http or https URL. */
export function statsUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new RingwireError(
      'CONFIG_INVALID',
      `"${text}" is not where stats are served: give an http or https URL such as http://127.0.0.1:8080.`,
    );
  if (url.pathname === '/') url.pathname = '/stats';
  return url;
}

async function fetchTotals(url: URL, headers: Readonly<Record<string, string>>): Promise<ServerTotals> {
  let answer: Response;
  try {
    answer = await fetch(url, { headers, signal: AbortSignal.timeout(timeoutMs) });
  } catch (cause) {
    const inner = (cause as Error).cause as { readonly code?: string; readonly message?: string } | undefined;
    const why = inner?.code ?? inner?.message ?? (cause as Error).message;
    throw new RingwireError('CONNECTION_REFUSED', `${url.href} does not answer: ${why}.`, { cause });
  }
  const text = await answer.text();
  if (answer.status !== 200) throw noStats(url, `answered ${answer.status}`);
  const totals = parsed(text);
  if (totals === undefined) throw noStats(url, 'answered something else');
  return totals;
}

function noStats(url: URL, what: string): RingwireError {
  return new RingwireError(
    'CONFIG_INVALID',
    `${url.href} serves no stats (it ${what}). Start the server with health on (ringwire serve --health, or "http.health"), and give the URL of its "statsPath".`,
  );
}

function parsed(text: string): ServerTotals | undefined {
  try {
    const found = JSON.parse(text) as ServerTotals | null;
    const isOurs =
      typeof found?.ringwire === 'string' &&
      typeof found.process?.clockMs === 'number' &&
      typeof found.calls?.total === 'number' &&
      Array.isArray(found.calls.latency?.counts) &&
      typeof found.sends?.backpressureMs === 'number' &&
      Array.isArray(found.rows);
    return isOurs ? found : undefined;
  } catch {
    return undefined;
  }
}

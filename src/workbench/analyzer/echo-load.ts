/** Verified calls, many at once: the load of every analysis. */
import { performance } from 'node:perf_hooks';
import type { CallFigures } from '../../analysis/analyses/call-figures.js';
import type { Sample } from '../../analysis/sample.js';
import type { Target } from '../../mcp/client-options.js';
import { asRingwireError, EchoClient, type EchoClientOptions, EchoTexts } from './echo-client.js';
import { observe } from './observe.js';
import { Recorder } from './recorder.js';

export interface EchoLoad extends EchoClientOptions {
  readonly target: Target;
  /** Of the samples. */
  readonly series: string;
  /** Bytes of text in each call. */
  readonly bytes: number;
  readonly connections: number;
  /** Calls in flight, spread evenly over the connections. */
  readonly callers: number;
  /** Ends after so many calls … */
  readonly calls?: number;
  /** … or after this time, whichever is first. */
  readonly durationMs?: number;
  /** Calls that are not counted, on each connection, before measuring begins. Default 0. */
  readonly warmupCalls?: number;
  /** Default 250. */
  readonly intervalMs?: number;
  /** The server is in this process: what the generator uses cannot be told from what it uses. */
  readonly sharesProcess?: boolean;
  readonly onSample?: (sample: Sample) => void;
  readonly signal?: AbortSignal;
}

export interface EchoLoadResult {
  readonly figures: CallFigures;
  readonly samples: readonly Sample[];
  /** Connections that could not be made: their calls count as errors. */
  readonly refused: number;
}

/** Rejects with what a connection failed with where not one could be made. */
export async function runEchoLoad(load: EchoLoad): Promise<EchoLoadResult> {
  const settled = await Promise.allSettled(
    Array.from({ length: load.connections }, () => EchoClient.open(load.target, load)),
  );
  const clients = settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const failures = settled.flatMap((each) =>
    each.status === 'rejected' ? [asRingwireError(each.reason)] : [],
  );
  const [control] = clients;
  if (control === undefined) throw failures[0];
  const recorder = new Recorder(load.bytes);
  try {
    const texts = new EchoTexts(load.bytes);
    await warmUp(clients, texts, load.warmupCalls ?? 0);
    const watched = {
      series: load.series,
      intervalMs: load.intervalMs ?? 250,
      usage: () => control.usage(),
      calls: () => recorder.interval(),
      sharesProcess: load.sharesProcess ?? false,
      ...(load.onSample !== undefined && { onSample: load.onSample }),
    };
    const { samples, seconds, clientCpu, server } = await observe(watched, async () => {
      await drive(clients, texts, recorder, load);
      for (const error of failures) recorder.record({ ms: 0, error });
    });
    return { figures: recorder.figures(seconds, clientCpu, server), samples, refused: failures.length };
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
}

async function warmUp(clients: readonly EchoClient[], texts: EchoTexts, calls: number): Promise<void> {
  await Promise.all(
    clients.map(async (client) => {
      for (let done = 0; done < calls; done += 1) await client.call(texts.next());
    }),
  );
}

/** How long a caller pauses after a call that failed, so that a server that is gone is not hammered. */
const pauseAfterErrorMs = 5;

async function drive(
  clients: readonly EchoClient[],
  texts: EchoTexts,
  recorder: Recorder,
  { callers, calls = Number.POSITIVE_INFINITY, durationMs = Number.POSITIVE_INFINITY, signal }: EchoLoad,
): Promise<void> {
  const endsAt = performance.now() + durationMs;
  let left = calls;
  const caller = async (client: EchoClient): Promise<void> => {
    while (left > 0 && performance.now() < endsAt && signal?.aborted !== true) {
      left -= 1;
      recorder.inFlight += 1;
      const outcome = await client.call(texts.next());
      recorder.inFlight -= 1;
      recorder.record(outcome);
      if (outcome.error !== undefined && outcome.isWrong !== true)
        await new Promise((resolve) => setTimeout(resolve, pauseAfterErrorMs));
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, index) => caller(clients[index % clients.length])));
}

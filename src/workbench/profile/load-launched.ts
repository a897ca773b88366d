/** Loads what is recorded, and has the recording begin behind the warm-up. */
import { setTimeout as delay } from 'node:timers/promises';
import { RingwireError } from '../../errors.js';
import type { LoadInterval, LoadPlan, LoadReport, LoadTarget } from '../load/load-plan.js';
import { runLoad } from '../load/run-load.js';
import type { ResolvedLoad } from '../scenarios/expand.js';
import { prepareSubject } from '../scenarios/subject.js';
import type { Launched } from './launch.js';

/** A command needs a while until it listens. */
const listenTimeoutMs = 15_000;
const retryMs = 100;

interface LoadWatching {
  onInterval?(interval: LoadInterval): void;
  readonly signal?: AbortSignal;
}

export async function loadLaunched(
  launched: Launched,
  load: ResolvedLoad,
  begin: () => Promise<void>,
  { signal, onInterval }: LoadWatching,
): Promise<LoadReport> {
  const { target, pid, generatorCore } = launched;
  if (target === undefined)
    throw new RingwireError('CONFIG_INVALID', 'A load needs the address of the server.');
  const prepared = await prepareWhenUp(target, load, launched, signal);
  const plan: LoadPlan = {
    target,
    ...prepared,
    connections: load.connections,
    depth: load.depth,
    rate: load.rate,
    warmupSeconds: load.warmup,
    seconds: load.seconds,
    ...(pid === undefined ? {} : { serverPid: pid }),
    ...(generatorCore === undefined ? {} : { cores: { generator: generatorCore } }),
    generator: load.generator ?? 'auto',
  };
  const end = new AbortController();
  const stop = signal === undefined ? end.signal : AbortSignal.any([signal, end.signal]);
  const warm = new AbortController();
  const begun = delay(load.warmup * 1_000, undefined, { signal: AbortSignal.any([stop, warm.signal]) }).then(
    begin,
    () => undefined,
  );
  // Without a recording there is no use in the load.
  begun.catch(() => end.abort());
  try {
    return await runLoad(plan, { signal: stop, ...(onInterval === undefined ? {} : { onInterval }) });
  } finally {
    warm.abort();
    await begun;
  }
}

async function prepareWhenUp(
  target: LoadTarget,
  load: ResolvedLoad,
  { ended }: Launched,
  signal: AbortSignal | undefined,
): Promise<Pick<LoadPlan, 'era' | 'operations'>> {
  let isGone = false;
  void ended.then(() => {
    isGone = true;
  });
  for (let waited = 0; ; waited += retryMs) {
    try {
      return await prepareSubject(target, load, signal);
    } catch (error) {
      const isLate =
        !(error instanceof RingwireError) || error.code !== 'CONNECTION_REFUSED' || waited >= listenTimeoutMs;
      if (isLate || isGone || signal?.aborted === true) throw error;
      await delay(retryMs);
    }
  }
}

/** Loads what is recorded, and has the recording begin behind the warm-up. */
import { setTimeout as delay } from 'node:timers/promises';
import { RingwireError } from '../../errors.js';
import type { LoadInterval, LoadPlan, LoadReport, LoadTarget } from '../load/load-plan.js';
import { runLoad } from '../load/run-load.js';
import type { ResolvedLoad } from '../scenarios/expand.js';
import { planRun, type RunSettings } from '../scenarios/subject.js';
import type { Launched } from './launch.js';

/** A command needs a while until it listens. */
const listenTimeoutMs = 15_000;
const retryMs = 100;

interface LoadWatching {
  onInterval?(interval: LoadInterval): void;
  readonly signal?: AbortSignal;
}

/** The part of the load that is recorded. */
export interface RecordedWindow {
  begin(): Promise<void>;
  /** At the end of the measured seconds; not called where the load ends earlier. */
  end(): Promise<void>;
}

export async function loadLaunched(
  launched: Launched,
  load: ResolvedLoad,
  recording: RecordedWindow,
  watch: LoadWatching,
): Promise<LoadReport> {
  const { target, pid, generatorCore } = launched;
  const { signal } = watch;
  if (target === undefined)
    throw new RingwireError('CONFIG_INVALID', 'A load needs the address of the server.');
  const settings: RunSettings = {
    ...(pid === undefined ? {} : { serverPid: pid }),
    ...(generatorCore === undefined ? {} : { cores: { generator: generatorCore } }),
  };
  const asked = await planWhenUp(launched.asked ?? target, load, settings, launched, signal);
  const plan: LoadPlan = { ...asked, target };
  const end = new AbortController();
  const stop = signal === undefined ? end.signal : AbortSignal.any([signal, end.signal]);
  let begun: Promise<void> | undefined;
  let over: Promise<void> | undefined;
  const start = (): void => {
    if (begun !== undefined || stop.aborted) return;
    begun = recording.begin();
    // Without a recording there is no use in the load.
    begun.catch(() => end.abort());
  };
  if (load.warmup === 0) start();
  try {
    return await runLoad(plan, {
      signal: stop,
      onInterval(interval) {
        // The last interval of the warm-up ends at 0.
        if (interval.atSeconds >= -0.001) start();
        // What is still under way then is no part of what was asked for.
        if (interval.atSeconds >= load.seconds - 0.001) over ??= begun?.then(() => recording.end());
        watch.onInterval?.(interval);
      },
    });
  } finally {
    await begun;
    await over;
  }
}

async function planWhenUp(
  target: LoadTarget,
  load: ResolvedLoad,
  settings: RunSettings,
  { ended }: Launched,
  signal: AbortSignal | undefined,
): Promise<LoadPlan> {
  let isGone = false;
  void ended.then(() => {
    isGone = true;
  });
  for (let waited = 0; ; waited += retryMs) {
    try {
      return await planRun(target, load, settings, signal);
    } catch (error) {
      const isRefused = error instanceof RingwireError && error.code === 'CONNECTION_REFUSED';
      if (!isRefused || waited >= listenTimeoutMs || isGone || signal?.aborted === true) throw error;
      await delay(retryMs);
    }
  }
}

/** Calls that go on while something else is measured, and whether they were hurt by it. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Target } from '../../mcp/client-options.js';
import { EchoClient, EchoTexts } from './echo-client.js';

export interface BackgroundCalls {
  /** Calls that failed since it was asked before. */
  failures(): number;
  /** Resolves when every caller has had an outcome of a call that began after this one. */
  round(): Promise<void>;
  /** Closes the connection. */
  stop(): Promise<void>;
}

const textBytes = 64;
const pauseMs = 1;

/** One connection with so many callers, each with one call in flight. */
export async function callers(target: Target, count: number, timeoutMs = 5_000): Promise<BackgroundCalls> {
  const client = await EchoClient.open(target, { timeoutMs });
  const texts = new EchoTexts(textBytes);
  let failed = 0;
  let stopped = false;
  const finished = Array.from({ length: count }, () => 0);
  const caller = async (index: number): Promise<void> => {
    while (!stopped) {
      const { error } = await client.call(texts.next());
      if (error !== undefined && !stopped) failed += 1;
      finished[index] += 1;
      // Others want the processor, too; a connection that is gone would take all of it.
      await wait(pauseMs);
    }
  };
  const running = finished.map((_, index) => caller(index));
  return {
    failures: () => {
      const found = failed;
      failed = 0;
      return found;
    },
    round: async () => {
      const before = [...finished];
      // The call under way may have begun earlier: the second outcome is of one that did not.
      while (!stopped && finished.some((calls, index) => calls < before[index] + 2)) await wait(pauseMs);
    },
    stop: async () => {
      stopped = true;
      await Promise.all(running);
      await client.close();
    },
  };
}

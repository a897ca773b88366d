/** Waiting, in ways that end. */

import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';

/** How hard an analysis tries: 'short' ends within seconds and says less about rare events. */
export interface Effort {
  readonly isShort: boolean;
}

export function pick<Value>({ isShort }: Effort, short: Value, full: Value): Value {
  return isShort ? short : full;
}

/** Pauses between attempts: short at first, so that what is back at once is found at once. */
export async function* attempts(
  untilMs: number,
  { firstMs = 5, longestMs = 100 }: { readonly firstMs?: number; readonly longestMs?: number } = {},
): AsyncGenerator<void> {
  const endsAt = performance.now() + untilMs;
  let pauseMs = firstMs;
  while (performance.now() < endsAt) {
    yield;
    await wait(pauseMs);
    pauseMs = Math.min(longestMs, pauseMs * 2);
  }
}

/** Lets the event loop turn. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

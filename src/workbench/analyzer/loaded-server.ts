/** Samples of an echo server under a load that stays as it is: something to watch where nothing else is given. */
import type { Sample } from '../../analysis/sample.js';
import { type AnalyzerOptions, checkNotAborted, withServer } from './analyzer-options.js';
import { loadOf } from './transport-tests.js';

/** Over TCP, 16 calls of 1,024 bytes in flight on 4 connections. Each sample goes to onSample as it is taken. */
export async function sampleLoadedServer(
  durationMs: number,
  intervalMs: number,
  options: AnalyzerOptions = {},
): Promise<readonly Sample[]> {
  const { samples } = await withServer('tcp', options, (target) =>
    loadOf('tcp', options, { target, bytes: 1_024, connections: 4, callers: 16, durationMs, intervalMs }),
  );
  checkNotAborted(options);
  return samples;
}

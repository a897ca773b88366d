/** The C++ generator of a clone, `bench/loadgen`, where it was built: faster than any server it measures. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { packageRoot } from '../../binding/package-root.js';
import { RingwireError } from '../../errors.js';
import type { LoadOptions, LoadResult } from './load.js';

const path = fileURLToPath(new URL('bench/loadgen/build/loadgen', packageRoot));

/** Part of the generator's report. Latencies are in microseconds, generatorCpu is a share of one core. */
interface Report {
  readonly messages: number;
  readonly seconds: number;
  readonly errors: number;
  readonly p50us: number;
  readonly p99us: number;
  readonly maxUs: number;
  readonly generatorCpu: number;
}

/** A published package has no generator: it is built in a clone, by `npm run bench`. */
export function nativeGeneratorExists(): boolean {
  return existsSync(path);
}

/** As runLoad(), with the C++ generator. */
export async function runNativeLoad(options: LoadOptions): Promise<LoadResult> {
  const args = ['run', '--warmup', '0', '--seconds', String(options.measureMs / 1000)];
  args.push('--connections', String(options.connections), '--depth', String(options.depth));
  args.push('--url', `tcp://${options.host}:${options.port}`);
  const { stdout } = await promisify(execFile)(path, args);
  const report = JSON.parse(stdout) as Report;
  if (report.errors > 0) {
    throw new RingwireError(
      'FRAME_INVALID',
      `The server answered ${report.errors} calls with something else than the echo.`,
    );
  }
  return {
    calls: report.messages,
    elapsedMs: report.seconds * 1000,
    p50Us: report.p50us,
    p99Us: report.p99us,
    maxUs: report.maxUs,
    generatorCpu: report.generatorCpu,
  };
}

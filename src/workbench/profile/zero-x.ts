/** 0x: V8's tick profiler, with the tiers of JavaScript functions and the names of Node's own native code. Optional. */
import { existsSync, mkdirSync } from 'node:fs';
import { readdir, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { fromTickLog } from '../../analysis/flame/tick-log.js';
import { packageRoot } from '../../binding/package-root.js';
import { RingwireError } from '../../errors.js';
import type { Collected, Engine, EngineOptions } from './engine.js';
import { runLines } from './run-tool.js';

/** Where `npm install 0x` may have put it. */
function roots(): readonly URL[] {
  const here = pathToFileURL(`${process.cwd()}/`);
  return [here, packageRoot, new URL('bench/peers/', packageRoot)];
}

/** 0x's command; undefined where it is not installed. */
export function findZeroX(): string | undefined {
  for (const root of roots()) {
    try {
      return createRequire(new URL('index.js', root)).resolve('0x/cmd.js');
    } catch {
      // The next place.
    }
  }
  return undefined;
}

export function zeroXProblem(): string | undefined {
  return findZeroX() === undefined ? '0x is not installed; npm install 0x' : undefined;
}

export class ZeroXEngine implements Engine {
  readonly name = '0x';
  readonly nodeFlags: readonly string[] = [];
  readonly runner: readonly string[];
  readonly #work: string;
  readonly #folder: string;
  #startedAt: number | undefined;
  #windowUs: number | undefined;

  constructor({ folder }: EngineOptions) {
    this.#folder = folder;
    this.#work = join(folder, '0x');
    mkdirSync(this.#work, { recursive: true });
    // It draws a page of its own otherwise; ours has the layers.
    const options = ['--collect-only', '--quiet', '-D', join(this.#work, 'out'), '--working-dir', this.#work];
    this.runner = [process.execPath, findZeroX() ?? '0x', ...options, '--'];
  }

  async start(): Promise<void> {
    this.#startedAt = performance.now();
  }

  async stop(): Promise<void> {
    if (this.#startedAt !== undefined) this.#windowUs = (performance.now() - this.#startedAt) * 1_000;
  }

  async collect(): Promise<Collected> {
    const log = await this.#log();
    // Of the raw log: 0x itself leaves out lines of 1,024 characters and more, which deep stacks have.
    const parts: string[] = [];
    await runLines([process.execPath, '--prof-process', '--preprocess', log], (line) => parts.push(line));
    const recording = fromTickLog(JSON.parse(parts.join('\n')), {
      lastUs: this.#windowUs,
      // Its way of ending the process, which is no part of what was recorded.
      isEnd: ({ file = '' }) => /0x[\\/]lib[\\/]preload[\\/]soft-exit/.test(file),
    });
    await rename(log, join(this.#folder, 'v8.log'));
    await rm(this.#work, { recursive: true, force: true });
    return { recording, files: ['v8.log'], notes: [ticksOnly] };
  }

  /** 0x moves it into its output folder; where it was killed the log is still where V8 wrote it. */
  async #log(): Promise<string> {
    for (const folder of [join(this.#work, 'out'), this.#work]) {
      if (!existsSync(folder)) continue;
      const name = (await readdir(folder)).find((file) => /-v8\.log$/.test(file));
      if (name !== undefined) return join(folder, name);
    }
    throw new RingwireError('INTERNAL', '0x left no V8 log: the process was killed before it could write.');
  }
}

const ticksOnly =
  'V8 took these samples: native code appears where V8 knows its name, the kernel not at all. What 0x itself costs is in them, most of it while V8 optimises: the process writes its sources for 0x then.';

/** Node's own --cpu-prof: JavaScript alone, on every machine. The profile is written when the process exits. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromCpuProfile } from '../../analysis/flame/cpu-profile.js';
import { mergeRecordings } from '../../analysis/flame/folded.js';
import { RingwireError } from '../../errors.js';
import type { Collected, Engine, EngineOptions } from './engine.js';

/** A signal ends Node.js without the profile, unless somebody listens. */
const softEnd =
  "for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => { if (process.listenerCount(name) === 1) process.exit(0); });";

function monotonicUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}

export class CpuProfEngine implements Engine {
  readonly name = 'cpu-prof';
  readonly nodeFlags: readonly string[];
  readonly #folder: string;
  #fromUs: number | undefined;
  #untilUs: number | undefined;

  constructor({ folder, hertz }: EngineOptions) {
    this.#folder = folder;
    this.nodeFlags = [
      '--cpu-prof',
      `--cpu-prof-dir=${folder}`,
      `--cpu-prof-interval=${Math.round(1e6 / hertz)}`,
      '--import',
      `data:text/javascript,${encodeURIComponent(softEnd)}`,
    ];
  }

  async start(): Promise<void> {
    this.#fromUs = monotonicUs();
  }

  async stop(): Promise<void> {
    this.#untilUs = monotonicUs();
  }

  async collect(): Promise<Collected> {
    const files = (await readdir(this.#folder)).filter((file) => file.endsWith('.cpuprofile'));
    if (files.length === 0)
      throw new RingwireError(
        'INTERNAL',
        'The process left no .cpuprofile: it was killed, or a signal ended it before Node.js could write.',
      );
    const recordings = await Promise.all(
      files.map(async (file) => {
        const profile: unknown = JSON.parse(await readFile(join(this.#folder, file), 'utf8'));
        return fromCpuProfile(profile, { fromUs: this.#fromUs, untilUs: this.#untilUs });
      }),
    );
    return { recording: mergeRecordings(recordings), files, notes: [scriptOnly] };
  }
}

export const scriptOnly =
  'Only JavaScript has frames here: what the engine, the addon and the kernel did without a function of JavaScript above them counts as (program).';

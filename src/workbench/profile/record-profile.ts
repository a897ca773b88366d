/** Records a server of ours under load, a command, or a process that runs already. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Recording } from '../../analysis/flame/frame.js';
import { profileLayers, totalOf } from '../../analysis/flame/layers.js';
import { topFrames } from '../../analysis/flame/tables.js';
import { RingwireError } from '../../errors.js';
import type { LoadInterval, LoadReport, LoadTarget } from '../load/load-plan.js';
import type { ResolvedLoad } from '../scenarios/expand.js';
import type { MeasuredServerOptions } from '../servers/measured-server.js';
import { chooseEngine, type TargetKind } from './choose-engine.js';
import type { Engine, EngineName, ProfileSubject } from './engine.js';
import { type Launched, launchCommand, launchServer } from './launch.js';
import { loadLaunched } from './load-launched.js';
import { type KeptProfile, newSession, type ProfileSummary, writeSummary } from './sessions.js';
import { SourceNames } from './source-names.js';
import { profileFiles, writeProfileFiles } from './write-profile.js';

/** What is recorded. */
export type ProfileTarget =
  | { readonly server: MeasuredServerOptions }
  | { readonly command: readonly [string, ...string[]] }
  | { readonly pid: number };

export interface ProfileRequest {
  readonly target: ProfileTarget;
  /** Title of the pages: '10k over tcp'. */
  readonly what: string;
  readonly subject?: ProfileSubject;
  /** Default: the one that sees most of those that work. */
  readonly engine?: EngineName;
  /** Samples a second. Default 997: no multiple of what timers do. */
  readonly hertz?: number;
  /** Average bytes between two samples of the heap. Default 32,768. */
  readonly everyBytes?: number;
  /** What is sent meanwhile. Its target is the server's own; of a command and a process `url` says it. */
  readonly load?: ResolvedLoad;
  readonly url?: LoadTarget;
  /** Without a load. Undefined: until the process ends or `signal` says so. */
  readonly seconds?: number;
  /** In the place of a folder below the state folder. */
  readonly output?: string;
}

export interface ProfileWatch {
  /** One line: what is being done. */
  onStep?(step: string): void;
  onInterval?(interval: LoadInterval): void;
  /** Ends the recording; everything is written all the same. */
  readonly signal?: AbortSignal;
}

const defaultHertz = 997;
const defaultEveryBytes = 32_768;
const rows = 30;
const nothingSeen = 'Nothing was sampled: the process did nothing, or the recording was too short.';

/**
 * Rejects with CONFIG_INVALID where this cannot be recorded, with what starting and loading fail with, and with INTERNAL
 * where the engine left nothing. Only what was started for the recording is ended.
 */
export async function recordProfile(request: ProfileRequest, watch: ProfileWatch = {}): Promise<KeptProfile> {
  const date = new Date();
  const session =
    request.output === undefined ? await newSession(request.what, date) : await namedFolder(request.output);
  const recorder = new Recorder(request, watch, session);
  try {
    return await recorder.run(date);
  } catch (error) {
    if (request.output === undefined) await rm(session.folder, { recursive: true, force: true });
    throw error;
  }
}

async function namedFolder(output: string): Promise<{ readonly id: string; readonly folder: string }> {
  const folder = resolve(output);
  await mkdir(folder, { recursive: true });
  return { id: folder, folder };
}

interface Recorded {
  readonly seconds: number;
  readonly report?: LoadReport;
}

class Recorder {
  readonly #request: ProfileRequest;
  readonly #watch: ProfileWatch;
  readonly #session: { readonly id: string; readonly folder: string };

  constructor(
    request: ProfileRequest,
    watch: ProfileWatch,
    session: { readonly id: string; readonly folder: string },
  ) {
    this.#request = request;
    this.#watch = watch;
    this.#session = session;
  }

  async run(date: Date): Promise<KeptProfile> {
    const {
      subject = 'cpu',
      engine: wanted,
      hertz = defaultHertz,
      everyBytes = defaultEveryBytes,
    } = this.#request;
    const { engine, reasons } = await chooseEngine(
      { folder: this.#session.folder, subject, hertz, everyBytes },
      { engine: wanted, ...this.#kind() },
    );
    this.#step(`recording with ${engine.name}${reasons.length === 0 ? '' : ` (${reasons.join('; ')})`}`);
    const launched = await this.#launch(engine);
    let recorded: Recorded;
    try {
      recorded = await this.#record(engine, launched);
    } finally {
      await launched.stop();
    }
    this.#step('reading what was recorded');
    const collected = await engine.collect();
    const { recording, files } = collected;
    const named = new SourceNames().recording(recording);
    const notes = totalOf(recording) > 0 ? collected.notes : [...collected.notes, nothingSeen];
    const summary = this.#summary(date, engine.name, named, recorded, {
      subject,
      reasons,
      notes,
      files: [...Object.values(profileFiles), ...files],
    });
    const subtitle = [
      engine.name,
      `${summary.seconds.toFixed(1)} s`,
      ...loadWords(recorded.report),
      summary.date,
    ];
    await writeProfileFiles(this.#session.folder, named, {
      title: titleOf(summary),
      subtitle: subtitle.join(' · '),
      notes,
    });
    await writeSummary(this.#session.folder, summary);
    return { ...summary, folder: this.#session.folder };
  }

  #step(step: string): void {
    this.#watch.onStep?.(step);
  }

  #kind(): { readonly kind: TargetKind; readonly pid?: number } {
    const { target } = this.#request;
    if ('pid' in target) return { kind: 'running', pid: target.pid };
    return { kind: 'server' in target && target.server.transport === 'stdio' ? 'piped' : 'started' };
  }

  async #launch(engine: Engine): Promise<Launched> {
    const { target, url } = this.#request;
    if ('server' in target) return launchServer(target.server, engine, this.#session.folder);
    if ('command' in target) return launchCommand(target.command, engine, url);
    return { pid: target.pid, target: url, ended: new Promise(() => {}), stop: () => Promise.resolve() };
  }

  async #record(engine: Engine, launched: Launched): Promise<Recorded> {
    const { load } = this.#request;
    const { signal } = this.#watch;
    let startedAt: number | undefined;
    let endedAt: number | undefined;
    const begin = async (): Promise<void> => {
      await engine.start(launched.pid ?? pidIn(launched.pidFile));
      startedAt = performance.now();
    };
    const end = async (): Promise<void> => {
      if (endedAt !== undefined) return;
      endedAt = performance.now();
      await engine.stop();
    };
    let report: LoadReport | undefined;
    try {
      if (launched.pid !== undefined) await engine.prepare?.(launched.pid);
      if (load === undefined) {
        await begin();
        await this.#wait(
          Promise.race([launched.ended, ...(engine.ended === undefined ? [] : [engine.ended])]),
        );
      } else {
        report = await loadLaunched(launched, load, { begin, end }, this.#watch);
      }
    } finally {
      await end();
    }
    if (startedAt === undefined)
      throw new RingwireError(
        signal?.aborted === true ? 'CANCELLED' : 'INTERNAL',
        'Nothing was recorded: it ended before the recording began.',
      );
    return {
      seconds: ((endedAt ?? startedAt) - startedAt) / 1_000,
      ...(report === undefined ? {} : { report }),
    };
  }

  async #wait(ended: Promise<void>): Promise<void> {
    const { seconds } = this.#request;
    const { signal } = this.#watch;
    const over = new AbortController();
    const stopped = new Promise<void>((done) => {
      if (signal?.aborted === true) done();
      signal?.addEventListener('abort', () => done(), { once: true });
    });
    const elapsed =
      seconds === undefined
        ? new Promise<void>(() => {})
        : delay(seconds * 1_000, undefined, { signal: over.signal }).catch(() => undefined);
    await Promise.race([ended, stopped, elapsed]);
    over.abort();
  }

  #summary(
    date: Date,
    engine: EngineName,
    recording: Recording,
    { seconds, report }: Recorded,
    rest: Pick<ProfileSummary, 'subject' | 'reasons' | 'notes' | 'files'>,
  ): ProfileSummary {
    const { histogram: _histogram, intervals: _intervals, ...load } = report ?? ({} as Partial<LoadReport>);
    return {
      id: this.#session.id,
      date: date.toISOString(),
      what: this.#request.what,
      engine,
      ...rest,
      unit: recording.unit,
      total: totalOf(recording),
      seconds,
      wasInterrupted: this.#watch.signal?.aborted === true,
      layers: profileLayers(recording),
      self: topFrames(recording, 'self', rows),
      inclusive: topFrames(recording, 'inclusive', rows),
      ...(report === undefined ? {} : { load: load as ProfileSummary['load'] }),
    };
  }
}

function pidIn(file: string | undefined): number | undefined {
  if (file === undefined || !existsSync(file)) return undefined;
  return Number(readFileSync(file, 'latin1')) || undefined;
}

function titleOf({ what, subject }: ProfileSummary): string {
  if (subject === 'cpu') return what;
  return `${subject === 'heap' ? 'Heap' : 'Allocations'} of ${what}`;
}

function loadWords(report: LoadReport | undefined): string[] {
  if (report === undefined) return [];
  const { rate, targetRate, connections, mode } = report;
  const asked = targetRate === undefined ? '' : ` of ${targetRate.toLocaleString('en')} wanted`;
  return [
    `${mode} loop, ${Math.round(rate).toLocaleString('en')} requests/s${asked}, ${connections} connections`,
  ];
}

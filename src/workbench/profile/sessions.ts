/** What was recorded, kept: a folder for each session below the state folder. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { FrameRow } from '../../analysis/flame/tables.js';
import type { Layer } from '../../analysis/sample.js';
import { RingwireError } from '../../errors.js';
import { closestName } from '../../transports/option-checks.js';
import type { LoadReport } from '../load/load-plan.js';
import { stateFolder } from '../state-folder.js';
import type { EngineName, ProfileSubject } from './engine.js';

/** `summary.json` of a session. */
export interface ProfileSummary {
  readonly id: string;
  /** ISO 8601. */
  readonly date: string;
  /** What was recorded: '10k over tcp', 'process 1234', 'node app.js'. */
  readonly what: string;
  readonly subject: ProfileSubject;
  readonly engine: EngineName;
  /** Engines that see more and could not be taken, each with its reason. */
  readonly reasons: readonly string[];
  readonly notes: readonly string[];
  readonly unit: 'samples' | 'bytes';
  /** Samples or bytes, idle time left out. */
  readonly total: number;
  /** Recorded. */
  readonly seconds: number;
  readonly wasInterrupted: boolean;
  readonly layers: Partial<Record<Layer, number>>;
  readonly self: readonly FrameRow[];
  readonly inclusive: readonly FrameRow[];
  /** What the load generator measured meanwhile; without its histogram. */
  readonly load?: Omit<LoadReport, 'histogram' | 'intervals'>;
  /** Names in the folder. */
  readonly files: readonly string[];
}

export interface KeptProfile extends ProfileSummary {
  readonly folder: string;
}

const summaryFile = 'summary.json';

export function profilesFolder(): string {
  return join(stateFolder(), 'profiles');
}

/** Makes the folder of a new session. `name` becomes part of its id. */
export async function newSession(
  name: string,
  date: Date,
): Promise<{ readonly id: string; readonly folder: string }> {
  const words = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40);
  const base = `${date.toISOString().slice(0, 19).replace(/:/g, '-')}-${words || 'profile'}`;
  const parent = profilesFolder();
  await mkdir(parent, { recursive: true });
  for (let count = 1; ; count++) {
    const id = count === 1 ? base : `${base}-${count}`;
    const folder = join(parent, id);
    try {
      await mkdir(folder);
      return { id, folder };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

export async function writeSummary(folder: string, summary: ProfileSummary): Promise<void> {
  await writeFile(join(folder, summaryFile), `${JSON.stringify(summary, null, 2)}\n`);
}

/** undefined where the folder holds no session, or a damaged one. */
export async function readSummary(folder: string): Promise<KeptProfile | undefined> {
  try {
    const summary = JSON.parse(await readFile(join(folder, summaryFile), 'utf8')) as ProfileSummary;
    return typeof summary.date === 'string' && typeof summary.engine === 'string'
      ? { ...summary, folder }
      : undefined;
  } catch {
    return undefined;
  }
}

/** The newest first. */
export async function listProfiles(): Promise<readonly KeptProfile[]> {
  const parent = profilesFolder();
  const names = existsSync(parent) ? await readdir(parent) : [];
  const found = await Promise.all(names.map((name) => readSummary(join(parent, name))));
  return found
    .filter((each) => each !== undefined)
    .sort((a, b) => (a.date < b.date ? 1 : a.date > b.date ? -1 : 0));
}

/** By its id or the beginning of it, where that is only one's. Throws CONFIG_INVALID. */
export async function findProfile(word: string): Promise<KeptProfile> {
  const kept = await listProfiles();
  const matches = kept.filter(({ id }) => id === word);
  const found =
    matches.length > 0 ? matches : kept.filter(({ id }) => id.startsWith(word) || id.endsWith(word));
  if (found.length === 1) return found[0];
  if (found.length > 1)
    throw new RingwireError(
      'CONFIG_INVALID',
      `${JSON.stringify(word)} stands for ${found.length} profiles: ${found.map(({ id }) => id).join(', ')}.`,
    );
  const near = closestName(
    word,
    kept.map(({ id }) => id),
  );
  const hint =
    near === undefined ? 'ringwire profile list shows those that are kept.' : `Did you mean ${near}?`;
  throw new RingwireError('CONFIG_INVALID', `There is no profile ${JSON.stringify(word)}. ${hint}`);
}

/** Removes a session with all its files. Returns its id. */
export async function removeProfile(word: string): Promise<string> {
  const { folder, id } = await findProfile(word);
  await rm(folder, { recursive: true, force: true });
  return id || basename(folder);
}

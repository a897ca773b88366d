/** The files of a session, and recordings read back from them. */
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromCpuProfile, fromHeapProfile } from '../../analysis/flame/cpu-profile.js';
import { flamegraphSvg } from '../../analysis/flame/flamegraph-svg.js';
import { parseFolded, printFolded } from '../../analysis/flame/folded.js';
import type { Recording } from '../../analysis/flame/frame.js';
import { type FlamegraphText, renderFlamegraph } from '../../analysis/flame/render-flamegraph.js';
import { RingwireError } from '../../errors.js';
import { browserAsset } from '../report/browser-asset.js';
import { findProfile, readSummary } from './sessions.js';
import { SourceNames } from './source-names.js';

export const profileFiles = { html: 'flame.html', svg: 'flame.svg', folded: 'stacks.folded' } as const;

/** Page, picture and folded stacks. */
export async function writeProfileFiles(
  folder: string,
  recording: Recording,
  text: FlamegraphText,
): Promise<void> {
  const svg = { title: text.title, ...(text.subtitle === undefined ? {} : { subtitle: text.subtitle }) };
  await Promise.all([
    writeFile(join(folder, profileFiles.html), renderFlamegraph(recording, text, browserAsset('flame'))),
    writeFile(join(folder, profileFiles.svg), flamegraphSvg(recording, svg)),
    writeFile(join(folder, profileFiles.folded), printFolded(recording)),
  ]);
}

export interface ReadRecording {
  readonly recording: Recording;
  /** What it is called beside another one. */
  readonly name: string;
}

/**
 * Of a kept session by its id, of its folder, of a folded file, a .cpuprofile or a .heapprofile. Throws CONFIG_INVALID
 * where it is none of these.
 */
export async function readRecording(word: string): Promise<ReadRecording> {
  const found = await stat(word).catch(() => undefined);
  if (found === undefined && !/[\\/]|\.(?:folded|txt|cpuprofile|heapprofile)$/.test(word))
    return readSession((await findProfile(word)).folder);
  if (found === undefined) throw new RingwireError('CONFIG_INVALID', `There is no file ${word}.`);
  if (found.isDirectory()) return readSession(word);
  const text = await readFile(word, 'utf8');
  return { name: word, recording: ofFile(word, text) };
}

async function readSession(folder: string): Promise<ReadRecording> {
  const summary = await readSummary(folder);
  if (summary === undefined)
    throw new RingwireError(
      'CONFIG_INVALID',
      `The folder ${folder} holds no profile: it has no summary.json.`,
    );
  const text = await readFile(join(folder, profileFiles.folded), 'utf8').catch((cause: unknown) => {
    throw new RingwireError('CONFIG_INVALID', `The profile ${folder} has lost its ${profileFiles.folded}.`, {
      cause,
    });
  });
  return { name: summary.id, recording: parseFolded(text, summary.unit) };
}

function ofFile(file: string, text: string): Recording {
  if (!/\.(?:cpuprofile|heapprofile|json)$/.test(file)) return parseFolded(text);
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (cause) {
    throw new RingwireError('CONFIG_INVALID', `${file} is not JSON.`, { cause });
  }
  const recording = file.endsWith('.heapprofile') ? fromHeapProfile(data) : fromCpuProfile(data);
  return new SourceNames().recording(recording);
}

/** Where samples for an analysis come from: a file, a process of this machine, or a server that serves stats. */
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import type { Sample } from '../../analysis/sample.js';
import { RingwireError } from '../../errors.js';
import { type MonitorOptions, monitorResources } from './monitor-resources.js';
import { parseSamples } from './sample-file.js';

export interface SampleSourceOptions
  extends Pick<MonitorOptions, 'attach' | 'headers' | 'series' | 'signal'> {
  /** Of a process or a server. Default 10,000. */
  readonly durationMs?: number;
  /** Default 1,000. */
  readonly intervalMs?: number;
  /** Called with each sample of a process or a server as it comes. */
  readonly onSample?: (sample: Sample) => void;
}

/** What a text names: a URL, the number of a process, or a file ('-' is our stdin). */
export type SourceKind = { readonly url: string } | { readonly pid: number } | { readonly file: string };

/** A number is a process; a file of that name is './4711'. */
export function sourceKind(source: string): SourceKind {
  if (/^https?:\/\//i.test(source)) return { url: source };
  if (/^\d+$/.test(source)) return { pid: Number(source) };
  return { file: source };
}

/**
 * All samples of a source. Rejects with CONFIG_INVALID where a file is not there or holds no samples (with the line),
 * and with the errors of monitorResources().
 */
export async function collectSamples(
  source: string,
  options: SampleSourceOptions = {},
): Promise<readonly Sample[]> {
  const { durationMs = 10_000, intervalMs = 1_000, onSample, ...rest } = options;
  const kind = sourceKind(source);
  if ('file' in kind) return readSamples(kind.file);
  const samples: Sample[] = [];
  for await (const sample of monitorResources(durationMs, intervalMs, { ...rest, ...kind })) {
    samples.push(sample);
    onSample?.(sample);
  }
  return samples;
}

/** The samples of a file of JSON lines; '-' reads our stdin. */
export async function readSamples(file: string): Promise<readonly Sample[]> {
  if (file === '-') return parseSamples(await text(process.stdin), 'stdin');
  let content: string;
  try {
    content = await readFile(file, 'utf8');
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new RingwireError(
      'CONFIG_INVALID',
      `${file} cannot be read (${why}). Give a file of JSON lines, the number of a process, or a URL with stats.`,
      { cause },
    );
  }
  return parseSamples(content, file);
}

/** Records of measurements: one JSON line each, appended to FOLDER/SCENARIO.jsonl and never changed. */
import { appendFile, type FileHandle, mkdir, open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BenchRecord } from '../analysis/record.js';
import { RingwireError } from '../errors.js';
import { stateFolder } from './state-folder.js';

/** Where results go unless another folder is named. */
export function resultsFolder(): string {
  return join(stateFolder(), 'results');
}

function fileOf(folder: string, scenario: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(scenario))
    throw new RingwireError('CONFIG_INVALID', `${JSON.stringify(scenario)} is no name of a scenario.`);
  return join(folder, `${scenario}.jsonl`);
}

/** Returns the files written to. Rejects with IO_ERROR. */
export async function appendRecords(
  records: readonly BenchRecord[],
  folder: string = resultsFolder(),
): Promise<string[]> {
  const lines = new Map<string, string>();
  for (const record of records) {
    const file = fileOf(folder, record.scenario);
    lines.set(file, `${lines.get(file) ?? ''}${JSON.stringify(record)}\n`);
  }
  try {
    await mkdir(folder, { recursive: true });
    // One write for each file: lines of two runs at once do not mix.
    for (const [file, text] of lines) await appendFile(file, (await isCutOff(file)) ? `\n${text}` : text);
  } catch (cause) {
    throw new RingwireError('IO_ERROR', `Results cannot be written to ${folder}: ${message(cause)}.`, {
      cause,
    });
  }
  return [...lines.keys()];
}

/** Whether the last line has no end: what is put behind it would be a part of it. */
async function isCutOff(file: string): Promise<boolean> {
  let handle: FileHandle;
  try {
    handle = await open(file, 'r');
  } catch {
    return false; // Not there yet; what else is wrong with it, writing to it tells.
  }
  try {
    const { size } = await handle.stat();
    const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, Math.max(0, size - 1));
    return size > 0 && buffer.toString() !== '\n';
  } finally {
    await handle.close();
  }
}

/**
 * The records of a scenario, the oldest first; none where nothing was recorded. Rejects with CONFIG_INVALID that names
 * the line where one is no record, IO_ERROR where the file cannot be read.
 */
export async function readRecords(
  scenario: string,
  folder: string = resultsFolder(),
): Promise<BenchRecord[]> {
  return readRecordFile(fileOf(folder, scenario));
}

/** As readRecords(), of a file by its path; a file that does not exist holds none. */
export async function readRecordFile(file: string): Promise<BenchRecord[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new RingwireError('IO_ERROR', `${file} cannot be read: ${message(cause)}.`, { cause });
  }
  const records: BenchRecord[] = [];
  const lines = text.split('\n');
  for (const [index, line] of lines.entries()) {
    if (line === '') continue;
    // A write that was cut off by a crash or a full disk leaves a last line without its end.
    if (index === lines.length - 1 && !isJson(line)) continue;
    records.push(parseRecord(line, `${file}:${index + 1}`));
  }
  return records;
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

function parseRecord(line: string, place: string): BenchRecord {
  const value: unknown = isJson(line) ? JSON.parse(line) : undefined;
  const record = value as Partial<BenchRecord> | undefined | null;
  if (typeof record !== 'object' || typeof record?.scenario !== 'string' || typeof record.rate !== 'number')
    throw new RingwireError(
      'CONFIG_INVALID',
      `${place} is no record of a measurement: an object with "scenario" and "rate".`,
    );
  return record as BenchRecord;
}

/** Names of the scenarios that a folder has records of. */
export async function recordedScenarios(folder: string = resultsFolder()): Promise<string[]> {
  try {
    const files = await readdir(folder);
    return files
      .filter((file) => file.endsWith('.jsonl'))
      .map((file) => file.slice(0, -'.jsonl'.length))
      .sort();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new RingwireError('IO_ERROR', `${folder} cannot be read: ${message(cause)}.`, { cause });
  }
}

function message(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** Records of measurements as files. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { BenchRecord } from '../../src/analysis/record.js';
import { appendRecords, readRecords } from '../../src/workbench/results.js';

const folder = mkdtempSync(join(tmpdir(), 'ringwire-results-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const record = (scenario: string, rate: number) => ({ scenario, rate }) as BenchRecord;

describe('records', () => {
  it('are appended, a line each', async () => {
    expect(await readRecords('a', folder)).toEqual([]);
    await appendRecords([record('a', 1), record('b', 5), record('a', 2)], folder);
    await appendRecords([record('a', 3)], folder);
    expect((await readRecords('a', folder)).map(({ rate }) => rate)).toEqual([1, 2, 3]);
  });

  it('keep clear of a line that a crash cut off, which is told of then', async () => {
    await appendRecords([record('torn', 1)], folder);
    const file = join(folder, 'torn.jsonl');
    appendFileSync(file, '{"scenario":"to');
    expect(await readRecords('torn', folder)).toEqual([record('torn', 1)]);
    await appendRecords([record('torn', 2)], folder);
    expect(readFileSync(file, 'utf8').split('\n')[2]).toBe(JSON.stringify(record('torn', 2)));
    await expect(readRecords('torn', folder)).rejects.toThrow(/torn\.jsonl:2 is no record/);
  });

  it('need a folder that can be written', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    await expect(appendRecords([record('a', 1)], file)).rejects.toMatchObject({ code: 'IO_ERROR' });
    await expect(appendRecords([record('../a', 1)], folder)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseSamples } from '../../src/workbench/monitor/sample-file.js';
import { collectSamples, readSamples, sourceKind } from '../../src/workbench/monitor/sample-source.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ringwire-samples-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a source of samples', () => {
  it('is a URL, a process or a file', () => {
    expect(sourceKind('http://127.0.0.1:80')).toEqual({ url: 'http://127.0.0.1:80' });
    expect(sourceKind('4711')).toEqual({ pid: 4711 });
    expect(sourceKind('./4711')).toEqual({ file: './4711' });
    expect(sourceKind('samples.jsonl')).toEqual({ file: 'samples.jsonl' });
  });

  it('reads JSON lines', async () => {
    const file = join(folder, 'good.jsonl');
    await writeFile(
      file,
      '{"atMs":1000,"intervalMs":1000,"calls":{"calls":5,"errors":0},"more":[1]}\n\n{"atMs":2000,"intervalMs":1000}\n',
    );
    expect(await readSamples(file)).toHaveLength(2);
    expect((await collectSamples(file))[0].calls?.calls).toBe(5);
  });

  it('samples a process', async () => {
    const seen: number[] = [];
    const samples = await collectSamples(String(process.pid), {
      durationMs: 60,
      intervalMs: 20,
      onSample: ({ atMs }) => seen.push(atMs),
    });
    expect(samples.length).toBeGreaterThan(0);
    expect(seen).toEqual(samples.map(({ atMs }) => atMs));
  });

  it.each([
    ['no json', /f:1: this is no JSON/],
    ['{"atMs":1,"intervalMs":1}\n[]', /f:2: a sample is an object/],
    ['{"intervalMs":1}', /f:1: "atMs" is missing/],
    ['{"atMs":-1,"intervalMs":1}', /"atMs" must be a number of 0 or more, not -1/],
    ['{"atMs":1,"intervalMs":1,"calls":{"calls":"5"}}', /"calls\.calls" must be a number/],
    ['{"atMs":1,"intervalMs":1,"process":{"gc":4}}', /"process\.gc" must be an object/],
    ['{"atMs":1,"intervalMs":1,"process":{"gc":{"count":1}}}', /"process\.gc\.majorCount" is missing/],
    ['{"atMs":1,"intervalMs":1,"series":4}', /"series" must be text/],
    ['\n\n', /f holds no samples/],
  ])('says what is wrong with %j', (text, problem) => {
    expect(() => parseSamples(text, 'f')).toThrow(problem);
  });

  it('says what cannot be read', async () => {
    await expect(readSamples(join(folder, 'none'))).rejects.toThrow(/cannot be read \(ENOENT\)/);
  });
});

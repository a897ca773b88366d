/** docs/results.md: what is recorded for it, and what its tables are rendered as. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { seedFigures } from '../../src/analysis/seed-figures.js';
import { type Ended, Running, root, temporaryFolder } from './run.js';

const timeoutMs = 60_000;

function script(name: string, args: readonly string[]): Promise<Ended> {
  const child = new Running([join(root, 'bench', name), ...args]);
  child.process.stdin.end();
  return child.ended;
}

test('the recorder measures by commands, and its lines become rows of the table', {
  timeout: timeoutMs,
}, async () => {
  const folder = await temporaryFolder();
  const recorded = await script('record-analysis.mjs', ['--quick', '--only', 'stdio', '--results', folder]);
  expect({ code: recorded.code, stderr: recorded.stderr }).toEqual({ code: 0, stderr: '' });
  const file = join(folder, 'analysis.jsonl');
  const lines = (await readFile(file, 'utf8')).trim().split('\n');
  const records = lines.map((line) => JSON.parse(line));
  const ids = ['throughput.stdio', 'memory.stdio', 'p95.stdio'];
  expect(records.map(({ id }) => id).sort()).toEqual(ids.sort());
  for (const record of records) {
    expect(record).toMatchObject({ quick: true, commit: expect.any(String), date: expect.any(String) });
    expect(record.command).toMatch(/^ringwire analyze (throughput stdio 500 1024|latency stdio 100 64)$/);
    expect(record.value).toBeGreaterThan(0);
  }
  // Quick runs make no table.
  const document = join(folder, 'results.md');
  await writeFile(document, '<!-- bench:seed -->\n<!-- /bench:seed -->\n');
  expect((await script('render.mjs', [document, '--results', folder])).code).toBe(0);
  expect(await readFile(document, 'utf8')).not.toMatch(/analysis\.jsonl/);
  const [first] = records.filter(({ id }) => id === 'throughput.stdio');
  const whole = { ...first, quick: undefined };
  const newer = { ...whole, value: 98_765, date: '2099-01-01T00:00:00.000Z' };
  await writeFile(file, [whole, newer, whole].map((one) => `${JSON.stringify(one)}\n`).join(''));
  expect((await script('render.mjs', [document, '--results', folder, '--check'])).code).toBe(1);
  expect((await script('render.mjs', [document, '--results', folder])).code).toBe(0);
  const text = await readFile(document, 'utf8');
  expect(text).toMatch(
    /\| stdio: throughput \| 1000-5000 KB\/s \| 98,765 KB\/s \| `ringwire analyze throughput stdio 500 1024` \| \[line 2\]\(.*\/analysis\.jsonl#L2\) \|/,
  );
  expect(text).toMatch(/`node bench\/record-analysis\.mjs` at \w+.*2099-01-01: Node/);
  expect(text.match(/^\| [^-f]/gm)?.length).toBeGreaterThanOrEqual(seedFigures.length - 2);
  expect((await script('render.mjs', [document, '--results', folder, '--check'])).code).toBe(0);
});

test('every measurement is of a figure that the documents state, and every figure is measured or says why not', async () => {
  const { seedMeasurements, notMeasured } = await import(join(root, 'bench/lib/seed-measurements.mjs'));
  const known = new Set<string>(seedFigures.map(({ id }) => id));
  for (const id of Object.keys(notMeasured)) expect(known, id).toContain(id);
  const source = await readFile(join(root, 'bench/lib/seed-measurements.mjs'), 'utf8');
  expect(seedMeasurements.length).toBeGreaterThan(10);
  for (const id of known) {
    const [group, rest] = id.split('.');
    // Written out, or made of a transport's name or of the name of a load.
    const forms = [`'${id}'`, `\`${group}.\${`, `\`\${prefix}.${rest}\``];
    expect(
      forms.some((form) => source.includes(form)),
      id,
    ).toBe(true);
  }
});

test('wrong usage of the recorder is told', async () => {
  const { code, stderr } = await script('record-analysis.mjs', ['--only', 'nothing']);
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: 'record-analysis: --only nothing: no command has this word\n',
  });
});

test('every table of the documents is what bench/results says', async () => {
  const { code, stderr } = await script('render.mjs', ['--check']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});

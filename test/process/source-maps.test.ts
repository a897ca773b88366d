/** The source maps of dist name files that are there: stacks and profiles lead to the sources. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { SourceNames } from '../../src/workbench/profile/source-names.js';
import { Running, root } from './run.js';

const dist = join(root, 'dist');

it('every source exists', () => {
  const maps = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.js.map'),
  );
  const sources = maps.flatMap((name) => {
    const file = join(dist, name);
    const map = JSON.parse(readFileSync(file, 'utf8')) as { readonly sources: readonly string[] };
    return map.sources.map((source) => resolve(dirname(file), source));
  });
  expect(sources).toContain(join(root, 'src', 'cli', 'main.ts'));
  expect([...new Set(sources)].filter((source) => !existsSync(source))).toEqual([]);
});

const failing = `
  import { createServer } from ${JSON.stringify(pathToFileURL(join(dist, 'index.js')))};
  await createServer({ name: 'a', version: '1' }).listen('nonsense').catch(({ stack }) => console.log(stack));
`;

interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Of the innermost frame of the package. */
async function thrownAt(flags: readonly string[]): Promise<Place> {
  const { stdout } = await new Running([...flags, '--input-type=module', '-e', failing]).ended;
  const match = /((?:file:)?\/[^\n()]*\.[jt]s):(\d+):(\d+)\)?$/m.exec(stdout);
  if (match === null) throw new Error(`no place in ${stdout}`);
  const file = match[1].startsWith('file:') ? fileURLToPath(match[1]) : match[1];
  return { file, line: Number(match[2]), column: Number(match[3]) };
}

it('stacks and profiles name the line of the source', async () => {
  const [built, mapped] = await Promise.all([thrownAt([]), thrownAt(['--enable-source-maps'])]);
  expect(built.file.startsWith(join(dist, '/'))).toBe(true);
  const source = mapped.file.slice(root.length);
  expect(source).toMatch(/^src\/.+\.ts$/);
  expect(readFileSync(mapped.file, 'utf8').split('\n')[mapped.line - 1]).toContain('new RingwireError(');
  const named = new SourceNames(root, root).frame({ name: 'f', kind: 'javascript', ...built });
  expect(named).toMatchObject({ file: `ringwire/${source}`, line: mapped.line });
});

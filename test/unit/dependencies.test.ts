/** Every dependency has its reason in writing, and every one that users install is used. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { filesBelow, importsOf, read } from '../layering/sources.js';

const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<
  'dependencies' | 'devDependencies',
  Record<string, string>
>;
const page = readFileSync(new URL('../../docs/decisions/0001-dependencies.md', import.meta.url), 'utf8');

describe('dependencies', () => {
  it.each(Object.keys({ ...dependencies, ...devDependencies }))(
    '%s has its reason in decision 0001',
    (name) => {
      const rows = page.split('\n').filter((line) => line.startsWith('| `'));
      // `@scope/a`, `b`: the second is of the same scope.
      const named = rows.some((row) => {
        const names = [...row.split(' | ')[0].matchAll(/`([^`]+)`/g)].map(([, text]) => text);
        const scope = names[0].startsWith('@') ? `${names[0].split('/')[0]}/` : '';
        return names.includes(name) || (scope !== '' && names.some((other) => scope + other === name));
      });
      expect(named).toBe(true);
    },
  );

  it('that users install are all imported', () => {
    const imported = new Set(
      filesBelow('src', /\.ts$/).flatMap((file) => importsOf(read(file)).map(({ target }) => target)),
    );
    const unused = Object.keys(dependencies).filter(
      (name) => ![...imported].some((target) => target === name || target.startsWith(`${name}/`)),
    );
    expect(unused).toEqual([]);
  });
});

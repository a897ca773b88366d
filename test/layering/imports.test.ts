/** The import direction of src: every arrow points to a lower layer, and only to what package.json declares. */
import { describe, expect, it } from 'vitest';
import { filesBelow, importsOf, read, resolveImport } from './sources.js';

/** Lowest first. Folders of one row may not import each other. */
const layers: readonly (readonly string[])[] = [
  ['errors.ts', 'limits.ts'],
  ['binding'],
  ['observability'],
  ['buffers'],
  ['serialization'],
  ['transports'],
  ['rpc'],
  ['resilience', 'security', 'cache'],
  ['mcp'],
  ['routing'],
  ['supervision'],
  ['gateway'],
  ['workbench'],
  ['index.ts'],
  ['cli'],
];

/** Folders outside the order: they may import these and nothing else of ours. */
const islands: Readonly<Record<string, readonly string[]>> = { analysis: ['errors.ts', 'observability'] };

/** `errors.ts` or the first folder below src. */
function unitOf(path: string): string {
  return path.split('/')[1];
}

function layerOf(unit: string): number {
  return layers.findIndex((row) => row.includes(unit));
}

/** Why `from` may not import `to`, or undefined where it may. */
function complaint(from: string, to: string): string | undefined {
  if (from === to) return undefined;
  if (islands[from]) return islands[from].includes(to) ? undefined : `${from} may not import ${to}`;
  if (layerOf(from) < 0) return `src/${from} has no place in the order: add it to test/layering`;
  // `index.ts` names the public API, islands included.
  if (islands[to])
    return from === 'cli' || from === 'workbench' || from === 'index.ts'
      ? undefined
      : `${from} may not import ${to}`;
  if (layerOf(to) < 0) return `src/${to} has no place in the order: add it to test/layering`;
  return layerOf(to) < layerOf(from) ? undefined : `${from} may not import ${to}`;
}

const files = filesBelow('src', /\.ts$/);

describe('imports of src', () => {
  it('reads every form of import', () => {
    const text = [
      "import { a } from './a.js';",
      "import type {\n  B,\n} from './b.js';",
      "export { c } from './c.js';",
      "export * from './d.js';",
      "import './e.js';",
      "const f = await import('./f.js');",
      "// import { g } from './g.js';",
      "/** import { h } from './h.js'; */",
      "let i: import('./i.js').I;",
    ].join('\n');
    expect(importsOf(text).map(({ target }) => target)).toEqual([
      './a.js',
      './b.js',
      './c.js',
      './d.js',
      './e.js',
      './f.js',
      './i.js',
    ]);
  });

  it('refuses an arrow against the order', () => {
    expect(complaint('transports', 'rpc')).toBe('transports may not import rpc');
    expect(complaint('cache', 'security')).toBe('cache may not import security');
    expect(complaint('analysis', 'rpc')).toBe('analysis may not import rpc');
    expect(complaint('helpers', 'rpc')).toMatch(/no place in the order/);
    expect(complaint('rpc', 'transports')).toBeUndefined();
  });

  it('point to lower layers only', () => {
    const wrong: string[] = [];
    for (const file of files)
      for (const { target, line } of importsOf(read(file))) {
        const to = resolveImport(file, target);
        if (to === undefined) continue;
        const why = to.startsWith('src/') ? complaint(unitOf(file), unitOf(to)) : `${to} is outside src`;
        if (why) wrong.push(`${file}:${line}: ${why}`);
      }
    expect(files.length).toBeGreaterThan(20);
    expect(wrong).toEqual([]);
  });

  it('name files that exist', () => {
    const known = new Set([...files, 'src/binding/constants.generated.ts']);
    const wrong: string[] = [];
    for (const file of files)
      for (const { target, line } of importsOf(read(file))) {
        const to = resolveImport(file, target);
        if (to !== undefined && !known.has(to)) wrong.push(`${file}:${line}: ${target}`);
      }
    expect(wrong).toEqual([]);
  });

  it('take only packages that are dependencies or become part of dist, not tools of development', () => {
    const { dependencies, peerDependencies = {} } = JSON.parse(read('package.json'));
    const [, list] = /bundledPackages = \[([^\]]+)\]/.exec(
      read('scripts/build/bundled.mjs'),
    ) as RegExpExecArray;
    const bundled = [...list.matchAll(/'([^']+)'/g)].map(([, name]) => name);
    const declared = new Set([...Object.keys(dependencies), ...Object.keys(peerDependencies), ...bundled]);
    const wrong: string[] = [];
    for (const file of files)
      for (const { target, line } of importsOf(read(file))) {
        if (target.startsWith('.') || target.startsWith('node:')) continue;
        const name = target
          .split('/')
          .slice(0, target.startsWith('@') ? 2 : 1)
          .join('/');
        if (!declared.has(name)) wrong.push(`${file}:${line}: ${name}`);
      }
    expect(wrong).toEqual([]);
  });
});

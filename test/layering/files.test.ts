/** Rules about files: what is public, how long a file may be, how it is named, what each folder says of itself. */
import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { filesBelow, read, root } from './sources.js';

const maxLines = 500;

const source = ['src', 'native', 'scripts', 'examples', 'bench', 'test'].flatMap((folder) =>
  filesBelow(folder, /\.(ts|mjs|js|cc|h)$/),
);

describe('files', () => {
  it('stay short enough to hold in the head', () => {
    const long = source
      .map((file) => [file, read(file).split('\n').length - 1] as const)
      .filter(([, lines]) => lines > maxLines);
    expect(long).toEqual([]);
  });

  it('show their side by their name', () => {
    const wrong = source.filter((file) => {
      const name = file.slice(file.lastIndexOf('/') + 1);
      return /\.(cc|h)$/.test(name) ? !/^[a-z0-9_]+\.(cc|h)$/.test(name) : !/^[a-z0-9.-]+$/.test(name);
    });
    expect(wrong).toEqual([]);
  });

  it('make public by name: no export *', () => {
    const entries = ['src/index.ts', 'src/mcp/index.ts'];
    for (const entry of entries) {
      expect(existsSync(`${root}${entry}`), entry).toBe(true);
      expect(read(entry)).not.toMatch(/^\s*export\s*\*/m);
    }
  });

  it('tell for each folder what is in it and what may not go in it', () => {
    const folders = ['native/src', 'src'].flatMap((parent) =>
      readdirSync(`${root}${parent}`, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => `${parent}/${entry.name}`),
    );
    const silent = [...folders, 'bench', 'test', 'examples', 'native/test', 'scripts'].filter((folder) => {
      const readme = `${folder}/README.md`;
      return !existsSync(`${root}${readme}`) || !/\b(?:may not|no other|nothing|never)\b/i.test(read(readme));
    });
    expect(silent).toEqual([]);
  });

  it('name no machine: no absolute home or work paths', () => {
    const wrong = [...source, ...filesBelow('docs', /\.md$/), 'README.md', 'CONTRIBUTING.md'].filter((file) =>
      new RegExp(`[^\\w.](?:/${'work'}/|/${'root'}/|/${'home'}/\\w)`).test(read(file)),
    );
    expect(wrong).toEqual([]);
  });
});

/** What the layering tests read: the hand-written files of the repository and the imports inside them. */
import { readdirSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** Folders of builds, packages and data, which nobody writes by hand. */
const skipped = new Set([
  'node_modules',
  'build',
  'dist',
  'prebuilds',
  'corpus',
  'results',
  'data',
  '.cache',
]);

/** Paths from the root, slashes forward, of the files below `folder` whose name matches, in a stable order. */
export function filesBelow(folder: string, pattern: RegExp): string[] {
  const found: string[] = [];
  for (const entry of readdirSync(`${root}${folder}`, { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      if (!skipped.has(entry.name)) found.push(...filesBelow(path, pattern));
    } else if (pattern.test(entry.name) && !entry.name.includes('.generated.')) {
      found.push(path);
    }
  }
  return found.sort();
}

export function read(path: string): string {
  return readFileSync(`${root}${path}`, 'utf8');
}

export interface Reference {
  /** What stands in the import or include. */
  readonly target: string;
  readonly line: number;
}

/** Comments blanked out, so that neither their quotes nor the code they quote counts; line numbers stay. */
function withoutComments(text: string): string {
  const blank = (comment: string) => comment.replace(/[^\n]/g, ' ');
  return text.replace(/\/\*[\s\S]*?\*\//g, blank).replace(/^\s*\/\/.*$/gm, blank);
}

function references(text: string, pattern: RegExp): Reference[] {
  const source = withoutComments(text);
  return [...source.matchAll(pattern)].map((match) => ({
    target: match.slice(1).find((group) => group !== undefined) as string,
    line: source.slice(0, match.index + match[0].length).split('\n').length,
  }));
}

/** Static imports, re-exports, dynamic imports and import types of a TypeScript text. */
export function importsOf(text: string): Reference[] {
  const pattern =
    /(?:^|[\n;])\s*(?:import|export)\b[^'";]*?\bfrom\s*['"]([^'"]+)['"]|\bimport\s*\(\s*['"]([^'"]+)['"]|(?:^|[\n;])\s*import\s*['"]([^'"]+)['"]/g;
  return references(text, pattern);
}

/** `#include` lines of a C++ text; system includes keep their angle brackets. */
export function includesOf(text: string): Reference[] {
  return references(text, /^[ \t]*#[ \t]*include[ \t]+(?:"([^"]+)"|(<[^>]+>))/gm);
}

/** A relative import as a path from the root, `.js` turned back into `.ts`; undefined for a package. */
export function resolveImport(from: string, target: string): string | undefined {
  if (!target.startsWith('.')) return undefined;
  const url = new URL(target, `file:///${from}`);
  return relative('/', fileURLToPath(url)).replaceAll('\\', '/').replace(/\.js$/, '.ts');
}

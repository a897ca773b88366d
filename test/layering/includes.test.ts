/** The include direction of native/src, and which folders may see Node, libuv and simdjson. */
import { describe, expect, it } from 'vitest';
import { filesBelow, includesOf, read } from './sources.js';

/** Lowest first. Folders of one row may not include each other. */
const layers: readonly (readonly string[])[] = [
  ['base'],
  ['ring', 'slab'],
  ['json'],
  ['net'],
  ['route'],
  ['napi'],
];

/** Headers of others that would tie a folder to Node, to the event loop or to simdjson. */
const reserved: Readonly<Record<string, readonly string[]>> = {
  '<napi.h>': ['napi'],
  '<node_api.h>': ['napi'],
  '<js_native_api.h>': ['napi'],
  '<uv.h>': ['net', 'route', 'napi'],
  '<simdjson.h>': ['json', 'napi'],
};

const layerOf = (folder: string) => layers.findIndex((row) => row.includes(folder));

/** Why a file of `folder` may not include `target`, or undefined where it may. */
function complaint(folder: string, target: string): string | undefined {
  if (layerOf(folder) < 0) return `native/src/${folder} has no place in the order: add it to test/layering`;
  if (target.startsWith('<')) {
    const allowed = reserved[target];
    return allowed === undefined || allowed.includes(folder) ? undefined : `${target} is not for ${folder}`;
  }
  const to = target.split('/')[0];
  if (reserved[`<${target}>`]) return `write <${target}>, it is not ours`;
  if (layerOf(to) < 0) return `"${target}" must start with a folder of native/src`;
  return to === folder || layerOf(to) < layerOf(folder) ? undefined : `${folder} may not include ${to}`;
}

const files = filesBelow('native/src', /\.(cc|h)$/);

describe('includes of native/src', () => {
  it('refuses an arrow against the order and a reserved header', () => {
    expect(complaint('ring', 'slab/slab.h')).toBe('ring may not include slab');
    expect(complaint('net', 'route/table.h')).toBe('net may not include route');
    expect(complaint('json', '<uv.h>')).toBe('<uv.h> is not for json');
    expect(complaint('net', '<napi.h>')).toBe('<napi.h> is not for net');
    expect(complaint('net', 'framer.h')).toMatch(/must start with a folder/);
    expect(complaint('net', 'base/bytes.h')).toBeUndefined();
  });

  it('point to lower folders only', () => {
    const wrong: string[] = [];
    for (const file of files)
      for (const { target, line } of includesOf(read(file))) {
        const why = complaint(file.split('/')[2], target);
        if (why) wrong.push(`${file}:${line}: ${why}`);
      }
    expect(files.length).toBeGreaterThan(10);
    expect(wrong).toEqual([]);
  });

  it('have headers that start with #pragma once and sources that print, throw and abort nowhere', () => {
    const wrong: string[] = [];
    const forbidden =
      /\bstd::c(?:out|err)\b|\b(?:f?printf|puts|_?exit)\s*\(|\b(?:abort|terminate)\s*\(\s*\)|\bthrow\b/;
    for (const file of files) {
      const text = read(file);
      if (file.endsWith('.h') && !/^#pragma once$/m.test(text)) wrong.push(`${file}: no #pragma once`);
      text.split('\n').forEach((line, index) => {
        if (forbidden.test(line.replace(/\/\/.*|"(?:[^"\\]|\\.)*"/g, '')))
          wrong.push(`${file}:${index + 1}: ${line.trim()}`);
      });
    }
    expect(wrong).toEqual([]);
  });
});

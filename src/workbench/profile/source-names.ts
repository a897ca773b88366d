/** Names the sources that frames are of: bundles by their source maps, paths as short as they stay clear. */
import { readFileSync, realpathSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { dirname, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Frame, Recording } from '../../analysis/flame/frame.js';
import { isScript } from '../../analysis/flame/frame.js';
import { packageRoot } from '../../binding/package-root.js';

interface Place {
  readonly path: string;
  readonly line?: number;
}

type Lookup = (line: number, column: number) => Place | undefined;

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function lookupByMap(path: string, text: string): Lookup | undefined {
  let map: SourceMap;
  try {
    map = new SourceMap(JSON.parse(text) as SourceMapPayload);
  } catch {
    return undefined;
  }
  const folder = dirname(path);
  return (line, column) => {
    const entry = map.findEntry(line - 1, column - 1);
    if (!('originalSource' in entry) || !entry.originalSource) return undefined;
    const source = entry.originalSource;
    const original = source.startsWith('file:') ? fileURLToPath(source) : resolve(folder, source);
    return { path: original, line: entry.originalLine + 1 };
  };
}

/** esbuild writes the path of each module above its code: enough where a package comes without its maps. */
function lookupByComments(root: string, text: string): Lookup {
  const lines = text.split('\n');
  return (line) => {
    for (let at = Math.min(line, lines.length) - 1; at >= 0; at--) {
      const module = /^\/\/ (src\/[\w./-]+\.ts)$/.exec(lines[at]);
      if (module !== null) return { path: resolve(root, module[1]) };
    }
    return undefined;
  };
}

export class SourceNames {
  readonly #root: string;
  readonly #workingFolder: string;
  readonly #lookups = new Map<string, Lookup | undefined>();
  readonly #named = new WeakMap<Frame, Frame>();

  /** Paths below `workingFolder` are shown relative to it. */
  constructor(workingFolder = process.cwd(), root = fileURLToPath(packageRoot)) {
    this.#workingFolder = workingFolder;
    this.#root = realpathSync(root).replace(/[\\/]$/, '');
  }

  recording(recording: Recording): Recording {
    return {
      unit: recording.unit,
      stacks: recording.stacks.map(({ frames, count }) => ({
        frames: frames.map((frame) => this.frame(frame)),
        count,
      })),
    };
  }

  frame(frame: Frame): Frame {
    const known = this.#named.get(frame);
    if (known !== undefined) return known;
    const named = isScript(frame) ? this.#name(frame) : frame;
    this.#named.set(frame, named);
    return named;
  }

  #name(frame: Frame): Frame {
    const path = pathOf(frame.file);
    if (path === undefined) return frame;
    const { line, column, ...rest } = frame;
    const place = line === undefined ? undefined : this.#lookup(path)?.(line, column ?? 1);
    if (place === undefined) return { ...frame, file: this.#short(path) };
    return {
      ...rest,
      file: this.#short(place.path),
      ...(place.line === undefined ? {} : { line: place.line }),
    };
  }

  #lookup(path: string): Lookup | undefined {
    if (this.#lookups.has(path)) return this.#lookups.get(path);
    const map = textOf(`${path}.map`);
    let lookup = map === undefined ? undefined : lookupByMap(path, map);
    if (lookup === undefined && path.startsWith(`${this.#root}${sep}dist${sep}`)) {
      const text = textOf(path);
      if (text !== undefined) lookup = lookupByComments(this.#root, text);
    }
    this.#lookups.set(path, lookup);
    return lookup;
  }

  #short(path: string): string {
    const slashes = (text: string): string => text.split(sep).join('/');
    const own = below(this.#root, path);
    if (own !== undefined && !own.includes('node_modules')) return `ringwire/${slashes(own)}`;
    const installed = path.lastIndexOf(`node_modules${sep}`);
    if (installed >= 0) return slashes(path.slice(installed));
    return slashes(below(this.#workingFolder, path) ?? path);
  }
}

function pathOf(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  if (file.startsWith('file:')) {
    try {
      return fileURLToPath(file);
    } catch {
      return undefined;
    }
  }
  return file.startsWith('/') || /^[A-Za-z]:[\\/]/.test(file) ? file : undefined;
}

function below(folder: string, path: string): string | undefined {
  const inside = relative(folder, path);
  return inside !== '' && !inside.startsWith('..') && resolve(folder, inside) === path ? inside : undefined;
}

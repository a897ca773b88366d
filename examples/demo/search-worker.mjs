/** One search, on a thread of its own, with limits on what it looks at. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { maxFileBytes, skippedFolders } from './folder.mjs';

const maxFiles = 20_000;
const maxLineLength = 200;

/** `**` crosses folders, `*` and `?` do not, `{a,b}` chooses. A glob without a slash is matched at any depth. */
function globToRegExp(glob) {
  const anywhere = glob.includes('/') ? glob : `**/${glob}`;
  let depth = 0;
  const source = anywhere.replaceAll(/\*\*\/|\*\*|[*?{},]|[^*?{},]+/g, (piece) => {
    if (piece === '**/') return '(?:.*/)?';
    if (piece === '**') return '.*';
    if (piece === '*') return '[^/]*';
    if (piece === '?') return '[^/]';
    if (piece === '{') return ++depth > 0 ? '(?:' : '';
    if (piece === '}' && depth > 0) {
      depth -= 1;
      return ')';
    }
    if (piece === ',') return depth > 0 ? '|' : ',';
    return piece.replaceAll(/[.+^$()|[\]\\}]/g, '\\$&');
  });
  if (depth > 0) throw new Error(`The glob "${glob}" has a "{" without "}".`);
  return new RegExp(`^${source}$`);
}

function* files(root) {
  const folders = [root];
  let seen = 0;
  while (folders.length > 0) {
    const folder = folders.shift();
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory() && !skippedFolders.has(entry.name)) folders.push(path);
      if (entry.isFile()) yield path;
      seen += 1;
      if (seen > maxFiles) return;
    }
  }
}

function* linesMatching(path, pattern) {
  if (statSync(path).size > maxFileBytes) return;
  const text = readFileSync(path, 'utf8');
  if (text.includes('\0')) return;
  for (const [index, line] of text.split('\n').entries()) {
    if (pattern.test(line)) yield { line: index + 1, text: line.trim().slice(0, maxLineLength) };
  }
}

function run({ root, query }) {
  const { glob, pattern, maxResults } = query;
  const name = glob === undefined ? undefined : globToRegExp(glob);
  const content = pattern === undefined ? undefined : new RegExp(pattern);
  const matches = [];
  for (const file of files(root)) {
    const path = relative(root, file);
    if (name !== undefined && !name.test(path)) continue;
    for (const match of content === undefined ? [{}] : linesMatching(file, content)) {
      if (matches.length === maxResults) return { matches, truncated: true };
      matches.push({ path, ...match });
    }
  }
  return { matches, truncated: false };
}

try {
  parentPort.postMessage({ result: run(workerData) });
} catch (error) {
  parentPort.postMessage({ problem: error.message });
}

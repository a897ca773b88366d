// Writes the tables between <!-- bench:NAME --> and <!-- /bench:NAME --> of README.md and docs from bench/results.
//   node bench/render.mjs [--check] [--results FOLDER] [FILE...]
// --check writes nothing and fails where a document is not what the results say.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { BenchError } from './lib/errors.mjs';
import { markdownTables } from './lib/markdown.mjs';
import { latestRun } from './lib/results.mjs';

const root = fileURLToPath(new URL('../', import.meta.url));
const marked = /(<!-- bench:(\w+) -->\n)([\s\S]*?)(<!-- \/bench:\2 -->)/g;

function documents() {
  const docs = readdirSync(path.join(root, 'docs'), { recursive: true })
    .filter((name) => name.endsWith('.md'))
    .map((name) => path.join(root, 'docs', name));
  return [path.join(root, 'README.md'), ...docs.sort()];
}

/** The document with every table as the results have it. */
function rendered(file, text, results) {
  const known = Object.keys(markdownTables).join(', ');
  const out = text.replaceAll(marked, (_, opening, name, _old, closing) => {
    if (!Object.hasOwn(markdownTables, name)) {
      throw new BenchError(`${file}: unknown table "${name}"; known are ${known}`);
    }
    return `${opening}${markdownTables[name](latestRun(results, name))}\n${closing}`;
  });
  const openings = text.match(/^<!-- bench:\w+ -->$/gm)?.length ?? 0;
  const pairs = text.match(marked)?.length ?? 0;
  if (openings !== pairs)
    throw new BenchError(`${file}: a <!-- bench:NAME --> without its <!-- /bench:NAME -->`);
  return out;
}

function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { check: { type: 'boolean', default: false }, results: { type: 'string' } },
  });
  const results = values.results ?? path.join(root, 'bench', 'results');
  for (const file of positionals.length > 0 ? positionals : documents()) {
    const text = readFileSync(file, 'utf8');
    const wanted = rendered(path.relative(process.cwd(), file), text, results);
    if (wanted === text) continue;
    if (values.check) throw new BenchError(`${file} is not what bench/results says: node bench/render.mjs`);
    writeFileSync(file, wanted);
    console.log(`rendered ${path.relative(process.cwd(), file)}`);
  }
}

try {
  main();
} catch (error) {
  if (!(error instanceof BenchError) && !String(error.code).startsWith('ERR_PARSE_ARGS')) throw error;
  console.error(`render: ${error.message}`);
  process.exitCode = 1;
}

// Writes the tables between <!-- bench:NAME --> and <!-- /bench:NAME --> of README.md and docs from bench/results.
//   node bench/render.mjs [--check] [--results FOLDER] [FILE...]
// --check writes nothing and fails where a document is not what the results say.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { importBuilt } from './lib/built.mjs';
import { BenchError } from './lib/errors.mjs';
import { markdownTables } from './lib/markdown.mjs';
import { seedTable } from './lib/markdown-analysis.mjs';
import { latestRun } from './lib/results.mjs';

const root = fileURLToPath(new URL('../', import.meta.url));
const marked = /(<!-- bench:(\w+) -->\n)([\s\S]*?)(<!-- \/bench:\2 -->)/g;

function documents() {
  const docs = readdirSync(path.join(root, 'docs'), { recursive: true })
    .filter((name) => name.endsWith('.md'))
    .map((name) => path.join(root, 'docs', name));
  return [path.join(root, 'README.md'), ...docs.sort()];
}

/** What stands in the documents behind this project; only its table needs the built package. */
async function seedFigures(text) {
  return text.includes('<!-- bench:seed -->') ? (await importBuilt('workbench/index.js')).seedFigures : [];
}

/** The document with every table as the results have it. */
async function rendered(file, text, results) {
  const figures = await seedFigures(text);
  const link = path.relative(path.dirname(file), 'bench/results').replaceAll('\\', '/');
  const tables = {
    ...Object.fromEntries(
      Object.entries(markdownTables).map(([name, table]) => [name, () => table(latestRun(results, name))]),
    ),
    seed: () => seedTable(results, figures, link),
  };
  const known = Object.keys(tables).join(', ');
  const out = text.replaceAll(marked, (_, opening, name, _old, closing) => {
    if (!Object.hasOwn(tables, name)) {
      throw new BenchError(`${file}: unknown table "${name}"; known are ${known}`);
    }
    return `${opening}${tables[name]()}\n${closing}`;
  });
  const openings = text.match(/^<!-- bench:\w+ -->$/gm)?.length ?? 0;
  const pairs = text.match(marked)?.length ?? 0;
  if (openings !== pairs)
    throw new BenchError(`${file}: a <!-- bench:NAME --> without its <!-- /bench:NAME -->`);
  return out;
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { check: { type: 'boolean', default: false }, results: { type: 'string' } },
  });
  const results = values.results ?? path.join(root, 'bench', 'results');
  for (const file of positionals.length > 0 ? positionals : documents()) {
    const text = readFileSync(file, 'utf8');
    const wanted = await rendered(path.relative(root, path.resolve(file)), text, results);
    if (wanted === text) continue;
    if (values.check) throw new BenchError(`${file} is not what bench/results says: node bench/render.mjs`);
    writeFileSync(file, wanted);
    console.log(`rendered ${path.relative(process.cwd(), file)}`);
  }
}

try {
  await main();
} catch (error) {
  if (!(error instanceof BenchError) && !String(error.code).startsWith('ERR_PARSE_ARGS')) throw error;
  console.error(`render: ${error.message}`);
  process.exitCode = 1;
}

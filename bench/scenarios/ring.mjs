// Ring buffers: between C++ threads, and from JavaScript. The programs live in bench/ring and print one JSON line
// per contender and round; here they are built, run and summed up.
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BenchError } from '../lib/errors.mjs';
import { medians, significant } from '../lib/statistics.mjs';
import { fixed, formatTable, humanRate } from '../lib/table.mjs';

const folder = fileURLToPath(new URL('../ring/', import.meta.url));
const program = fileURLToPath(new URL('../loadgen/build/ring_bench', import.meta.url));
const medianFields = ['rate', 'cpuUsPerMsg', 'p50us', 'p90us', 'p99us', 'p999us', 'meanUs'];

const columns = [
  ['contender', (row) => row.contender],
  ['bytes', (row) => row.messageBytes],
  ['msg/s', (row) => humanRate(row.rate)],
  ['p50 µs', (row) => fixed(row.p50us, 2)],
  ['p99 µs', (row) => fixed(row.p99us, 2)],
  ['CPU µs/msg', (row) => fixed(row.cpuUsPerMsg, 3)],
  ['out of order', (row) => row.outOfOrder ?? 0],
];

function buildRing() {
  const made = spawnSync('make', ['-s', '-C', folder], { encoding: 'utf8' });
  if (made.status !== 0)
    throw new BenchError(`cannot build bench/ring: ${(made.stderr || made.stdout || '').trim()}`);
}

async function linesOf(argv) {
  const child = spawn(argv[0], argv.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new BenchError(`${argv.join(' ')} failed (${code}): ${errors.trim()}`);
  return output.trim().split('\n').filter(Boolean).map(JSON.parse);
}

function summarize(lines) {
  const rounds = new Map();
  for (const line of lines) rounds.set(line.contender, [...(rounds.get(line.contender) ?? []), line]);
  return [...rounds].map(([contender, of]) => {
    const { round: _, ...first } = of[0];
    const outOfOrder = of.reduce((sum, one) => sum + (one.outOfOrder ?? 0), 0);
    return {
      ...first,
      contender,
      ...medians(of, medianFields),
      rounds: of.length,
      rates: of.map((one) => significant(one.rate)),
      outOfOrder,
      errors: outOfOrder,
      firstError: outOfOrder > 0 ? 'messages lost or out of order' : undefined,
    };
  });
}

export const ring = {
  title: 'ring buffers between threads, in C++ and from JavaScript',
  async run({ options, record, progress, print }) {
    buildRing();
    const scripts = readdirSync(folder).filter((name) => name.endsWith('.mjs') && !name.startsWith('_'));
    const programs = [[program], ...scripts.sort().map((name) => [process.execPath, `${folder}${name}`])];
    const flags = ['--seconds', String(Math.min(options.seconds, 1)), '--rounds', String(options.rounds)];
    const records = [];
    for (const argv of programs) {
      progress(`ring: ${argv.at(-1).split('/').at(-1)}`);
      const summaries = summarize(await linesOf([...argv, ...flags]));
      records.push(...summaries.map((summary) => record({ ...summary, scenario: 'ring' })));
    }
    print(`\nring\n${formatTable(columns, records)}`);
    return records;
  },
};

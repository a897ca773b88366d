// Measures the figures that the documents behind this project state, by ringwire's own commands, and records each with
// the command that gave it: bench/results/analysis.jsonl, which docs/results.md is rendered from.
//   node bench/record-analysis.mjs [--quick] [--results FOLDER] [--only WORD,…] [--json]
// --only takes the commands with one of these words (switching, 10k). Takes some ten minutes; --quick takes the short form of each command and records nothing unless a folder is named.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { importBuilt } from './lib/built.mjs';
import { BenchError, lastWords } from './lib/errors.mjs';
import { createRecorder } from './lib/recorder.mjs';
import { seedMeasurements } from './lib/seed-measurements.mjs';
import { significant } from './lib/statistics.mjs';

const cli = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
let running;
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
])
  process.on(signal, () => {
    running?.kill(signal);
    process.exit(code);
  });

/** What a command prints with --json. It may end with 1: a finding is critical, a criterion was missed. */
async function answerOf(args) {
  running = spawn(process.execPath, [cli, ...args, '--json'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  for (const name of Object.keys(output))
    running[name].setEncoding('utf8').on('data', (text) => {
      output[name] += text;
    });
  const code = await new Promise((resolve, reject) => {
    running.once('error', reject);
    running.once('close', (status, signal) => resolve(signal ?? status));
  });
  try {
    if (code === 0 || code === 1) return JSON.parse(output.stdout);
  } catch {
    // Told below.
  }
  throw new BenchError(
    `ringwire ${args.join(' ')} ended with ${code}: ${lastWords(output.stderr) ?? 'no answer'}`,
  );
}

function parse() {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      results: { type: 'string' },
      only: { type: 'string' },
    },
  });
  return { ...values, only: values.only?.split(',') };
}

async function main() {
  const options = parse();
  if (!existsSync(cli)) throw new BenchError('dist is not built: npm run build');
  const { seedFigures } = await importBuilt('workbench/index.js');
  const units = new Map(seedFigures.map(({ id, unit }) => [id, unit]));
  const words = new Set(seedMeasurements.flatMap(({ args }) => args));
  const unknown = options.only?.find((word) => !words.has(word));
  if (unknown !== undefined) throw new BenchError(`--only ${unknown}: no command has this word`, 2);
  const record = createRecorder({ ...options, only: undefined, scenario: 'analysis' });
  for (const { args: long, short, figures } of seedMeasurements) {
    const args = options.quick ? short : long;
    if (options.only !== undefined && !long.some((word) => options.only.includes(word))) continue;
    const command = `ringwire ${args.join(' ')}`;
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${command}`);
    let measured;
    try {
      measured = figures(await answerOf(args));
    } catch (error) {
      if (!(error instanceof BenchError)) throw error;
      // The other figures are worth having all the same.
      console.error(`record-analysis: ${error.message}`);
      process.exitCode = 1;
      continue;
    }
    for (const [id, value] of Object.entries(measured)) {
      if (!units.has(id)) throw new Error(`${command} gives ${id}, which is no figure of the documents`);
      if (value === undefined || !Number.isFinite(value)) continue;
      const line = record({ id, value: significant(value, 4), unit: units.get(id), command });
      if (!options.json) console.log(`${id}  ${line.value} ${line.unit}`);
    }
  }
}

try {
  await main();
} catch (error) {
  const known = error instanceof BenchError || String(error.code).startsWith('ERR_PARSE_ARGS');
  if (!known) throw error;
  console.error(`record-analysis: ${error.message}`);
  process.exitCode = error.exitCode ?? 2;
}

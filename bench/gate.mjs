// npm run bench:gate: is this tree slower than the commit it comes from? See docs/benchmarking.md.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { buildLoadgen } from './lib/build.mjs';
import { BenchError } from './lib/errors.mjs';
import { gateTable, judgeGate } from './lib/gate-judge.mjs';
import { BaseCannot, gateScenarios, measureGate } from './lib/gate-measure.mjs';
import {
  buildBase,
  findBase,
  homeTree,
  NoBase,
  readBudget,
  removeBase,
  treeOfDist,
} from './lib/gate-trees.mjs';
import { chooseCores } from './lib/machine.mjs';

const usage = `usage: npm run bench:gate -- [options]

Loads the base and this tree in one interleaved run. Exit code 1 where this tree is slower than the base outside the
noise and by more than the budget allows, seen in two measurements after each other.

options
  --base REF           commit to compare with (where HEAD left origin/main or main; on main itself its parent)
  --base-dist FOLDER   a dist folder as the base, instead of a commit
  --head-dist FOLDER   a dist folder as the head, instead of this tree's
  --budget FILE        allowed percentages by scenario (bench/budget.json)
  --scenarios A,B      only these: ${Object.keys(gateScenarios).join(', ')}
  --rounds N           rounds, of two runs of each side (4)
  --seconds N          measured seconds of each run (0.5)
  --quick              2 rounds of 0.2 s: for trying out, blind to small regressions
  --json               one JSON line per scenario and metric on stdout, no table
  --help`;

// A row that looks red is measured again with this many times the rounds: once in twenty is chance enough to wait for.
const secondLook = 2;

function positive(name, text, fallback, whole) {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (value > 0 && Number.isFinite(value) && (!whole || Number.isInteger(value))) return value;
  throw new BenchError(`--${name} ${text}: expected a positive ${whole ? 'whole ' : ''}number`, 2);
}

function parse(argv) {
  const text = { type: 'string' };
  const flag = { type: 'boolean', default: false };
  const options = { base: text, 'base-dist': text, 'head-dist': text, budget: text, scenarios: text };
  const { values } = parseArgs({
    args: argv,
    options: { ...options, rounds: text, seconds: text, quick: flag, json: flag, help: flag },
  });
  const { quick } = values;
  if (values.base !== undefined && values['base-dist'] !== undefined)
    throw new BenchError('--base and --base-dist exclude each other', 2);
  const scenarios = values.scenarios?.split(',').map((name) => name.trim()) ?? Object.keys(gateScenarios);
  const unknown = scenarios.find((name) => !Object.hasOwn(gateScenarios, name));
  if (unknown !== undefined)
    throw new BenchError(
      `unknown scenario "${unknown}"; known are ${Object.keys(gateScenarios).join(', ')}`,
      2,
    );
  const budget = readBudget(values.budget ?? path.join(homeTree, 'bench/budget.json'));
  const unlimited = scenarios.find((name) => !Object.hasOwn(budget, name));
  if (unlimited !== undefined) throw new BenchError(`the budget has no entry for ${unlimited}`, 2);
  return {
    ...values,
    scenarios,
    budget,
    rounds: positive('rounds', values.rounds, quick ? 2 : 4, true),
    seconds: positive('seconds', values.seconds, quick ? 0.2 : 0.5),
    warmup: quick ? 0.1 : 0.15,
  };
}

const showProgress = (text) => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text.slice(0, process.stderr.columns ?? 80)}`);
};

function say(message) {
  showProgress('');
  console.error(`gate: ${message}`);
}

let clean = () => {};

/** { base, head }: folders. What was made for them is removed by clean(). */
function prepareTrees(options) {
  const folder = mkdtempSync(path.join(tmpdir(), 'ringwire-gate-'));
  const base = path.join(folder, 'base');
  clean = () => {
    if (options['base-dist'] === undefined) removeBase(base);
    rmSync(folder, { recursive: true, force: true });
  };
  const head =
    options['head-dist'] === undefined
      ? homeTree
      : treeOfDist(options['head-dist'], path.join(folder, 'head'));
  if (options['base-dist'] !== undefined) return { base: treeOfDist(options['base-dist'], base), head };
  const commit = findBase(options.base);
  say(`the base is ${commit.slice(0, 12)}`);
  return { base: buildBase(commit, base, say), head };
}

async function measure(name, trees, options, rounds = options.rounds) {
  const cores = chooseCores();
  const reports = await measureGate(name, trees, { ...options, rounds, cores, progress: showProgress });
  return judgeGate(name, reports, options.budget[name]);
}

/** The rows of one scenario; suspicious ones as the second measurement has them. */
async function judge(name, trees, options) {
  const first = await measure(name, trees, options);
  if (first.error === undefined && !first.rows.some((row) => row.isRed)) return first;
  const suspicious = first.rows.filter((row) => row.isRed).map((row) => row.name);
  if (suspicious.length === 0) return first;
  const rounds = options.rounds * secondLook;
  say(`${name}: ${suspicious.join(' and ')} would be red; measured again with ${rounds} rounds`);
  const second = await measure(name, trees, options, rounds);
  const rows = second.rows.map((row) => ({ ...row, isRed: row.isRed && suspicious.includes(row.name) }));
  return { rows, error: first.error ?? second.error };
}

async function main() {
  const options = parse(process.argv.slice(2));
  if (options.help) {
    console.log(usage);
    return;
  }
  const trees = prepareTrees(options);
  buildLoadgen();
  const rows = [];
  const errors = [];
  for (const name of options.scenarios) {
    const judged = await judge(name, trees, options).catch((error) => {
      if (!(error instanceof BaseCannot)) throw error;
      say(`${name}: NOT COMPARED, the base does not serve it (${error.message})`);
      return { rows: [] };
    });
    rows.push(...judged.rows);
    if (judged.error !== undefined) errors.push(judged.error);
  }
  showProgress('');
  if (rows.length === 0 && errors.length === 0) throw new NoBase('the base serves none of the scenarios');
  if (options.json) for (const row of rows) console.log(JSON.stringify(row));
  else console.log(gateTable(rows));
  for (const error of errors) say(error);
  const blind = rows.filter((row) => row.noise > row.limit);
  if (blind.length > 0)
    say(
      `the noise is above the budget in ${blind.length} of ${rows.length} figures: what is lost inside it is not seen`,
    );
  const red = rows.filter((row) => row.isRed);
  for (const { scenario, name, worse, limit } of red)
    say(
      `${scenario}: ${name} is ${(worse * 100).toFixed(1)} % worse than the base; the budget allows ${limit * 100} %`,
    );
  if (red.length > 0 || errors.length > 0) process.exitCode = 1;
  else say(options.quick ? 'green, as far as a quick run can see' : 'green');
}

process.on('SIGINT', () => process.exit(130));
process.on('SIGTERM', () => process.exit(143));
process.on('exit', () => clean());

try {
  await main();
} catch (error) {
  showProgress('');
  const known = error instanceof BenchError || String(error.code).startsWith('ERR_PARSE_ARGS');
  if (error instanceof NoBase)
    say(`NOT COMPARED: ${error.message}. Nothing was measured; this is no verdict.`);
  else if (!known) throw error;
  else {
    say(error.message);
    process.exitCode = error.exitCode ?? 2;
  }
}

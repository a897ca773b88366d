// The command line of `npm run bench`.
import { parseArgs } from 'node:util';
import { contenders } from './contenders.mjs';
import { BenchError } from './errors.mjs';

export const usage = (scenarios) => `usage: npm run bench -- SCENARIO [options]

scenarios
${Object.entries(scenarios)
  .map(([name, { title }]) => `  ${name.padEnd(10)} ${title}`)
  .join('\n')}

options
  --json               one JSON line per contender and configuration on stdout, no table
  --rounds N           interleaved rounds per configuration; figures are their medians (5; openloop 1, idle 3)
  --seconds N          measured seconds of each contender in each round (2; openloop 60)
  --rate N             openloop: requests per second (10,000)
  --connections N      idle: connections that stay idle (10,000)
  --contenders A,B     only these: ${Object.keys(contenders).join(', ')}
  --quick              one short round: shows that everything runs and agrees; records nothing
  --results FOLDER     where the JSON lines are appended (bench/results)
  --help`;

function positive(name, text, whole) {
  const value = Number(text);
  if (!(value > 0) || (whole && !Number.isInteger(value))) {
    throw new BenchError(`--${name} ${text}: expected a positive ${whole ? 'whole ' : ''}number`, 2);
  }
  return value;
}

function contenderList(text) {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !Object.hasOwn(contenders, name));
  if (unknown === undefined) return names;
  throw new BenchError(`unknown contender "${unknown}"; known are ${Object.keys(contenders).join(', ')}`, 2);
}

/** A number of the command line, or what it is without one. */
const numberOr = (values, name, otherwise, whole = false) =>
  values[name] === undefined ? otherwise : positive(name, values[name], whole);

/**
 * { scenario, json, quick, rounds, seconds, rate, connections, warmup, only, results, help, withDefaults } from argv
 * without node and script. withDefaults(defaults) are the same options where a scenario has rounds and seconds of its own.
 */
export function parseOptions(argv, scenarios) {
  let parsed;
  try {
    parsed = parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        rate: { type: 'string' },
        connections: { type: 'string' },
        contenders: { type: 'string' },
        results: { type: 'string' },
      },
    });
  } catch (error) {
    throw new BenchError(error.message, 2);
  }
  const { values, positionals } = parsed;
  if (values.help) return { help: true };
  const [scenario, ...more] = positionals;
  const known = Object.keys(scenarios).join(', ');
  if (scenario === undefined) throw new BenchError(`which scenario? Known are ${known}`, 2);
  if (!Object.hasOwn(scenarios, scenario)) {
    throw new BenchError(`unknown scenario "${scenario}"; known are ${known}`, 2);
  }
  if (more.length > 0) throw new BenchError(`one scenario at a time; left over: ${more.join(' ')}`, 2);
  return resolve(scenario, values, scenarios[scenario].defaults);
}

function resolve(scenario, values, defaults = {}) {
  const { quick } = values;
  return {
    scenario,
    quick,
    json: values.json,
    withDefaults: (others) => resolve(scenario, values, others),
    rounds: numberOr(values, 'rounds', quick ? 1 : (defaults.rounds ?? 5), true),
    seconds: numberOr(values, 'seconds', quick ? 0.2 : (defaults.seconds ?? 2)),
    rate: numberOr(values, 'rate', quick ? 2_000 : 10_000),
    connections: numberOr(values, 'connections', quick ? 300 : 10_000, true),
    warmup: quick ? 0.1 : 0.5,
    only: values.contenders === undefined ? undefined : contenderList(values.contenders),
    results: values.results,
  };
}

// The command line of npm run conformance.
import { parseArgs } from 'node:util';
import { engines, setNames } from './sets.mjs';

export const usage = `Usage: npm run conformance -- [server|client] [${setNames.join('|')}] [options]

Runs @modelcontextprotocol/conformance against ringwire and exits with 0 where every scenario passed without a
failure or warning. What is not named is run all: both sides, every set, both engines.

  server      tests our server, over HTTP
  client      tests our client (without authorization)
  2026-07-28  what that revision requires; likewise 2025-11-25
  extra       scenarios that no revision's requirements count

  --engine uws|node    the server's HTTP engine
  --scenario NAME      only the scenarios of this name
  --json               one line of JSON for each scenario
  --verbose            print what the suite prints for scenarios that did not pass
  --report FILE        write the counts of passed and failed scenarios to FILE, for CI
  --help`;

class UsageError extends Error {}

// Throws UsageError; returns undefined for --help.
export function parseOptions(args) {
  let parsed;
  try {
    parsed = parseArgs({
      args,
      allowPositionals: true,
      options: {
        engine: { type: 'string' },
        scenario: { type: 'string' },
        json: { type: 'boolean', default: false },
        verbose: { type: 'boolean', default: false },
        report: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw new UsageError(error.message);
  }
  const { values, positionals } = parsed;
  if (values.help) return undefined;
  const [side, set, ...rest] = positionals;
  const oneOf = (what, value, known) => {
    if (value !== undefined && !known.includes(value))
      throw new UsageError(`${what} ${JSON.stringify(value)} is not known; known are ${known.join(', ')}`);
    return value === undefined ? known : [value];
  };
  if (rest.length > 0) throw new UsageError(`${JSON.stringify(rest[0])} is one argument too many`);
  const sides = oneOf('the side', side, ['server', 'client']);
  if (values.engine !== undefined && side === 'client')
    throw new UsageError('--engine belongs to the server: the client has no engine');
  return {
    ...values,
    sides,
    sets: oneOf('the set', set, setNames),
    engines: oneOf('the engine', values.engine, engines),
  };
}

export function isUsageError(error) {
  return error instanceof UsageError;
}

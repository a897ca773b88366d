// npm run conformance: the official conformance suite against our server and our client; see --help.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isUsageError, parseOptions, usage } from './conformance/options.mjs';
import { ServerProcess } from './conformance/server-process.mjs';
import { scenariosOf } from './conformance/sets.mjs';
import { cleanUp, runScenario } from './conformance/suite.mjs';

const clientProgram = fileURLToPath(new URL('../test/conformance/client.mjs', import.meta.url));
// The suite splits the command at spaces and hands it to a shell.
const clientCommand = `"${process.execPath}" "${clientProgram}"`;

let server;

async function runSet(title, scenarios, side, target, options) {
  const results = [];
  if (!options.json) console.log(`\n${title}`);
  for (const pair of scenarios) {
    const result = await runScenario(side, target, pair);
    if (server !== undefined && !server.isRunning) {
      result.ok = false;
      result.problems.push(`the server is gone:\n${server.stderr}`);
    }
    results.push(result);
    print(title, result, options);
    if (server !== undefined && !server.isRunning) break;
  }
  return results;
}

function print(title, result, options) {
  const { output, ...record } = result;
  if (options.json) {
    console.log(JSON.stringify({ set: title, ...record }));
    return;
  }
  const { ok, scenario, revision, passed, failed, warnings, problems } = result;
  const counts = `${passed} passed, ${failed} failed${warnings > 0 ? `, ${warnings} warnings` : ''}`;
  const shown = title.endsWith('extra') ? `${scenario} (${revision})` : scenario;
  console.log(`${ok ? '  ok  ' : '  FAIL'} ${shown.padEnd(52)} ${counts}`);
  for (const problem of problems) console.log(`         ${problem}`);
  if (!ok && options.verbose) console.log(output);
}

async function runServerSet(set, engine, scenarios, options) {
  server = await ServerProcess.start(engine);
  try {
    return await runSet(`server ${engine} ${set}`, scenarios, 'server', ['--url', server.url], options);
  } finally {
    const problem = await server.stop();
    server = undefined;
    if (problem !== undefined) {
      process.exitCode = 1;
      console.error(`conformance: ${problem}`);
    }
  }
}

async function main(options) {
  const summary = [];
  const wanted = ([name]) => options.scenario === undefined || name === options.scenario;
  for (const side of options.sides)
    for (const set of options.sets) {
      const scenarios = scenariosOf(side, set).filter(wanted);
      if (scenarios.length === 0) continue;
      if (side === 'client') {
        const results = await runSet(`client ${set}`, scenarios, side, ['--command', clientCommand], options);
        summary.push([`client ${set}`, scenarios.length, results]);
      } else
        for (const engine of options.engines)
          summary.push([
            `server ${engine} ${set}`,
            scenarios.length,
            await runServerSet(set, engine, scenarios, options),
          ]);
    }
  return summary;
}

// The last lines: one for each set, and the sum.
function conclude(summary, options) {
  let passed = 0;
  let total = 0;
  if (!options.json) console.log('');
  for (const [title, count, results] of summary) {
    const ok = results.filter((result) => result.ok).length;
    passed += ok;
    total += count;
    if (!options.json) console.log(`${title.padEnd(24)} ${ok}/${count}`);
  }
  if (!options.json) console.log(`${passed} of ${total} scenarios passed`);
  if (options.report !== undefined)
    writeFileSync(options.report, JSON.stringify({ numPassedTests: passed, numFailedTests: total - passed }));
  if (total === 0) throw new Error(`conformance: no scenario is called ${options.scenario}`);
  if (passed < total) process.exitCode = 1;
}

process.on('exit', () => {
  cleanUp();
  server?.kill();
});
process.on('SIGINT', () => process.exit(130));
process.on('SIGTERM', () => process.exit(143));

try {
  const options = parseOptions(process.argv.slice(2));
  if (options === undefined) console.log(usage);
  else conclude(await main(options), options);
} catch (error) {
  console.error(isUsageError(error) ? `conformance: ${error.message}\n\n${usage}` : error.message);
  process.exitCode = isUsageError(error) ? 2 : 1;
}

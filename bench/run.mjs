// npm run bench -- SCENARIO [options]; see docs/benchmarking.md.
import { buildLoadgen } from './lib/build.mjs';
import { BenchError } from './lib/errors.mjs';
import { chooseCores } from './lib/machine.mjs';
import { parseOptions, usage } from './lib/options.mjs';
import { createRecorder } from './lib/recorder.mjs';
import { scenarios } from './scenarios/index.mjs';

// One line on the terminal that shows what is being measured; nothing where nobody watches.
function createProgress() {
  if (!process.stderr.isTTY) return () => {};
  return (text) => process.stderr.write(`\r\x1b[2K${text.slice(0, process.stderr.columns ?? 80)}`);
}

async function main() {
  const options = parseOptions(process.argv.slice(2), scenarios);
  if (options.help) {
    console.log(usage(scenarios));
    return;
  }
  buildLoadgen();
  const showProgress = createProgress();
  const records = await scenarios[options.scenario].run({
    options,
    cores: chooseCores(),
    record: createRecorder(options),
    progress: showProgress,
    note: (message) => {
      showProgress('');
      console.error(`bench: ${message}`);
    },
    fail: (message) => {
      showProgress('');
      console.error(`bench: ${message}`);
      process.exitCode = 1;
    },
    print: (text) => {
      showProgress('');
      if (!options.json) console.log(text);
    },
  });
  const wrong = records.filter((record) => record.errors > 0);
  for (const { contender, connections, depth, errors, firstError } of wrong) {
    console.error(`bench: ${contender} ${connections}x${depth}: ${errors} errors; the first: ${firstError}`);
  }
  if (wrong.length > 0) process.exitCode = 1;
}

// The reader of the pipe has seen enough.
process.stdout.on('error', (error) => process.exit(error.code === 'EPIPE' ? 0 : 1));
process.on('SIGINT', () => process.exit(130));
process.on('SIGTERM', () => process.exit(143));

try {
  await main();
} catch (error) {
  if (!(error instanceof BenchError)) throw error;
  console.error(`bench: ${error.message}`);
  process.exitCode = error.exitCode;
}

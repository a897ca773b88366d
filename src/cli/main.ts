#!/usr/bin/env node
/** The `ringwire` command: finds the command, reads its options, turns what went wrong into a message and a code. */
import { packageVersion } from '../binding/package-root.js';
import { RingwireError, RpcError } from '../errors.js';
import { ExitCode, exitCodeOf } from './exit-codes.js';
import { outputIsGone, paint, printError, printLine, safeText } from './terminal.js';
import { UsageError } from './usage-error.js';

async function run(argv: readonly string[]): Promise<ExitCode> {
  const [name] = argv;
  if (name === '--version' || name === '-v') {
    printLine(packageVersion());
    return ExitCode.Ok;
  }
  const { commandHelp, commandWords, generalHelp, loadCommand } = await import('./help.js');
  if (name === undefined) {
    printError(generalHelp());
    return ExitCode.Usage;
  }
  if (name === '--help' || name === '-h') {
    printLine(generalHelp());
    return ExitCode.Ok;
  }
  const words = commandWords(argv);
  const command = await loadCommand(words);
  const rest = argv.slice(words.split(' ').length);
  const end = rest.indexOf('--');
  const own = end === -1 ? rest : rest.slice(0, end);
  if (own.includes('--help') || own.includes('-h')) {
    printLine(commandHelp(command));
    return ExitCode.Ok;
  }
  const { parseInput } = await import('./parse-input.js');
  return command.run(parseInput(command, rest));
}

/** One line on what is wrong, one on what would be right; machines that asked for JSON get it as JSON. */
function report(error: unknown, asJson: boolean): ExitCode {
  const known = error instanceof RingwireError ? error : undefined;
  const usage = error instanceof UsageError ? error : undefined;
  const code = usage === undefined ? (known?.code ?? 'INTERNAL') : 'USAGE';
  const message = safeText(error instanceof Error ? error.message : String(error), process.stderr);
  const hint = usage?.hint;
  if (asJson) {
    const rpc = error instanceof RpcError ? { rpcCode: error.rpcCode, data: error.data } : {};
    printError(JSON.stringify({ error: { code, message, ...rpc, ...(hint === undefined ? {} : { hint }) } }));
  } else {
    printError(
      `${paint('ringwire:', 'red', process.stderr)} ${message}${known === undefined ? '' : ` (${code})`}`,
    );
    for (const cause of causes(error)) printError(`  because: ${cause}`);
    if (hint !== undefined) printError(`  ${hint}`);
    // A defect of ours, or of a served module: the stack is what its author needs.
    if (usage === undefined && known === undefined && error instanceof Error) printError(error.stack ?? '');
  }
  if (usage !== undefined) return ExitCode.Usage;
  return known === undefined ? ExitCode.Failure : exitCodeOf(known);
}

/** What led to an error of ours, outermost first: the end of a child says more than the call that was lost by it. */
function causes(error: unknown): string[] {
  const messages: string[] = [];
  let cause = error instanceof RingwireError ? error.cause : undefined;
  while (cause instanceof Error && messages.length < 5) {
    messages.push(safeText(cause.message, process.stderr));
    cause = cause.cause;
  }
  return messages;
}

// `ringwire tools … | head -1` closes our standard output early; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  if (!outputIsGone()) process.exit(ExitCode.Ok);
});

// With `2>&1 | head` standard error goes the same way; what is said there is not what the command ends by.
process.stderr.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

const argv = process.argv.slice(2);
const own = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv;
try {
  process.exitCode = await run(argv);
} catch (error) {
  process.exitCode = report(error, own.includes('--json'));
}

import { type Command, defineCommand, type OptionSpec } from './command.js';
import { commands } from './commands.js';
import { ExitCode } from './exit-codes.js';
import { columns, paint, printLine } from './terminal.js';
import { suggestion, UsageError } from './usage-error.js';

const exitCodes = [
  ['0', 'done'],
  ['1', 'failed'],
  ['2', 'the command line is wrong; nothing was sent or started'],
  ['3', 'the address cannot be reached or bound, or the connection was lost'],
  ['4', 'the peer answered with an error, or its tool reported one'],
  ['5', 'no answer within --timeout'],
  ['130', 'interrupted by Ctrl-C, SIGTERM or SIGHUP'],
];

const addresses = [
  'http://127.0.0.1:8080/mcp   https://…   ws://127.0.0.1:8080/mcp   wss://…',
  'tcp://127.0.0.1:4000   tls://…   unix:/run/mcp.sock   stdio: (with -- COMMAND for a child)',
].join('\n');

function indent(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '  ');
}

function section(title: string, body: string): string {
  return `${paint(title, 'bold')}\n${indent(body)}`;
}

/** The text of `ringwire` and `ringwire help`. */
export function generalHelp(): string {
  const rows = Object.entries(commands).map(([name, { summary }]) => [name, summary]);
  return [
    'ringwire: JSON-RPC 2.0 and the Model Context Protocol over HTTP, WebSocket, TCP, Unix sockets and stdio.',
    section('Usage', 'ringwire COMMAND [ARGUMENTS]\nringwire --version'),
    section('Commands', columns(rows)),
    section('Addresses', addresses),
    section('Exit codes', columns(exitCodes)),
    'ringwire help COMMAND explains one command.',
  ].join('\n\n');
}

function optionRow([name, spec]: [string, OptionSpec]): string[] {
  const value = spec.type === 'string' ? ` ${spec.placeholder ?? 'VALUE'}` : '';
  const short = spec.short === undefined ? '' : `, -${spec.short}`;
  return [
    `--${name}${value}${short}`,
    spec.multiple === true ? `${spec.description} (repeatable)` : spec.description,
  ];
}

/** The text of `ringwire help NAME` and `ringwire NAME --help`. */
export function commandHelp(command: Command): string {
  const parts = [
    `${command.summary}.`,
    section('Usage', `ringwire ${command.name} ${command.usage}`.trimEnd()),
    ...(command.details === undefined ? [] : [command.details]),
  ];
  const rows = Object.entries(command.options).map(optionRow);
  rows.push(['--help, -h', 'Show this text']);
  parts.push(section('Options', columns(rows)), section('Examples', command.examples.join('\n')));
  return parts.join('\n\n');
}

/**
 * The words of the command that `argv` begins with: two where a command has a name of two ('bench compare'), else one.
 * Nothing says that a command of this name exists.
 */
export function commandWords([first, second]: readonly string[]): string {
  return second !== undefined && Object.hasOwn(commands, `${first} ${second}`) ? `${first} ${second}` : first;
}

/** The entry of a command by its name; UsageError with the nearest name where there is none. */
export async function loadCommand(name: string): Promise<Command> {
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (entry !== undefined) return entry.load();
  const names = Object.keys(commands);
  throw new UsageError(
    `ringwire has no command ${JSON.stringify(name)}.`,
    suggestion(name, names, `Commands: ${names.join(', ')}.`),
  );
}

export const help = defineCommand({
  name: 'help',
  summary: 'Explain a command',
  usage: '[COMMAND]',
  options: {},
  examples: ['ringwire help call'],
  async run({ positionals }) {
    if (positionals.length === 0) printLine(generalHelp());
    else printLine(commandHelp(await loadCommand(commandWords(positionals))));
    return ExitCode.Ok;
  },
});

import { parseArgs } from 'node:util';
import type { Command, CommandInput } from './command.js';
import { suggestion, UsageError } from './usage-error.js';

/** Reads a command line against the option table of its command; throws UsageError with the nearest known option. */
export function parseInput(command: Command, argv: readonly string[]): CommandInput {
  const end = argv.indexOf('--');
  const own = end === -1 ? argv : argv.slice(0, end);
  const { tokens } = parseArgs({
    args: [...own],
    options: Object.fromEntries(
      Object.entries(command.options).map(([name, { type, short }]) => [
        name,
        short === undefined ? { type } : { type, short },
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const options: Record<string, boolean | string | string[]> = {};
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind === 'option') setOption(command, options, token);
  }
  return {
    options: options as CommandInput['options'],
    positionals,
    rest: end === -1 ? [] : argv.slice(end + 1),
  };
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value?: string | undefined;
}

function setOption(
  command: Command,
  options: Record<string, boolean | string | string[]>,
  { name, rawName, value }: OptionToken,
): void {
  const spec = Object.hasOwn(command.options, name) ? command.options[name] : undefined;
  if (spec === undefined) {
    const known = Object.keys(command.options);
    throw new UsageError(
      `ringwire ${command.name} has no option ${rawName}.`,
      suggestion(name, known, `See ringwire help ${command.name}.`, '--'),
    );
  }
  if (spec.type === 'boolean') {
    if (value !== undefined)
      throw new UsageError(`${rawName} takes no value, but ${JSON.stringify(value)} was given.`);
    options[name] = true;
    return;
  }
  if (value === undefined || value === '') {
    throw new UsageError(
      `${rawName} needs a value.`,
      `For instance ${rawName} ${spec.placeholder ?? 'VALUE'}.`,
    );
  }
  if (spec.multiple === true) {
    const list = options[name] as string[] | undefined;
    options[name] = [...(list ?? []), value];
    return;
  }
  if (options[name] !== undefined) throw new UsageError(`${rawName} was given more than once.`);
  options[name] = value;
}

/** For commands that take options alone. */
export function refuseWords(command: string, [word]: readonly string[]): void {
  if (word !== undefined)
    throw new UsageError(`ringwire ${command} takes options alone, but ${JSON.stringify(word)} was given.`);
}

/** An option that must be a whole number of at least `minimum`. */
export function integerOption(
  name: string,
  value: string | undefined,
  minimum: number,
  fallback: number,
  maximum = Number.MAX_SAFE_INTEGER,
): number {
  if (value === undefined) return fallback;
  const number = Number(value);
  if (!/^\d+$/.test(value) || number < minimum || number > maximum) {
    const range =
      maximum === Number.MAX_SAFE_INTEGER ? `of at least ${minimum}` : `between ${minimum} and ${maximum}`;
    throw new UsageError(`--${name} must be a whole number ${range}, not ${JSON.stringify(value)}.`);
  }
  return number;
}

/** An option that must be a number, in decimals where it has to be. */
export function numberOption(
  name: string,
  value: string | undefined,
  minimum: number,
  fallback: number,
  maximum: number,
): number {
  if (value === undefined) return fallback;
  const number = Number(value);
  if (!/^\d+(\.\d+)?$/.test(value) || number < minimum || number > maximum) {
    throw new UsageError(
      `--${name} must be a number between ${minimum} and ${maximum}, not ${JSON.stringify(value)}.`,
    );
  }
  return number;
}

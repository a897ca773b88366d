import type { ExitCode } from './exit-codes.js';

/** An option as the command line takes it and as the help shows it. */
export interface OptionSpec {
  readonly type: 'boolean' | 'string';
  readonly short?: string;
  /** May be given more than once; the value is then a list. */
  readonly multiple?: boolean;
  /** Placeholder of the value in the help, for instance MS. */
  readonly placeholder?: string;
  readonly description: string;
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

type OptionValue<Spec extends OptionSpec> = Spec extends { readonly type: 'boolean' }
  ? boolean
  : Spec extends { readonly multiple: true }
    ? string[]
    : string;

export type OptionValues<Specs extends OptionSpecs> = {
  readonly [Name in keyof Specs]?: OptionValue<Specs[Name]>;
};

/** The command line after the name of the command. */
export interface CommandInput<Specs extends OptionSpecs = OptionSpecs> {
  readonly options: OptionValues<Specs>;
  readonly positionals: readonly string[];
  /** What follows `--`. */
  readonly rest: readonly string[];
}

export interface Command<Specs extends OptionSpecs = OptionSpecs> {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** After `ringwire NAME`. */
  readonly usage: string;
  readonly details?: string;
  readonly options: Specs;
  readonly examples: readonly string[];
  run(input: CommandInput<Specs>): Promise<ExitCode>;
}

/** Lets TypeScript infer the option values that run() receives from the option table. */
export function defineCommand<const Specs extends OptionSpecs>(command: Command<Specs>): Command {
  return command as unknown as Command;
}

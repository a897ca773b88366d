/** What `ringwire analyze WHAT` takes, and what is wrong with what was given. */
import { type AnalyzedTransport, analyzedTransports } from '../../workbench/analyzer/transports.js';
import { suggestion, UsageError } from '../usage-error.js';

/** The words after WHAT, taken one by one. */
export class Arguments {
  readonly #what: string;
  readonly #usage: string;
  readonly #words: readonly string[];
  #next = 0;

  constructor(what: string, usage: string, words: readonly string[]) {
    this.#what = what;
    this.#usage = usage;
    this.#words = words;
  }

  #word(): string | undefined {
    return this.#words[this.#next++];
  }

  transport(): AnalyzedTransport {
    const word = this.#word();
    const known = analyzedTransports.join(', ');
    if (word === undefined)
      throw new UsageError(`ringwire analyze ${this.#what} needs a transport: ${known}.`, this.#example());
    const found = analyzedTransports.find((each) => each === word);
    if (found !== undefined) return found;
    throw new UsageError(
      `There is no transport ${JSON.stringify(word)}; there are ${known}.`,
      suggestion(word, analyzedTransports, this.#example()),
    );
  }

  /** Undefined where it was left out. */
  whole(name: string, least: number, most: number): number | undefined {
    const word = this.#word();
    return word === undefined ? undefined : this.#number(name, word, least, most);
  }

  /** Numbers with commas between them. */
  wholes(name: string, least: number, most: number): readonly number[] | undefined {
    const word = this.#word();
    return word?.split(',').map((each) => this.#number(name, each, least, most));
  }

  text(name: string, example: string): string {
    const word = this.#word();
    if (word !== undefined) return word;
    throw new UsageError(`ringwire analyze ${this.#what} needs ${name}.`, `For instance ${example}`);
  }

  /** Throws where words are left. */
  end(): void {
    const rest = this.#words.slice(this.#next);
    if (rest.length > 0)
      throw new UsageError(
        `ringwire analyze ${this.#what} does not take ${rest.map((each) => JSON.stringify(each)).join(' ')}.`,
        this.#example(),
      );
  }

  #number(name: string, word: string, least: number, most: number): number {
    const number = Number(word);
    if (/^\d+$/.test(word) && number >= least && number <= most) return number;
    throw new UsageError(
      `${name} must be a whole number between ${least} and ${most}, not ${JSON.stringify(word)}.`,
      this.#example(),
    );
  }

  #example(): string {
    return `It is ringwire analyze ${this.#what}${this.#usage === '' ? '' : ` ${this.#usage}`}.`;
  }
}

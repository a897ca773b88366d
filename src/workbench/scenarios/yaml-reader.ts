/** Reads YAML strictly: every fault names its file, line and column, unknown keys are faults, aliases and tags are none of ours. */
import { isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument, type YAMLMap } from 'yaml';
import { RingwireError } from '../../errors.js';
import { closestName } from '../../transports/option-checks.js';

export interface NumberRange {
  readonly min: number;
  readonly max: number;
  readonly integer?: boolean;
}

/** A value of the file, with its place. */
export class YamlValue {
  readonly #source: YamlSource;
  readonly #node: Node | null;
  /** Where it stands in the structure: 'load.rate'. */
  readonly path: string;
  readonly #offset: number;
  readonly #keyOffset: number;

  constructor(source: YamlSource, node: Node | null, path: string, offset: number) {
    this.#source = source;
    this.#node = node;
    this.path = path;
    this.#offset = node?.range?.[0] ?? offset;
    this.#keyOffset = offset;
  }

  /** An error at this place. */
  fault(problem: string, right = '', offset = this.#offset): RingwireError {
    return this.#source.fault(offset, `${this.path === '' ? '' : `"${this.path}" `}${problem}`.trim(), right);
  }

  /** An error of the name that this value has. */
  nameFault(problem: string, right: string): RingwireError {
    return this.fault(problem, right, this.#keyOffset);
  }

  /** An error of something that stands below, told as this value's. */
  within<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof RingwireError)) throw error;
      throw this.#source.fault(this.#offset, error.message, '');
    }
  }

  get isMap(): boolean {
    return isMap(this.#node);
  }

  get isList(): boolean {
    return isSeq(this.#node);
  }

  get isText(): boolean {
    return isScalar(this.#node) && typeof this.#node.value === 'string';
  }

  number({ min, max, integer = false }: NumberRange): number {
    const value = isScalar(this.#node) ? this.#node.value : undefined;
    if (typeof value !== 'number' || !(value >= min && value <= max) || (integer && !Number.isInteger(value)))
      throw this.fault(`must be a ${integer ? 'whole ' : ''}number from ${min} to ${max}.`);
    return value;
  }

  /** One line or more of text. */
  text(): string {
    if (!(isScalar(this.#node) && typeof this.#node.value === 'string') || this.#node.value.trim() === '')
      throw this.fault('must be a text.');
    return this.#node.value.trim();
  }

  /** A text, a number or a boolean as text: what YAML makes of 0 or `< 5 ms`. */
  scalarText(): string {
    const value = isScalar(this.#node) ? this.#node.value : undefined;
    if (typeof value !== 'string' && typeof value !== 'number')
      throw this.fault('must be a text or a number.');
    return String(value).trim();
  }

  word<const Word extends string>(known: readonly Word[]): Word {
    const value = this.scalarText();
    const found = known.find((each) => each === value);
    if (found !== undefined) return found;
    const near = closestName(value, known);
    throw this.fault(
      `is ${JSON.stringify(value)}, which is none of ${known.join(', ')}.`,
      near === undefined ? '' : `Did you mean "${near}"?`,
    );
  }

  list(): YamlValue[] {
    if (!isSeq(this.#node) || this.#node.items.length === 0)
      throw this.fault('must be a list of at least one.');
    return this.#node.items.map(
      (item, index) =>
        new YamlValue(this.#source, item as Node | null, `${this.path}[${index}]`, this.#offset),
    );
  }

  /** The entries of a map whose keys are the author's own. */
  entries(): [string, YamlValue][] {
    if (!isMap(this.#node)) throw this.fault('must be a map of names and values.');
    return (this.#node as YAMLMap<Node, Node | null>).items.map((pair) => this.#entry(pair));
  }

  /** The entries of a map whose keys are known. */
  fields(known: readonly string[]): Map<string, YamlValue> {
    const fields = new Map<string, YamlValue>();
    for (const [name, value] of this.entries()) {
      if (!known.includes(name)) {
        const near = closestName(name, known);
        throw value.nameFault(
          'is no key of a scenario.',
          near === undefined ? `Known here are ${known.join(', ')}.` : `Did you mean "${near}"?`,
        );
      }
      fields.set(name, value);
    }
    return fields;
  }

  /** As JSON has it, for values that are passed on as they are. */
  json(): unknown {
    if (this.#node === null) return null;
    return this.#node.toJS(this.#source.document, { maxAliasCount: 0 });
  }

  object(): Readonly<Record<string, unknown>> {
    if (!isMap(this.#node)) throw this.fault('must be a map of names and values.');
    return this.within(() => this.json()) as Record<string, unknown>;
  }

  #entry({ key, value }: Pair<Node, Node | null>): [string, YamlValue] {
    const name = isScalar(key) ? String(key.value) : '';
    const path = this.path === '' ? name : `${this.path}.${name}`;
    return [name, new YamlValue(this.#source, value, path, key.range?.[0] ?? this.#offset)];
  }
}

class YamlSource {
  readonly document;
  readonly #lines = new LineCounter();
  readonly #name: string;

  constructor(text: string, name: string) {
    this.#name = name;
    this.document = parseDocument(text, { lineCounter: this.#lines, uniqueKeys: true, prettyErrors: false });
    const [first] = this.document.errors;
    if (first !== undefined) throw this.fault(first.pos[0], `is no YAML: ${first.message}`, '');
  }

  fault(offset: number, problem: string, right: string): RingwireError {
    const { line, col } = this.#lines.linePos(offset);
    const place = `${this.#name}:${line}:${col}`;
    return new RingwireError('CONFIG_INVALID', `${place}: ${problem}${right === '' ? '' : ` ${right}`}`);
  }
}

/** The root of the file; throws CONFIG_INVALID where the text is no YAML. */
export function readYaml(text: string, name: string): YamlValue {
  const source = new YamlSource(text, name);
  return new YamlValue(source, source.document.contents, '', 0);
}

/**
 * URI templates (RFC 6570) of levels 1 to 3, the operators resource templates use, in both directions: expand with
 * variables, and match a URI back to them. Matching is a linear walk without regular expressions, so no URI a peer
 * sends can make it slow.
 */
import { RingwireError } from '../errors.js';

interface Operator {
  /** Written before the first value. */
  readonly first: string;
  readonly separator: string;
  /** Values are written as name=value. */
  readonly named: boolean;
  /** What name= becomes where the value is empty. */
  readonly ifEmpty: string;
  /** Reserved characters pass unescaped, and a match may span them. */
  readonly reserved: boolean;
}

const operators: Readonly<Record<string, Operator>> = {
  '': { first: '', separator: ',', named: false, ifEmpty: '', reserved: false },
  '+': { first: '', separator: ',', named: false, ifEmpty: '', reserved: true },
  '#': { first: '#', separator: ',', named: false, ifEmpty: '', reserved: true },
  '.': { first: '.', separator: '.', named: false, ifEmpty: '', reserved: false },
  '/': { first: '/', separator: '/', named: false, ifEmpty: '', reserved: false },
  ';': { first: ';', separator: ';', named: true, ifEmpty: '', reserved: false },
  '?': { first: '?', separator: '&', named: true, ifEmpty: '=', reserved: false },
  '&': { first: '&', separator: '&', named: true, ifEmpty: '=', reserved: false },
};

interface Variable {
  readonly name: string;
  /** `*`: the value may hold the separator (paths: {/path*}). */
  readonly explode: boolean;
}

type Part = string | { readonly operator: Operator; readonly variables: readonly Variable[] };

export type UriVariables = Readonly<Record<string, string>>;

const variablePattern = /^[A-Za-z0-9_.%]+$/;
const reservedCharacters = ":/?#[]@!$&'()*+,;=";

function encode(value: string, reserved: boolean): string {
  const encoded = encodeURIComponent(value).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  if (!reserved) return encoded;
  return encoded.replace(/%[0-9A-F]{2}/g, (escaped) => {
    const character = String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
    return reservedCharacters.includes(character) ? character : escaped;
  });
}

function decode(text: string): string | undefined {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function parse(template: string): Part[] {
  const bad = (problem: string) =>
    new RingwireError('CONFIG_INVALID', `URI template ${JSON.stringify(template)}: ${problem}`);
  const parts: Part[] = [];
  let at = 0;
  while (at < template.length) {
    const open = template.indexOf('{', at);
    const literal = open < 0 ? template.slice(at) : template.slice(at, open);
    if (literal.includes('}')) throw bad('"}" without "{"');
    if (literal !== '') parts.push(literal);
    if (open < 0) break;
    const close = template.indexOf('}', open);
    if (close < 0) throw bad('"{" without "}"');
    const sign = template[open + 1];
    const hasSign = sign in operators;
    const variables = template
      .slice(open + (hasSign ? 2 : 1), close)
      .split(',')
      .map((text) => ({ name: text.replace(/\*$/, ''), explode: text.endsWith('*') }));
    for (const { name } of variables)
      if (!variablePattern.test(name)) throw bad(`${JSON.stringify(name)} is not a variable name`);
    parts.push({ operator: operators[hasSign ? sign : ''], variables });
    at = close + 1;
  }
  return parts;
}

export class UriTemplate {
  readonly text: string;
  readonly variableNames: readonly string[];
  readonly #parts: readonly Part[];

  /** Throws CONFIG_INVALID where the template is malformed. */
  constructor(template: string) {
    this.text = template;
    this.#parts = parse(template);
    this.variableNames = this.#parts.flatMap((part) =>
      typeof part === 'string' ? [] : part.variables.map(({ name }) => name),
    );
  }

  /** Variables left out expand to nothing, as RFC 6570 says. */
  expand(variables: UriVariables): string {
    let uri = '';
    for (const part of this.#parts) {
      if (typeof part === 'string') {
        uri += part;
        continue;
      }
      const { operator } = part;
      const values = part.variables
        .filter(({ name }) => variables[name] !== undefined)
        .map(({ name, explode }) => {
          const value = variables[name];
          const text = explode
            ? value
                .split('/')
                .map((piece) => encode(piece, operator.reserved))
                .join('/')
            : encode(value, operator.reserved);
          if (!operator.named) return text;
          return text === '' ? `${name}${operator.ifEmpty}` : `${name}=${text}`;
        });
      if (values.length > 0) uri += operator.first + values.join(operator.separator);
    }
    return uri;
  }

  /** The variables that expand to this URI, or undefined where the template does not match it. */
  match(uri: string): UriVariables | undefined {
    const found: Record<string, string> = Object.create(null);
    let at = 0;
    for (let index = 0; index < this.#parts.length; index++) {
      const part = this.#parts[index];
      if (typeof part === 'string') {
        if (!uri.startsWith(part, at)) return undefined;
        at += part.length;
        continue;
      }
      const end = this.#endOf(index, uri, at);
      if (end === undefined || !assign(part, uri.slice(at, end), found)) return undefined;
      at = end;
    }
    return at === uri.length ? found : undefined;
  }

  /** Where the expression ends: at the next literal, at the next expression's first character, or at the end. */
  #endOf(index: number, uri: string, at: number): number | undefined {
    const next = this.#parts[index + 1];
    if (next === undefined) return uri.length;
    if (typeof next === 'string') {
      // A last literal binds at the end, so that {+path}.md matches "a.md/b.md".
      const end = index + 2 === this.#parts.length ? uri.length - next.length : uri.indexOf(next, at);
      return end < at ? undefined : end;
    }
    if (next.operator.first === '') return undefined;
    const end = uri.indexOf(next.operator.first, at);
    return end < 0 ? uri.length : end;
  }
}

function assign(part: Exclude<Part, string>, text: string, found: Record<string, string>): boolean {
  const { operator, variables } = part;
  if (text === '') return operator.first !== '' || operator.reserved;
  if (!text.startsWith(operator.first)) return false;
  const body = text.slice(operator.first.length);
  if (operator.named) return assignNamed(body, part, found);
  const pieces = variables.length === 1 ? [body] : body.split(operator.separator);
  if (pieces.length > variables.length) return false;
  return pieces.every((piece, index) => {
    const { name, explode } = variables[index];
    if (!operator.reserved && !explode && /[/?#]/.test(piece)) return false;
    const value = decode(piece);
    if (value === undefined) return false;
    found[name] = value;
    return true;
  });
}

function assignNamed(body: string, part: Exclude<Part, string>, found: Record<string, string>): boolean {
  for (const pair of body.split(part.operator.separator)) {
    const equals = pair.indexOf('=');
    const name = equals < 0 ? pair : pair.slice(0, equals);
    const value = decode(equals < 0 ? '' : pair.slice(equals + 1));
    if (value === undefined || !part.variables.some((variable) => variable.name === name)) return false;
    found[name] = value;
  }
  return true;
}

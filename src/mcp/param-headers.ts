/**
 * Tool arguments that are repeated in `Mcp-Param-*` headers because their schema says so with `x-mcp-header`.
 * Source: 2026-07-28, basic/transports/streamable-http, "Custom Headers from Tool Parameters".
 */
import { decodeHeaderValue, encodeHeaderValue } from './header-values.js';

/** One annotated property. */
export interface ParamHeader {
  /** The header's name in lower case, `mcp-param-` included. */
  readonly header: string;
  /** The keys that lead to the argument. */
  readonly path: readonly string[];
  readonly type: 'string' | 'integer' | 'boolean';
}

const annotation = 'x-mcp-header';
const headerPrefix = 'mcp-param-';

/** RFC 9110, section 5.6.2. */
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const types: ReadonlySet<unknown> = new Set(['string', 'integer', 'boolean']);

/** Keywords whose values are a schema or a list of schemas. */
const schemaKeywords = [
  'items',
  'prefixItems',
  'additionalItems',
  'contains',
  'additionalProperties',
  'propertyNames',
  'unevaluatedItems',
  'unevaluatedProperties',
  'contentSchema',
  'allOf',
  'anyOf',
  'oneOf',
  'not',
  'if',
  'then',
  'else',
];

/** Keywords whose values are schemas by name. */
const schemaMapKeywords = ['patternProperties', 'dependentSchemas', '$defs', 'definitions'];

/** The annotated properties of an inputSchema, or what is wrong with one. */
export function findParamHeaders(schema: unknown): readonly ParamHeader[] | string {
  const found: ParamHeader[] = [];
  const problem = visit(schema, [], true, found);
  return problem ?? found;
}

/** Returns what is wrong. `isReachable`: only "properties" leads here from the root. */
function visit(
  schema: unknown,
  path: readonly string[],
  isReachable: boolean,
  found: ParamHeader[],
): string | undefined {
  if (!isObject(schema)) return undefined;
  if (Object.hasOwn(schema, annotation)) {
    const problem = addHeader(schema, path, isReachable, found);
    if (problem !== undefined) return `${placeOf(path)}: ${annotation} ${problem}`;
  }
  for (const [name, child] of entries(schema.properties)) {
    const problem = visit(child, [...path, name], isReachable, found);
    if (problem !== undefined) return problem;
  }
  for (const keyword of schemaKeywords) {
    const value = schema[keyword];
    for (const child of Array.isArray(value) ? value : [value]) {
      const problem = visit(child, [...path, keyword], false, found);
      if (problem !== undefined) return problem;
    }
  }
  for (const keyword of schemaMapKeywords)
    for (const [name, child] of entries(schema[keyword])) {
      const problem = visit(child, [...path, keyword, name], false, found);
      if (problem !== undefined) return problem;
    }
  return undefined;
}

function addHeader(
  schema: Record<string, unknown>,
  path: readonly string[],
  isReachable: boolean,
  found: ParamHeader[],
): string | undefined {
  const name = schema[annotation];
  if (!isReachable || path.length === 0)
    return 'may stand only on properties that "properties" alone leads to from the root';
  if (typeof name !== 'string' || !token.test(name))
    return `must be a header name (letters, digits and !#$%&'*+-.^_\`|~), not ${JSON.stringify(name)}`;
  if (!types.has(schema.type))
    return `needs the type "string", "integer" or "boolean", not ${JSON.stringify(schema.type)}`;
  const header = headerPrefix + name.toLowerCase();
  if (found.some((other) => other.header === header))
    return `${JSON.stringify(name)} is taken by another property (case does not count)`;
  found.push({ header, path, type: schema.type as ParamHeader['type'] });
  return undefined;
}

/** The headers of a call, name and value by turns; for clients. */
export function paramHeadersFor(headers: readonly ParamHeader[], args: unknown): string[] {
  return headers.flatMap(({ header, path }) => {
    const value = argumentAt(args, path);
    const isMirrored = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
    return isMirrored ? [header, encodeHeaderValue(String(value))] : [];
  });
}

/**
 * What is wrong between the headers of a call (by lower-case name) and its arguments; undefined where they agree.
 * For servers.
 */
export function paramHeaderProblem(
  headers: readonly ParamHeader[],
  sent: ReadonlyMap<string, string> | undefined,
  args: unknown,
): string | undefined {
  for (const { header, path } of headers) {
    const value = argumentAt(args, path);
    const problem = disagreement(header, sent?.get(header), value, placeOf(path));
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function disagreement(
  header: string,
  raw: string | undefined,
  value: unknown,
  place: string,
): string | undefined {
  const hasValue = value !== undefined && value !== null;
  if (raw === undefined)
    return hasValue ? `the ${header} header is missing; the body has ${brief(value)} at ${place}` : undefined;
  const decoded = decodeHeaderValue(raw);
  if (decoded === undefined) return invalidHeader(header, raw);
  if (!hasValue) return `the ${header} header has ${brief(decoded)}, but the body has nothing at ${place}`;
  const agrees =
    typeof value === 'number' ? sameNumber(decoded, value) : isScalar(value) && decoded === String(value);
  return agrees ? undefined : differs(header, decoded, value);
}

/** The message for a header that cannot be read. */
export function invalidHeader(header: string, raw: string): string {
  return (
    `the ${header} header value ${brief(raw)} holds characters a header may not hold, ` +
    'or no Base64 of UTF-8 text between =?base64? and ?='
  );
}

/** The message for a header that says something else than the body. */
export function differs(header: string, decoded: string, value: unknown): string {
  return `${header} header value ${brief(decoded)} does not match body value ${brief(value)}`;
}

/** A value for a message, cut where it is long. */
export function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

/** 42.0 and 42 are one number. Beyond 2^53 two spellings cannot be told apart, so none agrees. */
function sameNumber(text: string, value: number): boolean {
  if (!/^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text)) return false;
  return Math.abs(value) <= Number.MAX_SAFE_INTEGER && Number(text) === value;
}

function isScalar(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'boolean';
}

function argumentAt(args: unknown, path: readonly string[]): unknown {
  let value = args;
  for (const key of path) {
    if (!isObject(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

function placeOf(path: readonly string[]): string {
  return path.length === 0 ? 'the root' : path.join('.');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function entries(value: unknown): [string, unknown][] {
  return isObject(value) ? Object.entries(value) : [];
}

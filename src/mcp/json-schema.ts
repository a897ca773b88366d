/**
 * JSON Schema for tools: bounded and checked without loading a validator when a tool is registered, compiled by ajv
 * once, when the first call needs it. Loading ajv costs tens of milliseconds that a server's start should not pay.
 * Source: 2026-07-28, basic, "JSON Schema Usage".
 */
import { createRequire } from 'node:module';
import type { AnySchemaObject, ErrorObject, Options, ValidateFunction } from 'ajv';
import { RingwireError } from '../errors.js';
import type { JsonSchema } from './infer.js';
import { maxSchemaDepth, maxSubschemas } from './protocol.js';

const draft2020 = 'https://json-schema.org/draft/2020-12/schema';

/** The dialects we validate; the specification asks for the first. Each has its ajv entry point. */
const dialects: Readonly<Record<string, string>> = {
  [draft2020]: 'ajv/dist/2020.js',
  'https://json-schema.org/draft/2019-09/schema': 'ajv/dist/2019.js',
  'http://json-schema.org/draft-07/schema': 'ajv',
};

/** A compiled check: undefined where the value is valid, else what is wrong and where. */
export type JsonCheck = (value: unknown) => string | undefined;

interface AjvLike {
  compile(schema: AnySchemaObject): ValidateFunction;
}

/** Values of these keywords are data, not schemas: a $ref inside them refers to nothing. */
const dataKeywords = new Set([
  'const',
  'default',
  'enum',
  'examples',
  'required',
  'dependentRequired',
  'type',
]);

/** Values of these keywords are maps from names to schemas. */
const schemaMaps = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas']);

const require = createRequire(import.meta.url);
const compilers = new Map<string, AjvLike>();

function invalid(where: string, problem: string): RingwireError {
  return new RingwireError('SCHEMA_INVALID', `${where}: ${problem}`);
}

function dialectOf(schema: JsonSchema, where: string): string {
  const declared = schema.$schema;
  if (declared === undefined) return draft2020;
  const dialect = typeof declared === 'string' ? declared.replace(/#$/, '') : '';
  if (dialects[dialect] === undefined)
    throw invalid(
      where,
      `the dialect ${JSON.stringify(declared)} is not supported; use ${Object.keys(dialects).join(' or ')}`,
    );
  return dialect;
}

/** Walks the schema once and refuses what could make a validation fetch, recurse or grow without bound. */
export function checkJsonSchema(schema: unknown, where: string): asserts schema is JsonSchema {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema))
    throw invalid(where, 'must be a JSON Schema object');
  dialectOf(schema as JsonSchema, where);
  let subschemas = 0;
  const walk = (node: unknown, depth: number): void => {
    if (typeof node !== 'object' || node === null) return;
    if (depth > maxSchemaDepth * 2) throw invalid(where, `nests deeper than ${maxSchemaDepth} schemas`);
    if (++subschemas > maxSubschemas) throw invalid(where, `has more than ${maxSubschemas} subschemas`);
    for (const [key, value] of Object.entries(node)) {
      if ((key === '$ref' || key === '$dynamicRef') && typeof value === 'string' && !value.startsWith('#'))
        throw invalid(
          where,
          `${key} ${JSON.stringify(value)} points outside the schema; only "#…" references are followed`,
        );
      if (schemaMaps.has(key) && depth % 2 === 0) checkSchemaMap(key, value, where);
      if (!dataKeywords.has(key) || (key === 'type' && typeof value === 'object' && !Array.isArray(value)))
        walk(value, depth + 1);
    }
  };
  walk(schema, 0);
}

/** Each value must be a schema: an object, true or false. */
function checkSchemaMap(keyword: string, map: unknown, where: string): void {
  if (typeof map !== 'object' || map === null || Array.isArray(map)) return;
  for (const [name, schema] of Object.entries(map)) {
    const isSchema =
      typeof schema === 'boolean' ||
      (typeof schema === 'object' && schema !== null && !Array.isArray(schema));
    if (!isSchema) throw invalid(where, `${keyword}.${name} must be a schema: an object, true or false`);
  }
}

function compilerFor(dialect: string): AjvLike {
  let compiler = compilers.get(dialect);
  if (compiler === undefined) {
    const module = require(dialects[dialect]) as { default: new (options: Options) => AjvLike };
    // Without strict: unknown keywords (x-mcp-header and every vendor's own) are annotations, as the standard says.
    // First error only: collecting all lets a long array of wrong items cost as much as it likes.
    compiler = new module.default({
      strict: false,
      allErrors: false,
      validateFormats: false,
      // The dialect's own schema costs more to compile than all of a server's: what is wrong with a keyword's value ajv
      // says without it too, and checkJsonSchema() looks at the places where it would not.
      meta: false,
      validateSchema: false,
      ownProperties: true,
      addUsedSchema: false,
      logger: false,
    });
    compilers.set(dialect, compiler);
  }
  return compiler;
}

function describe(error: ErrorObject | undefined): string {
  if (error === undefined) return 'is not valid';
  const path = error.instancePath === '' ? '' : `${error.instancePath.slice(1).replaceAll('/', '.')} `;
  const params = error.params as Record<string, unknown>;
  const allowed = Array.isArray(params.allowedValues) ? `: ${JSON.stringify(params.allowedValues)}` : '';
  const extra =
    typeof params.additionalProperty === 'string' ? `: ${JSON.stringify(params.additionalProperty)}` : '';
  return `${path}${error.message ?? 'is not valid'}${allowed}${extra}`;
}

/** Compiles a schema that checkJsonSchema accepted. Throws SCHEMA_INVALID where it is no valid JSON Schema. */
export function compileJsonSchema(schema: JsonSchema, where: string): JsonCheck {
  const compiler = compilerFor(dialectOf(schema, where));
  let validate: ValidateFunction;
  try {
    validate = compiler.compile(schema as AnySchemaObject);
  } catch (cause) {
    throw new RingwireError('SCHEMA_INVALID', `${where}: ${(cause as Error).message}`, { cause });
  }
  return (value) => (validate(value) ? undefined : describe(validate.errors?.[0]));
}

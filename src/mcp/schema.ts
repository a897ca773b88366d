/** One face for the two kinds of schema: JSON Schema, and anything that follows Standard Schema (zod, valibot, arktype). */
import { RingwireError } from '../errors.js';
import type { JsonSchema, Schema } from './infer.js';
import { checkJsonSchema, compileJsonSchema, type JsonCheck } from './json-schema.js';
import type { SchemaIssue, SchemaResult, StandardSchema } from './standard-schema.js';

/** The value as the handler shall see it, or what is wrong with it. */
export type Verdict = { readonly value: unknown } | { readonly problem: string };

export interface CompiledSchema {
  /** As listed to peers. */
  readonly json: JsonSchema;
  /** Synchronous unless the schema library answers with a promise. */
  validate(value: unknown): Verdict | Promise<Verdict>;
  /** Loads and compiles now what the first call would otherwise pay for. */
  warmUp(): void;
}

export function isStandardSchema(schema: unknown): schema is StandardSchema {
  return (
    (typeof schema === 'object' || typeof schema === 'function') &&
    schema !== null &&
    '~standard' in schema &&
    typeof (schema as StandardSchema)['~standard']?.validate === 'function'
  );
}

function toJsonSchema(schema: StandardSchema, side: 'input' | 'output', where: string): JsonSchema {
  const standard = schema['~standard'];
  if (standard.jsonSchema === undefined)
    throw new RingwireError(
      'SCHEMA_INVALID',
      `${where}: ${standard.vendor} schemas do not describe themselves as JSON Schema; ` +
        `pass the JSON Schema as ${side}JsonSchema beside it`,
    );
  try {
    return standard.jsonSchema[side]({ target: 'draft-2020-12' });
  } catch (cause) {
    throw new RingwireError(
      'SCHEMA_INVALID',
      `${where}: ${standard.vendor} cannot express it as JSON Schema (${(cause as Error).message}); ` +
        `pass the JSON Schema as ${side}JsonSchema beside it`,
      { cause },
    );
  }
}

function issueText(issues: readonly SchemaIssue[]): string {
  const texts = issues.slice(0, 8).map(({ message, path }) => {
    const keys = path?.map((part) => String(typeof part === 'object' ? part.key : part)) ?? [];
    return keys.length === 0 ? message : `${keys.join('.')}: ${message}`;
  });
  return texts.join('; ');
}

function standardVerdict(result: SchemaResult<unknown>): Verdict {
  return result.issues === undefined ? { value: result.value } : { problem: issueText(result.issues) };
}

/**
 * @param side which direction of a transforming schema peers see: what they send ("input") or receive ("output").
 * @param explicitJson the JSON Schema to list where the library gives none.
 */
export function prepareSchema(
  schema: Schema,
  side: 'input' | 'output',
  where: string,
  explicitJson?: JsonSchema,
): CompiledSchema {
  if (isStandardSchema(schema)) {
    const json = explicitJson ?? toJsonSchema(schema, side, where);
    checkJsonSchema(json, where);
    const { validate } = schema['~standard'];
    return {
      json,
      validate(value) {
        const result = validate(value);
        return result instanceof Promise ? result.then(standardVerdict) : standardVerdict(result);
      },
      warmUp() {},
    };
  }
  checkJsonSchema(schema, where);
  let check: JsonCheck | undefined;
  const compiled = (): JsonCheck => {
    check ??= compileJsonSchema(schema, where);
    return check;
  };
  return {
    json: schema,
    validate(value) {
      const problem = (check ?? compiled())(value);
      return problem === undefined ? { value } : { problem };
    },
    warmUp: () => void compiled(),
  };
}

/** From a schema to the type of the values it admits, at compile time only. */
import type { InputOf, OutputOf, StandardSchema } from './standard-schema.js';

/** A JSON Schema 2020-12 object written as a literal. */
export type JsonSchema = { readonly [keyword: string]: unknown };

/** What a tool takes as inputSchema or outputSchema. */
export type Schema = JsonSchema | StandardSchema;

type Simplify<T> = { [Key in keyof T]: T[Key] };

interface TypeNames {
  string: string;
  number: number;
  integer: number;
  boolean: boolean;
  null: null;
}

type ObjectOf<Properties, Required> = Simplify<
  {
    -readonly [Key in keyof Properties as Key extends Required ? Key : never]: FromJsonSchema<
      Properties[Key]
    >;
  } & {
    -readonly [Key in keyof Properties as Key extends Required ? never : Key]?: FromJsonSchema<
      Properties[Key]
    >;
  }
>;

type RequiredOf<S> = S extends { readonly required: readonly (infer Name)[] } ? Name : never;

/**
 * The values a JSON Schema literal admits: const, enum, anyOf, oneOf, and type with properties, required and items.
 * What it does not understand is unknown, never wrong. A schema whose literal type was lost gives a plain record.
 */
export type FromJsonSchema<S> = string extends keyof S
  ? Record<string, unknown>
  : S extends { readonly const: infer Value }
    ? Value
    : S extends { readonly enum: readonly (infer Value)[] }
      ? Value
      : S extends { readonly anyOf: readonly (infer Choice)[] }
        ? FromJsonSchema<Choice>
        : S extends { readonly oneOf: readonly (infer Choice)[] }
          ? FromJsonSchema<Choice>
          : S extends { readonly type: 'object' }
            ? S extends { readonly properties: infer Properties }
              ? ObjectOf<Properties, RequiredOf<S>>
              : Record<string, unknown>
            : S extends { readonly type: 'array' }
              ? S extends { readonly items: infer Items }
                ? FromJsonSchema<Items>[]
                : unknown[]
              : S extends { readonly type: keyof TypeNames }
                ? TypeNames[S['type']]
                : S extends { readonly type: readonly (infer Name)[] }
                  ? Name extends keyof TypeNames
                    ? TypeNames[Name]
                    : unknown
                  : unknown;

/** What a handler receives for arguments checked against S. */
export type InferSchema<S> = S extends StandardSchema
  ? OutputOf<S>
  : S extends JsonSchema
    ? FromJsonSchema<S>
    : Record<string, unknown>;

/** What a handler returns for an outputSchema S, before validation. */
export type InferSchemaInput<S> = S extends StandardSchema
  ? InputOf<S>
  : S extends JsonSchema
    ? FromJsonSchema<S>
    : never;

/**
 * What a schema of zod, valibot, arktype and others is, as far as it is used here: they all follow Standard Schema
 * (https://standardschema.dev), whose own package would bring nothing but such types.
 */

/** `Output` is what a valid value becomes, `Input` what may be given for it. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    /** The library it is of. */
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    /** For inference alone. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
    /** Where the library can say what it accepts as JSON Schema. Throws where it cannot. */
    readonly jsonSchema?: {
      readonly input: (options: { readonly target: 'draft-2020-12' }) => Record<string, unknown>;
      readonly output: (options: { readonly target: 'draft-2020-12' }) => Record<string, unknown>;
    };
  };
}

export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

type TypesOf<S extends StandardSchema> = NonNullable<S['~standard']['types']>;

export type InputOf<S extends StandardSchema> = TypesOf<S>['input'];
export type OutputOf<S extends StandardSchema> = TypesOf<S>['output'];

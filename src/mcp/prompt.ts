/** Prompts and completions: what is registered, and how they are answered. */
import { RingwireError, RpcError, RpcErrorCode } from '../errors.js';
import type { McpCallContext, McpContext } from './context.js';
import type { InferSchema, JsonSchema, Schema } from './infer.js';
import type { InputRequired } from './input.js';
import { maxCompletionValues } from './protocol.js';
import { type CompiledSchema, prepareSchema, type Verdict } from './schema.js';
import { isPromise, serveHandler } from './serve-handler.js';
import type {
  CompleteResult,
  ContentBlock,
  GetPromptResult,
  Icon,
  InputRequiredResult,
  MetaObject,
  Prompt,
  PromptArgument,
  PromptMessage,
} from './types.js';

/** Suggests values for one argument. `known` holds the arguments that are filled in already. */
export type Completer = (
  value: string,
  known: Readonly<Record<string, string>>,
  context: McpContext,
) => readonly string[] | Promise<readonly string[]>;

/** An argument of a prompt; values are always strings. */
export interface PromptArgumentOptions extends PromptArgument {
  readonly complete?: Completer;
}

export interface PromptOptions<Arguments extends Schema = JsonSchema> {
  readonly title?: string;
  readonly description?: string;
  /** Either this list, or argsSchema. */
  readonly arguments?: readonly PromptArgumentOptions[];
  /** An object schema of string properties; its properties become the listed arguments. */
  readonly argsSchema?: Arguments;
  /** The JSON Schema of argsSchema where the schema library gives none (valibot). */
  readonly argsJsonSchema?: JsonSchema;
  /** Suggestions by argument name, for prompts with argsSchema. */
  readonly complete?: Readonly<Record<string, Completer>>;
  readonly icons?: readonly Icon[];
  readonly _meta?: MetaObject;
}

/** A string becomes one message of the user; contents and messages are sent as they are. */
export type PromptReturn = string | ContentBlock | readonly PromptMessage[] | GetPromptResult | InputRequired;

export type PromptHandler<Arguments> = (
  args: Arguments,
  context: McpContext,
) => PromptReturn | Promise<PromptReturn>;

export type PromptHandlerOf<S extends Schema> = PromptHandler<
  string extends keyof InferSchema<S> ? Record<string, string> : InferSchema<S>
>;

export interface PromptEntry {
  readonly name: string;
  readonly listing: Prompt;
  readonly schema: CompiledSchema | undefined;
  readonly handler: PromptHandler<never>;
  readonly completers: Readonly<Record<string, Completer>>;
}

function argumentsOfSchema(schema: JsonSchema): PromptArgument[] {
  const required = Array.isArray(schema.required) ? (schema.required as string[]) : [];
  return Object.entries((schema.properties ?? {}) as Record<string, JsonSchema>).map(([name, property]) => ({
    name,
    ...(typeof property.title === 'string' && { title: property.title }),
    ...(typeof property.description === 'string' && { description: property.description }),
    ...(required.includes(name) && { required: true }),
  }));
}

/** Throws CONFIG_INVALID or SCHEMA_INVALID where the definition could not be served. */
export function definePrompt(
  name: string,
  options: PromptOptions<Schema>,
  handler: PromptHandler<never>,
): PromptEntry {
  if (typeof name !== 'string' || name === '')
    throw new RingwireError('CONFIG_INVALID', 'A prompt name must be a string that is not empty');
  if (options.arguments !== undefined && options.argsSchema !== undefined)
    throw new RingwireError('CONFIG_INVALID', `Prompt ${name}: give arguments or argsSchema, not both`);
  const schema =
    options.argsSchema &&
    prepareSchema(options.argsSchema, 'input', `Prompt ${name}, argsSchema`, options.argsJsonSchema);
  const completers: Record<string, Completer> = { ...options.complete };
  const declared = options.arguments?.map(({ complete, ...argument }) => {
    if (complete !== undefined) completers[argument.name] = complete;
    return argument;
  });
  const args = declared ?? (schema === undefined ? [] : argumentsOfSchema(schema.json));
  const { title, description, icons, _meta } = options;
  const listing: Prompt = {
    name,
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description }),
    ...(args.length === 0 ? {} : { arguments: args }),
    ...(icons === undefined ? {} : { icons }),
    ...(_meta === undefined ? {} : { _meta }),
  };
  return { name, listing, schema, handler, completers };
}

/** Checks the arguments and runs the handler. Arguments that do not fit are -32602 (server/prompts, "Error Handling"). */
export function getPrompt(
  prompt: PromptEntry,
  given: unknown,
  context: McpCallContext,
): GetPromptResult | InputRequiredResult | Promise<GetPromptResult | InputRequiredResult> {
  const args = given ?? {};
  if (typeof args !== 'object' || Array.isArray(args))
    throw new RpcError(RpcErrorCode.InvalidParams, 'params.arguments must be an object');
  for (const [key, value] of Object.entries(args))
    if (typeof value !== 'string')
      throw new RpcError(RpcErrorCode.InvalidParams, `params.arguments.${key} must be a string`);
  if (prompt.schema === undefined) {
    for (const { name, required } of prompt.listing.arguments ?? [])
      if (required === true && !Object.hasOwn(args, name))
        throw new RpcError(
          RpcErrorCode.InvalidParams,
          `Prompt ${prompt.name}: the argument ${name} is required`,
        );
    return runPrompt(prompt, args, context);
  }
  const verdict = prompt.schema.validate(args);
  return isPromise(verdict)
    ? (verdict as Promise<Verdict>).then((settled) => runPrompt(prompt, checked(prompt, settled), context))
    : runPrompt(prompt, checked(prompt, verdict as Verdict), context);
}

function checked(prompt: PromptEntry, verdict: Verdict): unknown {
  if ('problem' in verdict)
    throw new RpcError(RpcErrorCode.InvalidParams, `Prompt ${prompt.name}: ${verdict.problem}`);
  return verdict.value;
}

function runPrompt(
  prompt: PromptEntry,
  args: unknown,
  context: McpCallContext,
): GetPromptResult | InputRequiredResult | Promise<GetPromptResult | InputRequiredResult> {
  return serveHandler<GetPromptResult>(context, () => prompt.handler(args as never, context), {
    value: (value) => finishPrompt(prompt, value as PromptReturn),
    error(error) {
      throw error;
    },
  });
}

function finishPrompt(prompt: PromptEntry, value: PromptReturn): GetPromptResult {
  if (typeof value === 'object' && value !== null && 'messages' in value) return value;
  const { description } = prompt.listing;
  const messages: readonly PromptMessage[] = Array.isArray(value)
    ? value
    : [
        {
          role: 'user',
          content: typeof value === 'string' ? { type: 'text', text: value } : (value as ContentBlock),
        },
      ];
  return description === undefined ? { messages } : { description, messages };
}

/** At most maxCompletionValues are sent; the total says how many there were. */
export async function completeArgument(
  completer: Completer | undefined,
  value: string,
  known: Readonly<Record<string, string>>,
  context: McpContext,
): Promise<CompleteResult> {
  const all = completer === undefined ? [] : await completer(value, known, context);
  const values = all.slice(0, maxCompletionValues);
  return { completion: { values, total: all.length, hasMore: all.length > values.length } };
}

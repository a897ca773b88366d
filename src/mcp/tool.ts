/** Tools: what is registered, and the one way every layer calls them. */
import { RingwireError, RpcError, RpcErrorCode } from '../errors.js';
import type { McpCallContext, McpContext } from './context.js';
import type { InferSchema, JsonSchema, Schema } from './infer.js';
import type { InputRequired } from './input.js';
import { findParamHeaders, type ParamHeader } from './param-headers.js';
import { type CompiledSchema, prepareSchema, type Verdict } from './schema.js';
import { type Finish, isPromise, serveHandler } from './serve-handler.js';
import type {
  CallToolResult,
  Icon,
  InputRequiredResult,
  MetaObject,
  TextContent,
  Tool,
  ToolAnnotations,
} from './types.js';

/** How a tool is described to peers. */
export interface ToolOptions<Input extends Schema = JsonSchema, Output extends Schema = JsonSchema> {
  readonly title?: string;
  readonly description?: string;
  /**
   * What arguments must look like: JSON Schema 2020-12 (root type "object"), or a Standard Schema (zod, valibot,
   * arktype). Default: any object.
   */
  readonly inputSchema?: Input;
  /** The JSON Schema to list where the schema library gives none (valibot). */
  readonly inputJsonSchema?: JsonSchema;
  /** What structuredContent looks like; results are checked against it. */
  readonly outputSchema?: Output;
  readonly outputJsonSchema?: JsonSchema;
  readonly annotations?: ToolAnnotations;
  readonly icons?: readonly Icon[];
  readonly _meta?: MetaObject;
}

/**
 * What a tool handler may return. A string becomes one text content. An object with a `content` array is the result
 * itself. Any other value becomes JSON text, and structuredContent where the tool has an outputSchema.
 * Nothing at all becomes empty content.
 */
export type ToolReturn =
  | CallToolResult
  | InputRequired
  | string
  | number
  | boolean
  | object
  | null
  | undefined;

export type ToolHandler<Arguments = Record<string, unknown>> = (
  args: Arguments,
  context: McpContext,
) => ToolReturn | Promise<ToolReturn>;

export type ToolHandlerOf<Input extends Schema> = ToolHandler<InferSchema<Input>>;

/** A registered tool. Its identity is stable for as long as it is registered. */
export interface ToolEntry {
  readonly name: string;
  /** As tools/list shows it. */
  readonly listing: Tool;
  readonly input: CompiledSchema | undefined;
  readonly output: CompiledSchema | undefined;
  /** Arguments that HTTP clients repeat in headers. */
  readonly paramHeaders: readonly ParamHeader[];
  readonly handler: ToolHandler<never>;
  /** How the handler's value or error becomes a result. */
  readonly finish: Finish<CallToolResult>;
  /** invokeTool on this tool. */
  invoke(args: unknown, context: McpCallContext): ToolOutcome | Promise<ToolOutcome>;
}

export type ToolOutcome = CallToolResult | InputRequiredResult;

const anyObject: JsonSchema = { type: 'object' };

/** Characters 2026-07-28, server/tools, "Tool Names" allows. */
const namePattern = /^[A-Za-z0-9_.-]{1,128}$/;

/** Throws SCHEMA_INVALID or CONFIG_INVALID where the definition could not be served. */
export function defineTool(
  name: string,
  options: ToolOptions<Schema, Schema>,
  handler: ToolHandler<never>,
): ToolEntry {
  if (typeof name !== 'string' || !namePattern.test(name))
    throw new RingwireError(
      'CONFIG_INVALID',
      `Tool name ${JSON.stringify(name)} must have 1 to 128 characters out of A-Z a-z 0-9 _ - .`,
    );
  if (typeof handler !== 'function')
    throw new RingwireError('CONFIG_INVALID', `Tool ${name}: the handler must be a function`);
  const { inputSchema, inputJsonSchema, outputSchema, outputJsonSchema, ...listed } = options;
  const input =
    inputSchema && prepareSchema(inputSchema, 'input', `Tool ${name}, inputSchema`, inputJsonSchema);
  const output =
    outputSchema && prepareSchema(outputSchema, 'output', `Tool ${name}, outputSchema`, outputJsonSchema);
  if (input !== undefined && input.json.type !== 'object')
    throw new RingwireError('SCHEMA_INVALID', `Tool ${name}, inputSchema: the root must have type "object"`);
  const paramHeaders = findParamHeaders(input?.json);
  if (typeof paramHeaders === 'string')
    throw new RingwireError('SCHEMA_INVALID', `Tool ${name}, inputSchema, ${paramHeaders}`);
  const { title, description, annotations, icons, _meta } = listed;
  const listing: Tool = {
    name,
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description }),
    inputSchema: input?.json ?? anyObject,
    ...(output === undefined ? {} : { outputSchema: output.json }),
    ...(annotations === undefined ? {} : { annotations }),
    ...(icons === undefined ? {} : { icons }),
    ...(_meta === undefined ? {} : { _meta }),
  };
  const entry: ToolEntry = {
    name,
    listing,
    input,
    output,
    paramHeaders,
    handler,
    finish: {
      value: (value) => finishValue(entry, value),
      error(error) {
        if (error instanceof RpcError) throw error;
        return errorResult(error instanceof Error ? error.message : String(error));
      },
    },
    invoke: (args, context) => invokeTool(entry, args, context),
  };
  return entry;
}

/** The result of a tool that answered with a string: the usual case, which serializers know by its class. */
export class TextResult implements CallToolResult {
  readonly content: readonly [TextContent];

  constructor(text: string) {
    this.content = [{ type: 'text', text }];
  }
}

export function errorResult(message: string): CallToolResult {
  return { content: [{ type: 'text', text: message }], isError: true };
}

/**
 * Calls a tool: arguments checked, handler run, value made a CallToolResult. Synchronous where the schemas and the
 * handler are. Arguments that do not fit, and whatever the handler throws, become a result with isError, which a
 * model can read and correct itself by; an RpcError passes through as a protocol error.
 * Source: 2026-07-28 and 2025-11-25, server/tools, "Error Handling".
 */
export function invokeTool(
  tool: ToolEntry,
  args: unknown,
  context: McpCallContext,
): ToolOutcome | Promise<ToolOutcome> {
  if (args === undefined) args = {};
  else if (typeof args !== 'object' || args === null || Array.isArray(args))
    throw new RpcError(RpcErrorCode.InvalidParams, 'params.arguments must be an object');
  if (tool.input === undefined) return runTool(tool, args, context);
  const verdict = tool.input.validate(args);
  return isPromise(verdict)
    ? (verdict as Promise<Verdict>).then((settled) => runChecked(tool, settled, context))
    : runChecked(tool, verdict as Verdict, context);
}

export function invalidArguments(tool: ToolEntry, problem: string): CallToolResult {
  return errorResult(`Invalid arguments for tool ${tool.name}: ${problem}`);
}

function runChecked(
  tool: ToolEntry,
  verdict: Verdict,
  context: McpCallContext,
): ToolOutcome | Promise<ToolOutcome> {
  if ('problem' in verdict) return invalidArguments(tool, verdict.problem);
  return runTool(tool, verdict.value, context);
}

function runTool(
  tool: ToolEntry,
  args: unknown,
  context: McpCallContext,
): ToolOutcome | Promise<ToolOutcome> {
  return serveHandler(context, () => tool.handler(args as never, context), tool.finish);
}

function hasContent(value: unknown): value is CallToolResult {
  return typeof value === 'object' && value !== null && Array.isArray((value as CallToolResult).content);
}

function finishValue(tool: ToolEntry, value: unknown): CallToolResult | Promise<CallToolResult> {
  if (typeof value === 'string' && tool.output === undefined) return new TextResult(value);
  const ready = hasContent(value);
  if (tool.output === undefined)
    return ready
      ? value
      : {
          content:
            value === undefined || value === null ? [] : [{ type: 'text', text: JSON.stringify(value) }],
        };
  if (ready && value.isError === true) return value;
  const structured = ready ? value.structuredContent : value;
  const verdict = tool.output.validate(structured);
  const finish = (settled: Verdict): CallToolResult => {
    if ('problem' in settled)
      throw new RpcError(
        RpcErrorCode.InternalError,
        `Tool ${tool.name} returned a value that does not fit its outputSchema: ${settled.problem}`,
      );
    if (ready) return value;
    const text = JSON.stringify(settled.value);
    return { content: [{ type: 'text', text }], structuredContent: settled.value };
  };
  return isPromise(verdict) ? (verdict as Promise<Verdict>).then(finish) : finish(verdict as Verdict);
}

/**
 * What of an MCP server the native engine routes: tools straight to their handlers, lists and fixed resources to
 * prepared bytes. Requests with anything unusual about them (a progress token, a retry, a cursor, a log level) do not
 * match a profile and take the generic path, as do all while interceptors want to see every call.
 */
import { ConnectionFlag, EnvelopeFlag } from '../binding/constants.generated.js';
import { RpcError, RpcErrorCode } from '../errors.js';
import type { Replies } from '../rpc/direct/call-engine.js';
import type { DirectCall } from '../rpc/direct/direct-call.js';
import { directPortOf } from '../rpc/direct/direct-port.js';
import {
  type DirectHandler,
  type DirectServer,
  type RequestProfile,
  writeJson,
} from '../rpc/direct/direct-server.js';
import type { DirectRoutes } from '../rpc/direct/routes.js';
import { McpCallContext } from './context.js';
import { legacySessionOf } from './methods.js';
import type { Era } from './protocol.js';
import { failed, isPromise, succeeded } from './serve-handler.js';
import type { McpServer } from './server.js';
import { invalidArguments, type ToolEntry, type ToolOutcome } from './tool.js';
import type { CallToolResult } from './types.js';

/** What a request may not have to be served past the generic path. */
export const unusual =
  EnvelopeFlag.HasLogLevel |
  EnvelopeFlag.HasProgressToken |
  EnvelopeFlag.HasRetry |
  EnvelopeFlag.HasOtherParams;
const modernMeta = EnvelopeFlag.VersionModern | EnvelopeFlag.HasClientCapabilities;

/** Number of a profile, and its bit in a route. */
const modern = 0;
const legacy = 1;
const profiles: readonly RequestProfile[] = [
  { flagsMask: unusual | modernMeta, flagsValue: modernMeta, connectionMask: 0, connectionValue: 0 },
  {
    flagsMask: unusual | EnvelopeFlag.HasModernMeta,
    flagsValue: 0,
    connectionMask: ConnectionFlag.Legacy,
    connectionValue: ConnectionFlag.Legacy,
  },
];

/** What most tools return: a string, or a result of nothing but one text. The text, or undefined. */
export function onlyText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (!isPlain(value)) return undefined;
  const { content } = value as CallToolResult;
  if (!Array.isArray(content) || content.length !== 1) return undefined;
  for (const key in value as object) if (key !== 'content') return undefined;
  const item = content[0];
  if (!isPlain(item)) return undefined;
  for (const key in item) if (key !== 'type' && key !== 'text') return undefined;
  return item.type === 'text' && typeof item.text === 'string' ? item.text : undefined;
}

/** Without a prototype of its own, which could bring a toJSON(). */
function isPlain(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** The reply templates of the two eras, by profile number. */
type TextTemplates = readonly [modern: number, legacy: number];

/**
 * tools/call of one tool. Does what Methods and invokeTool() do, step by step, so that a call whose handler returns
 * one text makes no closure and no promise of ours.
 */
class ToolHandler implements DirectHandler {
  readonly method = 'tools/call';
  readonly #server: McpServer;
  readonly #tool: ToolEntry;
  readonly #templates: TextTemplates;

  constructor(server: McpServer, tool: ToolEntry, templates: TextTemplates) {
    this.#server = server;
    this.#tool = tool;
    this.#templates = templates;
  }

  serve(input: unknown, call: DirectCall): unknown {
    const tool = this.#tool;
    const sent = input ?? {};
    const registered = this.#server.toolEntry(tool.name);
    if (registered !== tool) {
      // Removed or registered anew by a call before this one in the same batch.
      if (registered === undefined)
        throw new RpcError(RpcErrorCode.InvalidParams, `Unknown tool: ${tool.name}`);
      return registered.invoke(sent, this.#context(call, input));
    }
    let args: unknown = sent;
    if (tool.input !== undefined) {
      const verdict = tool.input.validate(sent);
      if (isPromise(verdict)) return tool.invoke(sent, this.#context(call, input));
      if ('problem' in verdict) return invalidArguments(tool, verdict.problem);
      args = verdict.value;
    }
    const context = this.#context(call, input);
    // Tells write() and fail() that what they get comes from the user's handler.
    call.attachment = context;
    return tool.handler(args as never, context);
  }

  write(value: unknown, call: DirectCall, replies: Replies): Promise<unknown> | undefined {
    const tool = this.#tool;
    const context = call.attachment as McpCallContext | undefined;
    if (tool.output === undefined && context?.openedInput === undefined) {
      const text = onlyText(value);
      if (text !== undefined) {
        context?.finish();
        replies.add(call.slot, this.#templates[call.profile], text);
        return undefined;
      }
    }
    if (context === undefined) return this.#writeOutcome(value as ToolOutcome, call, replies);
    call.attachment = undefined;
    const outcome = succeeded(context, value, () => this.#runAgain(context), tool.finish);
    return isPromise(outcome) ? outcome : this.#writeOutcome(outcome as ToolOutcome, call, replies);
  }

  fail(error: unknown, call: DirectCall, replies: Replies): void {
    const context = call.attachment as McpCallContext | undefined;
    if (context === undefined) throw error;
    call.attachment = undefined;
    this.#writeOutcome(failed(context, error, this.#tool.finish), call, replies);
  }

  #writeOutcome(outcome: ToolOutcome, call: DirectCall, replies: Replies): undefined {
    const era: Era = call.profile === modern ? 'modern' : 'legacy';
    writeJson(this.#server.methods.dress(era, outcome), call, replies);
  }

  /** `input` is params.arguments as sent. */
  #context(call: DirectCall, input: unknown): McpCallContext {
    const { methods } = this.#server;
    const caller = call.profile === modern ? methods.modernCaller(call) : legacySessionOf(call.connection)!;
    return new McpCallContext(call, caller, () => ({ name: this.#tool.name, arguments: input }));
  }

  /** A legacy handler got the input it asked for. */
  #runAgain(context: McpCallContext): unknown {
    const sent = (context.params as { arguments: unknown }).arguments ?? {};
    const verdict = this.#tool.input?.validate(sent) as { value: unknown } | undefined;
    return this.#tool.handler((verdict === undefined ? sent : verdict.value) as never, context);
  }
}

export function mcpRoutes(server: McpServer): DirectRoutes {
  return {
    profiles,
    install(direct) {
      const { modern: versions, legacy: legacyVersions } = server.catalogue.options;
      const served =
        (versions.includes('2026-07-28') ? 1 << modern : 0) | (legacyVersions.length > 0 ? 1 << legacy : 0);
      new RouteTable(server, direct, served).follow();
    },
  };
}

/** Keeps the native routes in step with the catalogue. */
class RouteTable {
  readonly #server: McpServer;
  readonly #direct: DirectServer;
  /** Bits of the profiles whose era is served. */
  readonly #served: number;
  readonly #templates: TextTemplates;
  /** Method and key of every route that is set. */
  #routes: (readonly [method: string, key: string])[] = [];
  #isStale = false;

  constructor(server: McpServer, direct: DirectServer, served: number) {
    this.#server = server;
    this.#direct = direct;
    this.#served = served;
    const modernEnd = JSON.stringify(server.catalogue.complete({})).slice(1);
    const before = '{"content":[{"type":"text","text":"';
    this.#templates = [direct.template(before, `"}],${modernEnd}`), direct.template(before, '"}]}')];
  }

  follow(): void {
    this.#update();
    this.#server.methods.onLegacy = ({ transport }) => {
      const port = directPortOf(transport);
      if (port !== undefined) port.flags |= ConnectionFlag.Legacy;
    };
    this.#server.onCatalogueChange(() => {
      if (this.#isStale) return;
      this.#isStale = true;
      // Many registrations in one go are one update; no request comes in between.
      queueMicrotask(() => {
        this.#isStale = false;
        this.#update();
      });
    });
  }

  #update(): void {
    for (const [method, key] of this.#routes) this.#direct.remove(method, key);
    this.#routes = [];
    if (this.#server.hasInterceptors || this.#served === 0) return;
    for (const tool of this.#server.catalogue.tools) {
      const route = { method: 'tools/call', key: tool.name, profiles: this.#served };
      this.#direct.handle(route, 'arguments', new ToolHandler(this.#server, tool, this.#templates));
      this.#routes.push([route.method, route.key]);
    }
    if ((this.#served & (1 << modern)) === 0) return;
    for (const [method, text] of this.#server.preparedReplies()) this.#reply(method, '', text);
    for (const [uri, text] of this.#server.catalogue.preparedResources()) {
      this.#reply('resources/read', uri, text);
    }
  }

  #reply(method: string, key: string, text: string): void {
    this.#direct.reply({ method, key, keyIsUri: key !== '', profiles: 1 << modern }, text);
    this.#routes.push([method, key]);
  }
}

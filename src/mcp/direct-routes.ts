/**
 * What of an MCP server the native engine routes: tools straight to their handlers, lists and fixed resources to
 * prepared bytes. Requests with anything unusual about them (a progress token, a retry, a cursor, a log level) do not
 * match a profile and take the generic path, as do all while interceptors want to see every call.
 */
import { ConnectionFlag, EnvelopeFlag } from '../binding/constants.generated.js';
import { RpcError, RpcErrorCode } from '../errors.js';
import type { DirectCall } from '../rpc/direct/direct-call.js';
import {
  type DirectHandler,
  type DirectServer,
  type RequestProfile,
  writeJson,
} from '../rpc/direct/direct-server.js';
import type { ReplyBatch } from '../rpc/direct/reply-batch.js';
import type { DirectRoutes } from '../rpc/direct/routes.js';
import { NativeConnection } from '../transports/native/connection.js';
import { McpCallContext } from './context.js';
import { legacySessionOf } from './methods.js';
import type { Era } from './protocol.js';
import type { McpServer } from './server.js';
import { TextResult, type ToolEntry, type ToolOutcome } from './tool.js';
import type { CallToolResult } from './types.js';

const unusual =
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

/** A result of nothing but one text, as most tools return it: the text, or undefined. */
function onlyText(outcome: ToolOutcome): string | undefined {
  if (outcome instanceof TextResult) return outcome.content[0].text;
  const { content } = outcome as CallToolResult;
  if (!Array.isArray(content) || content.length !== 1 || !isPlain(outcome)) return undefined;
  for (const key in outcome) if (key !== 'content') return undefined;
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

  serve(args: unknown, call: DirectCall): ToolOutcome | Promise<ToolOutcome> {
    const tool = this.#tool;
    // Registered anew or removed by a call before this one in the same batch.
    if (this.#server.toolEntry(tool.name) !== tool)
      throw new RpcError(RpcErrorCode.InvalidParams, `Unknown tool: ${tool.name}`);
    const caller =
      call.profile === modern ? this.#server.methods.modernCaller(call) : legacySessionOf(call.connection)!;
    const context = new McpCallContext(call, caller, () => ({ name: tool.name, arguments: args }));
    return tool.invoke(args, context);
  }

  write(outcome: ToolOutcome, call: DirectCall, replies: ReplyBatch): void {
    const text = onlyText(outcome);
    if (text !== undefined) {
      replies.add(call.slot, this.#templates[call.profile], text);
      return;
    }
    const era: Era = call.profile === modern ? 'modern' : 'legacy';
    writeJson(this.#server.methods.dress(era, outcome), call, replies);
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
      if (transport instanceof NativeConnection) transport.flags |= ConnectionFlag.Legacy;
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

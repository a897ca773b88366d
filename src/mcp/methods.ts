/** The methods of MCP, for both eras, on a dispatcher. */
import { RpcError, RpcErrorCode } from '../errors.js';
import type { Dispatcher } from '../rpc/dispatcher.js';
import type { CallContext, Connection, LogLevel } from '../rpc/types.js';
import { type Catalogue, listMethods } from './catalogue.js';
import { type CallerFacts, McpCallContext } from './context.js';
import { type LegacySession, openLegacySession } from './legacy.js';
import { checkModernMeta, isModern, ModernCaller } from './modern.js';
import { type Completer, completeArgument, getPrompt } from './prompt.js';
import { type Era, isLogLevel, legacyResourceNotFound, logLevels } from './protocol.js';
import type { RequestStateSigner } from './request-state.js';
import { readResource } from './resource.js';
import { isPromise } from './serve-handler.js';
import type { ListKind, SubscriptionHub } from './subscriptions.js';
import { invokeTool, TextResult } from './tool.js';
import type { ResultBase } from './types.js';

/** Connection.data key of its LegacySession. */
const sessionKey = Symbol('ringwire.mcp.session');

export function legacySessionOf(connection: Connection): LegacySession | undefined {
  return connection.data.get(sessionKey) as LegacySession | undefined;
}

/** Has a connection serve a session that another one opened: over HTTP a session has a connection for each request. */
export function joinLegacySession(connection: Connection, session: LegacySession): void {
  connection.data.set(sessionKey, session);
}

type Params = Readonly<Record<string, unknown>>;
type Serve = (params: Params, context: McpCallContext) => unknown;

const methodNotFound = (method: string) =>
  new RpcError(RpcErrorCode.MethodNotFound, `Method not found: ${method}`);

function requiredString(object: Params, key: string, where = 'params'): string {
  const value = object[key];
  if (typeof value !== 'string')
    throw new RpcError(RpcErrorCode.InvalidParams, `${where}.${key} is required and must be a string`);
  return value;
}

/** Arguments that are filled in already, as completion/complete sends them; what is no string is left out. */
function knownArguments(context: unknown): Record<string, string> {
  const given = (context as { arguments?: unknown } | null | undefined)?.arguments;
  if (typeof given !== 'object' || given === null) return {};
  return Object.fromEntries(Object.entries(given).filter(([, value]) => typeof value === 'string'));
}

export class Methods {
  readonly #catalogue: Catalogue;
  readonly #hub: SubscriptionHub;
  readonly #signer: RequestStateSigner;

  constructor(catalogue: Catalogue, hub: SubscriptionHub, signer: RequestStateSigner) {
    this.#catalogue = catalogue;
    this.#hub = hub;
    this.#signer = signer;
  }

  install(dispatcher: Dispatcher): void {
    const serve = (method: string, handler: Serve, era?: 'modern' | 'legacy') =>
      dispatcher.method(method, (params, context) => this.#serve(method, params, context, handler, era));
    for (const method of listMethods)
      serve(method, ({ cursor }, context) => this.#catalogue.list(method, cursor, context));
    serve('tools/call', (params, context) => this.#callTool(params, context));
    serve('resources/read', (params, context) => this.#readResource(params, context));
    serve('prompts/get', (params, context) => this.#getPrompt(params, context));
    serve('completion/complete', (params, context) => this.#complete(params, context));
    serve('server/discover', () => this.#catalogue.discover(), 'modern');
    serve(
      'subscriptions/listen',
      ({ notifications }, context) =>
        this.#hub.listen(notifications, this.#catalogue.kinds, this.#catalogue.resultMeta, context),
      'modern',
    );
    serve('logging/setLevel', (params, context) => this.#setLevel(params, context), 'legacy');
    serve('resources/subscribe', (params, context) => this.#subscribe(params, context), 'legacy');
    serve('resources/unsubscribe', (params, context) => this.#unsubscribe(params, context), 'legacy');
    dispatcher.method('initialize', (params, context) => this.#initialize(params, context));
    dispatcher.notification('notifications/initialized', (_, context) => this.#initialized(context));
    dispatcher.method('ping', (_, context) => this.#ping(context));
  }

  /** The caller as its era describes it. Throws what the era prescribes for a request that fits neither. */
  caller(context: CallContext): CallerFacts {
    const { meta } = context;
    const { modern, legacy } = this.#catalogue.options;
    if (isModern(meta)) {
      checkModernMeta(meta, modern, [...modern, ...legacy]);
      return new ModernCaller(context, this.#signer);
    }
    const session = legacySessionOf(context.connection);
    if (session !== undefined) return session;
    throw new RpcError(
      RpcErrorCode.InvalidParams,
      'The request has no params._meta["io.modelcontextprotocol/protocolVersion"], and no initialize came before it',
      { supported: [...modern, ...legacy] },
    );
  }

  #serve(
    method: string,
    params: unknown,
    call: CallContext,
    handler: Serve,
    era: 'modern' | 'legacy' | undefined,
  ): unknown {
    const caller = this.caller(call);
    if (era !== undefined && caller.era !== era) throw methodNotFound(method);
    const object = (params ?? {}) as Params;
    if (typeof object !== 'object' || Array.isArray(object))
      throw new RpcError(RpcErrorCode.InvalidParams, 'params must be an object');
    return handler(object, new McpCallContext(call, caller, object));
  }

  /** Whether modern results are handed on as JSON text; off where interceptors want to look into them. */
  resultsAsText = true;
  /** Called when a connection becomes a legacy session. */
  onLegacy: ((connection: Connection) => void) | undefined = undefined;

  /** Dresses a result for the caller's era. */
  #finish<Result extends ResultBase>(
    context: McpCallContext,
    result: Result | Promise<Result>,
  ): object | Promise<object> {
    if (isPromise(result))
      return (result as Promise<Result>).then((settled) => this.dress(context.era, settled));
    return this.dress(context.era, result as Result);
  }

  /** What a result needs on the wire: modern ones their type and the server's name, legacy ones less. */
  dress<Result extends ResultBase>(era: Era, result: Result): object {
    if (era === 'legacy') return result instanceof TextResult ? result : legacyResult(result);
    return this.resultsAsText ? this.#catalogue.completeText(result) : this.#catalogue.complete(result);
  }

  /** The caller of a modern request whose `_meta` was checked by the scan. */
  modernCaller(call: CallContext): CallerFacts {
    return new ModernCaller(call, this.#signer);
  }

  /** Methods behind a capability that is not announced are unknown (schema, MethodNotFoundError). */
  #requireKind(kind: ListKind, method: string): void {
    if (!this.#catalogue.kinds.includes(kind)) throw methodNotFound(method);
  }

  #callTool(params: Params, context: McpCallContext): unknown {
    const name = requiredString(params, 'name');
    const tool = this.#catalogue.tools.get(name);
    if (tool === undefined) {
      this.#requireKind('tools', 'tools/call');
      throw new RpcError(RpcErrorCode.InvalidParams, `Unknown tool: ${name}`);
    }
    openSentInput(params, context);
    return this.#finish(context, invokeTool(tool, params.arguments, context));
  }

  #readResource(params: Params, context: McpCallContext): unknown {
    const uri = requiredString(params, 'uri');
    const entry = this.#catalogue.resources.get(uri);
    if (entry !== undefined) {
      if (entry.fixed !== undefined)
        return context.era === 'modern'
          ? this.#catalogue.fixedResource(entry)
          : this.dress(context.era, entry.fixed);
      openSentInput(params, context);
      return this.#finish(
        context,
        readResource(uri, entry, () => entry.read(uri, context), context),
      );
    }
    const match = this.#catalogue.matchTemplate(uri);
    if (match === undefined) {
      this.#requireKind('resources', 'resources/read');
      throw new RpcError(
        context.era === 'modern' ? RpcErrorCode.InvalidParams : legacyResourceNotFound,
        `Resource not found: ${uri}`,
        { uri },
      );
    }
    openSentInput(params, context);
    const { entry: template, variables } = match;
    return this.#finish(
      context,
      readResource(uri, template, () => template.read(uri, variables, context), context),
    );
  }

  #getPrompt(params: Params, context: McpCallContext): unknown {
    const name = requiredString(params, 'name');
    const prompt = this.#catalogue.prompts.get(name);
    if (prompt === undefined) {
      this.#requireKind('prompts', 'prompts/get');
      throw new RpcError(RpcErrorCode.InvalidParams, `Unknown prompt: ${name}`);
    }
    openSentInput(params, context);
    return this.#finish(context, getPrompt(prompt, params.arguments, context));
  }

  #complete(params: Params, context: McpCallContext): unknown {
    if (this.#catalogue.capabilities.completions === undefined) throw methodNotFound('completion/complete');
    const argument = params.argument as { name?: unknown; value?: unknown } | null | undefined;
    if (typeof argument?.name !== 'string' || typeof argument.value !== 'string')
      throw new RpcError(RpcErrorCode.InvalidParams, 'params.argument needs the strings name and value');
    const completers = this.#completersOf(params.ref as Params | undefined);
    const completer = Object.hasOwn(completers, argument.name) ? completers[argument.name] : undefined;
    const known = knownArguments(params.context);
    return this.#finish(context, completeArgument(completer, argument.value, known, context));
  }

  #completersOf(ref: Params | undefined): Readonly<Record<string, Completer>> {
    if (ref?.type === 'ref/prompt') {
      const name = requiredString(ref, 'name', 'params.ref');
      const prompt = this.#catalogue.prompts.get(name);
      if (prompt !== undefined) return prompt.completers;
      throw new RpcError(RpcErrorCode.InvalidParams, `Unknown prompt: ${name}`);
    }
    if (ref?.type === 'ref/resource') {
      const uri = requiredString(ref, 'uri', 'params.ref');
      const template = this.#catalogue.templates.get(uri) ?? this.#catalogue.matchTemplate(uri)?.entry;
      if (template !== undefined) return template.completers;
      if (this.#catalogue.resources.get(uri) !== undefined) return {};
      throw new RpcError(RpcErrorCode.InvalidParams, `Unknown resource template: ${uri}`);
    }
    throw new RpcError(RpcErrorCode.InvalidParams, 'params.ref.type must be ref/prompt or ref/resource');
  }

  #initialize(params: unknown, { connection, meta }: CallContext): unknown {
    if (isModern(meta)) throw methodNotFound('initialize');
    const { modern, legacy, info, instructions } = this.#catalogue.options;
    const session = openLegacySession(connection, params, legacy, [...modern, ...legacy]);
    const previous = legacySessionOf(connection);
    if (previous !== undefined) this.#hub.remove(previous.subscriber);
    else
      void connection.closed.then(() => {
        const last = legacySessionOf(connection);
        if (last !== undefined) this.#hub.remove(last.subscriber);
      });
    connection.data.set(sessionKey, session);
    this.onLegacy?.(connection);
    return {
      protocolVersion: session.protocolVersion,
      capabilities: this.#catalogue.capabilities,
      serverInfo: info,
      ...(instructions !== undefined && { instructions }),
    };
  }

  /** Until now a legacy client hears nothing but pings (2025-11-25, basic/lifecycle, "Initialization"). */
  #initialized({ connection }: CallContext): void {
    const session = legacySessionOf(connection);
    if (session !== undefined) this.#hub.add(session.subscriber);
  }

  /** Legacy clients may ping before initialize; the modern era has no ping. */
  #ping(context: CallContext): object {
    if (isModern(context.meta)) throw methodNotFound('ping');
    return {};
  }

  #setLevel(params: Params, { connection }: McpCallContext): object {
    if (!this.#catalogue.options.logging) throw methodNotFound('logging/setLevel');
    if (!isLogLevel(params.level))
      throw new RpcError(RpcErrorCode.InvalidParams, `params.level must be one of ${logLevels.join(', ')}`);
    const level = params.level as LogLevel;
    connection.logLevel = level;
    legacySessionOf(connection)?.onLogLevel?.(level);
    return {};
  }

  #subscribe(params: Params, { connection }: McpCallContext): object {
    this.#requireKind('resources', 'resources/subscribe');
    legacySessionOf(connection)?.subscriber.subscribe(requiredString(params, 'uri'));
    return {};
  }

  #unsubscribe(params: Params, { connection }: McpCallContext): object {
    legacySessionOf(connection)?.subscriber.uris.delete(requiredString(params, 'uri'));
    return {};
  }
}

/** A requestState that is not valid must be refused even where the handler would not have looked at it. */
function openSentInput(params: Params, context: McpCallContext): void {
  if (context.era === 'modern' && (params.requestState !== undefined || params.inputResponses !== undefined))
    void context.input;
}

/** Legacy results have neither a type nor cache hints, and their structuredContent is an object. */
function legacyResult(result: ResultBase): object {
  const { resultType, ttlMs, cacheScope, structuredContent, ...rest } = result as ResultBase &
    Record<string, unknown>;
  if (typeof structuredContent !== 'object' || structuredContent === null || Array.isArray(structuredContent))
    return rest;
  return { ...rest, structuredContent };
}

/** MCP servers: what users of the library build. */

import { RingwireError } from '../errors.js';
import type { Peer } from '../rpc/peer.js';
import type { CloseOptions } from '../rpc/peer-options.js';
import { RpcServer } from '../rpc/server.js';
import type { Connection, Handler, Interceptor } from '../rpc/types.js';
import type { FetchHandler, NodeHandler } from '../transports/http/handlers.js';
import type { Listener, Transport, TransportOptions } from '../transports/transport.js';
import { Catalogue } from './catalogue.js';
import { mcpRoutes } from './direct-routes.js';
import type { JsonSchema, Schema } from './infer.js';
import { legacySessionOf, Methods } from './methods.js';
import { definePrompt, type PromptHandler, type PromptHandlerOf, type PromptOptions } from './prompt.js';
import { RequestStateSigner } from './request-state.js';
import {
  defineResource,
  defineTemplate,
  type ResourceOptions,
  type ResourceReader,
  type ResourceTemplateOptions,
  type TemplateReader,
} from './resource.js';
import { resolveServerOptions, type ServerOptions } from './server-options.js';
import { type ListKind, SubscriptionHub } from './subscriptions.js';
import {
  defineTool,
  type ToolEntry,
  type ToolHandler,
  type ToolHandlerOf,
  type ToolOptions,
} from './tool.js';

export class McpServer {
  /** The JSON-RPC server underneath. */
  readonly rpc: RpcServer;
  /** What the server offers, its lists and capabilities. For layers that answer without JavaScript handlers. */
  readonly catalogue: Catalogue;
  /** The MCP methods on the dispatcher. */
  readonly methods: Methods;
  readonly #hub = new SubscriptionHub();
  readonly #changed = new Set<ListKind>();
  readonly #changeListeners = new Set<() => void>();
  #interceptors = 0;

  /** Throws CONFIG_INVALID that names the option. */
  constructor(options: ServerOptions) {
    const resolved = resolveServerOptions(options);
    this.catalogue = new Catalogue(resolved, (kind) => this.#announce(kind));
    this.methods = new Methods(this.catalogue, this.#hub, new RequestStateSigner(resolved.requestState));
    this.rpc = new RpcServer({
      ...resolved.rpc,
      batches: (peer) => legacySessionOf(peer)?.servesBatches ?? false,
      direct: mcpRoutes(this),
      httpApplication: async (_rpc, options) =>
        (await import('./http/application.js')).mcpApplication(this, options),
    });
    this.methods.install(this.rpc.dispatcher);
  }

  /** Offers a tool. Arguments are checked before the handler sees them. Throws where the definition is not valid. */
  tool(name: string, handler: ToolHandler): this;
  tool(name: string, description: string, handler: ToolHandler): this;
  tool<const Input extends Schema = JsonSchema, const Output extends Schema = JsonSchema>(
    name: string,
    options: ToolOptions<Input, Output>,
    handler: ToolHandlerOf<Input>,
  ): this;
  tool(
    name: string,
    described: string | ToolOptions<Schema, Schema> | ToolHandler,
    handler?: ToolHandler<never>,
  ): this {
    if (typeof described === 'function') return this.#addTool(name, {}, described);
    if (handler === undefined)
      throw new RingwireError('CONFIG_INVALID', `Tool ${name}: the handler must be a function`);
    return this.#addTool(
      name,
      typeof described === 'string' ? { description: described } : described,
      handler,
    );
  }

  #addTool(name: string, options: ToolOptions<Schema, Schema>, handler: ToolHandler<never>): this {
    this.catalogue.tools.add(name, defineTool(name, options, handler));
    return this;
  }

  /** False where there was none of that name. Clients are told. */
  removeTool(name: string): boolean {
    return this.catalogue.tools.remove(name);
  }

  /** The registered tools by name, with the function that calls each. */
  toolEntry(name: string): ToolEntry | undefined {
    return this.catalogue.tools.get(name);
  }

  /** Offers a resource at a fixed URI: a reader, or the text or bytes themselves where they never change. */
  resource(uri: string, options: ResourceOptions, read: ResourceReader | string | Uint8Array): this {
    this.catalogue.resources.add(uri, defineResource(uri, options, read));
    return this;
  }

  removeResource(uri: string): boolean {
    return this.catalogue.resources.remove(uri);
  }

  /** Offers every resource whose URI the template (RFC 6570) matches. The first template that matches serves. */
  resourceTemplate(uriTemplate: string, options: ResourceTemplateOptions, read: TemplateReader): this {
    this.catalogue.templates.add(uriTemplate, defineTemplate(uriTemplate, options, read));
    return this;
  }

  removeResourceTemplate(uriTemplate: string): boolean {
    return this.catalogue.templates.remove(uriTemplate);
  }

  /** Tells those who watch this URI that it is worth reading again. */
  resourceUpdated(uri: string): void {
    this.#hub.resourceUpdated(uri);
  }

  /** Offers a prompt. Its arguments are strings. */
  prompt<const Arguments extends Schema = JsonSchema>(
    name: string,
    options: PromptOptions<Arguments>,
    handler: PromptHandlerOf<Arguments>,
  ): this {
    this.catalogue.prompts.add(name, definePrompt(name, options, handler as PromptHandler<never>));
    return this;
  }

  removePrompt(name: string): boolean {
    return this.catalogue.prompts.remove(name);
  }

  /** Serves a JSON-RPC method beside those of MCP. */
  method<Params = unknown, Result = unknown>(name: string, handler: Handler<Params, Result>): this {
    this.rpc.method(name, handler);
    return this;
  }

  /** Serves a notification beside those of MCP. */
  notification<Params = unknown>(name: string, handler: Handler<Params>): this {
    this.rpc.notification(name, handler);
    return this;
  }

  /** Puts an interceptor around every call. The first one added is the outermost. */
  use(interceptor: Interceptor): this {
    this.#interceptors += 1;
    this.methods.resultsAsText = false;
    this.rpc.use(interceptor);
    for (const listener of this.#changeListeners) listener();
    return this;
  }

  /** Whether calls must pass interceptors; if so nothing may answer in their place. */
  get hasInterceptors(): boolean {
    return this.#interceptors > 0;
  }

  /** Accepts connections on an endpoint; `url` of the listener has the port that was bound. */
  listen(url: string, options?: TransportOptions): Promise<Listener>;
  /** Accepts connections on several endpoints; where one fails the others are closed again. */
  listen(urls: readonly string[], options?: TransportOptions): Promise<Listener[]>;
  async listen(urls: string | readonly string[], options?: TransportOptions): Promise<Listener | Listener[]> {
    if (typeof urls === 'string') return this.rpc.listen(urls, options);
    const settled = await Promise.allSettled(urls.map((url) => this.rpc.listen(url, options)));
    const listeners = settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    const failure = settled.find((each) => each.status === 'rejected');
    if (failure === undefined) return listeners;
    await Promise.all(listeners.map((listener) => listener.close()));
    throw (failure as PromiseRejectedResult).reason;
  }

  /** Serves HTTP in a server of your own: node:http, Express, Fastify; see RpcServer.toNodeHandler(). */
  toNodeHandler(options?: TransportOptions): NodeHandler {
    return this.rpc.toNodeHandler(options);
  }

  /** As toNodeHandler(), for servers of the fetch standard: a Request in, a Response out. */
  toFetchHandler(options?: TransportOptions): FetchHandler {
    return this.rpc.toFetchHandler(options);
  }

  /** Open subscriptions of modern clients and initialized sessions of legacy ones: all who hear of changes. */
  get subscriberCount(): number {
    return this.#hub.size;
  }

  /** Serves a connection made elsewhere. */
  attach(transport: Transport): Peer {
    return this.rpc.attach(transport);
  }

  /** Ends the subscriptions of these connections with their final result. For layers that close some of them. */
  endSubscriptions(isMeant: (connection: Connection) => boolean): void {
    this.#hub.endAll(isMeant);
  }

  /** Ends subscriptions with their final result, lets calls in flight finish, closes every connection. Idempotent. */
  async close(options?: CloseOptions): Promise<void> {
    this.#hub.endAll();
    await this.rpc.close(options);
  }

  /** Loads and compiles every schema now, so that no first call pays for it. */
  warmUp(): this {
    for (const tool of this.catalogue.tools) {
      tool.input?.warmUp();
      tool.output?.warmUp();
    }
    for (const prompt of this.catalogue.prompts) prompt.schema?.warmUp();
    return this;
  }

  /**
   * Modern results that need neither params nor a handler, as JSON text by method: server/discover and the first page
   * of each list. Made once; ask again after onCatalogueChange.
   */
  preparedReplies(): ReadonlyMap<string, string> {
    return this.catalogue.preparedReplies();
  }

  /** Modern results of resources/read for resources that never change, as JSON text by URI; see preparedReplies(). */
  preparedResources(): ReadonlyMap<string, string> {
    return this.catalogue.preparedResources();
  }

  /** Calls back after anything was added or removed, interceptors included; returns what stops it. */
  onCatalogueChange(listener: () => void): () => void {
    this.#changeListeners.add(listener);
    return () => void this.#changeListeners.delete(listener);
  }

  /** Many registrations in one go are one change to those who listen. */
  #announce(kind: ListKind): void {
    for (const listener of this.#changeListeners) listener();
    if (this.#changed.size === 0)
      queueMicrotask(() => {
        const kinds = [...this.#changed];
        this.#changed.clear();
        for (const each of kinds) this.#hub.listChanged(each);
      });
    this.#changed.add(kind);
  }
}

/** A server without tools, listening nowhere yet. Chain tool(), resource(), prompt(), then listen(). */
export function createServer(options: ServerOptions): McpServer {
  return new McpServer(options);
}

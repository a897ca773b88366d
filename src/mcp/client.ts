/** MCP clients. */
import { RingwireError } from '../errors.js';
import type { CloseOptions } from '../rpc/peer-options.js';
import type { LogLevel, RequestOptions } from '../rpc/types.js';
import { ClientListener } from './client-listener.js';
import {
  type ConnectOptions,
  type LogMessage,
  type ResolvedConnectOptions,
  resolveConnectOptions,
  type Target,
} from './client-options.js';
import { ClientSession } from './client-session.js';
import type { Subscription } from './client-subscription.js';
import type { Era } from './protocol.js';
import type {
  CallToolResult,
  CompleteResult,
  DiscoverResult,
  GetPromptResult,
  Implementation,
  ListPromptsResult,
  ListResourcesResult,
  ListResourceTemplatesResult,
  ListToolsResult,
  Prompt,
  ReadResourceResult,
  Resource,
  ResourceTemplate,
  ServerCapabilities,
  SubscriptionFilter,
  Tool,
} from './types.js';

interface ListResults {
  'tools/list': ListToolsResult;
  'resources/list': ListResourcesResult;
  'resources/templates/list': ListResourceTemplatesResult;
  'prompts/list': ListPromptsResult;
}

/** Pages followed before a list counts as endless. */
const maxPages = 10_000;

/** What names the thing a completion is for. */
export type CompletionRef =
  | { readonly type: 'ref/prompt'; readonly name: string }
  | { readonly type: 'ref/resource'; readonly uri: string };

export class McpClient {
  readonly #session: ClientSession;
  readonly #listener: ClientListener;
  readonly #logListeners = new Set<(message: LogMessage) => void>();

  /** Use connect(). */
  constructor(targets: readonly Target[], options: ResolvedConnectOptions) {
    this.#session = new ClientSession(targets, options);
    this.#listener = new ClientListener(this.#session);
    if (options.onLog !== undefined) this.#logListeners.add(options.onLog);
    this.#session.dispatcher.notification('notifications/message', (params) => {
      for (const listener of this.#logListeners) listener(params as LogMessage);
    });
  }

  /** Which era the server is of. */
  get era(): Era {
    return this.#session.current.era;
  }
  get protocolVersion(): string {
    return this.#session.current.protocolVersion;
  }
  /** Self-reported; for display and logs only. */
  get serverInfo(): Implementation | undefined {
    return this.#session.current.serverInfo;
  }
  get capabilities(): ServerCapabilities {
    return this.#session.current.capabilities;
  }
  /** For the model: how the server wants to be used. */
  get instructions(): string | undefined {
    return this.#session.current.instructions;
  }
  /** Resolves when the present connection ends: with the error that ended it, or undefined. */
  get closed(): Promise<RingwireError | undefined> {
    return this.#session.current.peer.closed;
  }

  /** Connects unless connected. connect() calls it; requests do where `reconnect` allows. */
  async open(): Promise<void> {
    await this.#session.open();
  }

  /**
   * Sends a request of any method. Modern metadata is added; input the server asks for is fetched from the handlers
   * and the request repeated with it. Rejects with RpcError for the server's errors, RingwireError for all others.
   */
  request<Result = unknown>(
    method: string,
    params?: Readonly<Record<string, unknown>>,
    options?: RequestOptions,
  ): Promise<Result> {
    return this.#session.request<Result>(method, params, options);
  }

  /** Tells the server something, without an answer. */
  notify(method: string, params?: Readonly<Record<string, unknown>>): Promise<void> {
    return this.#session.notify(method, params);
  }

  /**
   * Calls a tool. A tool that fails answers with isError; only protocol and connection errors reject. Never repeated
   * by itself: a call that was lost may have been carried out.
   */
  callTool(
    name: string,
    args: Readonly<Record<string, unknown>> = {},
    options?: RequestOptions,
  ): Promise<CallToolResult> {
    return this.request<CallToolResult>('tools/call', { name, arguments: args }, options);
  }

  /** The pages of a list, fetched as they are asked for. */
  async *pages<Method extends keyof ListResults>(
    method: Method,
    options?: RequestOptions,
  ): AsyncGenerator<ListResults[Method]> {
    let cursor: string | undefined;
    for (let count = 0; count < maxPages; count++) {
      // An empty cursor is a cursor; only its absence ends the list.
      const page: ListResults[Method] = await this.request(
        method,
        cursor === undefined ? {} : { cursor },
        options,
      );
      yield page;
      const next = page?.nextCursor ?? undefined;
      if (next === undefined) return;
      if (next === cursor)
        throw new RingwireError(
          'FRAME_INVALID',
          `"${method}": the server repeats the cursor ${JSON.stringify(next)}.`,
        );
      cursor = next;
    }
    throw new RingwireError('OVERLOADED', `"${method}" has more than ${maxPages} pages.`, {
      retryable: false,
    });
  }

  /** All tools, over all pages. */
  listTools(options?: RequestOptions): Promise<Tool[]> {
    return this.#listAll('tools/list', ({ tools }) => tools, options);
  }

  listResources(options?: RequestOptions): Promise<Resource[]> {
    return this.#listAll('resources/list', ({ resources }) => resources, options);
  }

  listResourceTemplates(options?: RequestOptions): Promise<ResourceTemplate[]> {
    return this.#listAll('resources/templates/list', ({ resourceTemplates }) => resourceTemplates, options);
  }

  listPrompts(options?: RequestOptions): Promise<Prompt[]> {
    return this.#listAll('prompts/list', ({ prompts }) => prompts, options);
  }

  async #listAll<Method extends keyof ListResults, Item>(
    method: Method,
    itemsOf: (page: ListResults[Method]) => readonly Item[],
    options: RequestOptions | undefined,
  ): Promise<Item[]> {
    const all: Item[] = [];
    for await (const page of this.pages(method, options)) {
      const items = itemsOf(page ?? ({} as ListResults[Method]));
      if (!Array.isArray(items))
        throw new RingwireError('FRAME_INVALID', `"${method}" was answered without a list.`);
      all.push(...items);
    }
    return all;
  }

  readResource(uri: string, options?: RequestOptions): Promise<ReadResourceResult> {
    return this.request<ReadResourceResult>('resources/read', { uri }, options);
  }

  getPrompt(
    name: string,
    args: Readonly<Record<string, string>> = {},
    options?: RequestOptions,
  ): Promise<GetPromptResult> {
    return this.request<GetPromptResult>('prompts/get', { name, arguments: args }, options);
  }

  /** Suggestions for one argument. `known` holds the arguments that are filled in already. */
  async complete(
    ref: CompletionRef,
    argument: { readonly name: string; readonly value: string },
    known?: Readonly<Record<string, string>>,
    options?: RequestOptions,
  ): Promise<CompleteResult['completion']> {
    const params = { ref, argument, ...(known !== undefined && { context: { arguments: known } }) };
    return (await this.request<CompleteResult>('completion/complete', params, options)).completion;
  }

  /** What the server says of itself now. Modern servers only. */
  discover(options?: RequestOptions): Promise<DiscoverResult> {
    return this.request<DiscoverResult>('server/discover', {}, options);
  }

  /** Asks a legacy server whether it is there; a modern one, which has no ping, is asked server/discover. */
  async ping(options?: RequestOptions): Promise<void> {
    const { era } = await this.#session.usable('ping');
    await this.request(era === 'legacy' ? 'ping' : 'server/discover', {}, options);
  }

  /** The least level of log messages to receive from now on; undefined asks a modern server for none. */
  async setLogLevel(level: LogLevel | undefined): Promise<void> {
    const { era } = await this.#session.usable('logging/setLevel');
    if (era === 'legacy') await this.request('logging/setLevel', { level: level ?? 'emergency' });
    this.#session.logLevel = level;
  }

  /** Calls back for every log message; returns what stops it. */
  onLog(listener: (message: LogMessage) => void): () => void {
    this.#logListeners.add(listener);
    return () => void this.#logListeners.delete(listener);
  }

  /**
   * Opens a subscription and resolves once the server acknowledged it. Iterate it for events; close() ends it. Lost
   * connections are made anew where `reconnect` allows, which shows as a `reconnected` event.
   */
  listen(filter: SubscriptionFilter, options: RequestOptions = {}): Promise<Subscription> {
    return this.#listener.listen(filter, options);
  }

  /** Ends subscriptions, then the connection. A child process is told by the end of its input. Idempotent. */
  async close(options?: CloseOptions): Promise<void> {
    this.#listener.closeAll();
    await this.#session.close(options);
  }
}

/**
 * Connects to an MCP server and finds out its era. A list is tried in order until one answers; the error of the last
 * carries the others as its cause.
 */
export async function connect(
  target: Target | readonly Target[],
  options: ConnectOptions = {},
): Promise<McpClient> {
  const targets = Array.isArray(target) ? (target as readonly Target[]) : [target as Target];
  if (targets.length === 0) throw new RingwireError('CONFIG_INVALID', 'connect needs at least one target.');
  const client = new McpClient(targets, resolveConnectOptions(options));
  await client.open();
  return client;
}

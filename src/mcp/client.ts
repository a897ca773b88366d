/** MCP clients. */
import { type ErrorCode, RingwireError } from '../errors.js';
import { Dispatcher } from '../rpc/dispatcher.js';
import type { CloseOptions } from '../rpc/peer-options.js';
import type { LogLevel, RequestOptions } from '../rpc/types.js';
import { answerInputRequired, installInputHandlers } from './client-input.js';
import { isTransport, type Link, openLink } from './client-link.js';
import {
  type ConnectOptions,
  type LogMessage,
  type ResolvedConnectOptions,
  resolveConnectOptions,
  type Target,
} from './client-options.js';
import { changeMethods, Subscription } from './client-subscription.js';
import { type Era, MetaKey } from './protocol.js';
import type {
  CallToolResult,
  CompleteResult,
  DiscoverResult,
  GetPromptResult,
  Implementation,
  InputRequiredResult,
  ListPromptsResult,
  ListResourcesResult,
  ListResourceTemplatesResult,
  ListToolsResult,
  Prompt,
  ReadResourceResult,
  Resource,
  ResourceTemplate,
  ResultBase,
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

/** The requests a modern server may answer with input_required (2026-07-28, basic/patterns/mrtr). */
const inputMethods: readonly string[] = ['tools/call', 'resources/read', 'prompts/get'];

/** Codes that say a connection was lost, not that the request was wrong. */
const lostConnection: readonly string[] = [
  'CHILD_EXITED',
  'CONNECTION_CLOSED',
  'CONNECTION_RESET',
  'IO_ERROR',
] satisfies ErrorCode[];

/** What names the thing a completion is for. */
export type CompletionRef =
  | { readonly type: 'ref/prompt'; readonly name: string }
  | { readonly type: 'ref/resource'; readonly uri: string };

export class McpClient {
  readonly #targets: readonly Target[];
  readonly #options: ResolvedConnectOptions;
  readonly #dispatcher = new Dispatcher();
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #logListeners = new Set<(message: LogMessage) => void>();
  /** Subscriptions the server has not acknowledged yet. */
  readonly #acknowledgements = new Map<Subscription, () => void>();
  #link: Link | undefined;
  /** The last connection that was open; what it found out about the server stays readable after its end. */
  #last: Link | undefined;
  #opening: Promise<Link> | undefined;
  #knownEra: Era | undefined;
  #logLevel: LogLevel | undefined;
  #legacySubscriptions = 0;
  #closed = false;

  /** Use connect(). */
  constructor(targets: readonly Target[], options: ResolvedConnectOptions) {
    this.#targets = targets;
    this.#options = options;
    this.#logLevel = options.logLevel;
    if (options.onLog !== undefined) this.#logListeners.add(options.onLog);
    installInputHandlers(this.#dispatcher, options, () => this.#link?.era === 'modern');
    for (const method of changeMethods)
      this.#dispatcher.notification(method, (params) => this.#changed(method, params));
    this.#dispatcher.notification('notifications/subscriptions/acknowledged', (params) =>
      this.#acknowledged(params),
    );
    this.#dispatcher.notification('notifications/cancelled', (params) => this.#ended(params));
    this.#dispatcher.notification('notifications/message', (params) => {
      for (const listener of this.#logListeners) listener(params as LogMessage);
    });
  }

  /** Which era the server is of. */
  get era(): Era {
    return this.#current.era;
  }
  get protocolVersion(): string {
    return this.#current.protocolVersion;
  }
  /** Self-reported; for display and logs only. */
  get serverInfo(): Implementation | undefined {
    return this.#current.serverInfo;
  }
  get capabilities(): ServerCapabilities {
    return this.#current.capabilities;
  }
  /** For the model: how the server wants to be used. */
  get instructions(): string | undefined {
    return this.#current.instructions;
  }
  /** Resolves when the present connection ends: with the error that ended it, or undefined. */
  get closed(): Promise<RingwireError | undefined> {
    return this.#current.peer.closed;
  }

  /** Connects unless connected. connect() calls it; requests do where `reconnect` allows. */
  async open(): Promise<Link> {
    if (this.#link !== undefined) return this.#link;
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #open(): Promise<Link> {
    let failure: unknown;
    for (const target of this.#targets) {
      try {
        const link = await openLink(target, this.#options, this.#dispatcher, this.#knownEra);
        this.#link = link;
        this.#last = link;
        this.#knownEra = link.era;
        void link.peer.closed.then(() => {
          if (this.#link === link) this.#link = undefined;
        });
        return link;
      } catch (error) {
        failure =
          failure === undefined || !(error instanceof RingwireError)
            ? error
            : new RingwireError(error.code, error.message, { cause: failure, retryable: error.retryable });
      }
    }
    throw failure;
  }

  get #current(): Link {
    const link = this.#link ?? this.#last;
    if (link === undefined) throw new RingwireError('CONNECTION_CLOSED', 'The client is not connected.');
    return link;
  }

  get #canReconnect(): boolean {
    return this.#options.reconnect && !this.#targets.some(isTransport);
  }

  async #usable(method: string): Promise<Link> {
    if (this.#link !== undefined) return this.#link;
    if (this.#closed || !this.#canReconnect)
      throw new RingwireError('CONNECTION_CLOSED', `"${method}" was not sent: the connection is closed.`);
    return this.open();
  }

  /**
   * Sends a request of any method. Modern metadata is added; input the server asks for is fetched from the handlers
   * and the request repeated with it. Rejects with RpcError for the server's errors, RingwireError for all others.
   */
  async request<Result = unknown>(
    method: string,
    params: Readonly<Record<string, unknown>> = {},
    options: RequestOptions = {},
  ): Promise<Result> {
    const link = await this.#usable(method);
    if (link.era === 'legacy') return link.peer.request<Result>(method, params, options);
    let input: Record<string, unknown> = {};
    for (let round = 1; ; round++) {
      const sent = { ...params, ...input, _meta: this.#meta(link, params._meta) };
      const result = await link.peer.request<ResultBase>(method, sent, options);
      const type = result?.resultType ?? 'complete';
      if (type === 'complete') return result as Result;
      if (type !== 'input_required' || !inputMethods.includes(method))
        throw new RingwireError(
          'FRAME_INVALID',
          `"${method}" was answered with the resultType ${JSON.stringify(type)}.`,
        );
      if (round > this.#options.maxInputRounds)
        throw new RingwireError(
          'OVERLOADED',
          `"${method}": the server asked for input more than ${this.#options.maxInputRounds} times.`,
          { retryable: false },
        );
      const signal = options.signal ?? new AbortController().signal;
      input = await answerInputRequired(this.#options, result as InputRequiredResult, signal);
    }
  }

  #meta(link: Link, own: unknown): Record<string, unknown> {
    return {
      ...link.meta,
      ...(this.#logLevel !== undefined && { [MetaKey.LogLevel]: this.#logLevel }),
      ...(typeof own === 'object' && own),
    };
  }

  /** Tells the server something, without an answer. */
  async notify(method: string, params?: Readonly<Record<string, unknown>>): Promise<void> {
    const link = await this.#usable(method);
    while (link.peer.notify(method, params) === 'full') await link.peer.drained();
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
    const { era } = await this.#usable('ping');
    await this.request(era === 'legacy' ? 'ping' : 'server/discover', {}, options);
  }

  /** The least level of log messages to receive from now on; undefined asks a modern server for none. */
  async setLogLevel(level: LogLevel | undefined): Promise<void> {
    const { era } = await this.#usable('logging/setLevel');
    if (era === 'legacy') await this.request('logging/setLevel', { level: level ?? 'emergency' });
    this.#logLevel = level;
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
  async listen(filter: SubscriptionFilter, options: RequestOptions = {}): Promise<Subscription> {
    const { era } = await this.#usable('subscriptions/listen');
    return era === 'legacy' ? this.#listenLegacy(filter, options) : this.#listenModern(filter, options);
  }

  async #listenModern(filter: SubscriptionFilter, options: RequestOptions): Promise<Subscription> {
    const stop = new AbortController();
    const subscription = new Subscription(filter, () => stop.abort());
    const signal =
      options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
    await this.#startListening(subscription, signal);
    return subscription;
  }

  /** Resolves at the acknowledgement; from then on the answer, whenever it comes, ends the subscription. */
  #startListening(subscription: Subscription, signal: AbortSignal): Promise<void> {
    let key = '';
    return new Promise((resolve, reject) => {
      this.#acknowledgements.set(subscription, resolve);
      this.request(
        'subscriptions/listen',
        { notifications: subscription.requested },
        {
          signal,
          timeoutMs: Number.POSITIVE_INFINITY,
          onSend: (id) => {
            key = id;
            this.#subscriptions.set(id, subscription);
          },
        },
      ).then(
        () => {
          this.#subscriptions.delete(key);
          resolve();
          subscription.end();
        },
        (error: RingwireError) => {
          this.#subscriptions.delete(key);
          const acknowledged = !this.#acknowledgements.delete(subscription);
          reject(error);
          if (acknowledged) this.#lost(subscription, signal, error);
        },
      );
    });
  }

  /** An acknowledged subscription whose request failed: asked for again after a lost connection, else over. */
  #lost(subscription: Subscription, signal: AbortSignal, error: RingwireError): void {
    if (subscription.ended) return;
    if (signal.aborted || this.#closed) subscription.end();
    else if (!lostConnection.includes(error.code) || !this.#canReconnect) subscription.end(error);
    // The link is dropped when its end is known, which may be a moment after its requests failed.
    else
      this.#current.peer.closed
        .then(() => this.#startListening(subscription, signal))
        .then(
          () => subscription.push({ type: 'reconnected' }),
          (again: RingwireError) => subscription.end(again),
        );
  }

  #acknowledged(params: unknown): void {
    const subscription = this.#subscriptionOf(params);
    if (subscription === undefined) return;
    subscription.accepted = (params as { notifications?: SubscriptionFilter }).notifications ?? {};
    this.#acknowledgements.get(subscription)?.();
    this.#acknowledgements.delete(subscription);
  }

  /** Other servers end a subscription with notifications/cancelled instead of its result. */
  #ended(params: unknown): void {
    const id = (params as { requestId?: unknown } | undefined)?.requestId;
    const subscription = this.#subscriptions.get(String(id));
    this.#subscriptions.delete(String(id));
    subscription?.close();
  }

  #subscriptionOf(params: unknown): Subscription | undefined {
    const id = (params as { _meta?: Record<string, unknown> } | undefined)?._meta?.[MetaKey.SubscriptionId];
    return id === undefined ? undefined : this.#subscriptions.get(String(id));
  }

  #changed(method: string, params: unknown): void {
    if (this.#link?.era === 'modern') {
      this.#subscriptionOf(params)?.deliver(method, params);
      return;
    }
    for (const subscription of this.#subscriptions.values()) subscription.deliver(method, params);
  }

  /** Legacy servers send list changes unasked; updates of resources are asked for one by one. */
  async #listenLegacy(filter: SubscriptionFilter, options: RequestOptions): Promise<Subscription> {
    const key = `legacy ${++this.#legacySubscriptions}`;
    const subscription = new Subscription(filter, () => {
      this.#subscriptions.delete(key);
      if (this.#link === undefined) return;
      for (const uri of subscription.accepted.resourceSubscriptions ?? [])
        this.request('resources/unsubscribe', { uri }).catch(() => {});
    });
    this.#subscriptions.set(key, subscription);
    try {
      await this.#subscribeLegacy(subscription, options);
    } catch (error) {
      subscription.close();
      throw error;
    }
    return subscription;
  }

  async #subscribeLegacy(subscription: Subscription, options: RequestOptions): Promise<void> {
    const { capabilities, peer } = await this.#usable('resources/subscribe');
    const { requested } = subscription;
    const uris = capabilities.resources?.subscribe ? (requested.resourceSubscriptions ?? []) : [];
    await Promise.all(uris.map((uri) => this.request('resources/subscribe', { uri }, options)));
    // Any answer proves that the server has read notifications/initialized, from when on it tells of list changes.
    if (uris.length === 0) await this.request('ping', {}, options);
    subscription.accepted = {
      ...(requested.toolsListChanged && capabilities.tools?.listChanged && { toolsListChanged: true }),
      ...(requested.promptsListChanged && capabilities.prompts?.listChanged && { promptsListChanged: true }),
      ...(requested.resourcesListChanged &&
        capabilities.resources?.listChanged && { resourcesListChanged: true }),
      ...(uris.length > 0 && { resourceSubscriptions: uris }),
    };
    void peer.closed.then((error) => this.#lostLegacy(subscription, error));
  }

  #lostLegacy(subscription: Subscription, error: RingwireError | undefined): void {
    if (subscription.ended) return;
    if (this.#closed) subscription.end();
    else if (this.#canReconnect)
      this.#subscribeLegacy(subscription, {}).then(
        () => subscription.push({ type: 'reconnected' }),
        (again: RingwireError) => subscription.end(again),
      );
    else
      subscription.end(error ?? new RingwireError('CONNECTION_CLOSED', 'The server closed the connection.'));
  }

  /** Ends subscriptions, then the connection. A child process is told by the end of its input. Idempotent. */
  async close(options?: CloseOptions): Promise<void> {
    this.#closed = true;
    for (const subscription of [...this.#subscriptions.values()]) subscription.close();
    await this.#opening?.catch(() => {});
    await this.#link?.peer.close(options);
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

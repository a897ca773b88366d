/** Everything a server offers, its capabilities, and its lists as text that is made once per change. */
import { RpcError, RpcErrorCode } from '../errors.js';
import { JsonText } from '../rpc/json-text.js';
import type { McpCallContext } from './context.js';
import type { PromptEntry } from './prompt.js';
import { type Era, MetaKey } from './protocol.js';
import { decodeCursor, encodeCursor, Registry } from './registry.js';
import type { ResourceEntry, TemplateEntry } from './resource.js';
import type { ResolvedServerOptions } from './server-options.js';
import type { ListKind } from './subscriptions.js';
import { TextResult, type ToolEntry } from './tool.js';
import type {
  MetaObject,
  ReadResourceResult,
  Resource,
  ResultBase,
  ServerCapabilities,
  Tool,
} from './types.js';
import type { UriVariables } from './uri-template.js';

/** The list methods, and the field of their results that holds the items. */
const listFields = {
  'tools/list': 'tools',
  'resources/list': 'resources',
  'resources/templates/list': 'resourceTemplates',
  'prompts/list': 'prompts',
} as const;

export type ListMethod = keyof typeof listFields;

export const listMethods = Object.keys(listFields) as ListMethod[];

const kindOf: Readonly<Record<ListMethod, ListKind>> = {
  'tools/list': 'tools',
  'resources/list': 'resources',
  'resources/templates/list': 'resources',
  'prompts/list': 'prompts',
};

export class Catalogue {
  readonly tools: Registry<ToolEntry>;
  readonly resources: Registry<ResourceEntry>;
  readonly templates: Registry<TemplateEntry>;
  readonly prompts: Registry<PromptEntry>;
  readonly options: ResolvedServerOptions;
  /** `_meta` of every modern result; undefined where the server is not to name itself. */
  readonly resultMeta: MetaObject | undefined;
  /** The end of a complete result's JSON text. */
  readonly #suffix: string;
  readonly #onChange: (kind: ListKind) => void;
  readonly #texts = new Map<string, JsonText>();
  readonly #announced = new Set<ListKind>();

  constructor(options: ResolvedServerOptions, onChange: (kind: ListKind) => void) {
    this.options = options;
    this.resultMeta = options.sendServerInfo ? { [MetaKey.ServerInfo]: options.info } : undefined;
    this.#suffix = JSON.stringify(this.complete({})).slice(1);
    this.#onChange = onChange;
    const changed = (kind: ListKind) => () => this.#changed(kind);
    this.tools = new Registry('Tool', changed('tools'));
    this.resources = new Registry('Resource', changed('resources'));
    this.templates = new Registry('Resource template', changed('resources'));
    this.prompts = new Registry('Prompt', changed('prompts'));
  }

  #changed(kind: ListKind): void {
    this.#texts.clear();
    this.#onChange(kind);
  }

  /** Which lists exist. What was offered once stays so, even when it is empty again. */
  get kinds(): readonly ListKind[] {
    const { capabilities } = this.options;
    const filled = {
      tools: this.tools.size > 0,
      resources: this.resources.size + this.templates.size > 0,
      prompts: this.prompts.size > 0,
    };
    for (const kind of ['tools', 'resources', 'prompts'] as const)
      if (filled[kind] || capabilities[kind]) this.#announced.add(kind);
    return [...this.#announced];
  }

  get capabilities(): ServerCapabilities {
    const { capabilities, logging } = this.options;
    const { kinds } = this;
    const completes =
      [...this.prompts, ...this.templates].find(({ completers }) => Object.keys(completers).length > 0) !==
      undefined;
    return {
      ...(capabilities.experimental && { experimental: capabilities.experimental }),
      ...(capabilities.extensions && { extensions: capabilities.extensions }),
      ...(logging && { logging: {} }),
      ...(completes && { completions: {} }),
      ...(kinds.includes('prompts') && { prompts: { listChanged: true } }),
      ...(kinds.includes('resources') && { resources: { subscribe: true, listChanged: true } }),
      ...(kinds.includes('tools') && { tools: { listChanged: true } }),
    };
  }

  /** A modern result: its type, "complete" unless it has one, and the server's name. */
  complete(result: object): object {
    const { resultType = 'complete', _meta: own } = result as ResultBase;
    if (this.resultMeta === undefined) return { ...result, resultType };
    const _meta = own === undefined ? this.resultMeta : { ...this.resultMeta, ...own };
    return { ...result, resultType, _meta };
  }

  /**
   * complete() as JSON text, made without copying the result: it and the server's name are much the same on every
   * call, and copying objects costs more than writing them.
   */
  completeText(result: ResultBase): JsonText {
    if (result instanceof TextResult) {
      const { text } = result.content[0];
      return new JsonText(`{"content":[{"type":"text","text":${JSON.stringify(text)}}],${this.#suffix}`);
    }
    if (result.resultType !== undefined || result._meta !== undefined)
      return new JsonText(JSON.stringify(this.complete(result)));
    const text = JSON.stringify(result);
    return new JsonText(text === '{}' ? `{${this.#suffix}` : `${text.slice(0, -1)},${this.#suffix}`);
  }

  discover(): JsonText {
    return this.#text('server/discover', () =>
      this.complete({
        supportedVersions: this.options.modern,
        capabilities: this.capabilities,
        ...(this.options.instructions !== undefined && { instructions: this.options.instructions }),
        ...this.options.listHints,
      }),
    );
  }

  /** One page of a list. Throws -32601 where the server has no such list, -32602 for a foreign cursor. */
  list(method: ListMethod, cursor: unknown, context: McpCallContext): unknown | Promise<unknown> {
    if (!this.kinds.includes(kindOf[method]))
      throw new RpcError(
        RpcErrorCode.MethodNotFound,
        `Method not found: ${method} (the server has none of these)`,
      );
    if (cursor === undefined || cursor === null) {
      if (method !== 'resources/list' || !this.#hasListers())
        return this.#text(`${context.era} ${method}`, () => this.#fixedPage(method, 0, context.era));
      return this.#resourcePage(0, context);
    }
    // Cursors of the second phase of resources/list stand behind all positions of the first.
    const position = decodeCursor(method, cursor);
    if (method === 'resources/list') return this.#resourcePage(position, context);
    return this.#fixedPage(method, position, context.era);
  }

  /** Results that need no params and no handler, as JSON text by method, for the modern era. */
  preparedReplies(): ReadonlyMap<string, string> {
    const replies = new Map([['server/discover', this.discover().text]]);
    for (const method of listMethods) {
      if (!this.kinds.includes(kindOf[method])) continue;
      if (method === 'resources/list' && this.#hasListers()) continue;
      replies.set(method, this.#text(`modern ${method}`, () => this.#fixedPage(method, 0, 'modern')).text);
    }
    return replies;
  }

  /** resources/read of a resource that never changes, for the modern era. */
  fixedResource(entry: ResourceEntry): JsonText {
    return this.#text(`read ${entry.uri}`, () => this.complete(entry.fixed as ReadResourceResult));
  }

  /** Results of resources/read that need no handler, as JSON text by URI, for the modern era. */
  preparedResources(): ReadonlyMap<string, string> {
    const replies = new Map<string, string>();
    for (const entry of this.resources)
      if (entry.fixed !== undefined) replies.set(entry.uri, this.fixedResource(entry).text);
    return replies;
  }

  /** The template that stands for this URI, first registered first. */
  matchTemplate(
    uri: string,
  ): { readonly entry: TemplateEntry; readonly variables: UriVariables } | undefined {
    for (const entry of this.templates) {
      const variables = entry.template.match(uri);
      if (variables !== undefined) return { entry, variables };
    }
    return undefined;
  }

  #text(key: string, make: () => unknown): JsonText {
    let text = this.#texts.get(key);
    if (text === undefined) {
      text = new JsonText(JSON.stringify(make()));
      this.#texts.set(key, text);
    }
    return text;
  }

  #registry(method: ListMethod): Registry<{ readonly listing: object }> {
    switch (method) {
      case 'tools/list':
        return this.tools;
      case 'resources/list':
        return this.resources;
      case 'resources/templates/list':
        return this.templates;
      case 'prompts/list':
        return this.prompts;
    }
  }

  #fixedPage(method: ListMethod, after: number, era: Era): object {
    const { entries, next } = this.#registry(method).page(after, this.options.pageItems);
    const items = entries.map(({ listing }) => listing);
    return this.#finishPage(method, items, next, era);
  }

  #finishPage(method: ListMethod, items: readonly object[], next: number | undefined, era: Era): object {
    const shown =
      era === 'legacy' && method === 'tools/list' ? items.map((tool) => legacyTool(tool as Tool)) : items;
    const page = {
      [listFields[method]]: shown,
      ...(next !== undefined && { nextCursor: encodeCursor(method, next) }),
    };
    return era === 'legacy' ? page : this.complete({ ...page, ...this.options.listHints });
  }

  #hasListers(): boolean {
    for (const { list } of this.templates) if (list !== undefined) return true;
    return false;
  }

  /** Fixed resources first, then those of each template that can name its own; a template's list is never cut. */
  async #resourcePage(position: number, context: McpCallContext): Promise<object> {
    const limit = this.options.pageItems;
    const items: object[] = [];
    let after = 0;
    if (position < listerBase) {
      const { entries, next } = this.resources.page(position, limit);
      items.push(...entries.map(({ listing }) => listing));
      if (next !== undefined) return this.#finishPage('resources/list', items, next, context.era);
    } else after = position - listerBase;
    for (;;) {
      const { entries, next } = this.templates.page(after, 1);
      const [entry] = entries;
      if (entry === undefined) return this.#finishPage('resources/list', items, undefined, context.era);
      if (entry.list !== undefined) {
        const listed: readonly Resource[] = await entry.list(context);
        items.push(...listed);
      }
      if (next === undefined) return this.#finishPage('resources/list', items, undefined, context.era);
      after = next;
      if (items.length >= limit)
        return this.#finishPage('resources/list', items, listerBase + after, context.era);
    }
  }
}

/** Larger than any sequence number of a registry. */
const listerBase = 1e12;

/** Before 2026-07-28 an outputSchema described an object; one of another type would fail a client's own check. */
function legacyTool(tool: Tool): Tool {
  if (tool.outputSchema === undefined || tool.outputSchema.type === 'object') return tool;
  const { outputSchema: _, ...rest } = tool;
  return rest;
}

/** Resources and resource templates: what is registered, and how one is read. */
import { RingwireError, RpcError, RpcErrorCode } from '../errors.js';
import type { McpCallContext, McpContext } from './context.js';
import type { InputRequired } from './input.js';
import type { Completer } from './prompt.js';
import { serveHandler } from './serve-handler.js';
import type {
  Annotations,
  CacheHints,
  Icon,
  InputRequiredResult,
  MetaObject,
  ReadResourceResult,
  Resource,
  ResourceContents,
  ResourceTemplate,
} from './types.js';
import { UriTemplate, type UriVariables } from './uri-template.js';

/** How a resource is described to peers, and how long they may keep what they read. */
export interface ResourceOptions extends CacheHints {
  /** Default: the URI. */
  readonly name?: string;
  readonly title?: string;
  readonly description?: string;
  readonly mimeType?: string;
  /** Bytes, where known. */
  readonly size?: number;
  readonly annotations?: Annotations;
  readonly icons?: readonly Icon[];
  readonly _meta?: MetaObject;
}

/**
 * What a read returns: text, bytes (sent as base64), one or several contents (`uri` and `mimeType` default to the
 * resource's), or a whole result, whose ttlMs and cacheScope then win.
 */
export type ReadReturn =
  | string
  | Uint8Array
  | (Omit<ResourceContents, 'uri'> & { readonly uri?: string })
  | readonly (Omit<ResourceContents, 'uri'> & { readonly uri?: string })[]
  | ReadResourceResult
  | InputRequired;

export type ResourceReader = (uri: string, context: McpContext) => ReadReturn | Promise<ReadReturn>;

export type TemplateReader = (
  uri: string,
  variables: UriVariables,
  context: McpContext,
) => ReadReturn | Promise<ReadReturn>;

export interface ResourceTemplateOptions extends Omit<ResourceOptions, 'size'> {
  /** Known resources of this template; they are listed with the fixed ones. */
  readonly list?: (context: McpContext) => readonly Resource[] | Promise<readonly Resource[]>;
  /** Suggestions for the template's variables. */
  readonly complete?: Readonly<Record<string, Completer>>;
}

export interface ResourceEntry {
  readonly uri: string;
  readonly listing: Resource;
  readonly hints: Required<CacheHints>;
  /** The result where it never changes; undefined where a reader makes it. */
  readonly fixed: ReadResourceResult | undefined;
  readonly read: ResourceReader;
}

export interface TemplateEntry {
  readonly template: UriTemplate;
  readonly listing: ResourceTemplate;
  readonly hints: Required<CacheHints>;
  readonly read: TemplateReader;
  readonly list: ResourceTemplateOptions['list'];
  readonly completers: Readonly<Record<string, Completer>>;
}

/** Private and stale at once: a wrong default here would hand one user's data to another, or old data to all. */
function cacheHints(options: CacheHints, where: string): Required<CacheHints> {
  const { ttlMs = 0, cacheScope = 'private' } = options;
  if (!Number.isSafeInteger(ttlMs) || ttlMs < 0)
    throw new RingwireError('CONFIG_INVALID', `${where}: ttlMs must be an integer of at least 0`);
  if (cacheScope !== 'public' && cacheScope !== 'private')
    throw new RingwireError('CONFIG_INVALID', `${where}: cacheScope must be "public" or "private"`);
  return { ttlMs, cacheScope };
}

function listed<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}

/** `read` may be the text or bytes themselves where they never change. */
export function defineResource(
  uri: string,
  options: ResourceOptions,
  read: ResourceReader | string | Uint8Array,
): ResourceEntry {
  if (typeof uri !== 'string' || !URL.canParse(uri))
    throw new RingwireError('CONFIG_INVALID', `Resource ${JSON.stringify(uri)}: the URI must be absolute`);
  const { name = uri, title, description, mimeType, size, annotations, icons, _meta } = options;
  const listing = listed<Resource>({
    uri,
    name,
    title,
    description,
    mimeType,
    size,
    annotations,
    icons,
    _meta,
  });
  const hints = cacheHints(options, `Resource ${uri}`);
  const fixed = typeof read === 'function' ? undefined : finishRead(uri, mimeType, hints, read);
  return { uri, listing, hints, fixed, read: typeof read === 'function' ? read : () => read };
}

export function defineTemplate(
  uriTemplate: string,
  options: ResourceTemplateOptions,
  read: TemplateReader,
): TemplateEntry {
  const template = new UriTemplate(uriTemplate);
  const { name = uriTemplate, title, description, mimeType, annotations, icons, _meta, list } = options;
  const completers = options.complete ?? {};
  for (const variable of Object.keys(completers))
    if (!template.variableNames.includes(variable))
      throw new RingwireError(
        'CONFIG_INVALID',
        `Resource template ${uriTemplate} has no variable ${JSON.stringify(variable)} to complete`,
      );
  return {
    template,
    listing: listed<ResourceTemplate>({
      uriTemplate,
      name,
      title,
      description,
      mimeType,
      annotations,
      icons,
      _meta,
    }),
    hints: cacheHints(options, `Resource template ${uriTemplate}`),
    read,
    list,
    completers,
  };
}

function contentsOf(
  value: string | Uint8Array | object,
  uri: string,
  mimeType: string | undefined,
): ResourceContents {
  const base = mimeType === undefined ? { uri } : { uri, mimeType };
  if (typeof value === 'string') return { ...base, text: value };
  if (value instanceof Uint8Array)
    return {
      ...base,
      blob: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64'),
    };
  return { ...base, ...value };
}

function finishRead(
  uri: string,
  mimeType: string | undefined,
  hints: Required<CacheHints>,
  value: unknown,
): ReadResourceResult {
  if (typeof value !== 'string' && (typeof value !== 'object' || value === null))
    throw new RpcError(
      RpcErrorCode.InternalError,
      `Resource ${uri}: its reader returned nothing that is a content`,
    );
  if (typeof value === 'object' && 'contents' in value)
    return { ...hints, ...(value as unknown as ReadResourceResult) };
  const values = Array.isArray(value) ? value : [value];
  return { contents: values.map((each) => contentsOf(each, uri, mimeType)), ...hints };
}

const rethrow = (error: unknown): never => {
  throw error;
};

type ReadOutcome = ReadResourceResult | InputRequiredResult;

/** Reads what an entry or a template that matched stands for. */
export function readResource(
  uri: string,
  entry: { readonly listing: { readonly mimeType?: string }; readonly hints: Required<CacheHints> },
  run: () => unknown,
  context: McpCallContext,
): ReadOutcome | Promise<ReadOutcome> {
  return serveHandler<ReadResourceResult>(context, run, {
    value: (value) => finishRead(uri, entry.listing.mimeType, entry.hints, value),
    error: rethrow,
  });
}

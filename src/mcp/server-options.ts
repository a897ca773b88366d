/** Options of createServer() and what they are where they are left out. */
import { RingwireError } from '../errors.js';
import type { RpcServerOptions } from '../rpc/server.js';
import { type Check, checkAll, integer, isRecord, maxTimerMs } from '../transports/option-checks.js';
import type { McpHttpOptions } from './http/http-server-options.js';
import { legacyVersions, listPageItems, modernVersions, requestStateTtlMs } from './protocol.js';
import type { CacheScope, Icon, Implementation, JsonObject } from './types.js';

export interface ServerOptions extends Implementation {
  readonly icons?: readonly Icon[];
  /** For the model: what the server is for and how its parts go together. */
  readonly instructions?: string;
  /** Protocol revisions to serve. Default: all that ringwire knows, of both eras. */
  readonly protocolVersions?: readonly string[];
  /**
   * Names the server in `_meta` of every modern result, as the specification recommends (2026-07-28, basic,
   * "Per-response protocol fields"). Default true; false saves its bytes on every answer.
   */
  readonly sendServerInfo?: boolean;
  /** Whether handlers may send log messages to clients that ask for them. Default true. */
  readonly logging?: boolean;
  /** Capabilities beyond those that follow from what is registered. */
  readonly capabilities?: {
    readonly experimental?: Readonly<Record<string, JsonObject>>;
    readonly extensions?: Readonly<Record<string, JsonObject>>;
    /** Announces a list that is empty at first and filled later. */
    readonly tools?: boolean;
    readonly resources?: boolean;
    readonly prompts?: boolean;
  };
  readonly cache?: {
    /** How long lists and server/discover may be kept, in milliseconds. Default 60 000; changes are announced too. */
    readonly listTtlMs?: number;
    /** "public" only where every caller sees the same lists. Default "private". */
    readonly listScope?: CacheScope;
  };
  /** Items per list page. Default listPageItems. */
  readonly pageItems?: number;
  readonly requestState?: {
    /** At least 32 bytes; the same in all processes behind one address. Default: random. */
    readonly key?: Uint8Array;
    /** Default requestStateTtlMs. */
    readonly ttlMs?: number;
  };
  /** Sessions, replay and old transports of HTTP endpoints. */
  readonly http?: McpHttpOptions;
  /** Limits and hooks of every connection. `encodings` is noticed only by clients of ours that ask for one. */
  readonly rpc?: Omit<RpcServerOptions, 'dispatcher' | 'batches' | 'direct' | 'httpApplication'>;
}

function check(holds: boolean, message: string): void {
  if (!holds) throw new RingwireError('CONFIG_INVALID', message);
}

/** Throws CONFIG_INVALID that names the option. */
export function resolveServerOptions(options: ServerOptions) {
  check(typeof options === 'object' && options !== null, 'createServer needs { name, version }');
  const { name, version, title, description, websiteUrl, icons } = options;
  check(typeof name === 'string' && name !== '', 'createServer: "name" must be a string that is not empty');
  check(
    typeof version === 'string' && version !== '',
    'createServer: "version" must be a string that is not empty',
  );
  const known = [...modernVersions, ...legacyVersions];
  const versions = options.protocolVersions ?? known;
  check(versions.length > 0, 'createServer: "protocolVersions" must not be empty');
  for (const each of versions)
    check(
      known.includes(each),
      `createServer: "protocolVersions" has ${each}; known are ${known.join(', ')}`,
    );
  const { listTtlMs = 60_000, listScope = 'private' } = options.cache ?? {};
  check(
    Number.isSafeInteger(listTtlMs) && listTtlMs >= 0,
    'createServer: "cache.listTtlMs" must be an integer of at least 0',
  );
  const { pageItems = listPageItems } = options;
  check(
    Number.isSafeInteger(pageItems) && pageItems > 0,
    'createServer: "pageItems" must be a positive integer',
  );
  const info: Implementation = JSON.parse(
    JSON.stringify({ name, version, title, description, websiteUrl, icons }),
  );
  return {
    info,
    instructions: options.instructions,
    modern: modernVersions.filter((each) => versions.includes(each)),
    legacy: legacyVersions.filter((each) => versions.includes(each)),
    sendServerInfo: options.sendServerInfo ?? true,
    logging: options.logging ?? true,
    capabilities: options.capabilities ?? {},
    listHints: { ttlMs: listTtlMs, cacheScope: listScope },
    pageItems,
    requestState: { key: options.requestState?.key, ttlMs: options.requestState?.ttlMs ?? requestStateTtlMs },
    http: checkHttpOptions(options.http ?? {}),
    rpc: options.rpc ?? {},
  };
}

const path: Check = (value) =>
  typeof value === 'string' && /^\/[!-~]*$/.test(value) && !value.includes('?')
    ? undefined
    : 'a path that begins with a slash';

const httpChecks: Readonly<Record<keyof McpHttpOptions, Check>> = {
  maxInFlight: integer(1, 10_000_000),
  maxSubscriptions: integer(0, 10_000_000),
  keepAliveIntervalMs: integer(0, maxTimerMs),
  eventStore: (value) => (isRecord(value) ? undefined : 'an event store, such as memoryEventStore()'),
  maxSessions: integer(1, 10_000_000),
  sessionTtlMs: integer(1, maxTimerMs),
  retryMs: integer(0, maxTimerMs),
  legacySse: (value) =>
    typeof value === 'boolean' || isRecord(value) ? undefined : 'true, false or an object of paths',
};

function checkHttpOptions(http: McpHttpOptions): McpHttpOptions {
  check(isRecord(http), 'createServer: "http" must be an object');
  checkAll(http, httpChecks, 'http.');
  if (typeof http.legacySse === 'object')
    checkAll(http.legacySse, { path, messagesPath: path }, 'http.legacySse.');
  return http;
}

export type ResolvedServerOptions = ReturnType<typeof resolveServerOptions>;

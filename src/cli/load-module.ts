import { existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { SdkServer, SdkServerFactory } from '../mcp/sdk-adapters/sdk-types.js';
import type { Listener, Transport, TransportOptions } from '../transports/transport.js';
import { UsageError } from './usage-error.js';

/** What `serve` needs of a ringwire server, MCP or plain JSON-RPC. */
export interface ServableServer {
  listen(url: string, options?: TransportOptions): Promise<Listener>;
  attach(transport: Transport): { readonly closed: Promise<unknown> };
  close(options?: { drainTimeoutMs?: number }): Promise<void>;
}

export type Served =
  | { readonly kind: 'ringwire'; readonly server: ServableServer }
  | { readonly kind: 'sdk'; readonly source: SdkServer | SdkServerFactory };

const expected =
  'Its default export must be a server (createServer, createRpcServer, or an McpServer of the official SDK) or a function that returns one.';

/** Imports MODULE and finds the server in it. Errors of the module itself pass through with their stack. */
export async function loadServer(name: string): Promise<Served> {
  const url = resolveModule(name);
  let loaded: { default?: unknown };
  try {
    loaded = (await import(url)) as { default?: unknown };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_UNKNOWN_FILE_EXTENSION') {
      throw new UsageError(
        `Node.js ${process.versions.node} cannot run ${name}.`,
        'Serve the compiled .js or .mjs file.',
      );
    }
    throw error;
  }
  if (!('default' in loaded)) throw new UsageError(`${name} has no default export.`, expected);
  return pick(name, loaded.default);
}

async function pick(name: string, exported: unknown): Promise<Served> {
  if (isRingwire(exported)) return { kind: 'ringwire', server: exported };
  if (isSdk(exported)) return { kind: 'sdk', source: exported };
  if (typeof exported !== 'function') {
    throw new UsageError(`The default export of ${name} is ${describe(exported)}.`, expected);
  }
  const make = exported as SdkServerFactory;
  const made: unknown = await make({ era: 'legacy' });
  if (isRingwire(made)) return { kind: 'ringwire', server: made };
  // An SDK server holds one connection: the function is what makes one for each.
  if (isSdk(made)) return { kind: 'sdk', source: make };
  throw new UsageError(`The function exported by ${name} returned ${describe(made)}.`, expected);
}

function hasMethods(value: unknown, ...names: string[]): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function');
}

function isRingwire(value: unknown): value is ServableServer {
  return hasMethods(value, 'listen', 'attach', 'close');
}

function isSdk(value: unknown): value is SdkServer {
  return hasMethods(value, 'connect', 'close');
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'object')
    return `an object with ${Object.keys(value).slice(0, 5).join(', ') || 'no properties'}`;
  return `a ${typeof value}`;
}

/** A path as the shell gives it, or the name of a package installed where the command runs. */
function resolveModule(name: string): string {
  const path = resolve(name);
  if (existsSync(path)) {
    if (!statSync(path).isDirectory()) return pathToFileURL(path).href;
    throw new UsageError(`${name} is a folder.`, 'Name the file that exports the server.');
  }
  const looksLikePath = /^(\.{0,2}\/|[A-Za-z]:)/.test(name) || /\.[cm]?[jt]s$/.test(name);
  if (!looksLikePath) {
    try {
      return pathToFileURL(createRequire(join(process.cwd(), 'package.json')).resolve(name)).href;
    } catch {
      throw new UsageError(
        `There is no module ${JSON.stringify(name)}.`,
        `Looked for the file ${path} and for a package of that name installed in ${process.cwd()}.`,
      );
    }
  }
  throw new UsageError(`There is no module ${JSON.stringify(name)}.`, `Looked for the file ${path}.`);
}

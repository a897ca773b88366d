import type { SdkServer, SdkServerFactory, SdkStreamEntry } from './sdk-types.js';

/** The classes and the entry of an installed `@modelcontextprotocol/server`. */
interface Sdk2 {
  readonly serve: SdkStreamEntry['serve'];
  isServer(server: SdkServer): boolean;
}

type Constructor = abstract new (...args: never[]) => object;

/** Whether a message claims protocol 2026-07-28 or later: every request of that era names its version in `_meta`. */
export function claimsModernEra(message: object): boolean {
  const { params } = message as { params?: { _meta?: Record<string, unknown> } };
  return typeof params?._meta?.['io.modelcontextprotocol/protocolVersion'] === 'string';
}

/**
 * The 2.x SDK as installed beside ringwire, or undefined where there is none. Its `McpServer` alone answers only the
 * initialize handshake on a stream; `serveStdio` of the same package is what makes it serve 2026-07-28.
 */
export async function loadSdk2(): Promise<Sdk2 | undefined> {
  // Not literals in import(): neither the compiler nor a bundler may take the package for a dependency.
  const name = '@modelcontextprotocol/server';
  const entry = `${name}/stdio`;
  let root: Record<string, unknown>;
  let stdio: Record<string, unknown>;
  try {
    [root, stdio] = await Promise.all([import(name), import(entry)]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  }
  const classes = [root.McpServer, root.Server].filter(
    (value) => typeof value === 'function',
  ) as Constructor[];
  if (typeof stdio.serveStdio !== 'function' || classes.length === 0) return undefined;
  return {
    serve: stdio.serveStdio as SdkStreamEntry['serve'],
    isServer: (server) => classes.some((sdkClass) => server instanceof sdkClass),
  };
}

/** A factory that hands out `first` before it asks the real one: an object built to look at it is not thrown away. */
export function startingWith(first: SdkServer, factory: SdkServerFactory): SdkServerFactory {
  let unused: SdkServer | undefined = first;
  return (context) => {
    const server = unused;
    unused = undefined;
    return server ?? factory(context);
  };
}

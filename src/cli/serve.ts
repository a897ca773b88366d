import { drainTimeoutMs as defaultDrainTimeoutMs } from '../limits.js';
import type { SdkServer, SdkServerFactory } from '../mcp/sdk-adapters/sdk-types.js';
import { parseListenEndpoint } from '../transports/endpoint.js';
import { listenTransport } from '../transports/open.js';
import type { Transport, TransportOptions } from '../transports/transport.js';
import { defineCommand } from './command.js';
import { ExitCode } from './exit-codes.js';
import { httpServerOptionSpecs, httpServerOptions } from './http-options.js';
import { loadServer, type ServableServer, type Served } from './load-module.js';
import { integerOption } from './parse-input.js';
import { printError, printJson } from './terminal.js';
import { profileOptionSpec, transportOptionSpecs, transportOptions } from './transport-options.js';
import { UsageError } from './usage-error.js';

/** A server that is listening. */
interface Running {
  readonly urls: string[];
  /** Resolves when the peer on stdio is gone; never where stdio is not served. */
  readonly stdioEnded: Promise<void>;
  close(drainTimeoutMs: number): Promise<void>;
}

const stdio = 'stdio:';
const never = new Promise<void>(() => {});

/** Starts to serve on every URL, or on none: where one fails, the others are closed again. */
async function start(served: Served, urls: readonly string[], options: TransportOptions): Promise<Running> {
  const open =
    served.kind === 'sdk' ? await openSdk(served.source, options) : openRingwire(served.server, options);
  const bound: string[] = [];
  let stdioEnded = never;
  try {
    for (const url of urls) {
      if (url === stdio) stdioEnded = open.attach(await openStdio(options));
      bound.push(url === stdio ? stdio : await open.listen(url));
    }
  } catch (error) {
    await open.close(0);
    throw error;
  }
  return { urls: bound, stdioEnded, close: open.close };
}

/** Our own stdin and stdout. */
function openStdio(options: TransportOptions): Promise<Transport> {
  return new Promise((resolve, reject) => {
    listenTransport(stdio, options, resolve).catch(reject);
  });
}

/** What both kinds of server can be told. */
interface Openings {
  /** Resolves with the address as bound. */
  listen(url: string): Promise<string>;
  /** Resolves when the connection has ended. */
  attach(transport: Transport): Promise<void>;
  close(drainTimeoutMs: number): Promise<void>;
}

function openRingwire(server: ServableServer, options: TransportOptions): Openings {
  return {
    listen: async (url) => (await server.listen(url, options)).url,
    attach: async (transport) => void (await server.attach(transport).closed),
    close: (drainTimeoutMs) => server.close({ drainTimeoutMs }),
  };
}

async function openSdk(source: SdkServer | SdkServerFactory, options: TransportOptions): Promise<Openings> {
  const { serveSdk } = await import('../mcp/sdk-adapters/serve-sdk.js');
  const settings = { ...options, onError: (error: Error): void => printError(`ringwire: ${error.message}`) };
  const services: Awaited<ReturnType<typeof serveSdk>>[] = [];
  const add = async (target: string | Transport) => {
    const service = await serveSdk(source, target, settings);
    services.push(service);
    return service;
  };
  return {
    listen: async (url) => (await add(url)).url ?? url,
    attach: async (transport) => (await add(transport)).idle(),
    close: async (drainTimeoutMs) => {
      await Promise.all(services.map((service) => service.close(drainTimeoutMs)));
    },
  };
}

/** SIGINT and SIGTERM let calls in flight finish; a second signal ends the process at once. */
function signalled(): Promise<void> {
  return new Promise((resolve) => {
    let seen = false;
    const onSignal = (signal: NodeJS.Signals): void => {
      if (seen) process.exit(signal === 'SIGINT' ? 130 : 143);
      seen = true;
      resolve();
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  });
}

export const serve = defineCommand({
  name: 'serve',
  summary: 'Serve a module over HTTP, WebSocket, TCP, Unix sockets or stdio',
  usage: 'MODULE --listen URL [--listen URL …]\nringwire serve MODULE --stdio',
  details:
    'The default export of MODULE is a server (createServer, createRpcServer, or an McpServer of the official SDK)\nor a function that returns one. SIGINT and SIGTERM stop accepting, let calls in flight finish, and end with 0.\nAn http address serves one path and WebSocket upgrades on it, a ws address WebSocket alone.',
  options: {
    listen: {
      type: 'string',
      short: 'l',
      multiple: true,
      placeholder: 'URL',
      description: 'Where to listen',
    },
    stdio: { type: 'boolean', description: 'Serve on stdin and stdout; ends when stdin does' },
    'drain-timeout': {
      type: 'string',
      placeholder: 'MS',
      description: `How long calls in flight may go on after a signal, ${defaultDrainTimeoutMs} by default`,
    },
    'max-connections': {
      type: 'string',
      placeholder: 'COUNT',
      description: 'Connections per listener, 10000 by default',
    },
    ...transportOptionSpecs,
    ...profileOptionSpec,
    ...httpServerOptionSpecs,
    json: { type: 'boolean', description: 'Print the bound addresses as JSON on stdout' },
  },
  examples: [
    'ringwire serve ./server.mjs --listen http://127.0.0.1:8080/mcp',
    'ringwire serve ./server.mjs --listen tcp://127.0.0.1:4000 --listen unix:/run/mcp.sock',
    'ringwire serve ./server.mjs --listen https://0.0.0.0:8443/mcp --cert cert.pem --key key.pem',
    'ringwire serve ./server.mjs --stdio',
  ],
  async run({ options, positionals }) {
    const [name, ...more] = positionals;
    if (name === undefined)
      throw new UsageError(
        'ringwire serve needs a module.',
        'For instance ringwire serve ./server.mjs --stdio',
      );
    if (more.length > 0)
      throw new UsageError(`ringwire serve takes one module; ${JSON.stringify(more[0])} is a second one.`);
    const urls = [...(options.listen ?? []), ...(options.stdio === true ? ['stdio:'] : [])];
    if (urls.length === 0) {
      throw new UsageError(
        'ringwire serve was not told where to listen.',
        'Add --listen http://127.0.0.1:8080/mcp, --listen tcp://127.0.0.1:4000 or --stdio.',
      );
    }
    for (const url of urls) parseListenEndpoint(url);
    const onStdio = urls.includes('stdio:');
    if (onStdio && options.json === true) {
      throw new UsageError(
        '--json prints to stdout, which carries the protocol on stdio.',
        'Leave one of the two out.',
      );
    }
    const drainTimeoutMs = integerOption('drain-timeout', options['drain-timeout'], 0, defaultDrainTimeoutMs);
    const connections = options['max-connections'];
    const settings = {
      ...transportOptions(options),
      ...httpServerOptions(options),
      ...(connections === undefined
        ? {}
        : { maxConnections: integerOption('max-connections', connections, 1, 0) }),
    };
    const running = await start(await loadServer(name), urls, settings);
    const stopped = signalled();
    if (options.json === true) printJson({ listening: running.urls, pid: process.pid });
    else
      for (const url of running.urls.filter((each) => each !== stdio))
        printError(`ringwire: listening on ${url}`);
    await Promise.race([stopped, running.stdioEnded]);
    await running.close(drainTimeoutMs);
    // The module may hold timers or sockets of its own; it was asked to serve, and that is over.
    process.exit(ExitCode.Ok);
  },
});

/** Opening transports by endpoint: the one way in for everything above. */
import { addon, requireAddon } from '../binding/addon.js';
import { RingwireError } from '../errors.js';
import {
  type ChildCommand,
  type ConnectEndpoint,
  type Endpoint,
  formatEndpoint,
  type HttpConnectEndpoint,
  type HttpListenEndpoint,
  type ListenEndpoint,
  parseConnectEndpoint,
  parseListenEndpoint,
} from './endpoint.js';
import {
  type Connect,
  type Listen,
  nativeConnect,
  nativeListen,
  type OnConnection,
  twinConnect,
  twinListen,
} from './implementations.js';
import type { NativeEngine } from './native/engine.js';
import { type ResolvedOptions, resolveOptions } from './options.js';
import type { Listener, Transport, TransportOptions } from './transport.js';

/**
 * Listens on an endpoint. `onConnection` gets one transport per peer; call start() on it, or nothing is read.
 * On `stdio:` the one connection is our own stdin and stdout. `engine` yields the native engine of a server that has
 * routes; it is asked for only where native code serves the endpoint.
 *
 * @throws RingwireError ADDRESS_INVALID, ADDRESS_IN_USE, ADDON_UNAVAILABLE, CONFIG_INVALID, IO_ERROR, CANCELLED.
 */
export async function listenTransport(
  target: string | ListenEndpoint,
  options: TransportOptions | undefined,
  onConnection: OnConnection,
  engine?: () => NativeEngine,
): Promise<Listener> {
  const endpoint = typeof target === 'string' ? parseListenEndpoint(target) : target;
  if (isHttpListen(endpoint))
    throw noFrames(endpoint, 'listen() of createServer() or createRpcServer() serves it');
  const resolved = resolveOptions(options);
  const listen = choose<Listen>(endpoint, resolved, nativeListen, twinListen);
  const isNative = listen !== (twinListen as Record<string, Listen>)[endpoint.kind];
  return listen(endpoint, resolved, onConnection, isNative ? engine?.() : undefined);
}

/**
 * Connects to an endpoint, or starts a child process and speaks with it.
 *
 * @throws RingwireError ADDRESS_INVALID, CONNECTION_REFUSED, CONNECTION_RESET, DEADLINE_EXCEEDED,
 *   ADDON_UNAVAILABLE, CONFIG_INVALID, IO_ERROR, CANCELLED.
 */
export async function connectTransport(
  target: string | ChildCommand | ConnectEndpoint,
  options?: TransportOptions,
): Promise<Transport> {
  const endpoint =
    typeof target === 'object' && target !== null && 'kind' in target ? target : parseConnectEndpoint(target);
  if (isHttpConnect(endpoint)) throw noFrames(endpoint, 'connect() of ringwire calls it');
  const resolved = resolveOptions(options);
  const connect = choose<Connect>(endpoint, resolved, nativeConnect, twinConnect);
  return connect(endpoint, resolved);
}

/** Whether an endpoint answers requests, for which listenHttp() is. */
export function isHttpListen(endpoint: ListenEndpoint | HttpListenEndpoint): endpoint is HttpListenEndpoint {
  return endpoint.kind === 'http' || endpoint.kind === 'ws' || endpoint.kind === 'stdio-h2';
}

/** Whether an endpoint answers requests instead of carrying frames. */
export function isHttpConnect(
  endpoint: ConnectEndpoint | HttpConnectEndpoint,
): endpoint is HttpConnectEndpoint {
  return endpoint.kind === 'http' || endpoint.kind === 'child-h2';
}

function noFrames(endpoint: Endpoint, right: string): RingwireError {
  const url = formatEndpoint(endpoint);
  return new RingwireError('ADDRESS_INVALID', `"${url}" carries requests, not a stream of frames: ${right}.`);
}

/** The implementation for an endpoint. The tables are typed by kind; a key and its value always belong together. */
function choose<Open>(endpoint: Endpoint, options: ResolvedOptions, native: object, twin: object): Open {
  const { kind } = endpoint;
  const nativeOpen = (native as Record<string, Open | undefined>)[kind];
  const twinOpen = (twin as Record<string, Open>)[kind];
  if (options.implementation === 'twin') return twinOpen;
  if (options.implementation === 'auto') {
    return nativeOpen !== undefined && addon() !== undefined ? nativeOpen : twinOpen;
  }
  requireAddon();
  if (nativeOpen !== undefined) return nativeOpen;
  throw new RingwireError(
    'ADDON_UNAVAILABLE',
    `There is no native implementation of ${kind} endpoints; use implementation "auto" or "twin".`,
  );
}

/** The native implementations, by kind of endpoint, for src/transports/implementations.ts. */
import type { TcpEndpoint, UnixEndpoint } from '../endpoint.js';
import type { ResolvedOptions } from '../options.js';
import type { Listener, Transport } from '../transport.js';
import { connectNative } from './connect.js';
import { NativeEngine } from './engine.js';
import { listenNative } from './listener.js';

type OnConnection = (transport: Transport) => void;

export function listenNativeSocket(
  endpoint: TcpEndpoint | UnixEndpoint,
  options: ResolvedOptions,
  onConnection: OnConnection,
  engine: NativeEngine = NativeEngine.shared(),
): Promise<Listener> {
  return listenNative(engine, endpoint, options, onConnection);
}

export function connectNativeSocket(
  endpoint: TcpEndpoint | UnixEndpoint,
  options: ResolvedOptions,
): Promise<Transport> {
  return connectNative(NativeEngine.shared(), endpoint, options);
}

export { connectNativeChild } from './child.js';
export { listenNativeStdio } from './stdio.js';

/**
 * Which code serves which kind of endpoint. The native implementations have the same signatures as the TypeScript
 * twins; a kind without one is served by its twin.
 */
import type {
  ChildEndpoint,
  ConnectEndpoint,
  Endpoint,
  ListenEndpoint,
  TlsEndpoint,
  WebSocketEndpoint,
} from './endpoint.js';
import { connectMemory, listenMemory } from './memory.js';
import type { NativeEngine } from './native/engine.js';
import {
  connectNativeChild,
  connectNativeSocket,
  listenNativeSocket,
  listenNativeStdio,
} from './native/index.js';
import type { ResolvedOptions } from './options.js';
import { connectSocket } from './socket-connect.js';
import { listenSocket } from './socket-listen.js';
import { connectChild } from './stdio-client.js';
import { listenStdio } from './stdio-server.js';
import type { Listener, Transport } from './transport.js';

/** Loaded when they are first wanted: most programs use neither, and start faster. */
const listenTls: Listen<TlsEndpoint> = async (endpoint, options, onConnection) =>
  (await import('./tls.js')).listenTls(endpoint, options, onConnection);
const connectTls: Connect<TlsEndpoint> = async (...call) => (await import('./tls.js')).connectTls(...call);
const connectWebSocket: Connect<WebSocketEndpoint> = async (...call) =>
  (await import('./websocket/connect.js')).connectWebSocket(...call);

export type OnConnection = (transport: Transport) => void;

type OfKind<Union extends Endpoint, Kind> = Extract<Union, { kind: Kind }>;

/**
 * Binds an endpoint; onConnection gets a transport per peer, which waits until start(). `engine` is the native engine
 * of a server with routes; the thread's shared one serves otherwise.
 */
export type Listen<E extends ListenEndpoint = ListenEndpoint> = (
  endpoint: E,
  options: ResolvedOptions,
  onConnection: OnConnection,
  engine?: NativeEngine,
) => Promise<Listener>;

export type Connect<E extends ConnectEndpoint = ConnectEndpoint> = (
  endpoint: E,
  options: ResolvedOptions,
) => Promise<Transport>;

export type ListenTable = {
  readonly [Kind in ListenEndpoint['kind']]?: Listen<OfKind<ListenEndpoint, Kind>>;
};
export type ConnectTable = {
  readonly [Kind in ConnectEndpoint['kind']]?: Connect<OfKind<ConnectEndpoint, Kind>>;
};

export const twinListen: Required<ListenTable> = {
  stdio: listenStdio,
  tcp: listenSocket,
  unix: listenSocket,
  tls: listenTls,
  memory: listenMemory,
};

export const twinConnect: Required<ConnectTable> = {
  child: (endpoint: ChildEndpoint, options) => connectChild(endpoint, options),
  tcp: connectSocket,
  unix: connectSocket,
  tls: connectTls,
  ws: connectWebSocket,
  memory: connectMemory,
};

export const nativeListen: ListenTable = {
  stdio: listenNativeStdio,
  tcp: listenNativeSocket,
  unix: listenNativeSocket,
};

export const nativeConnect: ConnectTable = {
  child: connectNativeChild,
  tcp: connectNativeSocket,
  unix: connectNativeSocket,
};

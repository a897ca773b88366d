/** Serves JSON-RPC 2.0 on any number of endpoints and connections. */
import type { Listener, Transport, TransportOptions } from '../transports/transport.js';
import type { Dispatcher } from './dispatcher.js';
import type { Peer } from './peer.js';
import type { CloseOptions, PeerOptions } from './peer-options.js';
import type { Handler, Interceptor } from './types.js';

/** Options of every connection of the server. onOpen and onClose are called for each. */
export type RpcServerOptions = Omit<PeerOptions, 'deadlines'>;

export declare class RpcServer {
  readonly dispatcher: Dispatcher;
  /** The connections that are open now. */
  readonly connections: ReadonlySet<Peer>;
  readonly listeners: ReadonlySet<Listener>;
  constructor(options?: RpcServerOptions);
  method<Params = unknown, Result = unknown>(name: string, handler: Handler<Params, Result>): this;
  notification<Params = unknown>(name: string, handler: Handler<Params>): this;
  use(interceptor: Interceptor): this;
  /** Accepts connections on an endpoint URL; `listener.url` has the port that was bound. */
  listen(url: string, options?: TransportOptions): Promise<Listener>;
  /** Serves a connection made elsewhere. */
  attach(transport: Transport): Peer;
  /** Stops accepting, lets calls in flight finish, closes every connection. Idempotent. */
  close(options?: CloseOptions): Promise<void>;
}

export declare function createRpcServer(options?: RpcServerOptions): RpcServer;

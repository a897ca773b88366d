/** Connects to a JSON-RPC 2.0 peer. */
import type { RingwireError } from '../errors.js';
import type { SendResult, TransportOptions } from '../transports/transport.js';
import type { Dispatcher } from './dispatcher.js';
import type { Peer } from './peer.js';
import type { CloseOptions, PeerOptions } from './peer-options.js';
import type { RequestOptions } from './types.js';

export interface ConnectRpcOptions extends PeerOptions {
  readonly transport?: TransportOptions;
}

export declare class RpcClient {
  readonly peer: Peer;
  /** The endpoint that answered, of those given. */
  readonly target: string;
  /** Serves calls of the other side. */
  readonly dispatcher: Dispatcher;
  readonly closed: Promise<RingwireError | undefined>;
  request<R = unknown>(method: string, params?: unknown, options?: RequestOptions): Promise<R>;
  notify(method: string, params?: unknown): SendResult;
  close(options?: CloseOptions): Promise<void>;
}

/** A list is tried in order until one connects. Rejects with the last error; the others are its cause chain. */
export declare function connectRpc(
  target: string | readonly string[],
  options?: ConnectRpcOptions,
): Promise<RpcClient>;

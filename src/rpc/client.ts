/** Connects to a JSON-RPC 2.0 peer. */
import { RingwireError } from '../errors.js';
import type { Encoding } from '../serialization/codec.js';
import { parseConnectEndpoint } from '../transports/endpoint.js';
import { connectTransport, isHttpConnect } from '../transports/open.js';
import type { SendResult, Transport, TransportOptions } from '../transports/transport.js';
import { checkEncodings, requestEncoding } from '../transports/upgrade.js';
import type { Dispatcher } from './dispatcher.js';
import { Peer } from './peer.js';
import { type CloseOptions, type PeerOptions, resolvePeerOptions } from './peer-options.js';
import type { RequestOptions } from './types.js';

/** What one connects to: an endpoint URL, or a child process as `{ command, args, env, cwd }`. */
export type RpcTarget = Parameters<typeof connectTransport>[0];

export interface ConnectRpcOptions extends PeerOptions {
  /** Options of the transport, among them connectTimeoutMs and a signal that abandons connecting. */
  readonly transport?: TransportOptions;
  /**
   * Asks the server for one of these encodings, in order of preference, as the first message of the connection.
   * A server that does not offer it answers with an error and is spoken to in JSON. Default: nothing is asked.
   */
  readonly encodings?: readonly Encoding[];
}

export class RpcClient {
  /** The connection itself: attachments, counters, draining. */
  readonly peer: Peer;
  /** Which of the targets answered. */
  readonly target: RpcTarget;

  constructor(peer: Peer, target: RpcTarget) {
    this.peer = peer;
    this.target = target;
  }

  /** Serves calls of the other side. */
  get dispatcher(): Dispatcher {
    return this.peer.dispatcher;
  }

  /** Resolves once, when the connection ended. */
  get closed(): Promise<RingwireError | undefined> {
    return this.peer.closed;
  }

  /** See Peer.request(). */
  request<R = unknown>(method: string, params?: unknown, options?: RequestOptions): Promise<R> {
    return this.peer.request<R>(method, params, options);
  }

  /** See Connection.notify(). */
  notify(method: string, params?: unknown): SendResult {
    return this.peer.notify(method, params);
  }

  /** Requests that are still open reject with CONNECTION_CLOSED. Idempotent. */
  close(options?: CloseOptions): Promise<void> {
    return this.peer.close(options);
  }
}

/**
 * Connects to the first target that answers, in the order given. Rejects with the error of the last one; with
 * several, its message tells of all and its cause is an AggregateError of them.
 */
export async function connectRpc(
  target: RpcTarget | readonly RpcTarget[],
  options: ConnectRpcOptions = {},
): Promise<RpcClient> {
  const { transport: transportOptions, encodings, ...given } = options;
  const peerOptions: PeerOptions = { answerMalformed: false, answerAfterEnd: false, ...given };
  resolvePeerOptions(peerOptions);
  if (encodings !== undefined) checkEncodings(encodings);
  const targets: readonly RpcTarget[] = isList(target) ? target : [target];
  if (targets.length === 0) {
    throw new RingwireError('CONFIG_INVALID', 'connect needs at least one target; the list is empty.');
  }
  const errors: RingwireError[] = [];
  for (const each of targets) {
    let peer: Peer;
    try {
      peer = await openPeer(each, transportOptions, encodings, peerOptions);
    } catch (error) {
      if (!(error instanceof RingwireError)) throw error;
      errors.push(error);
      // The next target is for those that cannot be reached, not for a caller who gave up or wrote nonsense.
      if (transportOptions?.signal?.aborted || error.code === 'CONFIG_INVALID') break;
      continue;
    }
    return new RpcClient(peer, each);
  }
  throw errors.length === 1 ? errors[0] : allFailed(errors);
}

async function openPeer(
  target: RpcTarget,
  transportOptions: TransportOptions | undefined,
  encodings: readonly Encoding[] | undefined,
  peerOptions: PeerOptions,
): Promise<Peer> {
  const endpoint =
    typeof target === 'object' && target !== null && 'kind' in target
      ? target
      : parseConnectEndpoint(target as string);
  if (isHttpConnect(endpoint)) {
    if (encodings !== undefined)
      throw new RingwireError('CONFIG_INVALID', 'HTTP carries JSON alone: "encodings" cannot be asked for.');
    const { openHttpTransport } = await import('./http/client-transport.js');
    const transport = await openHttpTransport(endpoint, transportOptions);
    const peer = new Peer(transport, peerOptions);
    transport.onRequestFailed = (id, error) => peer.failRequest(id, error);
    return peer;
  }
  const transport = await connectTransport(endpoint, transportOptions);
  return new Peer(
    encodings === undefined ? transport : await askFor(transport, encodings, transportOptions),
    peerOptions,
  );
}

/** requestEncoding() under the options of a connection. */
export function askFor(
  transport: Transport,
  encodings: readonly Encoding[],
  options: TransportOptions = {},
): Promise<Transport> {
  return requestEncoding(transport, {
    encodings,
    timeoutMs: options.connectTimeoutMs,
    signal: options.signal,
  });
}

function isList(target: RpcTarget | readonly RpcTarget[]): target is readonly RpcTarget[] {
  return Array.isArray(target);
}

function allFailed(errors: RingwireError[]): RingwireError {
  const last = errors[errors.length - 1];
  const reasons = errors.map((error) => error.message).join(' ');
  return new RingwireError(last.code, `None of ${errors.length} targets could be reached. ${reasons}`, {
    cause: new AggregateError(errors),
    retryable: errors.some((error) => error.retryable),
  });
}

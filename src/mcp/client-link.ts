/** One connection of a client: which era the server is of, and what a request needs there. */
import { RingwireError, RpcError } from '../errors.js';
import { askFor } from '../rpc/client.js';
import type { Dispatcher } from '../rpc/dispatcher.js';
import { Peer } from '../rpc/peer.js';
import { type HttpConnectEndpoint, parseConnectEndpoint } from '../transports/endpoint.js';
import { connectTransport, isHttpConnect } from '../transports/open.js';
import type { Transport, TransportOptions } from '../transports/transport.js';
import { type Agreement, type Call, initialize, isAnswer, noCommonVersion, probe } from './client-era.js';
import type { ResolvedConnectOptions, Target } from './client-options.js';
import type { Era } from './protocol.js';

/** A connection after the two sides found out what they speak. */
export interface Link extends Agreement {
  readonly peer: Peer;
  readonly call: Call;
  /** Resolves when the server can be heard though nothing was asked; absent where it can at once. */
  readonly listening?: () => Promise<void>;
}

/** Whether the target is a connection already, which cannot be made a second time. */
export function isTransport(target: Target): target is Transport {
  return typeof target === 'object' && 'start' in target;
}

/** A WebSocket names what will be spoken on it. */
function offering(options: TransportOptions = {}): TransportOptions {
  return { ...options, httpClient: { protocols: ['mcp'], ...options.httpClient } };
}

async function openPeer(
  target: Target,
  options: ResolvedConnectOptions,
  dispatcher: Dispatcher,
): Promise<Peer> {
  const { encodings, ...rpc } = options.rpc ?? {};
  const connected = isTransport(target)
    ? target
    : await connectTransport(target, offering(options.transport));
  const transport =
    encodings === undefined ? connected : await askFor(connected, encodings, options.transport);
  return new Peer(transport, {
    ...rpc,
    dispatcher,
    answerMalformed: false,
    answerAfterEnd: false,
    ...(options.timeoutMs !== undefined && { defaultTimeoutMs: options.timeoutMs }),
  });
}

/** Calls through the peer itself. */
function plainLink(peer: Peer, agreement: Agreement): Link {
  return { ...agreement, peer, call: (method, params, options) => peer.request(method, params, options) };
}

/** The HTTP endpoint that the target names; undefined where it names something that carries frames. */
function httpEndpoint(target: Target): HttpConnectEndpoint | undefined {
  if (typeof target !== 'string') return undefined;
  const endpoint = parseConnectEndpoint(target);
  return isHttpConnect(endpoint) ? endpoint : undefined;
}

/**
 * Connects and settles the era. `known` skips the probe.
 * Throws what connecting throws, and PROTOCOL_VERSION where there is no common revision.
 */
export async function openLink(
  target: Target,
  options: ResolvedConnectOptions,
  dispatcher: Dispatcher,
  known: Era | undefined,
): Promise<Link> {
  const endpoint = httpEndpoint(target);
  if (endpoint !== undefined) return openHttpLink(endpoint, options, dispatcher, known);
  const era = options.era === 'auto' ? known : options.era;
  const peer = await openPeer(target, options, dispatcher);
  try {
    if (era === 'legacy') return plainLink(peer, await initialize(peer, options));
    const found = await probe(peer, options);
    if (typeof found === 'object') return plainLink(peer, found);
    if (options.era === 'modern') throw notModern(options);
    if (options.legacy.length === 0) throw noCommonVersion(options, []);
    return await initializeAfterProbe(peer, target, options, dispatcher, found);
  } catch (error) {
    peer.destroy();
    // The server was a legacy one and is no more: ask again (2026-07-28, basic/versioning, "re-probing").
    if (options.era === 'auto' && era === 'legacy' && error instanceof RpcError)
      return openLink(target, options, dispatcher, undefined);
    throw error;
  }
}

function notModern(options: ResolvedConnectOptions): RingwireError {
  return new RingwireError(
    'PROTOCOL_VERSION',
    `The server does not answer server/discover, so it speaks no MCP of ${options.modern.join(', ')}. ` +
      'Connect with era "auto" or "legacy".',
  );
}

async function openHttpLink(
  endpoint: HttpConnectEndpoint,
  options: ResolvedConnectOptions,
  dispatcher: Dispatcher,
  known: Era | undefined,
): Promise<Link> {
  const { httpCalls, openHttpConnection, rememberEra, rememberedEra } = await import(
    './http-client/open-http.js'
  );
  const era = options.era === 'auto' ? (known ?? rememberedEra(endpoint)) : options.era;
  const { peer, transport } = await openHttpConnection(endpoint, options, dispatcher);
  try {
    let agreement: Agreement | 'legacy' | 'silent' = era === 'legacy' ? 'legacy' : await probe(peer, options);
    if (typeof agreement === 'string') {
      if (options.era === 'modern') throw notModern(options);
      agreement = await initialize(peer, options);
    }
    if (options.era === 'auto') rememberEra(endpoint, agreement.era);
    const isModern = agreement.era === 'modern';
    return {
      ...agreement,
      peer,
      call: httpCalls(peer, transport, isModern, options.timeoutMs, options.onWarning),
      listening: () => transport.listening(),
    };
  } catch (error) {
    peer.destroy();
    if (options.era !== 'auto' || era !== 'legacy' || !isAnswer(error)) throw error;
    rememberEra(endpoint, undefined);
    return openHttpLink(endpoint, options, dispatcher, undefined);
  }
}

/** Some legacy servers end at a message they do not know; those are started again for initialize. */
async function stillOpen(
  peer: Peer,
  target: Target,
  options: ResolvedConnectOptions,
  dispatcher: Dispatcher,
): Promise<Peer> {
  let open = true;
  void peer.closed.then(() => {
    open = false;
  });
  // The failed probe and the end of its connection are reported in the same turn of the event loop.
  await new Promise((resolve) => setImmediate(resolve));
  return open || isTransport(target) ? peer : openPeer(target, options, dispatcher);
}

async function initializeAfterProbe(
  probed: Peer,
  target: Target,
  options: ResolvedConnectOptions,
  dispatcher: Dispatcher,
  found: 'legacy' | 'silent',
): Promise<Link> {
  const peer = await stillOpen(probed, target, options, dispatcher);
  try {
    return plainLink(peer, await initialize(peer, options));
  } catch (error) {
    // A modern server that was slow to start was silent, too. It refuses initialize, and answers by now.
    const late = found === 'silent' && error instanceof RpcError ? await probe(peer, options) : found;
    if (typeof late === 'object') return plainLink(peer, late);
    peer.destroy();
    throw error;
  }
}

/** One connection of a client: which era the server is of, and what a request needs there. */
import { RingwireError, RpcError, RpcErrorCode } from '../errors.js';
import { askFor } from '../rpc/client.js';
import type { Dispatcher } from '../rpc/dispatcher.js';
import { Peer } from '../rpc/peer.js';
import type { RequestOptions } from '../rpc/types.js';
import { connectTransport } from '../transports/open.js';
import type { Transport } from '../transports/transport.js';
import type { ResolvedConnectOptions, Target } from './client-options.js';
import { type Era, MetaKey } from './protocol.js';
import type { DiscoverResult, Implementation, InitializeResult, ServerCapabilities } from './types.js';

/** A connection after the two sides found out what they speak. */
export interface Link {
  readonly peer: Peer;
  readonly era: Era;
  readonly protocolVersion: string;
  /** Self-reported; undefined where a modern server does not say. */
  readonly serverInfo: Implementation | undefined;
  readonly capabilities: ServerCapabilities;
  readonly instructions: string | undefined;
  /** `_meta` of every request; undefined in the legacy era. */
  readonly meta: Readonly<Record<string, unknown>> | undefined;
}

/** Whether the target is a connection already, which cannot be made a second time. */
export function isTransport(target: Target): target is Transport {
  return typeof target === 'object' && 'start' in target;
}

async function openPeer(
  target: Target,
  options: ResolvedConnectOptions,
  dispatcher: Dispatcher,
): Promise<Peer> {
  const { encodings, ...rpc } = options.rpc ?? {};
  const connected = isTransport(target) ? target : await connectTransport(target, options.transport);
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
  const era = options.era === 'auto' ? known : options.era;
  const peer = await openPeer(target, options, dispatcher);
  try {
    if (era === 'legacy') return await initialize(peer, options);
    const found = await probe(peer, options);
    if (typeof found === 'object') return found;
    if (options.era === 'modern')
      throw new RingwireError(
        'PROTOCOL_VERSION',
        `The server does not answer server/discover, so it speaks no MCP of ${options.modern.join(', ')}. ` +
          'Connect with era "auto" or "legacy".',
      );
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
    return await initialize(peer, options);
  } catch (error) {
    // A modern server that was slow to start was silent, too. It refuses initialize, and answers by now.
    const late = found === 'silent' && error instanceof RpcError ? await probe(peer, options) : found;
    if (typeof late === 'object') return late;
    peer.destroy();
    throw error;
  }
}

function modernMeta(options: ResolvedConnectOptions, version: string): Record<string, unknown> {
  return {
    [MetaKey.ProtocolVersion]: version,
    [MetaKey.ClientInfo]: options.clientInfo,
    [MetaKey.ClientCapabilities]: options.capabilities,
    ...(options.logLevel !== undefined && { [MetaKey.LogLevel]: options.logLevel }),
  };
}

function noCommonVersion(options: ResolvedConnectOptions, offered: readonly string[]): RingwireError {
  const ours = [...options.modern, ...options.legacy].join(', ');
  const theirs = offered.length === 0 ? 'names none' : `speaks ${offered.join(', ')}`;
  return new RingwireError(
    'PROTOCOL_VERSION',
    `No common MCP revision: we speak ${ours}; the server ${theirs}.`,
  );
}

/** Codes that only modern servers answer with (2026-07-28, basic, "Error Codes"). */
const modernCodes: readonly number[] = [
  RpcErrorCode.HeaderMismatch,
  RpcErrorCode.MissingRequiredClientCapability,
  RpcErrorCode.UnsupportedProtocolVersion,
];

function supportedOf(error: unknown): readonly string[] | undefined {
  if (!(error instanceof RpcError) || error.rpcCode !== RpcErrorCode.UnsupportedProtocolVersion)
    return undefined;
  const supported = (error.data as { supported?: unknown } | undefined)?.supported;
  return Array.isArray(supported) ? supported.filter((each) => typeof each === 'string') : [];
}

/**
 * Asks server/discover; "silent" is no answer in time. Anything that is no answer of a modern server, whichever its code, and no answer in time mean
 * a legacy one (2026-07-28, basic/transports/stdio, "Backward Compatibility").
 */
async function probe(peer: Peer, options: ResolvedConnectOptions): Promise<Link | 'legacy' | 'silent'> {
  let version = options.modern[0];
  if (version === undefined) return 'legacy';
  for (;;) {
    const meta = modernMeta(options, version);
    // Silence tells a legacy server from a modern one only where both will do.
    const request: RequestOptions =
      options.era === 'modern'
        ? {}
        : { timeoutMs: options.probeTimeoutMs, maxTimeoutMs: options.probeTimeoutMs };
    try {
      const result = await peer.request<DiscoverResult>('server/discover', { _meta: meta }, request);
      if (!Array.isArray(result?.supportedVersions)) return 'legacy';
      return modernLink(peer, options, result);
    } catch (error) {
      const supported = supportedOf(error);
      if (supported === undefined) {
        if (options.era === 'modern' && !(error instanceof RpcError)) throw error;
        if (error instanceof RpcError && modernCodes.includes(error.rpcCode)) throw error;
        if (error instanceof RingwireError && error.code === 'PROTOCOL_VERSION') throw error;
        return error instanceof RingwireError && error.code === 'DEADLINE_EXCEEDED' ? 'silent' : 'legacy';
      }
      const other = options.modern.find((each) => supported.includes(each) && each !== version);
      if (other === undefined) {
        if (options.legacy.some((each) => supported.includes(each))) return 'legacy';
        throw noCommonVersion(options, supported);
      }
      version = other;
    }
  }
}

function modernLink(peer: Peer, options: ResolvedConnectOptions, result: DiscoverResult): Link {
  const version = options.modern.find((each) => result.supportedVersions.includes(each));
  if (version === undefined) throw noCommonVersion(options, result.supportedVersions);
  return {
    peer,
    era: 'modern',
    protocolVersion: version,
    serverInfo: result._meta?.[MetaKey.ServerInfo] as Implementation | undefined,
    capabilities: result.capabilities ?? {},
    instructions: result.instructions,
    meta: modernMeta(options, version),
  };
}

async function initialize(peer: Peer, options: ResolvedConnectOptions): Promise<Link> {
  if (options.legacy.length === 0) throw noCommonVersion(options, []);
  const result = await peer.request<InitializeResult>('initialize', {
    protocolVersion: options.legacy[0],
    capabilities: options.capabilities,
    clientInfo: options.clientInfo,
  });
  if (!options.legacy.includes(result?.protocolVersion))
    throw noCommonVersion(options, result?.protocolVersion === undefined ? [] : [result.protocolVersion]);
  peer.notify('notifications/initialized');
  const capabilities = result.capabilities ?? {};
  if (options.logLevel !== undefined && capabilities.logging !== undefined)
    await peer.request('logging/setLevel', { level: options.logLevel });
  return {
    peer,
    era: 'legacy',
    protocolVersion: result.protocolVersion,
    serverInfo: result.serverInfo,
    capabilities,
    instructions: result.instructions,
    meta: undefined,
  };
}

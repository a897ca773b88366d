/** How a client finds out which era a server is of, over any connection. */
import { HttpError, RingwireError, RpcError, RpcErrorCode } from '../errors.js';
import type { Peer } from '../rpc/peer.js';
import type { RequestOptions } from '../rpc/types.js';
import type { ResolvedConnectOptions } from './client-options.js';
import { type Era, MetaKey } from './protocol.js';
import type { DiscoverResult, Implementation, InitializeResult, ServerCapabilities } from './types.js';

/** Calls the server: Peer.request(), with what the transport adds to it. */
export type Call = <Result = unknown>(
  method: string,
  params?: unknown,
  options?: RequestOptions,
) => Promise<Result>;

/** What the two sides found out about each other. */
export interface Agreement {
  readonly era: Era;
  readonly protocolVersion: string;
  /** Self-reported; undefined where a modern server does not say. */
  readonly serverInfo: Implementation | undefined;
  readonly capabilities: ServerCapabilities;
  readonly instructions: string | undefined;
  /** `_meta` of every request; undefined in the legacy era. */
  readonly meta: Readonly<Record<string, unknown>> | undefined;
}

function modernMeta(options: ResolvedConnectOptions, version: string): Record<string, unknown> {
  return {
    [MetaKey.ProtocolVersion]: version,
    [MetaKey.ClientInfo]: options.clientInfo,
    [MetaKey.ClientCapabilities]: options.capabilities,
  };
}

export function noCommonVersion(options: ResolvedConnectOptions, offered: readonly string[]): RingwireError {
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

/** Whether an error is what the server itself answered, in whatever form. */
export function isAnswer(error: unknown): boolean {
  if (error instanceof RpcError) return true;
  if (error instanceof HttpError) return error.code === 'HTTP_STATUS' && !error.retryable;
  return error instanceof RingwireError && error.code === 'FRAME_INVALID';
}

/**
 * Asks server/discover; "silent" is no answer in time. Anything that is no answer of a modern server, whichever its
 * code, and no answer in time mean a legacy one (2026-07-28, basic/transports/stdio, "Backward Compatibility"). Over
 * HTTP only an answer tells: a refused token, an overload or silence says nothing of the era and is thrown.
 */
export async function probe(
  peer: Peer,
  options: ResolvedConnectOptions,
): Promise<Agreement | 'legacy' | 'silent'> {
  const isHttp = peer.transport.kind === 'http';
  let version = options.modern[0];
  if (version === undefined) return 'legacy';
  const refused = new Set<string>();
  for (;;) {
    const meta = modernMeta(options, version);
    // Silence tells a legacy server from a modern one only where both will do.
    const request: RequestOptions =
      options.era === 'modern' || isHttp
        ? { signal: options.transport?.signal }
        : { timeoutMs: options.probeTimeoutMs, maxTimeoutMs: options.probeTimeoutMs };
    try {
      const result = await peer.request<DiscoverResult>('server/discover', { _meta: meta }, request);
      if (!Array.isArray(result?.supportedVersions)) return 'legacy';
      return modernAgreement(options, result);
    } catch (error) {
      const supported = supportedOf(error);
      if (supported === undefined) {
        if (options.era === 'modern' && !(error instanceof RpcError)) throw error;
        if (error instanceof RpcError && modernCodes.includes(error.rpcCode)) throw error;
        if (error instanceof RingwireError && error.code === 'PROTOCOL_VERSION') throw error;
        if (isHttp && !isAnswer(error)) throw error;
        return error instanceof RingwireError && error.code === 'DEADLINE_EXCEEDED' ? 'silent' : 'legacy';
      }
      // The list counts, once also where it names what was refused: servers behind one address may be of two ages.
      const other = options.modern.find((each) => supported.includes(each) && !refused.has(each));
      refused.add(version);
      if (other === undefined) {
        if (options.legacy.some((each) => supported.includes(each))) return 'legacy';
        throw noCommonVersion(options, supported);
      }
      version = other;
    }
  }
}

function modernAgreement(options: ResolvedConnectOptions, result: DiscoverResult): Agreement {
  const version = options.modern.find((each) => result.supportedVersions.includes(each));
  if (version === undefined) throw noCommonVersion(options, result.supportedVersions);
  return {
    era: 'modern',
    protocolVersion: version,
    serverInfo: result._meta?.[MetaKey.ServerInfo] as Implementation | undefined,
    capabilities: result.capabilities ?? {},
    instructions: result.instructions,
    meta: modernMeta(options, version),
  };
}

export async function initialize(peer: Peer, options: ResolvedConnectOptions): Promise<Agreement> {
  if (options.legacy.length === 0) throw noCommonVersion(options, []);
  const params = {
    protocolVersion: options.legacy[0],
    capabilities: options.capabilities,
    clientInfo: options.clientInfo,
  };
  const signal = options.transport?.signal;
  const result = await peer.request<InitializeResult>('initialize', params, { signal });
  if (!options.legacy.includes(result?.protocolVersion))
    throw noCommonVersion(options, result?.protocolVersion === undefined ? [] : [result.protocolVersion]);
  peer.notify('notifications/initialized');
  const capabilities = result.capabilities ?? {};
  if (options.logLevel !== undefined && capabilities.logging !== undefined)
    await peer.request('logging/setLevel', { level: options.logLevel });
  return {
    era: 'legacy',
    protocolVersion: result.protocolVersion,
    serverInfo: result.serverInfo,
    capabilities,
    instructions: result.instructions,
    meta: undefined,
  };
}

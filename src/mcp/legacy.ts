/** The legacy era: a session that initialize opens and the connection carries. Source: 2025-11-25, basic/lifecycle. */
import { RpcError, RpcErrorCode } from '../errors.js';
import type { Connection, LogLevel } from '../rpc/types.js';
import type { CallerFacts, McpCallContext } from './context.js';
import { type InputSource, LegacyInput } from './input.js';
import { LegacySubscriber } from './subscriptions.js';
import type { ClientCapabilities, Implementation } from './types.js';

/** The only revision with JSON-RPC batches (2025-03-26, basic, "Batching"). */
const batchVersion = '2025-03-26';

/** Log messages a client gets before it sets a level (2025-11-25, server/utilities/logging leaves it to the server). */
const initialLogLevel = 'info';

export class LegacySession implements CallerFacts {
  readonly era = 'legacy';
  readonly protocolVersion: string;
  readonly clientInfo: Implementation | undefined;
  readonly clientCapabilities: ClientCapabilities;
  readonly subscriber: LegacySubscriber;
  /** Called with the level of logging/setLevel, for sessions of several connections. */
  onLogLevel: ((level: LogLevel) => void) | undefined = undefined;

  constructor(
    connection: Connection,
    protocolVersion: string,
    clientInfo: Implementation | undefined,
    clientCapabilities: ClientCapabilities,
  ) {
    this.protocolVersion = protocolVersion;
    this.clientInfo = clientInfo;
    this.clientCapabilities = clientCapabilities;
    this.subscriber = new LegacySubscriber(connection);
    connection.logLevel = initialLogLevel;
  }

  get servesBatches(): boolean {
    return this.protocolVersion === batchVersion;
  }

  openInput(context: McpCallContext): InputSource {
    return new LegacyInput(context.connection, context.signal, () => this.clientCapabilities);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The session an initialize request asks for, in the revision asked for or else in the newest one served.
 * Throws -32602 where its params are malformed, -32022 where the server serves no legacy revision.
 */
export function openLegacySession(
  connection: Connection,
  params: unknown,
  served: readonly string[],
  named: readonly string[],
): LegacySession {
  if (!isObject(params) || typeof params.protocolVersion !== 'string')
    throw new RpcError(RpcErrorCode.InvalidParams, 'params.protocolVersion is required and must be a string');
  const requested = params.protocolVersion;
  if (served.length === 0)
    // The message may be all a legacy client can show its user, so it names the revisions.
    throw new RpcError(
      RpcErrorCode.UnsupportedProtocolVersion,
      `This server speaks MCP ${named.join(', ')} and has no initialize; update the client`,
      { supported: named, requested },
    );
  const version = served.includes(requested) ? requested : served[0];
  const info = isObject(params.clientInfo) ? (params.clientInfo as unknown as Implementation) : undefined;
  const capabilities = isObject(params.capabilities) ? (params.capabilities as ClientCapabilities) : {};
  return new LegacySession(connection, version, info, capabilities);
}

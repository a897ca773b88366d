/** Options of connect(), and the handlers by which a client serves what servers ask of it. */
import type { ConnectRpcOptions } from '../rpc/client.js';
import type { PeerOptions } from '../rpc/peer-options.js';
import type { LogLevel } from '../rpc/types.js';
import type { ChildCommand } from '../transports/endpoint.js';
import type { Transport, TransportOptions } from '../transports/transport.js';
import { legacyVersions, maxInputRounds, modernVersions, probeTimeoutMs } from './protocol.js';
import type {
  ClientCapabilities,
  CreateMessageParams,
  CreateMessageResult,
  ElicitParams,
  ElicitResult,
  Implementation,
  Root,
} from './types.js';

/** An endpoint URL, a child process, or a transport that is connected already. */
export type Target = string | ChildCommand | Transport;

/** A message of notifications/message. */
export interface LogMessage {
  readonly level: LogLevel;
  readonly logger?: string;
  readonly data: unknown;
}

/** What the client's side answers servers with. What is not given is not declared as a capability. */
export interface InputHandlers {
  /** Shows a form, or a URL where capabilities.elicitation.url is declared, to the user. */
  readonly onElicitation?: (
    params: ElicitParams,
    signal: AbortSignal,
  ) => ElicitResult | Promise<ElicitResult>;
  /** Asks the client's model. */
  readonly onSampling?: (
    params: CreateMessageParams,
    signal: AbortSignal,
  ) => CreateMessageResult | Promise<CreateMessageResult>;
  /** The directories and files the server may work on. */
  readonly onRoots?: (signal: AbortSignal) => readonly Root[] | Promise<readonly Root[]>;
}

export interface ConnectOptions extends InputHandlers {
  /** Who we are. Default: ringwire. */
  readonly clientInfo?: Implementation;
  /** Merged over what follows from the handlers. */
  readonly capabilities?: ClientCapabilities;
  /** "auto" (default) asks the server with server/discover and falls back to initialize. */
  readonly era?: 'auto' | 'modern' | 'legacy';
  /** Revisions to speak, of both eras, best first. Default: all that ringwire knows. */
  readonly protocolVersions?: readonly string[];
  /** How long a server may take to answer the probe before it counts as a legacy one. Default probeTimeoutMs. */
  readonly probeTimeoutMs?: number;
  /** Rounds of input one call may need. Default maxInputRounds. */
  readonly maxInputRounds?: number;
  /** Log messages of the server. Modern servers send them only where logLevel is set. */
  readonly onLog?: (message: LogMessage) => void;
  /** The least level of log messages to ask for, on every modern request or once for a legacy session. */
  readonly logLevel?: LogLevel;
  /**
   * Connects anew, in the era found before, when a request finds the connection lost; open subscriptions are asked
   * for again. Requests that were in flight fail (retryable) and are never sent again by themselves. Default true.
   */
  readonly reconnect?: boolean;
  /**
   * What is wrong and does not stop the client: a tool left out of a list because its header annotations are invalid.
   * Default: a warning of the process.
   */
  readonly onWarning?: (warning: string) => void;
  /** Ends requests that name no timeout. Default defaultTimeoutMs of src/limits.ts. */
  readonly timeoutMs?: number;
  readonly transport?: TransportOptions;
  /**
   * Limits and hooks of the JSON-RPC connection. `encodings` asks a server that is known to be ringwire for another
   * encoding than MCP's JSON, before the first MCP message; never by default.
   */
  readonly rpc?: Omit<PeerOptions, 'dispatcher' | 'onOpen' | 'batches' | 'defaultTimeoutMs'> &
    Pick<ConnectRpcOptions, 'encodings'>;
}

const defaultClientInfo: Implementation = { name: 'ringwire', version: '0.1.0' };

export function resolveConnectOptions(options: ConnectOptions) {
  const versions = options.protocolVersions ?? [...modernVersions, ...legacyVersions];
  return {
    ...options,
    clientInfo: options.clientInfo ?? defaultClientInfo,
    capabilities: {
      ...(options.onElicitation && { elicitation: { form: {} } }),
      ...(options.onSampling && { sampling: {} }),
      ...(options.onRoots && { roots: {} }),
      ...options.capabilities,
    } satisfies ClientCapabilities as ClientCapabilities,
    era: options.era ?? 'auto',
    modern: versions.filter((version) => modernVersions.includes(version)),
    legacy: versions.filter((version) => legacyVersions.includes(version)),
    probeTimeoutMs: options.probeTimeoutMs ?? probeTimeoutMs,
    maxInputRounds: options.maxInputRounds ?? maxInputRounds,
    reconnect: options.reconnect ?? true,
    onWarning: options.onWarning ?? ((warning: string) => process.emitWarning(warning, 'RingwireWarning')),
  };
}

export type ResolvedConnectOptions = ReturnType<typeof resolveConnectOptions>;

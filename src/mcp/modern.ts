/** The modern era: every request says who sends it and which revision it speaks. Source: 2026-07-28, basic, "_meta". */
import { RpcError, RpcErrorCode } from '../errors.js';
import type { AuthInfo, CallContext } from '../rpc/types.js';
import type { CallerFacts, McpCallContext } from './context.js';
import { type InputSource, ModernInput } from './input.js';
import { isLogLevel, logLevels, MetaKey } from './protocol.js';
import type { RequestStateSigner, StateBinding } from './request-state.js';
import type { ClientCapabilities, Implementation } from './types.js';

type Meta = Readonly<Record<string, unknown>>;

/** Whether the request speaks the modern protocol, well or badly. */
export function isModern(meta: Meta | undefined): meta is Meta {
  return meta !== undefined && (MetaKey.ProtocolVersion in meta || MetaKey.ClientCapabilities in meta);
}

function invalidMeta(key: string, problem: string): RpcError {
  return new RpcError(RpcErrorCode.InvalidParams, `params._meta["${key}"] ${problem}`);
}

/** Throws -32602 for missing or malformed fields, -32022 for a revision that is not served. */
export function checkModernMeta(meta: Meta, served: readonly string[], named: readonly string[]): void {
  const version = meta[MetaKey.ProtocolVersion];
  if (typeof version !== 'string')
    throw invalidMeta(MetaKey.ProtocolVersion, 'is required and must be a string');
  if (!served.includes(version))
    throw new RpcError(RpcErrorCode.UnsupportedProtocolVersion, `Unsupported protocol version: ${version}`, {
      supported: named,
      requested: version,
    });
  const capabilities = meta[MetaKey.ClientCapabilities];
  if (typeof capabilities !== 'object' || capabilities === null || Array.isArray(capabilities))
    throw invalidMeta(MetaKey.ClientCapabilities, 'is required and must be an object');
  const level = meta[MetaKey.LogLevel];
  if (level !== undefined && !isLogLevel(level))
    throw invalidMeta(MetaKey.LogLevel, `must be one of ${logLevels.join(', ')}`);
}

/** The caller of one modern request; nothing of it is kept for the next. */
export class ModernCaller implements CallerFacts {
  readonly era = 'modern';
  readonly #call: CallContext;
  readonly #signer: RequestStateSigner;

  constructor(call: CallContext, signer: RequestStateSigner) {
    this.#call = call;
    this.#signer = signer;
  }

  get protocolVersion(): string {
    return this.#call.meta?.[MetaKey.ProtocolVersion] as string;
  }

  get clientInfo(): Implementation | undefined {
    const info = this.#call.meta?.[MetaKey.ClientInfo];
    return typeof info === 'object' && info !== null ? (info as Implementation) : undefined;
  }

  get clientCapabilities(): ClientCapabilities {
    return (this.#call.meta?.[MetaKey.ClientCapabilities] ?? {}) as ClientCapabilities;
  }

  openInput(context: McpCallContext): InputSource {
    const params = (context.params ?? {}) as Record<string, unknown>;
    return new ModernInput(
      params,
      stateBinding(context.method, params, context.auth),
      this.#signer,
      () => this.clientCapabilities,
    );
  }
}

function stateBinding(
  method: string,
  params: Readonly<Record<string, unknown>>,
  auth: AuthInfo | undefined,
): StateBinding {
  return {
    method,
    name: String(params.name ?? params.uri ?? ''),
    arguments: params.arguments,
    principal: auth?.principal,
  };
}

/**
 * requestState of multi round-trip requests: what a handler needs on the retry, in the client's hands meanwhile.
 * It comes back from an attacker, so it is signed (HMAC-SHA256) over who asked, which request, and until when.
 * It is signed, not encrypted: the client can read it, so handlers must keep no secret in it.
 * Source: 2026-07-28, basic/patterns/mrtr, "Server Requirements".
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { RingwireError } from '../errors.js';

/** The request a state belongs to; a state presented with any other is refused. */
export interface StateBinding {
  readonly method: string;
  /** The tool or prompt name, or the resource URI. */
  readonly name: string;
  readonly arguments: unknown;
  /** The authenticated caller, undefined where there is no authorization. */
  readonly principal: string | undefined;
}

export interface RequestStateOptions {
  /**
   * At least 32 bytes. Default: random, so a state is refused after a restart and by other processes.
   * Several processes behind one address need the same key.
   */
  readonly key?: Uint8Array;
  /** Default requestStateTtlMs of src/mcp/protocol.ts. */
  readonly ttlMs: number;
  /** Default Date.now. */
  readonly now?: () => number;
}

/** Key order must not matter: a client may rebuild its arguments for the retry. */
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  const entries = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`);
  return `{${entries.join(',')}}`;
}

function digest(binding: StateBinding): string {
  const text = canonical([
    binding.method,
    binding.name,
    binding.arguments ?? null,
    binding.principal ?? null,
  ]);
  return createHash('sha256').update(text).digest('base64url');
}

export class RequestStateSigner {
  readonly #key: Uint8Array;
  readonly #ttlMs: number;
  readonly #now: () => number;

  /** Throws CONFIG_INVALID where the key is too short to be worth an attacker's while. */
  constructor(options: RequestStateOptions) {
    if (options.key !== undefined && options.key.byteLength < 32)
      throw new RingwireError('CONFIG_INVALID', 'requestState key must have at least 32 bytes');
    this.#key = options.key ?? randomBytes(32);
    this.#ttlMs = options.ttlMs;
    this.#now = options.now ?? Date.now;
  }

  /** base64url(JSON of expiry, binding and payload) "." base64url(HMAC). */
  seal(payload: unknown, binding: StateBinding): string {
    const body = JSON.stringify({ e: this.#now() + this.#ttlMs, b: digest(binding), p: payload });
    const text = Buffer.from(body).toString('base64url');
    return `${text}.${this.#sign(text).toString('base64url')}`;
  }

  /** The payload, or undefined where the state is tampered with, expired, or of another request or principal. */
  open(state: string, binding: StateBinding): { readonly payload: unknown } | undefined {
    const dot = state.indexOf('.');
    if (dot < 0) return undefined;
    const text = state.slice(0, dot);
    const given = Buffer.from(state.slice(dot + 1), 'base64url');
    const wanted = this.#sign(text);
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return undefined;
    const body = JSON.parse(Buffer.from(text, 'base64url').toString()) as {
      e: number;
      b: string;
      p: unknown;
    };
    if (body.e < this.#now() || body.b !== digest(binding)) return undefined;
    return { payload: body.p };
  }

  #sign(text: string): Buffer {
    return createHmac('sha256', this.#key).update(text).digest();
  }
}

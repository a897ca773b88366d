/** Calls of an MCP client over HTTP: mirrored arguments, and the few cases in which a request is sent a second time. */
import { RingwireError, RpcError, RpcErrorCode } from '../../errors.js';
import * as limits from '../../limits.js';
import type { Peer } from '../../rpc/peer.js';
import type { RequestOptions } from '../../rpc/types.js';
import type { Call } from '../client-era.js';
import type { McpHttpTransport } from './http-transport.js';
import { ToolHeaders } from './tool-headers.js';

/** What can be asked twice without harm. */
const safeMethods = new Set([
  'completion/complete',
  'ping',
  'prompts/get',
  'prompts/list',
  'resources/list',
  'resources/read',
  'resources/templates/list',
  'server/discover',
  'tools/list',
]);

/** Codes of a connection that broke under a request. */
const brokenCodes: readonly string[] = ['CONNECTION_CLOSED', 'CONNECTION_RESET', 'IO_ERROR'];

/** Pages of tools/list read to find a tool whose header fields the server missed. */
const maxToolPages = 100;

/** Makes the calls of one connection. `defaultTimeoutMs` is that of the peer. */
export function httpCalls(
  peer: Peer,
  transport: McpHttpTransport,
  isModern: boolean,
  defaultTimeoutMs: number | undefined,
  onWarning: (warning: string) => void,
): Call {
  const tools = new ToolHeaders(onWarning);
  return <Result>(method: string, params?: unknown, options?: RequestOptions): Promise<Result> =>
    new HttpRequestRun(peer, transport, isModern ? tools : undefined, method, params, {
      ...options,
      timeoutMs: options?.timeoutMs ?? defaultTimeoutMs ?? limits.defaultTimeoutMs,
    }).run() as Promise<Result>;
}

type Timed = RequestOptions & { readonly timeoutMs: number };

class HttpRequestRun {
  readonly #peer: Peer;
  readonly #transport: McpHttpTransport;
  /** undefined in the legacy era. */
  readonly #tools: ToolHeaders | undefined;
  readonly #method: string;
  readonly #params: unknown;
  readonly #options: Timed;
  readonly #startedAt = performance.now();

  constructor(
    peer: Peer,
    transport: McpHttpTransport,
    tools: ToolHeaders | undefined,
    method: string,
    params: unknown,
    options: Timed,
  ) {
    this.#peer = peer;
    this.#transport = transport;
    this.#tools = tools;
    this.#method = method;
    this.#params = params;
    this.#options = options;
  }

  async run(): Promise<unknown> {
    try {
      return await this.#send(this.#options);
    } catch (error) {
      const again = this.#leftOptions();
      if (again === undefined || !this.#peer.isOpen) throw error;
      if (isBroken(error) && safeMethods.has(this.#method)) return this.#send(again);
      if (!this.#lacksHeaders(error)) throw error;
      await this.#learnTools(error);
      const left = this.#leftOptions();
      if (left === undefined) throw error;
      return this.#send(left);
    }
  }

  async #send(options: RequestOptions): Promise<unknown> {
    const headers = this.#mirrored();
    const sent =
      headers === undefined
        ? options
        : {
            ...options,
            onSend: (id: string) => {
              this.#transport.addHeaders(id, headers);
              options.onSend?.(id);
            },
          };
    const result = await this.#peer.request(this.#method, this.#params, sent);
    return this.#method === 'tools/list' && this.#tools !== undefined ? this.#tools.learn(result) : result;
  }

  #mirrored(): Record<string, string> | undefined {
    if (this.#method !== 'tools/call' || this.#tools === undefined) return undefined;
    const { name, arguments: args } = (this.#params ?? {}) as { name?: unknown; arguments?: unknown };
    return this.#tools.headersOf(name, args);
  }

  #lacksHeaders(error: unknown): boolean {
    return (
      this.#tools !== undefined &&
      this.#method === 'tools/call' &&
      error instanceof RpcError &&
      error.rpcCode === RpcErrorCode.HeaderMismatch
    );
  }

  /** Reads the tools anew: the schema may have changed since, or was never seen. Throws `refusal` at the end of the time. */
  async #learnTools(refusal: unknown): Promise<void> {
    const { _meta } = (this.#params ?? {}) as { _meta?: unknown };
    let cursor: unknown;
    for (let page = 0; page < maxToolPages; page++) {
      const left = this.#leftOptions();
      if (left === undefined) throw refusal;
      const options = { signal: left.signal, timeoutMs: left.timeoutMs, maxTimeoutMs: left.maxTimeoutMs };
      const params = { ...(_meta !== undefined && { _meta }), ...(cursor !== undefined && { cursor }) };
      const result: { nextCursor?: unknown } = await this.#peer.request('tools/list', params, options);
      this.#tools?.learn(result);
      if (result?.nextCursor === undefined || result.nextCursor === cursor) return;
      cursor = result.nextCursor;
    }
  }

  /** The options with what is left of the time; undefined where none is, or the caller gave up. */
  #leftOptions(): Timed | undefined {
    const { signal, timeoutMs, maxTimeoutMs } = this.#options;
    const spentMs = performance.now() - this.#startedAt;
    if (signal?.aborted || spentMs >= timeoutMs) return undefined;
    return {
      ...this.#options,
      timeoutMs: timeoutMs - spentMs,
      ...(maxTimeoutMs !== undefined && { maxTimeoutMs: Math.max(maxTimeoutMs - spentMs, 1) }),
    };
  }
}

function isBroken(error: unknown): boolean {
  return error instanceof RingwireError && brokenCodes.includes(error.code);
}

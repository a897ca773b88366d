/** What an MCP handler knows of its call, on top of the JSON-RPC CallContext. */
import type {
  AuthInfo,
  CallContext,
  Connection,
  IdText,
  LogLevel,
  RequestOptions,
  TraceContext,
} from '../rpc/types.js';
import type { PeerInfo } from '../transports/transport.js';
import type { InputResponseOf, InputSource } from './input.js';
import { type Era, MetaKey, progressIntervalMs } from './protocol.js';
import type {
  ClientCapabilities,
  CreateMessageParams,
  CreateMessageResult,
  ElicitParams,
  ElicitResult,
  Implementation,
  InputRequests,
  InputResponses,
  Root,
} from './types.js';

/** How one input request is made. */
export interface InputOptions extends RequestOptions {
  /**
   * Names the question, so that the answer finds it when a modern handler runs again. Default: "input-1", "input-2" …
   * in the order of asking; give keys where that order may differ between runs.
   */
  readonly key?: string;
}

/** Passed to every handler of a tool, prompt, resource or completion. */
export interface McpContext extends CallContext {
  readonly era: Era;
  readonly protocolVersion: string;
  /** Self-reported; never decide by it. */
  readonly clientInfo: Implementation | undefined;
  readonly clientCapabilities: ClientCapabilities;
  /**
   * Asks the user through the client. In the modern era the handler ends here (an error that must not be swallowed)
   * and runs again from its start once the client brings the answer, so do nothing before it that must happen once.
   * Throws RpcError -32021 (modern) or CAPABILITY_MISSING (legacy) where the client cannot do it.
   */
  elicit(params: ElicitParams, options?: InputOptions): Promise<ElicitResult>;
  /** Asks the client's model; see elicit for how it behaves. */
  sample(params: CreateMessageParams, options?: InputOptions): Promise<CreateMessageResult>;
  /** Asks for the client's roots; see elicit for how it behaves. */
  listRoots(options?: InputOptions): Promise<readonly Root[]>;
  /** Asks for several inputs at once, by key; see elicit for how it behaves. */
  requireInput<const R extends InputRequests>(
    requests: R,
    options?: RequestOptions,
  ): Promise<{ readonly [Key in keyof R]: InputResponseOf<R[Key]> }>;
  /** Answers the client has given so far, by key; for handlers that return inputRequired(). Not yet checked. */
  readonly inputResponses: InputResponses;
  /** The state the handler passed to inputRequired() in the round before. */
  readonly inputState: unknown;
  /**
   * Lets go of the HTTP connection while the call goes on: the client comes back after retryMs (default: http.retryMs
   * of the server) and is sent what it missed. For calls that take long. Does something only where a client of
   * 2025-11-25 called over Streamable HTTP and the server has an event store; elsewhere the call goes on as before.
   * Source: 2025-11-25, basic/transports, "Sending Messages to the Server".
   */
  closeStream(retryMs?: number): void;
}

/** Connection.data key of the ClosableStream that carries its messages, where there is one. */
export const closableStreamKey = Symbol('ringwire.mcp.closableStream');

export interface ClosableStream {
  closeStream(retryMs?: number): void;
}

/** What the era layer knows of the caller. */
export interface CallerFacts {
  readonly era: Era;
  readonly protocolVersion: string;
  readonly clientInfo: Implementation | undefined;
  readonly clientCapabilities: ClientCapabilities;
  /** Called at most once per call, and only when a handler needs input or the client sent some. */
  openInput(context: McpCallContext): InputSource;
}

export class McpCallContext implements McpContext {
  readonly call: CallContext;
  readonly facts: CallerFacts;
  readonly #params: unknown | (() => unknown);
  #input: InputSource | undefined;
  #asked = 0;
  #progress: ProgressLimiter | undefined;

  /** params as sent, or what parses them when somebody asks: most calls need no more than their arguments. */
  constructor(call: CallContext, facts: CallerFacts, params: unknown | (() => unknown)) {
    this.call = call;
    this.facts = facts;
    this.#params = params;
  }

  /** params as sent; openInput reads inputResponses and requestState from it. */
  get params(): unknown {
    return typeof this.#params === 'function' ? this.#params() : this.#params;
  }

  get method(): string {
    return this.call.method;
  }
  get id(): IdText | undefined {
    return this.call.id;
  }
  get signal(): AbortSignal {
    return this.call.signal;
  }
  get deadline(): number {
    return this.call.deadline;
  }
  get peer(): PeerInfo {
    return this.call.peer;
  }
  get connection(): Connection {
    return this.call.connection;
  }
  get auth(): AuthInfo | undefined {
    return this.call.auth;
  }
  get trace(): TraceContext | undefined {
    return this.call.trace;
  }
  get meta(): Readonly<Record<string, unknown>> | undefined {
    return this.call.meta;
  }
  get era(): Era {
    return this.facts.era;
  }
  get protocolVersion(): string {
    return this.facts.protocolVersion;
  }
  get clientInfo(): Implementation | undefined {
    return this.facts.clientInfo;
  }
  get clientCapabilities(): ClientCapabilities {
    return this.facts.clientCapabilities;
  }
  get inputResponses(): InputResponses {
    return this.input.responses;
  }
  get inputState(): unknown {
    return this.input.state;
  }

  get input(): InputSource {
    this.#input ??= this.facts.openInput(this);
    return this.#input;
  }

  /** The input where it was opened, so that calls without any pay nothing. */
  get openedInput(): InputSource | undefined {
    return this.#input;
  }

  extendDeadline(timeoutMs: number): void {
    this.call.extendDeadline(timeoutMs);
  }

  progress(progress: number, total?: number, message?: string): void {
    this.#progress ??= new ProgressLimiter(this.call);
    this.#progress.report(progress, total, message);
  }

  log(level: LogLevel, data: unknown, logger?: string): void {
    // A legacy session on the same connection may have set a level; a modern request counts by its own alone.
    if (this.facts.era === 'modern' && this.meta?.[MetaKey.LogLevel] === undefined) return;
    this.call.log(level, data, logger);
  }

  elicit(params: ElicitParams, options?: InputOptions): Promise<ElicitResult> {
    return this.#ask({ method: 'elicitation/create', params }, options);
  }

  sample(params: CreateMessageParams, options?: InputOptions): Promise<CreateMessageResult> {
    return this.#ask({ method: 'sampling/createMessage', params }, options);
  }

  async listRoots(options?: InputOptions): Promise<readonly Root[]> {
    return (await this.#ask({ method: 'roots/list' }, options)).roots;
  }

  closeStream(retryMs?: number): void {
    (this.connection.data.get(closableStreamKey) as ClosableStream | undefined)?.closeStream(retryMs);
  }

  requireInput<const R extends InputRequests>(
    requests: R,
    options?: RequestOptions,
  ): Promise<{ readonly [Key in keyof R]: InputResponseOf<R[Key]> }> {
    return this.input.require(requests, options) as Promise<{
      readonly [Key in keyof R]: InputResponseOf<R[Key]>;
    }>;
  }

  /** The call is over: what progress was held back is sent, and no timer stays. */
  finish(): void {
    this.#progress?.finish();
  }

  /** A handler that runs again counts its questions from the start. */
  restart(): void {
    this.#asked = 0;
  }

  async #ask<R extends InputRequests[string]>(
    request: R,
    options: InputOptions = {},
  ): Promise<InputResponseOf<R>> {
    const { key = `input-${++this.#asked}`, ...requestOptions } = options;
    const responses = await this.input.require({ [key]: request }, requestOptions);
    return responses[key] as InputResponseOf<R>;
  }
}

/**
 * Rising values only, and at most one notification per progressIntervalMs: the newest value waits for its turn, and
 * the last one is sent at the end of the call (2026-07-28, basic/patterns/progress).
 */
class ProgressLimiter {
  readonly #call: CallContext;
  #last = Number.NEGATIVE_INFINITY;
  #nextSendAt = Number.NEGATIVE_INFINITY;
  #held: [progress: number, total?: number, message?: string] | undefined;
  #timer: NodeJS.Timeout | undefined;
  #finished = false;

  constructor(call: CallContext) {
    this.#call = call;
  }

  report(progress: number, total?: number, message?: string): void {
    if (this.#finished || !(progress > this.#last)) return;
    this.#last = progress;
    this.#held = [progress, total, message];
    const waitMs = this.#nextSendAt - performance.now();
    if (waitMs <= 0) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), waitMs).unref();
  }

  finish(): void {
    this.#flush();
    this.#finished = true;
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#held === undefined) return;
    const [progress, total, message] = this.#held;
    this.#held = undefined;
    this.#nextSendAt = performance.now() + progressIntervalMs;
    this.#call.progress(progress, total, message);
  }
}

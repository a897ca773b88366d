/** The connection of a client over time: opened, lost, opened again; and requests with what their era needs. */
import { RingwireError } from '../errors.js';
import { Dispatcher } from '../rpc/dispatcher.js';
import type { CloseOptions } from '../rpc/peer-options.js';
import type { LogLevel, RequestOptions } from '../rpc/types.js';
import { answerInputRequired, installInputHandlers } from './client-input.js';
import { isTransport, type Link, openLink } from './client-link.js';
import type { ResolvedConnectOptions, Target } from './client-options.js';
import { type Era, MetaKey } from './protocol.js';
import type { InputRequiredResult, ResultBase } from './types.js';

/** The requests a modern server may answer with input_required (2026-07-28, basic/patterns/mrtr). */
const inputMethods: readonly string[] = ['tools/call', 'resources/read', 'prompts/get'];

export class ClientSession {
  /** Serves what the server sends by itself. */
  readonly dispatcher = new Dispatcher();
  /** Asked for on every modern request; undefined asks for nothing. */
  logLevel: LogLevel | undefined;
  readonly #targets: readonly Target[];
  readonly #options: ResolvedConnectOptions;
  #link: Link | undefined;
  /** The last connection that was open; what it found out about the server stays readable after its end. */
  #last: Link | undefined;
  #opening: Promise<Link> | undefined;
  #knownEra: Era | undefined;
  #closed = false;

  constructor(targets: readonly Target[], options: ResolvedConnectOptions) {
    this.#targets = targets;
    this.#options = options;
    this.logLevel = options.logLevel;
    installInputHandlers(this.dispatcher, options, () => this.#link?.era === 'modern');
  }

  /** Throws CONNECTION_CLOSED where there never was a connection. */
  get current(): Link {
    const link = this.#link ?? this.#last;
    if (link === undefined) throw new RingwireError('CONNECTION_CLOSED', 'The client is not connected.');
    return link;
  }

  get isConnected(): boolean {
    return this.#link !== undefined;
  }

  /** close() was called. */
  get isClosed(): boolean {
    return this.#closed;
  }

  get canReconnect(): boolean {
    return this.#options.reconnect && !this.#closed && !this.#targets.some(isTransport);
  }

  /** Connects unless connected; calls at the same time share the attempt. */
  async open(): Promise<Link> {
    if (this.#link !== undefined) return this.#link;
    this.#opening ??= this.#openFirst().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #openFirst(): Promise<Link> {
    let failure: unknown;
    for (const target of this.#targets) {
      try {
        return this.#adopt(await openLink(target, this.#options, this.dispatcher, this.#knownEra));
      } catch (error) {
        failure =
          failure === undefined || !(error instanceof RingwireError)
            ? error
            : new RingwireError(error.code, error.message, { cause: failure, retryable: error.retryable });
      }
    }
    throw failure;
  }

  #adopt(link: Link): Link {
    this.#link = link;
    this.#last = link;
    this.#knownEra = link.era;
    void link.peer.closed.then(() => {
      if (this.#link === link) this.#link = undefined;
    });
    return link;
  }

  /** The connection, made anew where that is allowed; `method` is what it is wanted for. */
  async usable(method: string): Promise<Link> {
    if (this.#link !== undefined) return this.#link;
    if (!this.canReconnect)
      throw new RingwireError('CONNECTION_CLOSED', `"${method}" was not sent: the connection is closed.`);
    return this.open();
  }

  /** McpClient.request. */
  async request<Result>(
    method: string,
    params: Readonly<Record<string, unknown>> = {},
    options: RequestOptions = {},
  ): Promise<Result> {
    try {
      return await this.#requestOnce<Result>(method, params, options);
    } catch (error) {
      // The server forgot the session and never looked at the request (2025-11-25, basic/transports).
      if (!(error instanceof RingwireError) || error.code !== 'SESSION_ENDED' || !this.canReconnect)
        throw error;
      // The link learns of its end a moment after its request.
      await this.current.peer.closed;
      return this.#requestOnce<Result>(method, params, options);
    }
  }

  async #requestOnce<Result>(
    method: string,
    params: Readonly<Record<string, unknown>>,
    options: RequestOptions,
  ): Promise<Result> {
    const link = await this.usable(method);
    if (link.era === 'legacy') return link.call<Result>(method, params, options);
    const { maxInputRounds } = this.#options;
    let input: Record<string, unknown> = {};
    for (let round = 0; round <= maxInputRounds; round++) {
      const sent = { ...params, ...input, _meta: this.#meta(link, params._meta) };
      const result = await link.call<ResultBase>(method, sent, options);
      const type = result?.resultType ?? 'complete';
      if (type === 'complete') return result as Result;
      if (type !== 'input_required' || !inputMethods.includes(method))
        throw new RingwireError(
          'FRAME_INVALID',
          `"${method}" was answered with the resultType ${JSON.stringify(type)}.`,
        );
      // Made only here, because most calls need no input and a signal costs as much as the rest of a call.
      const signal = options.signal ?? new AbortController().signal;
      input = await answerInputRequired(this.#options, result as InputRequiredResult, signal);
    }
    throw new RingwireError(
      'OVERLOADED',
      `"${method}": the server asked for input more than ${maxInputRounds} times.`,
      { retryable: false },
    );
  }

  #meta(link: Link, own: unknown): Record<string, unknown> {
    return {
      ...link.meta,
      ...(this.logLevel !== undefined && { [MetaKey.LogLevel]: this.logLevel }),
      ...(typeof own === 'object' && own),
    };
  }

  async notify(method: string, params?: Readonly<Record<string, unknown>>): Promise<void> {
    const link = await this.usable(method);
    while (link.peer.notify(method, params) === 'full') await link.peer.drained();
  }

  async close(options?: CloseOptions): Promise<void> {
    this.#closed = true;
    await this.#opening?.catch(() => {});
    await this.#link?.peer.close(options);
  }
}

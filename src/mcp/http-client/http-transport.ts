/**
 * MCP's Streamable HTTP as a transport: each frame that goes out is a POST, each message of an answer a frame that
 * comes in. What the era asks for (header fields, sessions, streams, resumption) follows from the messages themselves,
 * so that whoever sends them, our client or an official one, need not know.
 */
import { EnvelopeKind } from '../../binding/constants.generated.js';
import { type HttpError, RingwireError, RpcError, RpcErrorCode } from '../../errors.js';
import type { IdText } from '../../rpc/types.js';
import type { HttpConnectEndpoint } from '../../transports/endpoint.js';
import type { FrameSink } from '../../transports/http/client/answer-reader.js';
import { type FrameServer, requestFrames, shownUrl } from '../../transports/http/client/frame-request.js';
import {
  type AnswerHeaders,
  type HttpCall,
  type HttpClient,
  type HttpRequest,
  headerOf,
  openHttpClient,
} from '../../transports/http/client/http-client.js';
import type { ResolvedOptions } from '../../transports/options.js';
import { aborted, alreadyStarted } from '../../transports/system-errors.js';
import type { PeerInfo, SendResult, Transport, TransportHandlers } from '../../transports/transport.js';
import { encodeHeaderValue } from '../header-values.js';
import { modernVersions } from '../protocol.js';
import { Exchange, type ExchangeOwner, type MessageHooks } from './exchange.js';
import { isReply, type Message, MessageScanner, resultOf } from './message.js';
import { ServerStream, type ServerStreamOwner } from './server-stream.js';
import { SseEndpoint, type SseOwner } from './sse-endpoint.js';

/** Codes that only modern servers answer with (2026-07-28, basic, "Error Codes"). */
const modernCodes: readonly number[] = [
  RpcErrorCode.HeaderMismatch,
  RpcErrorCode.MissingRequiredClientCapability,
  RpcErrorCode.UnsupportedProtocolVersion,
];

/** Told to end its session, a server gets this long to answer. */
const endSessionTimeoutMs = 1_000;

const bothTypes = 'application/json, text/event-stream';

export class McpHttpTransport implements Transport, ExchangeOwner, ServerStreamOwner, SseOwner {
  readonly kind = 'http' as const;
  readonly implementation = 'twin' as const;
  readonly bufferedBytes = 0;
  readonly peer: PeerInfo;
  readonly url: string;
  /** A request of ours ended without a response: failed, or was refused by HTTP. */
  onRequestFailed: ((id: IdText, error: RingwireError) => void) | undefined;

  readonly #server: FrameServer;
  readonly #path: string;
  readonly #scanner = new MessageScanner();
  readonly #exchanges = new Set<Exchange>();
  /** For requests that are about to be sent, by id. */
  readonly #hooks = new Map<IdText, MessageHooks>();
  #handlers: TransportHandlers | undefined;
  #isOver = false;
  #closing: Promise<void> | undefined;
  #onNoticesTaken: (() => void) | undefined;
  /** The revision a modern request named last. */
  #modernVersion: string = modernVersions[0];
  /** What initialize agreed on; undefined before it and in the modern era. */
  #legacyVersion: string | undefined;
  #isLegacy = false;
  #sessionId: string | undefined;
  #stream: ServerStream | undefined;
  #sse: SseEndpoint | undefined;
  /** Of the request whose answer comes by the stream of HTTP+SSE. */
  #initializeId: IdText | undefined;
  #postPath: string;
  /** Messages that wait until the server took notifications/initialized. */
  #held: [Message, MessageHooks | undefined][] | undefined;

  constructor(client: HttpClient, endpoint: HttpConnectEndpoint, options: ResolvedOptions) {
    this.url = shownUrl(endpoint);
    this.peer = client.peer;
    this.#server = { client, url: this.url, options };
    this.#path = endpoint.kind === 'http' ? endpoint.path : '/';
    this.#postPath = this.#path;
    client.onGone = (error) => this.destroy(error);
  }

  get sessionId(): string | undefined {
    return this.#sessionId;
  }

  /** Whether the server is one of HTTP+SSE; known after initialize. */
  get isSse(): boolean {
    return this.#sse !== undefined;
  }

  start(handlers: TransportHandlers): void {
    if (this.#handlers !== undefined) throw alreadyStarted();
    this.#handlers = handlers;
  }

  pause(): void {}

  resume(): void {}

  send(frame: Uint8Array | string): SendResult {
    if (this.#isOver || this.#closing !== undefined) return 'full';
    const message = this.#scanner.scanOwn(frame);
    const hooks = this.#hooks.get(message.id);
    this.#hooks.delete(message.id);
    this.post(message, hooks);
    return 'sent';
  }

  /** Header fields for the request that will be sent under this id. */
  addHeaders(id: IdText, headers: Readonly<Record<string, string>>): void {
    this.#hooks.set(id, { headers });
  }

  /** A message for post(). Throws FRAME_INVALID for what is none. */
  messageOf(frame: string): Message {
    return this.#scanner.scanOwn(frame);
  }

  /** Resolves when what the server says unasked can arrive. */
  async listening(): Promise<void> {
    await this.#stream?.ready;
  }

  /** send() of a message that was scanned already. */
  post(message: Message, hooks?: MessageHooks): void {
    const { method } = message;
    if (this.#held !== undefined) {
      const isTakenBack = method === 'notifications/cancelled' && this.#takeBack(cancelledId(message));
      if (isTakenBack) hooks?.onEnd?.(undefined);
      else this.#held.push([message, hooks]);
      return;
    }
    if (message.version !== '') this.#modernVersion = message.version;
    if (method === 'initialize') this.#beginSession();
    // A modern server sends no requests, so what would be a reply has nobody who asked.
    const isNeedless =
      method === 'notifications/cancelled' ? this.#cancel(message) : isReply(message) && !this.#isLegacy;
    if (isNeedless) {
      hooks?.onEnd?.(undefined);
      return;
    }
    const version = this.#isLegacy ? '' : message.version || this.#modernVersion;
    if (method === 'notifications/initialized') this.#held = [];
    const answeredElsewhere = this.#sse !== undefined;
    const isResumable = version === '' && !answeredElsewhere;
    this.#start(new Exchange(this, message, { version, isResumable, answeredElsewhere, hooks }));
  }

  /** Gives a request up. The modern era takes that for cancellation; true where it was under way. */
  abort(id: IdText): boolean {
    if (this.#takeBack(id)) return true;
    for (const exchange of this.#exchanges) {
      if (!exchange.isRequest || exchange.message.id !== id) continue;
      exchange.abort();
      this.#exchanges.delete(exchange);
      return true;
    }
    return false;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  destroy(error?: RingwireError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const unended = this.#release();
    void this.#server.client.close();
    this.#handlers?.onClose(error);
    for (const hooks of unended) hooks.onEnd?.(error ?? closedError(this.url));
  }

  // For its exchanges and streams.

  transmit(exchange: Exchange, lastEventId: string | undefined): HttpCall {
    if (lastEventId !== undefined) return this.listen(exchange, lastEventId);
    const { message, traits } = exchange;
    const { version, hooks } = traits;
    const own = version === '' ? this.#legacyHeaders(message.method) : modernHeaders(message, version);
    exchange.sessionId = own['mcp-session-id'];
    const request: HttpRequest = {
      method: 'POST',
      path: this.#postPath,
      headers: { ...hooks?.headers, accept: bothTypes, 'content-type': 'application/json', ...own },
      body: message.frame,
    };
    return requestFrames(this.#server, request, exchange);
  }

  listen(sink: FrameSink, lastEventId: string | undefined): HttpCall {
    const headers = {
      accept: 'text/event-stream',
      ...this.#legacyHeaders(''),
      // In UTF-8, as browsers send it (HTML, "Server-sent events").
      ...(lastEventId !== undefined && { 'last-event-id': Buffer.from(lastEventId).toString('latin1') }),
    };
    return requestFrames(this.#server, { method: 'GET', path: this.#path, headers }, sink);
  }

  scan(frame: Buffer): Message | undefined {
    return this.#scanner.scan(frame);
  }

  opened({ message, status, wasTaken }: Exchange, headers: AnswerHeaders): void {
    // What a broken answer goes on with names no session any more.
    if (message.method !== 'initialize' || status >= 300 || wasTaken) return;
    const id = headerOf(headers, 'mcp-session-id');
    // Only visible ASCII is a session id (2025-11-25, basic/transports, "Session Management").
    this.#sessionId = /^[\x21-\x7e]+$/.test(id) ? id : undefined;
  }

  deliver(message: Message, exchange: Exchange): void {
    if (exchange.message.method === 'initialize' && isReply(message)) this.#onInitialized(message);
    if (exchange.traits.version !== '' && !isReply(message) && message.id !== '') {
      const text = `${this.url} sent a request, which no server of ${exchange.traits.version} may.`;
      this.report(new RingwireError('FRAME_INVALID', text));
      return;
    }
    this.#handlers?.onFrame(message.frame);
  }

  report(error: RingwireError): void {
    if (!this.#isOver) this.#handlers?.onFrameError?.(error);
  }

  ended(exchange: Exchange, error: RingwireError | undefined): void {
    this.#exchanges.delete(exchange);
    const { message, sessionId, status } = exchange;
    if (message.method === 'initialize' && error !== undefined && mayBeSse(status, error)) {
      void this.#trySse(exchange, error);
      return;
    }
    const isLost = error !== undefined && status === 404 && sessionId !== undefined;
    const gone = isLost ? sessionEnded(this.url, error) : undefined;
    // What had begun before the session ended may be done: its caller must not take it for never looked at.
    const failure = exchange.wasTaken ? error : (gone ?? error);
    if (message.method === 'notifications/initialized') this.#begin(failure);
    this.#tell(exchange, failure);
    this.#checkNotices();
    if (gone !== undefined && sessionId === this.#sessionId) this.destroy(gone);
  }

  onServerFrame(frame: Buffer): void {
    if (this.#isOver) return;
    if (this.#sse !== undefined) {
      const message = this.#scanner.scan(frame);
      if (message?.id === this.#initializeId && message !== undefined && isReply(message))
        this.#onInitialized(message);
    }
    this.#handlers?.onFrame(frame);
  }

  onSessionGone(error: HttpError): void {
    if (this.#sessionId !== undefined) this.destroy(sessionEnded(this.url, error));
  }

  onStreamGone(error: RingwireError | undefined): void {
    this.destroy(error);
  }

  // The era's own business.

  #tell(exchange: Exchange, failure: RingwireError | undefined): void {
    const { hooks } = exchange.traits;
    if (failure !== undefined && exchange.isRequest) this.onRequestFailed?.(exchange.message.id, failure);
    else if (failure !== undefined && hooks?.onEnd === undefined) this.report(failure);
    hooks?.onEnd?.(failure);
  }

  #start(exchange: Exchange): void {
    this.#exchanges.add(exchange);
    exchange.start();
  }

  #beginSession(): void {
    this.#isLegacy = true;
    this.#legacyVersion = undefined;
    this.#sessionId = undefined;
  }

  #onInitialized(message: Message): void {
    const { protocolVersion } = (resultOf(message) ?? {}) as { protocolVersion?: unknown };
    if (typeof protocolVersion === 'string') this.#legacyVersion = protocolVersion;
  }

  /** The server knows that we are ready, so that the next message cannot overtake this. */
  #begin(failure: RingwireError | undefined): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    if (failure === undefined && this.#sse === undefined && this.#closing === undefined)
      this.#stream ??= new ServerStream(this);
    for (const [message, hooks] of held) this.post(message, hooks);
  }

  /** Whether a request of this id was still held; it will not be sent. */
  #takeBack(id: IdText | undefined): boolean {
    const held = this.#held ?? [];
    const at = held.findIndex(([{ kind, id: its }]) => kind === EnvelopeKind.Request && its === id);
    if (at >= 0) held.splice(at, 1);
    return at >= 0;
  }

  /** True where the message need not be sent, because cutting the stream says it. */
  #cancel(message: Message): boolean {
    const id = cancelledId(message);
    for (const exchange of this.#exchanges) {
      if (exchange.message.id !== id || !exchange.isRequest) continue;
      exchange.abort();
      this.#exchanges.delete(exchange);
      // 2025-11-25, basic/utilities/cancellation: initialize is never cancelled.
      return exchange.traits.version !== '' || exchange.message.method === 'initialize';
    }
    return !this.#isLegacy;
  }

  #legacyHeaders(method: string): Record<string, string> {
    if (method === 'initialize' || this.#sse !== undefined) return {};
    return {
      ...(this.#legacyVersion !== undefined && { 'mcp-protocol-version': this.#legacyVersion }),
      ...(this.#sessionId !== undefined && { 'mcp-session-id': this.#sessionId }),
    };
  }

  /** The server takes no initialize by POST: it may be one of HTTP+SSE (2025-11-25, "Backwards Compatibility"). */
  async #trySse(refused: Exchange, refusal: RingwireError): Promise<void> {
    const sse = new SseEndpoint(this.#server, this.#path, this);
    let path: string;
    try {
      path = await sse.path;
    } catch {
      sse.close();
      this.#tell(refused, refusal);
      return;
    }
    if (this.#isOver) {
      sse.close();
      return;
    }
    this.#sse = sse;
    this.#postPath = path;
    this.#initializeId = refused.message.id;
    const { hooks } = refused.traits;
    this.#start(
      new Exchange(this, refused.message, {
        version: '',
        isResumable: false,
        answeredElsewhere: true,
        hooks,
      }),
    );
  }

  async #close(): Promise<void> {
    if (this.#isOver) return;
    const sessionId = this.#sessionId;
    await this.#noticesTaken();
    for (const hooks of this.#release()) hooks.onEnd?.(closedError(this.url));
    if (sessionId !== undefined && this.#legacyVersion !== undefined) await this.#endSession();
    this.#isOver = true;
    await this.#server.client.close();
    this.#handlers?.onClose();
  }

  /** What was told before close() is let leave; nobody waits for calls any more. */
  #noticesTaken(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#onNoticesTaken = undefined;
        resolve();
      };
      const timer = setTimeout(done, this.#server.options.closeTimeoutMs);
      this.#onNoticesTaken = done;
      this.#checkNotices();
    });
  }

  #checkNotices(): void {
    if (this.#onNoticesTaken === undefined || this.#held !== undefined) return;
    for (const exchange of this.#exchanges) if (!exchange.isRequest) return;
    this.#onNoticesTaken();
  }

  /** Whatever it answers: 405 says that sessions end by themselves, 404 that this one has ended. */
  #endSession(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        call.abort();
        resolve();
      }, endSessionTimeoutMs);
      const done = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const sink: FrameSink = {
        onOpen: () => {},
        onFrame: () => {},
        onEnd: done,
        onRefused: done,
        onFail: done,
      };
      const request = { method: 'DELETE' as const, path: this.#path, headers: this.#legacyHeaders('') };
      const call = requestFrames(this.#server, request, sink);
    });
  }

  /** Whoever is left to be told that its message came to nothing. */
  #release(): MessageHooks[] {
    this.#stream?.close();
    this.#sse?.close();
    const unended: (MessageHooks | undefined)[] = (this.#held ?? []).map(([, hooks]) => hooks);
    this.#held = undefined;
    for (const exchange of this.#exchanges) {
      exchange.abort();
      unended.push(exchange.traits.hooks);
    }
    this.#exchanges.clear();
    return unended.filter((hooks) => hooks !== undefined);
  }
}

/** Requests that carry Mcp-Name. */
const named = new Set(['tools/call', 'resources/read', 'prompts/get']);

/**
 * A transport for an endpoint. Nothing is sent yet, except that a child is started.
 * @throws RingwireError CONFIG_INVALID, CANCELLED, and what starting a child throws.
 */
export async function connectHttpTransport(
  endpoint: HttpConnectEndpoint,
  options: ResolvedOptions,
): Promise<McpHttpTransport> {
  const { signal } = options;
  const client = await openHttpClient(endpoint, options);
  if (!signal?.aborted) return new McpHttpTransport(client, endpoint, options);
  await client.close();
  throw aborted(`Connecting to ${shownUrl(endpoint)}`, signal);
}

/** 2026-07-28, basic/transports/streamable-http, "Standard Request Headers". */
function modernHeaders({ method, name }: Message, version: string): Record<string, string> {
  return {
    'mcp-protocol-version': version,
    'mcp-method': encodeHeaderValue(method),
    ...(named.has(method) && { 'mcp-name': encodeHeaderValue(name) }),
  };
}

/** The server did not look at what it answered so: it may be sent again in a new session. */
function sessionEnded(url: string, cause: RingwireError): RingwireError {
  return new RingwireError('SESSION_ENDED', `${url} knows the session no more.`, { cause });
}

function closedError(url: string): RingwireError {
  return new RingwireError('CONNECTION_CLOSED', `The connection with ${url} was closed.`);
}

/** Whom a notifications/cancelled gives up. */
function cancelledId(message: Message): IdText | undefined {
  const { params } = JSON.parse(message.frame.toString()) as { params?: { requestId?: unknown } };
  return JSON.stringify(params?.requestId);
}

function mayBeSse(status: number, error: RingwireError): boolean {
  if (status !== 400 && status !== 404 && status !== 405) return false;
  return !(error instanceof RpcError && modernCodes.includes(error.rpcCode));
}

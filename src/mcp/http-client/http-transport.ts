/**
 * MCP's Streamable HTTP as a transport: each frame that goes out is a POST, each message of an answer a frame that
 * comes in. What the era asks for (header fields, sessions, streams, resumption) follows from the messages themselves,
 * so that whoever sends them, our client or an official one, need not know.
 */
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
} from '../../transports/http/client/http-client.js';
import type { ResolvedOptions } from '../../transports/options.js';
import { alreadyStarted } from '../../transports/system-errors.js';
import type { PeerInfo, SendResult, Transport, TransportHandlers } from '../../transports/transport.js';
import { encodeHeaderValue } from '../header-values.js';
import { modernVersions } from '../protocol.js';
import { Exchange, type ExchangeOwner } from './exchange.js';
import { isReply, type Message, MessageScanner } from './outgoing.js';
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
  /** A notification or a reply of ours was not accepted. */
  onUndelivered: ((error: RingwireError) => void) | undefined;
  /** An exchange is over; `error` as with onRequestFailed. */
  onExchangeEnded: ((message: Message, error: RingwireError | undefined) => void) | undefined;

  readonly #server: FrameServer;
  readonly #path: string;
  readonly #scanner = new MessageScanner();
  readonly #exchanges = new Set<Exchange>();
  /** Header fields of messages that are about to be sent, by id. */
  readonly #extra = new Map<IdText, Readonly<Record<string, string>>>();
  #handlers: TransportHandlers | undefined;
  #isOver = false;
  #closing: Promise<void> | undefined;
  /** The revision a modern request named last. */
  #modernVersion: string = modernVersions[0];
  /** What initialize agreed on; undefined before it and in the modern era. */
  #legacyVersion: string | undefined;
  #isLegacy = false;
  #sessionId: string | undefined;
  #stream: ServerStream | undefined;
  #sse: SseEndpoint | undefined;
  #postPath: string;
  /** Messages that wait until the server took notifications/initialized. */
  #held: Message[] | undefined;

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
    this.post(this.#scanner.scanOwn(frame));
    return 'sent';
  }

  /** Header fields for the request that will be sent under this id. */
  addHeaders(id: IdText, headers: Readonly<Record<string, string>>): void {
    this.#extra.set(id, headers);
  }

  /** Resolves when what the server says unasked can arrive. */
  async listening(): Promise<void> {
    await this.#stream?.ready;
  }

  /** send() of a message that was scanned already. */
  post(message: Message): void {
    if (this.#held !== undefined) {
      this.#held.push(message);
      return;
    }
    const { method, id } = message;
    if (message.version !== '') this.#modernVersion = message.version;
    if (method === 'initialize') this.#beginSession();
    if (method === 'notifications/cancelled' && this.#cancel(message)) return;
    // A modern server sends no requests, so what would be a reply has nobody who asked.
    if (isReply(message) && !this.#isLegacy) return;
    const version = this.#isLegacy ? '' : message.version || this.#modernVersion;
    const headers = this.#extra.get(id);
    this.#extra.delete(id);
    if (method === 'notifications/initialized') this.#held = [];
    this.#start(new Exchange(this, message, version, this.#sse !== undefined, headers));
  }

  /** Gives a request up. The modern era takes that for cancellation; true where it was under way. */
  abort(id: IdText): boolean {
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
    this.#release();
    void this.#server.client.close();
    this.#handlers?.onClose(error);
  }

  // For its exchanges and streams.

  transmit(exchange: Exchange, lastEventId: string | undefined): HttpCall {
    if (lastEventId !== undefined) return this.listen(exchange, lastEventId);
    const { message, version, headers } = exchange;
    const own = version === '' ? this.#legacyHeaders(message.method) : modernHeaders(message, version);
    exchange.sessionId = own['mcp-session-id'];
    const request: HttpRequest = {
      method: 'POST',
      path: this.#postPath,
      headers: { ...headers, accept: bothTypes, 'content-type': 'application/json', ...own },
      body: message.frame,
    };
    return requestFrames(this.#server, request, exchange);
  }

  listen(sink: FrameSink, lastEventId: string | undefined): HttpCall {
    const headers = {
      accept: 'text/event-stream',
      ...this.#legacyHeaders(''),
      ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
    };
    return requestFrames(this.#server, { method: 'GET', path: this.#path, headers }, sink);
  }

  scan(frame: Buffer): Message | undefined {
    return this.#scanner.scan(frame);
  }

  opened({ message, status }: Exchange, headers: AnswerHeaders): void {
    if (message.method !== 'initialize' || status >= 300) return;
    const id = headerOf(headers, 'mcp-session-id');
    // Only visible ASCII is a session id (2025-11-25, basic/transports, "Session Management").
    this.#sessionId = /^[\x21-\x7e]+$/.test(id) ? id : undefined;
  }

  deliver(message: Message, exchange: Exchange): void {
    if (exchange.message.method === 'initialize' && isReply(message)) this.#onInitialized(message);
    if (exchange.version !== '' && !isReply(message) && message.id !== '') {
      const text = `${this.url} sent a request, which no server of ${exchange.version} may.`;
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
      void this.#trySse(message, error);
      return;
    }
    const isLost = error !== undefined && status === 404 && sessionId !== undefined;
    const failure = isLost ? sessionEnded(this.url, error) : error;
    if (message.method === 'notifications/initialized') this.#begin(failure);
    if (failure !== undefined) {
      if (exchange.isRequest) this.onRequestFailed?.(message.id, failure);
      else this.onUndelivered?.(failure);
    }
    this.onExchangeEnded?.(message, failure);
    if (isLost && sessionId === this.#sessionId) this.destroy(failure);
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

  #initializeId: IdText | undefined;

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
    const { protocolVersion } = JSON.parse(message.result) as { protocolVersion?: unknown };
    if (typeof protocolVersion === 'string') this.#legacyVersion = protocolVersion;
  }

  /** The server knows that we are ready, so that the next message cannot overtake this. */
  #begin(failure: RingwireError | undefined): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    if (failure === undefined && this.#sse === undefined) this.#stream ??= new ServerStream(this);
    for (const message of held) this.post(message);
  }

  /** True where the message need not be sent, because cutting the stream says it. */
  #cancel(message: Message): boolean {
    const { requestId } =
      (JSON.parse(message.frame.toString()) as { params?: { requestId?: unknown } }).params ?? {};
    const id = JSON.stringify(requestId);
    for (const exchange of this.#exchanges) {
      if (exchange.message.id !== id || !exchange.isRequest) continue;
      exchange.abort();
      this.#exchanges.delete(exchange);
      // 2025-11-25, basic/utilities/cancellation: initialize is never cancelled.
      return exchange.version !== '' || exchange.message.method === 'initialize';
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
  async #trySse(initialize: Message, refusal: RingwireError): Promise<void> {
    const sse = new SseEndpoint(this.#server, this.#path, this);
    let path: string;
    try {
      path = await sse.path;
    } catch {
      sse.close();
      this.onRequestFailed?.(initialize.id, refusal);
      this.onExchangeEnded?.(initialize, refusal);
      return;
    }
    if (this.#isOver) {
      sse.close();
      return;
    }
    this.#sse = sse;
    this.#postPath = path;
    this.#initializeId = initialize.id;
    this.#start(new Exchange(this, initialize, '', true, undefined));
  }

  async #close(): Promise<void> {
    if (this.#isOver) return;
    const sessionId = this.#sessionId;
    this.#release();
    if (sessionId !== undefined && this.#legacyVersion !== undefined) await this.#endSession();
    this.#isOver = true;
    await this.#server.client.close();
    this.#handlers?.onClose();
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

  #release(): void {
    this.#stream?.close();
    this.#sse?.close();
    for (const exchange of this.#exchanges) exchange.abort();
    this.#exchanges.clear();
    this.#held = undefined;
  }
}

/** 2026-07-28, basic/transports/streamable-http, "Standard Request Headers". */
function modernHeaders({ method, name }: Message, version: string): Record<string, string> {
  return {
    'mcp-protocol-version': version,
    'mcp-method': encodeHeaderValue(method),
    ...(name !== '' && { 'mcp-name': encodeHeaderValue(name) }),
  };
}

/** The server did not look at what it answered so: it may be sent again in a new session. */
function sessionEnded(url: string, cause: RingwireError): RingwireError {
  return new RingwireError('SESSION_ENDED', `${url} knows the session no more.`, { cause });
}

function mayBeSse(status: number, error: RingwireError): boolean {
  if (status !== 400 && status !== 404 && status !== 405) return false;
  return !(error instanceof RpcError && modernCodes.includes(error.rpcCode));
}

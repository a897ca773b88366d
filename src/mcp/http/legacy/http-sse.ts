/**
 * HTTP+SSE, the transport of 2024-11-05: one stream of events carries everything the server says, and the client
 * posts to an address that the stream's first event names. Source: 2024-11-05, basic/transports, "HTTP with SSE".
 */
import { randomBytes } from 'node:crypto';
import { EnvelopeField, ScanVerdict } from '../../../binding/constants.generated.js';
import { type RingwireError, RpcErrorCode } from '../../../errors.js';
import * as limits from '../../../limits.js';
import { jsonHead } from '../../../rpc/http/exchange-transport.js';
import { Peer } from '../../../rpc/peer.js';
import type { CloseOptions } from '../../../rpc/peer-options.js';
import { createScanner, type EnvelopeScanner } from '../../../serialization/envelope.js';
import { EventStream } from '../../../transports/http/event-stream.js';
import type { HeaderList, HttpApplication, HttpExchange } from '../../../transports/http/http-server.js';
import type { PeerInfo, SendResult, Transport, TransportHandlers } from '../../../transports/transport.js';
import type { McpServer } from '../../server.js';
import type { LegacySseOptions } from '../http-server-options.js';
import { acceptedForm, isJson } from '../media-types.js';
import { refusal, refusalText, refuse, unavailable } from '../refusal.js';
import { checkFrameSize } from './post-transport.js';
import { refuseInvalid, refuseMissingSession, refuseUnknownSession } from './refusals.js';
import { shuttingDown } from './session-transport.js';

export interface HttpSseOptions extends LegacySseOptions {
  /** Default maxSessions of src/limits.ts. */
  readonly maxSessions?: number;
  /** Default maxFrameBytes of src/limits.ts. */
  readonly maxFrameBytes?: number;
  /** Default sseKeepAliveMs of src/limits.ts. */
  readonly keepAliveIntervalMs?: number;
}

/** The status of a body that cannot be had. */
const bodyStatus: Readonly<Record<string, number>> = {
  FRAME_TOO_LARGE: 413,
  CONFIG_INVALID: 415,
  DEADLINE_EXCEEDED: 408,
};

export class HttpSseEndpoint implements HttpApplication {
  /** Where it answers. */
  readonly paths: readonly string[];
  readonly #server: McpServer;
  readonly #path: string;
  readonly #messagesPath: string;
  readonly #maxConnections: number;
  readonly #maxFrameBytes: number;
  readonly #keepAliveMs: number;
  readonly #scanner: EnvelopeScanner;
  readonly #record = new Int32Array(EnvelopeField.Count);
  readonly #connections = new Map<string, SseTransport>();
  #isClosing = false;

  constructor(server: McpServer, options: HttpSseOptions = {}) {
    this.#server = server;
    this.#path = options.path ?? '/sse';
    this.#messagesPath = options.messagesPath ?? '/messages';
    this.#maxConnections = options.maxSessions ?? limits.maxSessions;
    this.#maxFrameBytes = options.maxFrameBytes ?? limits.maxFrameBytes;
    this.#keepAliveMs = options.keepAliveIntervalMs ?? limits.sseKeepAliveMs;
    this.#scanner = server.rpc.peerOptions.scanner ?? createScanner();
    this.paths = [this.#path, this.#messagesPath];
  }

  /** Streams that are open. */
  get connections(): number {
    return this.#connections.size;
  }

  onRequest(exchange: HttpExchange): void {
    const method = exchange.path === this.#path ? 'GET' : 'POST';
    if (exchange.method !== method) {
      const message = `${exchange.path} is asked with ${method}.`;
      refuse(exchange, refusal(405, RpcErrorCode.InvalidRequest, message), null, [
        ...jsonHead,
        'allow',
        method,
      ]);
    } else if (method === 'GET') {
      this.#open(exchange);
    } else {
      this.#accept(exchange);
    }
  }

  onBody(exchange: HttpExchange, body: Buffer): void {
    const connection = exchange.state as SseTransport;
    const verdict = this.#scanner.scan(body, this.#record);
    if (verdict !== ScanVerdict.Ok && verdict !== ScanVerdict.BatchArray) {
      refuse(exchange, refusal(400, RpcErrorCode.ParseError, 'The body is no JSON-RPC message.'));
      return;
    }
    if (!connection.isOpen) {
      refuseUnknownSession(exchange, null);
      return;
    }
    // Answered first: what the message causes may end the connection.
    exchange.respond(202, []);
    connection.feed(body);
  }

  onBodyError(exchange: HttpExchange, error: RingwireError): void {
    refuseInvalid(exchange, bodyStatus[error.code] ?? 400, error.message);
  }

  onAbort(exchange: HttpExchange): void {
    if (exchange.state instanceof SseTransport) exchange.state.onGone(exchange);
  }

  refusal(status: number, problem: string): { readonly head: HeaderList; readonly body: string } {
    return { head: jsonHead, body: refusalText(status, problem) };
  }

  /** Lets calls at work end, then ends every stream. Idempotent. */
  async close(options?: CloseOptions): Promise<void> {
    this.#isClosing = true;
    await Promise.all([...this.#connections.values()].map(({ served }) => served?.close(options)));
  }

  #open(exchange: HttpExchange): void {
    const form = acceptedForm(exchange.header('accept'));
    if (form !== 'auto' && form !== 'events') {
      refuseInvalid(exchange, 406, 'Accept must list text/event-stream.');
    } else if (this.#isClosing) {
      refuse(exchange, shuttingDown);
    } else if (this.#connections.size >= this.#maxConnections) {
      refuse(exchange, unavailable('OVERLOADED', 'Every stream this server may hold is in use.'));
    } else {
      const id = randomBytes(32).toString('base64url');
      const events = new EventStream(exchange, [], this.#keepAliveMs);
      const transport = new SseTransport(exchange, events, this.#maxFrameBytes, () =>
        this.#connections.delete(id),
      );
      this.#connections.set(id, transport);
      transport.open(
        `${this.#messagesPath}?sessionId=${id}`,
        new Peer(transport, this.#server.rpc.peerOptions),
      );
    }
  }

  #accept(exchange: HttpExchange): void {
    const id = new URLSearchParams(exchange.query).get('sessionId') ?? '';
    const connection = this.#connections.get(id);
    if (id === '') {
      refuseMissingSession(exchange, null);
    } else if (connection === undefined || connection.principal !== exchange.principal?.principal) {
      refuseUnknownSession(exchange, null);
    } else if (!isJson(exchange.header('content-type'))) {
      refuseInvalid(exchange, 415, 'Content-Type must be application/json.');
    } else {
      exchange.state = connection;
      exchange.readBody();
    }
  }
}

/** A connection whose one direction is a stream of events, and the other one POSTs. */
class SseTransport implements Transport {
  readonly kind = 'http';
  readonly implementation = 'twin';
  readonly peer: PeerInfo;
  readonly principal: string | undefined;
  readonly #exchange: HttpExchange;
  readonly #events: EventStream;
  readonly #maxFrameBytes: number;
  readonly #onEnd: () => void;
  #served: Peer | undefined;
  #handlers: TransportHandlers | undefined;
  #isEnded = false;

  constructor(exchange: HttpExchange, events: EventStream, maxFrameBytes: number, onEnd: () => void) {
    exchange.state = this;
    this.peer = exchange.peer;
    this.principal = exchange.principal?.principal;
    this.#exchange = exchange;
    this.#maxFrameBytes = maxFrameBytes;
    this.#onEnd = onEnd;
    this.#events = events;
    this.#events.onDrain = () => this.#handlers?.onDrain?.();
  }

  get bufferedBytes(): number {
    return this.#events.bufferedBytes;
  }

  get isOpen(): boolean {
    return !this.#isEnded;
  }

  get served(): Peer | undefined {
    return this.#served;
  }

  start(handlers: TransportHandlers): void {
    this.#handlers = handlers;
  }

  /** Tells the client where to post. */
  open(messagesUrl: string, served: Peer): void {
    this.#served = served;
    served.auth = this.#exchange.principal;
    this.#events.send(messagesUrl, undefined, 'endpoint');
  }

  feed(frame: Buffer): void {
    this.#handlers?.onFrame(frame);
    this.#handlers?.onTickEnd?.();
  }

  send(frame: Uint8Array | string): SendResult {
    if (this.#isEnded) return 'full';
    const text = typeof frame === 'string' ? frame : Buffer.from(frame).toString();
    checkFrameSize(text, this.#maxFrameBytes);
    return this.#events.send(text);
  }

  /** The client of an exchange is gone. With its stream the connection ends; a POST does not matter. */
  onGone(exchange: HttpExchange): void {
    if (exchange !== this.#exchange) return;
    this.#events.abandon();
    this.#end(undefined);
  }

  pause(): void {}

  resume(): void {}

  close(): Promise<void> {
    this.destroy();
    return Promise.resolve();
  }

  /** With an error its client does not read, and would not see an end either. */
  destroy(error?: RingwireError): void {
    if (this.#isEnded) return;
    if (error === undefined) this.#events.end();
    else {
      this.#events.abandon();
      this.#exchange.destroy();
    }
    this.#end(error);
  }

  #end(error: RingwireError | undefined): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#onEnd();
    this.#handlers?.onClose(error);
  }
}

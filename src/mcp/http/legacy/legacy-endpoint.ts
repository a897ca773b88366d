/**
 * The legacy era of an MCP endpoint: sessions that initialize opens, and the streams that carry them.
 * Source: basic/transports of 2025-11-25, 2025-06-18 and 2025-03-26.
 */
import { EnvelopeField, EnvelopeKind } from '../../../binding/constants.generated.js';
import { RpcErrorCode } from '../../../errors.js';
import * as limits from '../../../limits.js';
import { type Clock, DeadlineQueue } from '../../../rpc/deadline-queue.js';
import { guarded } from '../../../rpc/guarded.js';
import { jsonHead } from '../../../rpc/http/exchange-transport.js';
import type { CloseOptions } from '../../../rpc/peer-options.js';
import type { IdText } from '../../../rpc/types.js';
import { createScanner, idText, methodText } from '../../../serialization/envelope.js';
import type { HeaderList, HttpExchange } from '../../../transports/http/http-server.js';
import type { McpServer } from '../../server.js';
import type { McpHttpOptions } from '../http-server-options.js';
import { acceptedForm } from '../media-types.js';
import { refusal, refuse, unavailable } from '../refusal.js';
import { isArray, serveBatch } from './batch.js';
import { deliver } from './deliver.js';
import { ExchangeHolder } from './exchange-holder.js';
import { HttpSession, type SessionHost } from './http-session.js';
import { refuseInvalid, refuseMissingSession, refuseUnknownSession } from './refusals.js';
import { SessionTable } from './session-table.js';
import { shuttingDown } from './session-transport.js';

/** What the router of eras read from the head of a request. */
export interface LegacyFields {
  /** MCP-Protocol-Version, '' where it is absent. */
  readonly protocolVersion: string;
  /** Mcp-Session-Id, '' where it is absent. */
  readonly sessionId: string;
  /** Accept, '' where it is absent. */
  readonly accept: string;
}

export interface LegacyEndpointOptions extends McpHttpOptions {
  /** A larger message of ours is refused. Default maxFrameBytes of src/limits.ts. */
  readonly maxFrameBytes?: number;
  /** Measures idleness. Default: the system's. */
  readonly clock?: Clock;
}

const mustAccept = 'Accept must list application/json and text/event-stream.';

const methodHead: HeaderList = [...jsonHead, 'allow', 'POST'];

export class LegacyEndpoint {
  /** Messages that found no stream to go on and no store. */
  undelivered = 0;
  /** Operations that the event store failed. */
  storeFailures = 0;
  readonly #server: McpServer;
  readonly #host: SessionHost;
  readonly #table: SessionTable;
  /** Calls at work in one session, and in all. */
  readonly #maxInFlight: number;
  readonly #maxTotal: number;
  #isClosing = false;

  constructor(server: McpServer, options: LegacyEndpointOptions = {}) {
    this.#server = server;
    const { peerOptions } = server.rpc;
    this.#maxInFlight = peerOptions.maxInFlight ?? limits.maxInFlight;
    this.#maxTotal = options.maxInFlight ?? limits.maxHttpInFlight;
    this.#table = new SessionTable({
      maxSessions: options.maxSessions ?? limits.maxSessions,
      sessionTtlMs: options.sessionTtlMs ?? limits.sessionTtlMs,
      clock: options.clock,
    });
    this.#host = {
      peerOptions,
      deadlines: peerOptions.deadlines ?? new DeadlineQueue(),
      store: options.eventStore,
      keepAliveMs: options.keepAliveIntervalMs ?? limits.sseKeepAliveMs,
      inFlight: 0,
      stallTimeoutMs: peerOptions.stallTimeoutMs ?? limits.stallTimeoutMs,
      retryMs: options.retryMs ?? limits.streamRetryMs,
      maxFrameBytes: options.maxFrameBytes ?? limits.maxFrameBytes,
      onUndelivered: () => {
        this.undelivered += 1;
      },
      onStoreFailure: (error, { peer }) => {
        this.storeFailures += 1;
        const { onHandlerError } = peerOptions;
        if (onHandlerError !== undefined) guarded(() => onHandlerError(error, 'event store', peer));
      },
      onActivity: (session) => this.#table.touch(session),
      onEnd: (session) => this.#table.delete(session),
    };
  }

  /** Sessions that are alive. */
  get sessions(): number {
    return this.#table.size;
  }

  /**
   * Answers a POST. `body` is one message, or a batch array; it is borrowed until this returns. `record` is its scan,
   * which means nothing for an array.
   */
  post(exchange: HttpExchange, fields: LegacyFields, body: Buffer, record: Int32Array): void {
    const isBatch = isArray(body);
    const isRequest = !isBatch && record[EnvelopeField.Kind] === EnvelopeKind.Request;
    const id = isRequest ? idText(body, record) : null;
    const method = isRequest ? methodText(body, record) : '';
    if (fields.sessionId === '' && isRequest && this.#serveWithoutSession(exchange, fields, method, body, id))
      return;
    const session = this.#find(exchange, fields.sessionId, id);
    if (session === undefined || !this.#checkVersion(exchange, fields.protocolVersion, id)) return;
    if (isBatch && !session.servesBatches) {
      const message = 'Batch arrays exist in revision 2025-03-26 alone; send one message in each POST.';
      refuseInvalid(exchange, 400, message);
    } else if (!isBatch && !isRequest) {
      deliver(session, body, record);
      exchange.respond(202, []);
    } else if (method === 'initialize') {
      const message =
        'This session is initialized already. POST initialize without Mcp-Session-Id to begin another.';
      refuseInvalid(exchange, 400, message, id);
    } else if (acceptedForm(fields.accept) !== 'auto') {
      refuseInvalid(exchange, 406, mustAccept, id);
    } else if (this.#isClosing) {
      refuse(exchange, shuttingDown, id);
    } else if (session.inFlight >= this.#maxInFlight) {
      const message = `More than ${this.#maxInFlight} calls are in flight in this session.`;
      refuse(exchange, unavailable('OVERLOADED', message), id);
    } else if (this.#host.inFlight >= this.#maxTotal) {
      const message = `More than ${this.#maxTotal} calls are in flight.`;
      refuse(exchange, unavailable('OVERLOADED', message), id);
    } else if (isBatch) {
      const { scanner = createScanner() } = this.#host.peerOptions;
      serveBatch(session, exchange, body, scanner, this.#host.peerOptions.maxBatchMessages);
    } else {
      session.call(exchange, body);
    }
  }

  /** Answers a GET: the session's stream, or with Last-Event-ID the rest of one that broke. */
  get(exchange: HttpExchange): void {
    const session = this.#findByHead(exchange);
    if (session === undefined) return;
    if (!takesEvents(exchange)) {
      refuseInvalid(exchange, 406, 'Accept must list text/event-stream.');
      return;
    }
    if (this.#isClosing) {
      refuse(exchange, shuttingDown, null);
      return;
    }
    const lastEventId = exchange.header('last-event-id');
    const { store } = this.#host;
    if (lastEventId === '' || store === undefined) {
      session.transport.stream.open(exchange);
      return;
    }
    const found = session.find(lastEventId);
    if (found === undefined) refuseInvalid(exchange, 400, 'Last-Event-ID is no event of this session.');
    else void found.stream.resume(exchange, found.sequence, store);
  }

  /** Answers a DELETE: the session ends. */
  delete(exchange: HttpExchange): void {
    const session = this.#findByHead(exchange);
    if (session === undefined) return;
    session.end();
    exchange.respond(204, []);
  }

  /** The client of an exchange went away. Exchanges of others are left alone. */
  abort(exchange: HttpExchange): void {
    if (exchange.state instanceof ExchangeHolder) exchange.state.onExchangeGone(exchange);
  }

  /** Takes no new calls and sessions, lets calls at work end, then ends every session. Idempotent. */
  async close(options?: CloseOptions): Promise<void> {
    this.#isClosing = true;
    await Promise.all(this.#table.all().map((session) => session.close(options)));
  }

  /** initialize opens a session; ping is answered before there is one, too (basic/lifecycle, "Initialization"). */
  #serveWithoutSession(
    exchange: HttpExchange,
    { accept }: LegacyFields,
    method: string,
    body: Buffer,
    id: IdText | null,
  ): boolean {
    if (method === 'ping') {
      exchange.respond(200, jsonHead, `{"jsonrpc":"2.0","id":${id},"result":{}}`);
      return true;
    }
    if (method !== 'initialize') return false;
    if (acceptedForm(accept) !== 'auto') {
      refuseInvalid(exchange, 406, mustAccept, id);
    } else if (this.#isClosing) {
      refuse(exchange, shuttingDown, id);
    } else if (this.#table.makeRoom()) {
      this.#table.add(new HttpSession(this.#host, exchange, body));
    } else {
      refuse(exchange, unavailable('OVERLOADED', 'Every session this server may hold is in use.'), id);
    }
    return true;
  }

  /** For requests without a body. A modern client knows no GET and no DELETE, and is told so. */
  #findByHead(exchange: HttpExchange): HttpSession | undefined {
    const sessionId = exchange.header('mcp-session-id');
    const version = exchange.header('mcp-protocol-version');
    if (sessionId === '' && !this.#legacyVersions.includes(version)) {
      const message = `${exchange.method} needs the Mcp-Session-Id of a session that initialize opened; others POST.`;
      refuse(exchange, refusal(405, RpcErrorCode.InvalidRequest, message), null, methodHead);
      return undefined;
    }
    const session = this.#find(exchange, sessionId, null);
    return session !== undefined && this.#checkVersion(exchange, version, null) ? session : undefined;
  }

  #find(exchange: HttpExchange, sessionId: string, id: IdText | null): HttpSession | undefined {
    if (sessionId === '') {
      refuseMissingSession(exchange, id);
      return undefined;
    }
    const session = this.#table.find(sessionId, exchange.principal?.principal);
    if (session === undefined) refuseUnknownSession(exchange, id);
    return session;
  }

  /**
   * Any revision that is served passes: clients should send the one that was agreed on (basic/transports, "Protocol
   * Version Header"), and what was agreed on holds whatever they send.
   */
  #checkVersion(exchange: HttpExchange, version: string, id: IdText | null): boolean {
    const supported = this.#legacyVersions;
    if (version === '' || supported.includes(version)) return true;
    const message = `MCP-Protocol-Version ${version} is not served in sessions; supported are ${supported.join(', ')}.`;
    refuseInvalid(exchange, 400, message, id, { supported, requested: version });
    return false;
  }

  get #legacyVersions(): readonly string[] {
    return this.#server.catalogue.options.legacy;
  }
}

function takesEvents(exchange: HttpExchange): boolean {
  const form = acceptedForm(exchange.header('accept'));
  return form === 'auto' || form === 'events';
}

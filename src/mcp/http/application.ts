/**
 * MCP over HTTP: finds out which era a request is of, and answers it. Modern requests are answered here, the usual
 * ones by LightRoutes and the others by a Peer each; those of clients before 2026-07-28 go to the LegacyEndpoint.
 * Source: 2026-07-28, basic/transports/streamable-http.
 */
import { EnvelopeField, EnvelopeFlag, EnvelopeKind, ScanVerdict } from '../../binding/constants.generated.js';
import { type RingwireError, RpcErrorCode } from '../../errors.js';
import * as limits from '../../limits.js';
import { DeadlineQueue } from '../../rpc/deadline-queue.js';
import {
  ExchangeTransport,
  type ExchangeTransportOptions,
  jsonHead,
} from '../../rpc/http/exchange-transport.js';
import { Peer } from '../../rpc/peer.js';
import {
  type CloseOptions,
  newCounters,
  type PeerOptions,
  resolvePeerOptions,
} from '../../rpc/peer-options.js';
import { refusalOf } from '../../rpc/refusals.js';
import type { IdText } from '../../rpc/types.js';
import { createScanner, type EnvelopeScanner, idText, methodText } from '../../serialization/envelope.js';
import type {
  HeaderList,
  HttpExchange,
  HttpUpgrade,
  ServerApplication,
  ServerWatch,
} from '../../transports/http/http-server.js';
import type { ResolvedOptions } from '../../transports/options.js';
import { decodeHeaderValue } from '../header-values.js';
import type { McpServer } from '../server.js';
import { HttpSseEndpoint } from './legacy/http-sse.js';
import { LegacyEndpoint } from './legacy/legacy-endpoint.js';
import { LightCall, type LightCallOwner } from './light-call.js';
import { LightRoutes } from './light-routes.js';
import { type AnswerForm, isJson } from './media-types.js';
import { checkModern, refuseLegacy } from './modern-check.js';
import { type Refusal, refusal, refusalText, refuse, statusOf, unavailable } from './refusal.js';
import { isModernVersion, RequestFields } from './request-fields.js';

/** The sub-protocol of MCP on WebSocket. */
const webSocketProtocol = 'mcp';
const listenMethod = 'subscriptions/listen';

const bodyErrorStatus: Readonly<Record<string, number>> = {
  FRAME_TOO_LARGE: 413,
  FRAME_INVALID: 400,
  CONFIG_INVALID: 415,
  DEADLINE_EXCEEDED: 408,
};

export function mcpApplication(server: McpServer, options: ResolvedOptions): ServerApplication {
  return new McpApplication(server, options);
}

class McpApplication implements ServerApplication, LightCallOwner {
  readonly deadlines: DeadlineQueue;
  readonly servedTimeoutMs: number;
  readonly maxFrameBytes: number;
  readonly counters = newCounters();
  readonly lightCalls = new Set<LightCall>();
  readonly #server: McpServer;
  readonly #legacy: LegacyEndpoint | undefined;
  readonly #sse: HttpSseEndpoint | undefined;
  readonly #scanner: EnvelopeScanner;
  readonly #record = new Int32Array(EnvelopeField.Count);
  readonly #routes: LightRoutes;
  readonly #peerOptions: PeerOptions;
  readonly #forms: Readonly<Record<AnswerForm, ExchangeTransportOptions>>;
  readonly #methodNotAllowed: HeaderList;
  readonly #maxInFlight: number;
  readonly #maxSubscriptions: number;
  /** Exchanges that a Peer serves. */
  readonly #peers = new Map<ExchangeTransport, Peer>();
  /** Those of them that are subscriptions. */
  readonly #subscriptions = new Set<ExchangeTransport>();
  #idleWaiters: (() => void)[] = [];
  #closing: Promise<void> | undefined;

  constructor(server: McpServer, options: ResolvedOptions) {
    const { maxFrameBytes } = options;
    const { http, legacy } = server.catalogue.options;
    const { peerOptions } = server.rpc;
    this.#server = server;
    this.#legacy = legacy.length > 0 ? new LegacyEndpoint(server, { ...http, maxFrameBytes }) : undefined;
    this.#sse = sseEndpoint(server, maxFrameBytes);
    this.#scanner = peerOptions.scanner ?? createScanner({ maxDepth: peerOptions.maxDepth });
    this.deadlines = peerOptions.deadlines ?? new DeadlineQueue();
    this.maxFrameBytes = maxFrameBytes;
    this.servedTimeoutMs = peerOptions.servedTimeoutMs;
    // The client closing its request is how it cancels.
    this.#peerOptions = resolvePeerOptions({
      ...peerOptions,
      counters: this.counters,
      cancelOnDisconnect: true,
    });
    this.#maxInFlight = http.maxInFlight ?? limits.maxHttpInFlight;
    this.#maxSubscriptions = http.maxSubscriptions ?? limits.maxHttpSubscriptions;
    const shared = {
      statusOf,
      maxFrameBytes,
      keepAliveMs: http.keepAliveIntervalMs ?? limits.sseKeepAliveMs,
      onEnd: (transport: ExchangeTransport) => this.#onPeerEnd(transport),
    };
    this.#forms = {
      auto: shared,
      json: { ...shared, form: 'json' },
      events: { ...shared, form: 'events' },
    };
    this.#methodNotAllowed = [
      ...jsonHead,
      'allow',
      this.#legacy === undefined ? 'POST' : 'GET, POST, DELETE',
    ];
    this.#routes = new LightRoutes(server, this, options.http.compression);
  }

  get paths(): readonly string[] {
    return this.#sse?.paths ?? [];
  }

  onRequest(exchange: HttpExchange): void {
    if (this.#sse?.paths.includes(exchange.path) === true) {
      exchange.application = this.#sse;
      this.#sse.onRequest(exchange);
      return;
    }
    // A session may bring what a call at work waits for.
    if (this.#closing !== undefined && exchange.header('mcp-session-id') === '') {
      refuse(exchange, closedRefusal);
      return;
    }
    if (exchange.method !== 'POST') {
      this.#onBodiless(exchange);
      return;
    }
    const contentType = exchange.header('content-type');
    if (!isJson(contentType)) {
      refuse(exchange, notJson(contentType));
      return;
    }
    const fields = new RequestFields(exchange);
    if (fields.form === 'none') {
      refuse(exchange, notAcceptable('application/json, text/event-stream'));
      return;
    }
    if (fields.method === 'tools/call') this.#readParams(exchange, fields);
    else if (this.#routes.compresses) fields.acceptEncoding = exchange.header('accept-encoding');
    exchange.state = fields;
    exchange.readBody();
  }

  #onBodiless(exchange: HttpExchange): void {
    const legacy = this.#legacy;
    if (legacy !== undefined && exchange.method === 'GET') legacy.get(exchange);
    else if (legacy !== undefined && exchange.method === 'DELETE') legacy.delete(exchange);
    else {
      const problem = `Method Not Allowed: send messages by POST, not ${exchange.method}`;
      refuse(exchange, refusal(405, RpcErrorCode.InvalidRequest, problem), null, this.#methodNotAllowed);
    }
  }

  /** Header fields can be read only now, and which ones matter is known only by the tool's name. */
  #readParams(exchange: HttpExchange, fields: RequestFields): void {
    const { name } = fields;
    const tool = this.#server.toolEntry(name) ?? this.#server.toolEntry(decodeHeaderValue(name) ?? '');
    if (tool !== undefined && tool.paramHeaders.length > 0) fields.readParams(exchange);
  }

  onBody(exchange: HttpExchange, body: Buffer): void {
    const fields = exchange.state as RequestFields;
    const record = this.#record;
    const verdict = this.#scanner.scan(body, record);
    // Replies and notifications are let through: they bring calls in flight to their end.
    const isCall = verdict !== ScanVerdict.Ok || record[EnvelopeField.Kind] === EnvelopeKind.Request;
    const isRefused =
      this.#closing === undefined
        ? isCall && this.#inFlight >= this.#maxInFlight
        : isCall || fields.sessionId === '';
    if (isRefused) {
      const id = verdict === ScanVerdict.Ok ? idText(body, record) : '';
      if (this.#closing === undefined) this.counters.overloaded += 1;
      refuse(exchange, this.#closing !== undefined ? closedRefusal : this.#overloaded(), id || null);
      return;
    }
    if (verdict !== ScanVerdict.Ok) {
      this.#onMalformed(exchange, fields, body, verdict);
      return;
    }
    if (this.#routes.serve(exchange, fields, body, record)) return;
    const isModern =
      (record[EnvelopeField.Flags] & EnvelopeFlag.HasModernMeta) !== 0 ||
      isModernVersion(fields.protocolVersion);
    if (isModern) this.#serveModern(exchange, fields, body);
    else if (this.#legacy !== undefined) this.#legacy.post(exchange, fields, body, record);
    else refuse(exchange, refuseLegacy(this.#server, fields, body, record), idOf(body, record));
  }

  #onMalformed(exchange: HttpExchange, fields: RequestFields, body: Buffer, verdict: number): void {
    // Arrays exist in one legacy revision.
    const mayBeBatch = verdict === ScanVerdict.BatchArray && !isModernVersion(fields.protocolVersion);
    if (mayBeBatch && this.#legacy !== undefined) {
      this.#legacy.post(exchange, fields, body, this.#record);
      return;
    }
    const { code, message } = refusalOf(verdict, this.#record[EnvelopeField.ErrorOffset]);
    refuse(exchange, refusal(400, code, message));
  }

  #serveModern(exchange: HttpExchange, fields: RequestFields, body: Buffer): void {
    const record = this.#record;
    const form = fields.form as AnswerForm;
    const isNotification = record[EnvelopeField.Kind] === EnvelopeKind.Notification;
    const isListen = methodText(body, record) === listenMethod && !isNotification;
    const problem =
      checkModern(this.#server, fields, body, record) ?? (isListen ? this.#checkListen(form) : undefined);
    if (problem !== undefined) {
      refuse(exchange, problem, idOf(body, record));
      return;
    }
    const transport = new ExchangeTransport(exchange, this.#forms[form]);
    if (isListen) this.#subscriptions.add(transport);
    exchange.state = transport;
    transport.deliver(body, this.#openPeer(transport), isNotification);
  }

  #checkListen(form: AnswerForm): Refusal | undefined {
    if (form === 'json') return notAcceptable('text/event-stream');
    return this.#subscriptions.size < this.#maxSubscriptions
      ? undefined
      : unavailable('OVERLOADED', `More than ${this.#maxSubscriptions} subscriptions are open.`);
  }

  #openPeer(transport: ExchangeTransport): Peer {
    const peer = new Peer(transport, this.#peerOptions);
    peer.auth = transport.exchange.principal;
    this.#peers.set(transport, peer);
    return peer;
  }

  onBodyError(exchange: HttpExchange, error: RingwireError): void {
    const status = bodyErrorStatus[error.code] ?? 400;
    refuse(exchange, refusal(status, RpcErrorCode.InvalidRequest, error.message));
  }

  onAbort(exchange: HttpExchange): void {
    const { state } = exchange;
    if (state instanceof ExchangeTransport) state.abort();
    else if (state instanceof LightCall) state.onExchangeGone();
    else if (!(state instanceof RequestFields)) this.#legacy?.abort(exchange);
  }

  onUpgrade(upgrade: HttpUpgrade): void {
    if (this.#closing !== undefined) {
      const { status, error } = closedRefusal;
      upgrade.refuse(status, jsonHead, refusalText(status, error.message));
      return;
    }
    const protocol = upgrade.protocols.includes(webSocketProtocol) ? webSocketProtocol : undefined;
    const { principal } = upgrade;
    upgrade.accept(protocol, (transport) => {
      if (this.#closing !== undefined) transport.destroy();
      else this.#server.attach(transport).auth = principal;
    });
  }

  refusal(status: number, problem: string): { readonly head: HeaderList; readonly body: string } {
    return { head: jsonHead, body: refusalText(status, problem) };
  }

  close(options?: CloseOptions): Promise<void> {
    this.#closing ??= this.#close(options);
    return this.#closing;
  }

  async #close({ drainTimeoutMs = limits.drainTimeoutMs }: CloseOptions = {}): Promise<void> {
    this.#routes.close();
    const ours = new Set<unknown>(this.#peers.values());
    this.#server.endSubscriptions((connection) => ours.has(connection));
    const timer = setTimeout(() => {
      for (const call of [...this.lightCalls]) call.giveUp();
    }, drainTimeoutMs);
    const idle = new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
    this.#checkIdle();
    await Promise.all([
      idle,
      this.#legacy?.close({ drainTimeoutMs }),
      this.#sse?.close({ drainTimeoutMs }),
      ...[...this.#peers.values()].map((peer) => peer.close({ drainTimeoutMs })),
    ]);
    clearTimeout(timer);
  }

  gauges(): readonly (readonly [name: string, help: string, value: number])[] {
    const { overloaded, deadlinesExceeded, lateOutcomes } = this.counters;
    const streams = [...this.#peers.keys()].filter((transport) => transport.isStreaming).length;
    return [
      ['calls_in_flight', 'Calls over HTTP whose handlers are at work.', this.#inFlight],
      ['streams', 'Event streams of modern requests that are open, subscriptions included.', streams],
      ['subscriptions', 'Open subscriptions of modern clients over HTTP.', this.#subscriptions.size],
      ['overloaded_total', 'Requests refused because too many calls were in flight.', overloaded],
      ['deadlines_exceeded_total', 'Calls that met their deadline.', deadlinesExceeded],
      ['late_outcomes_total', 'Outcomes of calls that were answered or abandoned before.', lateOutcomes],
      ['sse_connections', 'Open connections of clients of 2024-11-05.', this.#sse?.connections ?? 0],
      ['sessions', 'Sessions of clients of 2025-11-25 and earlier.', this.#legacy?.sessions ?? 0],
    ];
  }

  get watch(): ServerWatch {
    return this.#server.rpc.watch;
  }

  get load() {
    return { inFlight: this.#inFlight, refused: this.counters.overloaded };
  }

  // ---- What light calls need. ----

  onLightError(): void {
    this.#server.rpc.meter.errors += 1;
  }

  onLightEnd(): void {
    if (this.#idleWaiters.length > 0) this.#checkIdle();
  }

  openPeer(exchange: HttpExchange, form: AnswerForm): Peer {
    return this.#openPeer(new ExchangeTransport(exchange, this.#forms[form]));
  }

  get #inFlight(): number {
    return this.lightCalls.size + this.#peers.size - this.#subscriptions.size;
  }

  #onPeerEnd(transport: ExchangeTransport): void {
    this.#peers.delete(transport);
    this.#subscriptions.delete(transport);
    this.onLightEnd();
  }

  #checkIdle(): void {
    if (this.lightCalls.size > 0 || this.#peers.size > 0) return;
    for (const resolve of this.#idleWaiters.splice(0)) resolve();
  }

  #overloaded(): Refusal {
    return unavailable('OVERLOADED', `More than ${this.#maxInFlight} calls are in flight.`);
  }
}

/** HTTP+SSE, where the server is told to serve it. */
function sseEndpoint(server: McpServer, maxFrameBytes: number): HttpSseEndpoint | undefined {
  const { legacy, http } = server.catalogue.options;
  const { legacySse = false, maxSessions, keepAliveIntervalMs } = http;
  if (legacySse === false || legacy.length === 0) return undefined;
  const paths = legacySse === true ? {} : legacySse;
  return new HttpSseEndpoint(server, { ...paths, maxSessions, keepAliveIntervalMs, maxFrameBytes });
}

const closedRefusal = unavailable('CONNECTION_CLOSED', 'The server is shutting down.');

function notJson(contentType: string): Refusal {
  const sent = contentType === '' ? 'no Content-Type' : JSON.stringify(contentType);
  const problem = `Unsupported Media Type: the Content-Type must be application/json, not ${sent}`;
  return refusal(415, RpcErrorCode.InvalidRequest, problem);
}

function notAcceptable(needed: string): Refusal {
  return refusal(406, RpcErrorCode.InvalidRequest, `Not Acceptable: Accept must allow ${needed}`);
}

function idOf(body: Buffer, record: Int32Array): IdText | null {
  return idText(body, record) || null;
}

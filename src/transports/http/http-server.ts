/**
 * The seam between HTTP engines and what answers requests. An engine (uWebSockets.js, or node:http and node:http2)
 * reads requests, limits them and writes answers; an application decides what to answer. Neither knows the other, and
 * one suite of tests runs over all engines. Nothing here knows JSON-RPC.
 */

import type { RingwireError } from '../../errors.js';
import type { CallMeter } from '../../observability/call-meter.js';
import type { CallTotals, ConnectionRow, SendTotals } from '../../observability/server-totals.js';
import type { Listener, PeerInfo, SendResult, Transport } from '../transport.js';

export type HttpEngineName = 'uws' | 'node';

/** Header fields of an answer, flat: name, value, name, value … Made once and kept where an answer repeats. */
export type HeaderList = readonly string[];

/** What a request says before its body. Header fields can be read only until onRequest() or onUpgrade() returns. */
export interface HttpRequestHead {
  /** As sent, for instance 'POST'. */
  readonly method: string;
  /** As sent, from the first slash to before '?'. */
  readonly path: string;
  /** What follows '?', '' where nothing does. */
  readonly query: string;
  readonly peer: PeerInfo;
  /** Whether it came over TLS. */
  readonly isSecure: boolean;
  /** The subject and fingerprint of a client certificate that was verified; undefined without mutual TLS. */
  readonly clientCertificate?: ClientCertificate;
  /** The value of a field by its lower-case name, '' where it is absent; several fields are joined by ', '. */
  header(name: string): string;
  /** Calls back with every field: its name in lower case, and its value. */
  eachHeader(visit: (name: string, value: string) => void): void;
}

/** Who calls, as an authentication of the request's head found out. */
export interface HttpPrincipal {
  readonly principal: string;
  readonly scopes: readonly string[];
}

export interface ClientCertificate {
  readonly subject: string;
  /** SHA-256, lower-case hexadecimal. */
  readonly fingerprint: string;
}

/**
 * One request and its answer. Exactly one of respond(), openStream() and destroy() is called, once; what is called
 * after the client is gone does nothing.
 */
export interface HttpExchange extends HttpRequestHead {
  /** The place where an application keeps what it knows of this request. */
  state: unknown;
  /** Who answers; a router may hand the exchange on by setting it before onRequest() of the other is called. */
  application: HttpApplication;
  /** Who calls; set by what authenticates before the application is asked. */
  principal: HttpPrincipal | undefined;
  /** Told when respond() is called. The answer that comes in parts has no one time. */
  timer?: { end(): void } | undefined;
  /** The client went away before the answer was complete, or the engine refused the rest of the request. */
  readonly isAborted: boolean;
  /**
   * Copies the header fields, so that they can be read and readBody() can be called until the answer is given: for
   * applications that must wait before they know what to do. The engine holds what arrives of the body meanwhile.
   */
  keepHead(): void;
  /**
   * Has the body read and given to application.onBody(), whole and with its content coding undone. May be called once,
   * before onRequest() returns (after keepHead(): before the answer). `maxBytes` limits the body as sent and as decoded; default the listener's maxBodyBytes.
   */
  readBody(maxBytes?: number): void;
  /**
   * The whole answer in one write: content-length is added, a body that is worth it is compressed. `head` must not
   * hold content-length, connection, date or transfer-encoding.
   */
  respond(status: number, head: HeaderList, body?: string | Uint8Array): void;
  /** Begins an answer whose body comes in parts. */
  openStream(status: number, head: HeaderList): HttpStream;
  /** Cuts the connection (resets the stream of HTTP/2). */
  destroy(): void;
}

/** The body of an answer that comes in parts. Each write leaves at once. */
export interface HttpStream {
  /** 'full': not accepted, because highWatermarkBytes wait already; onDrain tells when there is room. */
  write(chunk: string | Uint8Array): SendResult;
  /** Bytes accepted and not yet given to the operating system. */
  readonly bufferedBytes: number;
  /** Called after write() said 'full' or 'queued', once bufferedBytes fell to lowWatermarkBytes. */
  onDrain: (() => void) | undefined;
  /** Ends the answer. Idempotent; after it, or after the client is gone, write() returns 'full'. */
  end(): void;
}

/** A request to become a WebSocket. Exactly one of accept() and refuse() is called. */
export interface HttpUpgrade extends HttpRequestHead {
  /** The sub-protocols the client offers, in its order. */
  readonly protocols: readonly string[];
  /** Who calls; set by what authenticates before the application is asked. */
  principal: HttpPrincipal | undefined;
  /** Copies the header fields, so that accept() or refuse() can come after onUpgrade() returned. */
  keepHead(): void;
  /** Becomes a connection whose text messages are frames. `protocol` is one of `protocols`, or undefined for none. */
  accept(protocol: string | undefined, connected: (transport: Transport) => void): void;
  refuse(status: number, head: HeaderList, body?: string | Uint8Array): void;
}

/**
 * What answers requests. Its methods must not throw; an engine that catches something answers 500 and goes on. They
 * are called with the exchange so that one application object serves all requests without a closure for each.
 */
export interface HttpApplication {
  /** The head of a request is there. */
  onRequest(exchange: HttpExchange): void;
  /** The body asked for with readBody(). The view is borrowed until this returns. */
  onBody(exchange: HttpExchange, body: Buffer): void;
  /**
   * The body cannot be had: FRAME_TOO_LARGE (answer 413), FRAME_INVALID (a content coding that does not decode: 400),
   * CONFIG_INVALID (a content coding that is not known: 415), DEADLINE_EXCEEDED (too slow: 408). The application
   * answers, so that the answer has its form; the engine closes the connection behind it where the rest is unread.
   */
  onBodyError(exchange: HttpExchange, error: RingwireError): void;
  /** The client went away before the answer was complete. Not called after the answer was complete. */
  onAbort(exchange: HttpExchange): void;
  /** Absent where no WebSocket is served: then an upgrade is answered 426 or served as the request it also is. */
  onUpgrade?(upgrade: HttpUpgrade): void;
  /**
   * The answer to what never became a request: 400 (malformed), 408 (head too slow), 413, 431 (head too large), 503
   * (too many connections); and to what a site in front of the application refuses: 403, 404, 421. Returns head and
   * body in the application's form; `problem` says what was wrong and what would be right.
   */
  refusal(status: number, problem: string): { readonly head: HeaderList; readonly body: string };
}

/** An application with work of its own that must end: sessions, subscriptions. */
export interface ServerApplication extends HttpApplication {
  /**
   * Ends long-lived streams with their final message, refuses new work and waits for what is at work, drainTimeoutMs at
   * most (default of src/limits.ts). Idempotent.
   */
  close(options?: { readonly drainTimeoutMs?: number }): Promise<void>;
  /** Paths it answers beside the endpoint's own. */
  readonly paths?: readonly string[];
  /**
   * Numbers of now, for the metrics endpoint: name, help text and value. Names follow Prometheus, without a prefix; those
   * that end with "_total" only rise.
   */
  gauges?(): readonly (readonly [name: string, help: string, value: number])[];
  /** What the server behind it counts of all its connections, these and others; absent where there is none. */
  readonly watch?: ServerWatch;
  /** For the watch: calls of its exchanges that are at work, and exchanges it took no part of because of a limit. */
  readonly load?: { readonly inFlight: number; readonly refused: number };
}

/** Watches a server's calls and connections on every transport. Nothing is counted unless it was started. */
export interface ServerWatch {
  readonly meter: CallMeter;
  readonly connections: number;
  /** Each start() wants a stop(). */
  start(): void;
  stop(): void;
  calls(inFlight: number, refused: number): CallTotals;
  sends(): SendTotals;
  rows(): readonly ConnectionRow[];
}

/** A bound address with an engine behind it. */
export interface HttpListener extends Listener {
  readonly engine: HttpEngineName;
  /** Why this engine: 'asked for', 'uWebSockets.js loaded', or what kept it from being used. */
  readonly engineReason: string;
  /** The address clients use for WebSocket: url with ws or wss. */
  readonly webSocketUrl: string;
  /** Where health is served alone, as bound; undefined where it is not. */
  readonly healthUrl?: string;
  readonly counters: HttpCounters;
  /** Socket options that were asked for and that the connections of this listener do not have. */
  readonly notGranted?: readonly string[];
  /**
   * Takes certificates anew, from the options' files or from `tls`. Connections that are open keep theirs. Rejects with
   * CONFIG_INVALID and changes nothing where the new ones cannot be used.
   */
  reloadTls?(tls?: TlsOptions): Promise<void>;
  /**
   * Stops accepting, lets exchanges and streams at work end within drainTimeoutMs (default of src/limits.ts), telling
   * clients so with "connection: close" or GOAWAY; then closes every connection, WebSockets with 1001.
   */
  close(options?: { readonly drainTimeoutMs?: number }): Promise<void>;
}

/** What happened on a listener so far, as counts. */
export interface HttpCounters {
  readonly requests: number;
  /** Answers by class: 1xx to 5xx at index 0 to 4. */
  readonly responses: readonly number[];
  readonly aborted: number;
  /** Requests that never reached the application: malformed, too large, too slow. */
  readonly refused: number;
  readonly webSockets: number;
}

/** Certificates and what is asked of the other side. Paths are read again on reload; PEM text is taken as it is. */
export interface TlsOptions {
  /** PEM text, or `{ file }`. A server needs both. */
  readonly cert?: PemSource;
  readonly key?: PemSource;
  readonly passphrase?: string;
  /** Whose certificates are trusted. A client's default: those Node.js trusts. */
  readonly ca?: PemSource | readonly PemSource[];
  /** Server: 'require' refuses clients without a certificate that `ca` vouches for. Default 'none'. */
  readonly clientCertificates?: 'none' | 'request' | 'require';
  /** Server: other certificates by host name (SNI); '*.example.com' matches one label. */
  readonly hosts?: Readonly<Record<string, { readonly cert: PemSource; readonly key: PemSource }>>;
  /** 'TLSv1.2' (default) or 'TLSv1.3'. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** Server: looks for changed files this often and reloads; 0 (default) never does by itself. */
  readonly watchIntervalMs?: number;
  /** Client: the name to ask for and to verify. Default: the host of the URL. */
  readonly serverName?: string;
  /** Client: false takes any certificate; for tests alone. Default true. */
  readonly verify?: boolean;
}

export type PemSource = string | { readonly file: string };

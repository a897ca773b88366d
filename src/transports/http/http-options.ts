/** Options of HTTP listeners. Every default stands in src/limits.ts. */
import type { HeaderList, HttpPrincipal, HttpRequestHead } from './http-server.js';

export interface HttpOptions {
  /** 'auto' (default) takes uWebSockets.js where it loads and nothing asks for what only node:http can do. */
  readonly engine?: 'auto' | 'uws' | 'node';
  /** Whether HTTP/2 is served (engine node): h2 by ALPN under TLS, h2c by prior knowledge without. Default: on node. */
  readonly http2?: boolean;
  /** Whether a WebSocket may be opened on the path. Default true. */
  readonly webSocket?: boolean | WebSocketOptions;
  /**
   * Origins whose pages may call, as 'https://app.example.com'; '*' allows any. Requests without an Origin header are
   * no browser's and pass. Default: origins on the loopback for a loopback bind, else the server's own host only.
   */
  readonly allowedOrigins?: readonly string[] | '*';
  /** Host header values to serve, with or without port; '*' any. Default: loopback names for a loopback bind, else any. */
  readonly allowedHosts?: readonly string[] | '*';
  /** Answers browsers' CORS preflights for the allowed origins. Default false. */
  readonly cors?: boolean | CorsOptions;
  /** A larger body is refused with 413. Default maxFrameBytes. */
  readonly maxBodyBytes?: number;
  /** Request line and header fields together. Default maxHeaderBytes. */
  readonly maxHeaderBytes?: number;
  readonly maxHeaderFields?: number;
  /** From the first byte of a request to the end of its head. Default headersTimeoutMs. */
  readonly headersTimeoutMs?: number;
  /** A body that arrives slower than this, over any bodyGraceMs, is refused with 408. Default minBodyBytesPerSecond. */
  readonly minBodyBytesPerSecond?: number;
  /** How long a connection may stay idle between requests. Default keepAliveTimeoutMs. */
  readonly keepAliveTimeoutMs?: number;
  /** false answers plainly always. Default: gzip and brotli for bodies of compressionThresholdBytes or more. */
  readonly compression?: boolean | CompressionOptions;
  /**
   * Decides who calls, from the head of each request and upgrade. undefined lets the caller in without a name. Throwing
   * answers 500.
   */
  readonly authenticate?: (
    head: HttpRequestHead,
  ) => HttpPrincipal | HttpRefusal | undefined | Promise<HttpPrincipal | HttpRefusal | undefined>;
  /** Serves the metadata of RFC 9728, and names it in the challenge of every 401. */
  readonly protectedResource?: ProtectedResourceOptions;
  /** Health and metrics beside the endpoint; true takes the default paths. Default false. */
  readonly health?: HealthOptions | boolean;
}

export interface CorsOptions {
  /** Request header fields that pages may set beyond those the protocol needs. */
  readonly allowedHeaders?: readonly string[];
  /** Answer header fields that pages may read beyond those the protocol needs. */
  readonly exposedHeaders?: readonly string[];
  /** Lets pages send cookies and client certificates along; not with allowedOrigins '*'. Default false. */
  readonly credentials?: boolean;
  /** How long browsers may keep a preflight's answer. Default 7,200. */
  readonly maxAgeSeconds?: number;
}

export interface CompressionOptions {
  /** Default compressionThresholdBytes. */
  readonly thresholdBytes?: number;
  /** Bodies of this size and more are compressed off the loop. Default compressionOffloadBytes. */
  readonly offloadBytes?: number;
  /** In order of preference. Default br, gzip. */
  readonly encodings?: readonly ('br' | 'gzip')[];
}

export interface WebSocketOptions {
  /** A longer message ends the connection with 1009. Default maxFrameBytes. */
  readonly maxMessageBytes?: number;
  /** Fragments one message may come in. Default maxWebSocketFragments. */
  readonly maxFragments?: number;
  /** Pings a silent peer this often and cuts one that stays silent twice as long. Default webSocketPingIntervalMs. */
  readonly pingIntervalMs?: number;
  /** Offers permessage-deflate (RFC 7692). Default false: it costs memory and CPU for each connection. */
  readonly deflate?: boolean;
}

/** Answers for load balancers and monitoring, on the listener's own address or on one of their own. */
export interface HealthOptions {
  /** Where to serve them alone, as 'http://127.0.0.1:9090'. Default: on the listener. */
  readonly url?: string;
  /** 200 while the process lives. Default '/healthz'; false serves none. */
  readonly livePath?: string | false;
  /** 200 while it takes new calls, 503 while it drains. Default '/readyz'; false serves none. */
  readonly readyPath?: string | false;
  /** Counters as Prometheus text. Default '/metrics'; false serves none. */
  readonly metricsPath?: string | false;
  /**
   * Process, calls and connections as one JSON document, which `ringwire top` reads. It names the peers of connections.
   * Default '/stats'; false serves none.
   */
  readonly statsPath?: string | false;
}

/** What an authentication answers a caller with whom it does not let in. */
export interface HttpRefusal {
  readonly status: 401 | 403;
  /** What was wrong and what would be right; goes into the body. */
  readonly problem: string;
  /** Scopes a token would need; goes into the challenge (RFC 6750, section 3). */
  readonly scopes?: readonly string[];
  /** More header fields; WWW-Authenticate is made where it is not among them. */
  readonly head?: HeaderList;
}

/** RFC 9728, section 2. */
export interface ProtectedResourceOptions {
  /** The resource's identifier. Default: the listener's URL. */
  readonly resource?: string;
  readonly authorizationServers: readonly string[];
  readonly scopes?: readonly string[];
}

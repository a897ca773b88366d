/** Checks the options of HTTP listeners and of TLS, and fills in the defaults of src/limits.ts. */
import { RingwireError } from '../../errors.js';
import * as limits from '../../limits.js';
import {
  type Check,
  checkAll,
  flag,
  integer,
  isRecord,
  listOf,
  maxTimerMs,
  oneOf,
} from '../option-checks.js';
import type {
  CompressionOptions,
  CorsOptions,
  HealthOptions,
  HttpOptions,
  ProtectedResourceOptions,
  WebSocketOptions,
} from './http-options.js';
import type { TlsOptions } from './http-server.js';

export type ResolvedCompressionOptions = Required<CompressionOptions>;
export type ResolvedWebSocketOptions = Required<WebSocketOptions>;
export type ResolvedCorsOptions = Required<CorsOptions>;

/** The paths of health answers; false where one is not served. */
export interface ResolvedHealthOptions {
  /** Where they are served alone; undefined on the listener itself. */
  readonly url: string | undefined;
  readonly livePath: string | false;
  readonly readyPath: string | false;
  readonly metricsPath: string | false;
  readonly statsPath: string | false;
}

/** HttpOptions after the defaults are filled in; false stands for what is off. */
export interface ResolvedHttpOptions {
  readonly engine: 'auto' | 'uws' | 'node';
  /** undefined leaves it to the engine: on with node, off with uws. */
  readonly http2: boolean | undefined;
  readonly webSocket: false | ResolvedWebSocketOptions;
  /** As a browser writes origins; undefined takes the default of the bind. */
  readonly allowedOrigins: readonly string[] | '*' | undefined;
  /** In lower case; undefined takes the default of the bind. */
  readonly allowedHosts: readonly string[] | '*' | undefined;
  readonly cors: false | ResolvedCorsOptions;
  readonly maxBodyBytes: number;
  readonly maxHeaderBytes: number;
  readonly maxHeaderFields: number;
  readonly headersTimeoutMs: number;
  readonly minBodyBytesPerSecond: number;
  readonly keepAliveTimeoutMs: number;
  readonly compression: false | ResolvedCompressionOptions;
  readonly authenticate: HttpOptions['authenticate'];
  readonly protectedResource: ProtectedResourceOptions | undefined;
  readonly health: false | ResolvedHealthOptions;
}

const record =
  (what: string): Check =>
  (value) =>
    isRecord(value) ? undefined : what;

const flagOr =
  (what: string): Check =>
  (value) =>
    typeof value === 'boolean' || isRecord(value) ? undefined : `true, false or ${what}`;

const isFieldName = (value: unknown): boolean =>
  typeof value === 'string' && /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(value);

const isToken = (value: unknown): boolean =>
  typeof value === 'string' && /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(value);

const listOrAny = (what: string, isElement: (value: unknown) => boolean): Check => {
  const list = listOf(what, isElement);
  return (value) => (value === '*' || list(value) === undefined ? undefined : `"*" or ${list(undefined)}`);
};

/** An absolute path without query, or false. */
const pathOrFalse: Check = (value) =>
  value === false || (typeof value === 'string' && /^\/[!-"$->@-~]*$/.test(value))
    ? undefined
    : 'a path such as "/healthz", or false';

const webUrl =
  (schemes: readonly string[], example: string): Check =>
  (value) =>
    typeof value === 'string' && schemes.includes(parsed(value)?.protocol ?? '')
      ? undefined
      : `a URL such as "${example}"`;

function parsed(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

const httpChecks: Readonly<Record<keyof HttpOptions, Check>> = {
  engine: oneOf('auto', 'uws', 'node'),
  http2: flag,
  webSocket: flagOr('an object of WebSocket options'),
  allowedOrigins: listOrAny(
    'origins such as "https://app.example.com"',
    (value) => typeof value === 'string' && originOf(value) !== undefined,
  ),
  allowedHosts: listOrAny(
    'hosts such as "app.example.com" or "app.example.com:8080"',
    (value) => typeof value === 'string' && /^(\[[0-9a-f:.]+\]|[^\s:/@[\]]+)(:\d{1,5})?$/i.test(value),
  ),
  cors: flagOr('an object of CORS options'),
  maxBodyBytes: integer(1, limits.maxFrameBytesLimit),
  // Node.js reads this into a 32-bit number, and a head is held in memory whole.
  maxHeaderBytes: integer(1_024, 1024 * 1024),
  maxHeaderFields: integer(10, 2_000),
  headersTimeoutMs: integer(1, maxTimerMs),
  minBodyBytesPerSecond: integer(0, limits.maxFrameBytesLimit),
  keepAliveTimeoutMs: integer(1, maxTimerMs),
  compression: flagOr('an object of compression options'),
  authenticate: (value) => (typeof value === 'function' ? undefined : 'a function that takes a request head'),
  protectedResource: record('an object with "authorizationServers"'),
  health: flagOr('an object of health options'),
};

const webSocketChecks: Readonly<Record<keyof WebSocketOptions, Check>> = {
  maxMessageBytes: integer(1, limits.maxFrameBytesLimit),
  maxFragments: integer(1, 1_000_000),
  pingIntervalMs: integer(1, maxTimerMs),
  deflate: flag,
};

const corsChecks: Readonly<Record<keyof CorsOptions, Check>> = {
  allowedHeaders: listOf('header field names', isFieldName),
  exposedHeaders: listOf('header field names', isFieldName),
  credentials: flag,
  maxAgeSeconds: integer(0, 86_400),
};

const compressionChecks: Readonly<Record<keyof CompressionOptions, Check>> = {
  thresholdBytes: integer(0, limits.maxFrameBytesLimit),
  offloadBytes: integer(0, limits.maxFrameBytesLimit),
  encodings: listOf('"br" and "gzip"', (value) => value === 'br' || value === 'gzip'),
};

const healthChecks: Readonly<Record<keyof HealthOptions, Check>> = {
  url: webUrl(['http:', 'https:'], 'http://127.0.0.1:9090'),
  livePath: pathOrFalse,
  readyPath: pathOrFalse,
  metricsPath: pathOrFalse,
  statsPath: pathOrFalse,
};

const resourceChecks: Readonly<Record<keyof ProtectedResourceOptions, Check>> = {
  resource: webUrl(['http:', 'https:'], 'https://mcp.example.com/mcp'),
  authorizationServers: listOf(
    'URLs such as "https://auth.example.com"',
    (value) => typeof value === 'string' && /^https?:$/.test(parsed(value)?.protocol ?? ''),
  ),
  scopes: listOf('scope names', isToken),
};

const isPem = (value: unknown): boolean =>
  (typeof value === 'string' && value !== '') ||
  (isRecord(value) && typeof (value as { file?: unknown }).file === 'string');

const pem: Check = (value) =>
  isPem(value) ? undefined : 'PEM text, or { file } with the path of a PEM file';
const text: Check = (value) => (typeof value === 'string' ? undefined : 'a string');

const tlsChecks: Readonly<Record<keyof TlsOptions, Check>> = {
  cert: pem,
  key: pem,
  passphrase: text,
  ca: (value) =>
    isPem(value) || (Array.isArray(value) && value.every(isPem))
      ? undefined
      : 'PEM text, { file } with the path of a PEM file, or a list of these',
  clientCertificates: oneOf('none', 'request', 'require'),
  hosts: (value) =>
    isRecord(value) && Object.values(value as object).every(isPair)
      ? undefined
      : 'an object of { cert, key } by host name',
  minVersion: oneOf('TLSv1.2', 'TLSv1.3'),
  watchIntervalMs: integer(0, maxTimerMs),
  serverName: text,
  verify: flag,
};

function isPair(value: unknown): boolean {
  const { cert, key } = (isRecord(value) ? value : {}) as { cert?: unknown; key?: unknown };
  return isPem(cert) && isPem(key);
}

/**
 * The origin as a browser writes it (RFC 6454, section 6.1): lower case, no default port, no path. undefined for what
 * is none. Schemes of applications (vscode-webview:, chrome-extension:) are taken as they are.
 */
export function originOf(value: string): string | undefined {
  const url = parsed(value);
  if (url === undefined || !/^[a-z][a-z0-9+.-]*:\/\/[^/?#@]+\/?$/i.test(value)) return undefined;
  return url.origin === 'null' ? value.toLowerCase().replace(/\/$/, '') : url.origin;
}

/** @throws RingwireError CONFIG_INVALID naming the option and what it must be. */
export function checkTlsOptions(options: TlsOptions): void {
  checkAll(options, tlsChecks, 'tls.');
  if ((options.cert === undefined) !== (options.key === undefined)) {
    const missing = options.cert === undefined ? 'cert' : 'key';
    throw new RingwireError(
      'CONFIG_INVALID',
      `"tls.${missing}" is missing: a certificate and its key go together.`,
    );
  }
}

/**
 * @param maxFrameBytes the transport's option, which bodies and messages are limited by where nothing else is said.
 * @throws RingwireError CONFIG_INVALID naming the option, what it must be, and for an unknown name the closest known.
 */
export function resolveHttpOptions(
  options: HttpOptions = {},
  maxFrameBytes: number = limits.maxFrameBytes,
): ResolvedHttpOptions {
  checkAll(options, httpChecks, 'http.');
  return {
    engine: options.engine ?? 'auto',
    http2: options.http2,
    webSocket: webSocket(options.webSocket, maxFrameBytes),
    allowedOrigins:
      typeof options.allowedOrigins === 'object'
        ? options.allowedOrigins.map((each) => originOf(each) as string)
        : options.allowedOrigins,
    allowedHosts:
      typeof options.allowedHosts === 'object'
        ? options.allowedHosts.map((each) => each.toLowerCase())
        : options.allowedHosts,
    cors: cors(options.cors, options.allowedOrigins === '*'),
    maxBodyBytes: options.maxBodyBytes ?? maxFrameBytes,
    maxHeaderBytes: options.maxHeaderBytes ?? limits.maxHeaderBytes,
    maxHeaderFields: options.maxHeaderFields ?? limits.maxHeaderFields,
    headersTimeoutMs: options.headersTimeoutMs ?? limits.headersTimeoutMs,
    minBodyBytesPerSecond: options.minBodyBytesPerSecond ?? limits.minBodyBytesPerSecond,
    keepAliveTimeoutMs: options.keepAliveTimeoutMs ?? limits.keepAliveTimeoutMs,
    compression: compression(options.compression),
    authenticate: options.authenticate,
    protectedResource: protectedResource(options.protectedResource),
    health: health(options.health),
  };
}

function webSocket(
  options: HttpOptions['webSocket'],
  maxFrameBytes: number,
): false | ResolvedWebSocketOptions {
  if (options === false) return false;
  const given = options === undefined || options === true ? {} : options;
  checkAll(given, webSocketChecks, 'http.webSocket.');
  return {
    maxMessageBytes: given.maxMessageBytes ?? maxFrameBytes,
    maxFragments: given.maxFragments ?? limits.maxWebSocketFragments,
    pingIntervalMs: given.pingIntervalMs ?? limits.webSocketPingIntervalMs,
    deflate: given.deflate ?? false,
  };
}

function cors(options: HttpOptions['cors'], allowsAny: boolean): false | ResolvedCorsOptions {
  if (options === undefined || options === false) return false;
  const given = options === true ? {} : options;
  checkAll(given, corsChecks, 'http.cors.');
  if (given.credentials === true && allowsAny) {
    throw new RingwireError(
      'CONFIG_INVALID',
      '"http.cors.credentials" lets pages act for the user, so "http.allowedOrigins" must name them instead of "*".',
    );
  }
  return {
    allowedHeaders: (given.allowedHeaders ?? []).map((name) => name.toLowerCase()),
    exposedHeaders: (given.exposedHeaders ?? []).map((name) => name.toLowerCase()),
    credentials: given.credentials ?? false,
    maxAgeSeconds: given.maxAgeSeconds ?? 7_200,
  };
}

function compression(options: HttpOptions['compression']): false | ResolvedCompressionOptions {
  if (options === false) return false;
  const given = options === undefined || options === true ? {} : options;
  checkAll(given, compressionChecks, 'http.compression.');
  return {
    thresholdBytes: given.thresholdBytes ?? limits.compressionThresholdBytes,
    offloadBytes: given.offloadBytes ?? limits.compressionOffloadBytes,
    encodings: given.encodings ?? ['br', 'gzip'],
  };
}

function protectedResource(options: HttpOptions['protectedResource']): ProtectedResourceOptions | undefined {
  if (options === undefined) return undefined;
  checkAll(options, resourceChecks, 'http.protectedResource.');
  if (options.authorizationServers === undefined || options.authorizationServers.length === 0) {
    throw new RingwireError(
      'CONFIG_INVALID',
      '"http.protectedResource.authorizationServers" must name at least one, for instance ["https://auth.example.com"].',
    );
  }
  return options;
}

function health(options: HttpOptions['health']): false | ResolvedHealthOptions {
  if (options === undefined || options === false) return false;
  const given = options === true ? {} : options;
  checkAll(given, healthChecks, 'http.health.');
  return {
    url: given.url,
    livePath: given.livePath ?? '/healthz',
    readyPath: given.readyPath ?? '/readyz',
    metricsPath: given.metricsPath ?? '/metrics',
    statsPath: given.statsPath ?? '/stats',
  };
}

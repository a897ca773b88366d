/** Checks the options of listen() and connect() and fills in the defaults of src/limits.ts. */
import { RingwireError } from '../errors.js';
import * as limits from '../limits.js';
import { type ResolvedHttpClientOptions, resolveHttpClientOptions } from './http/client/client-options.js';
import type { TlsOptions } from './http/http-server.js';
import {
  checkTlsOptions,
  type ResolvedHttpOptions,
  resolveHttpOptions,
} from './http/resolve-http-options.js';
import {
  type Check,
  checkAll,
  describe,
  flag,
  integer,
  isRecord,
  maxTimerMs,
  oneOf,
} from './option-checks.js';
import type { Framing, SocketOptions, TransportOptions, TuningProfile } from './transport.js';

/** TransportOptions after the defaults are filled in. */
export interface ResolvedOptions {
  readonly implementation: 'auto' | 'native' | 'twin';
  readonly framing: Framing;
  readonly maxFrameBytes: number;
  readonly highWatermarkBytes: number;
  readonly lowWatermarkBytes: number;
  readonly maxConnections: number;
  readonly backlog: number;
  readonly profile: TuningProfile | undefined;
  readonly socket: SocketOptions;
  readonly connectTimeoutMs: number;
  readonly closeTimeoutMs: number;
  readonly childExitGraceMs: number;
  readonly stderr: 'inherit' | 'ignore' | ((line: string) => void);
  readonly tls: TlsOptions | undefined;
  readonly http: ResolvedHttpOptions;
  readonly httpClient: ResolvedHttpClientOptions;
  readonly signal: AbortSignal | undefined;
}

const maxBufferBytes = 1024 * 1024 * 1024;

const socketChecks: Readonly<Record<keyof SocketOptions, Check>> = {
  noDelay: flag,
  quickAck: flag,
  userTimeoutMs: integer(0, maxTimerMs),
  notSentLowatBytes: integer(1, maxBufferBytes),
  sendBufferBytes: integer(1, maxBufferBytes),
  receiveBufferBytes: integer(1, maxBufferBytes),
  keepAlive: flag,
  keepAliveIdleSeconds: integer(1, 32_767),
  keepAliveIntervalSeconds: integer(1, 32_767),
  keepAliveProbes: integer(1, 127),
  busyPollMicroseconds: integer(0, 1_000_000),
  reusePort: flag,
  congestion: (value) =>
    typeof value === 'string' && /^[a-z0-9_]{1,15}$/.test(value)
      ? undefined
      : 'the name of an algorithm, such as "bbr"',
};

const optionChecks: Readonly<Record<keyof TransportOptions, Check>> = {
  implementation: oneOf('auto', 'native', 'twin'),
  framing: oneOf('newline', 'length'),
  maxFrameBytes: integer(1, limits.maxFrameBytesLimit),
  highWatermarkBytes: integer(1, maxBufferBytes),
  lowWatermarkBytes: integer(0, maxBufferBytes),
  maxConnections: integer(1, 1_000_000),
  backlog: integer(1, 65_535),
  profile: oneOf('low', 'medium', 'high', 'extreme'),
  socket: (value) => (isRecord(value) ? undefined : 'an object of socket options'),
  connectTimeoutMs: integer(1, maxTimerMs),
  closeTimeoutMs: integer(1, maxTimerMs),
  childExitGraceMs: integer(1, maxTimerMs),
  stderr: (value) =>
    value === 'inherit' || value === 'ignore' || typeof value === 'function'
      ? undefined
      : '"inherit", "ignore" or a function that takes a line',
  tls: (value) => (isRecord(value) ? undefined : 'an object of TLS options'),
  http: (value) => (isRecord(value) ? undefined : 'an object of HTTP options'),
  httpClient: (value) => (isRecord(value) ? undefined : 'an object of HTTP client options'),
  signal: (value) => (value instanceof AbortSignal ? undefined : 'an AbortSignal'),
};

/**
 * @throws RingwireError CONFIG_INVALID naming the option, what it must be, and for an unknown name the closest known.
 */
export function resolveOptions(options: TransportOptions = {}): ResolvedOptions {
  if (!isRecord(options)) {
    throw new RingwireError(
      'CONFIG_INVALID',
      `Transport options must be an object, not ${describe(options)}.`,
    );
  }
  checkAll(options, optionChecks, '');
  if (options.socket !== undefined) checkAll(options.socket, socketChecks, 'socket.');
  if (options.tls !== undefined) checkTlsOptions(options.tls);
  const high = options.highWatermarkBytes ?? limits.highWatermarkBytes;
  const low = options.lowWatermarkBytes ?? Math.min(limits.lowWatermarkBytes, Math.floor(high / 4));
  if (low >= high) {
    throw new RingwireError(
      'CONFIG_INVALID',
      `"lowWatermarkBytes" (${low}) must be smaller than "highWatermarkBytes" (${high}).`,
    );
  }
  return {
    implementation: options.implementation ?? 'auto',
    framing: options.framing ?? 'newline',
    maxFrameBytes: options.maxFrameBytes ?? limits.maxFrameBytes,
    highWatermarkBytes: high,
    lowWatermarkBytes: low,
    maxConnections: options.maxConnections ?? limits.maxConnections,
    backlog: options.backlog ?? limits.listenBacklog,
    profile: options.profile,
    socket: options.socket ?? {},
    connectTimeoutMs: options.connectTimeoutMs ?? limits.connectTimeoutMs,
    closeTimeoutMs: options.closeTimeoutMs ?? limits.closeTimeoutMs,
    childExitGraceMs: options.childExitGraceMs ?? limits.childExitGraceMs,
    stderr: options.stderr ?? 'inherit',
    tls: options.tls,
    http: resolveHttpOptions(options.http, options.maxFrameBytes),
    httpClient: resolveHttpClientOptions(options.httpClient),
    signal: options.signal,
  };
}

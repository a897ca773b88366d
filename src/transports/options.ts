/** Checks the options of listen() and connect() and fills in the defaults of src/limits.ts. */
import { RingwireError } from '../errors.js';
import * as limits from '../limits.js';
import type { HttpOptions } from './http/http-options.js';
import type { TlsOptions } from './http/http-server.js';
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
  /** Checked where a listener uses them. */
  readonly tls: TlsOptions | undefined;
  readonly http: HttpOptions;
  readonly signal: AbortSignal | undefined;
}

/** Node's timers overflow above this. */
const maxTimerMs = 2 ** 31 - 1;

/** Says what a value must be, or nothing when it is. */
export type Check = (value: unknown) => string | undefined;

export const integer =
  (least: number, most: number): Check =>
  (value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
      ? undefined
      : `an integer between ${least} and ${most}`;

export const oneOf =
  (...values: readonly string[]): Check =>
  (value) =>
    values.includes(value as string) ? undefined : `one of ${values.map((each) => `"${each}"`).join(', ')}`;

export const flag: Check = (value) => (typeof value === 'boolean' ? undefined : 'true or false');

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
    http: options.http ?? {},
    signal: options.signal,
  };
}

/** Throws CONFIG_INVALID for the first option that is unknown or not what it must be. `prefix` stands before its name. */
export function checkAll(options: object, checks: Readonly<Record<string, Check>>, prefix: string): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (check === undefined) {
      const near = closestName(name, Object.keys(checks));
      const hint =
        near === undefined
          ? `Known are ${Object.keys(checks).join(', ')}.`
          : `Did you mean "${prefix}${near}"?`;
      throw new RingwireError('CONFIG_INVALID', `Unknown option "${prefix}${name}". ${hint}`);
    }
    const wanted = check(value);
    if (wanted !== undefined) {
      throw new RingwireError(
        'CONFIG_INVALID',
        `"${prefix}${name}" must be ${wanted}, not ${describe(value)}.`,
      );
    }
  }
}

export function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function describe(value: unknown): string {
  if (typeof value === 'string') return `"${value}"`;
  if (typeof value === 'number' || typeof value === 'boolean' || value == null) return String(value);
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`;
}

/** The known name with the fewest edits, if few enough to be a slip. */
export function closestName(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let fewest = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    const edits = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (edits < fewest) {
      fewest = edits;
      best = candidate;
    }
  }
  return best;
}

/** Levenshtein distance by rows. */
function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const replaced = row[j - 1] + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[right.length];
}

/** What may be said where somebody else's server takes the connections. */
import { RingwireError } from '../../errors.js';
import { type ResolvedOptions, resolveOptions } from '../options.js';
import type { TransportOptions } from '../transport.js';

const known = new Set(['maxFrameBytes', 'highWatermarkBytes', 'lowWatermarkBytes', 'closeTimeoutMs', 'http']);

const knownHttp = new Set([
  'webSocket',
  'allowedOrigins',
  'allowedHosts',
  'cors',
  'maxBodyBytes',
  'minBodyBytesPerSecond',
  'compression',
  'authenticate',
  'protectedResource',
]);

/** Throws CONFIG_INVALID for options that are wrong, and for those that belong to the server around it. */
export function resolveMountOptions(options: TransportOptions = {}): ResolvedOptions {
  const resolved = resolveOptions(options);
  refuseForeign(options, known, '');
  refuseForeign(options.http ?? {}, knownHttp, 'http.');
  return resolved;
}

function refuseForeign(options: object, allowed: ReadonlySet<string>, prefix: string): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || allowed.has(name)) continue;
    throw new RingwireError(
      'CONFIG_INVALID',
      `"${prefix}${name}" cannot be set for a handler: it belongs to the server the handler is mounted in.`,
    );
  }
}

import type { Transport } from '../../transports/transport.js';
import { nativeConnectionOf } from '../../transports/upgrade.js';
import { BatchedTransport } from './batched-transport.js';
import type { DirectPort } from './call-engine.js';

/** The port of an engine that a connection's transport is, or wraps; undefined where its frames are served one by one. */
export function directPortOf(transport: Transport): DirectPort | undefined {
  return transport instanceof BatchedTransport ? transport : nativeConnectionOf(transport);
}

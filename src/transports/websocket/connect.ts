/** WebSocket clients, through ws. */
import { RingwireError } from '../../errors.js';
import type { WebSocketEndpoint } from '../endpoint.js';
import type { ResolvedOptions } from '../options.js';
import type { Transport } from '../transport.js';

export async function connectWebSocket(
  _endpoint: WebSocketEndpoint,
  _options: ResolvedOptions,
): Promise<Transport> {
  throw new RingwireError('ADDRESS_INVALID', 'not written yet');
}

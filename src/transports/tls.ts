/** TCP under TLS, through node:tls. */
import { RingwireError } from '../errors.js';
import type { TlsEndpoint } from './endpoint.js';
import type { OnConnection } from './implementations.js';
import type { ResolvedOptions } from './options.js';
import type { Listener, Transport } from './transport.js';

export async function listenTls(
  _endpoint: TlsEndpoint,
  _options: ResolvedOptions,
  _onConnection: OnConnection,
): Promise<Listener> {
  throw new RingwireError('ADDRESS_INVALID', 'not written yet');
}

export async function connectTls(_endpoint: TlsEndpoint, _options: ResolvedOptions): Promise<Transport> {
  throw new RingwireError('ADDRESS_INVALID', 'not written yet');
}

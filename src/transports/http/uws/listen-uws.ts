/** HTTP and WebSocket by uWebSockets.js. */
import { RingwireError } from '../../../errors.js';
import { formatEndpoint } from '../../endpoint.js';
import type { ResolvedOptions } from '../../options.js';
import { aborted } from '../../system-errors.js';
import type { HttpApplication, HttpListener } from '../http-server.js';
import { addressFor } from './bind.js';
import { uwsHindrance } from './hindrances.js';
import { type UwsEndpoint, UwsListener } from './listener.js';
import { loadUws } from './load-uws.js';

/**
 * Rejects with ADDRESS_IN_USE, ADDRESS_INVALID, IO_ERROR, CANCELLED, ENGINE_UNAVAILABLE, and CONFIG_INVALID for options
 * that this engine does not have.
 */
export async function listenUws(
  endpoint: UwsEndpoint,
  options: ResolvedOptions,
  application: HttpApplication,
  reason: string,
): Promise<HttpListener> {
  const url = formatEndpoint(endpoint);
  const loaded = loadUws();
  if (!('uws' in loaded)) throw new RingwireError('ENGINE_UNAVAILABLE', loaded.reason);
  const hindrance = uwsHindrance(options);
  if (hindrance !== undefined) {
    const problem = `"${url}" cannot be served by the engine "uws": ${hindrance}. Use "node".`;
    throw new RingwireError('CONFIG_INVALID', problem);
  }
  const { signal } = options;
  if (signal?.aborted) throw aborted(`Listening on ${url}`, signal);
  const address = await addressFor(endpoint.host, url);
  if (signal?.aborted) throw aborted(`Listening on ${url}`, signal);
  const listener = new UwsListener(loaded.uws, endpoint, options, application, reason);
  await listener.listen(address);
  return listener;
}

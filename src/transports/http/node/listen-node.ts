/** HTTP and WebSocket by node:http, node:http2 and ws. */
import { RingwireError } from '../../../errors.js';
import type { HttpListenEndpoint } from '../../endpoint.js';
import type { ResolvedOptions } from '../../options.js';
import type { HttpApplication, HttpListener } from '../http-server.js';

export async function listenNode(
  _endpoint: HttpListenEndpoint,
  _options: ResolvedOptions,
  _application: HttpApplication,
  _reason: string,
): Promise<HttpListener> {
  throw new RingwireError('ENGINE_UNAVAILABLE', 'not written yet');
}

/** HTTP and WebSocket by uWebSockets.js. */
import { RingwireError } from '../../../errors.js';
import type { HttpEndpoint, WebSocketEndpoint } from '../../endpoint.js';
import type { ResolvedOptions } from '../../options.js';
import type { HttpApplication, HttpListener } from '../http-server.js';

export async function listenUws(
  _endpoint: HttpEndpoint | WebSocketEndpoint,
  _options: ResolvedOptions,
  _application: HttpApplication,
  _reason: string,
): Promise<HttpListener> {
  throw new RingwireError('ENGINE_UNAVAILABLE', 'not written yet');
}

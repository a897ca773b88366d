/** HTTP and WebSocket by uWebSockets.js. */

import type { TemplatedApp, us_listen_socket } from 'uWebSockets.js';
import { lookup } from 'node:dns/promises';
import { createServer, isIP } from 'node:net';
import { RingwireError } from '../../../errors.js';
import { formatEndpoint } from '../../endpoint.js';
import type { ResolvedOptions } from '../../options.js';
import { aborted, listenError } from '../../system-errors.js';
import type { HttpApplication, HttpListener } from '../http-server.js';
import { type UwsEndpoint, UwsListener } from './listener.js';
import { loadUws } from './load-uws.js';

/** Rejects as listenHttp() does. */
export async function listenUws(
  endpoint: UwsEndpoint,
  options: ResolvedOptions,
  application: HttpApplication,
  reason: string,
): Promise<HttpListener> {
  const url = formatEndpoint(endpoint);
  const loaded = loadUws();
  if (!('uws' in loaded)) throw new RingwireError('ENGINE_UNAVAILABLE', loaded.reason);
  const { uws } = loaded;
  const { signal } = options;
  if (signal?.aborted) throw aborted(`Listening on ${url}`, signal);
  const host = await addressFor(endpoint.host, url);
  if (signal?.aborted) throw aborted(`Listening on ${url}`, signal);
  const listener = new UwsListener(uws, endpoint, options, application, reason);
  const app = uws.App();
  listener.serve(app);
  const socket = bind(app, host, endpoint.port, options.socket.reusePort === true);
  if (socket === undefined) throw await whyNot(host, endpoint.port, url);
  listener.bound(socket);
  return listener;
}

/** uWebSockets.js would look the name up itself, and keep to itself why that failed. */
async function addressFor(host: string, url: string): Promise<string> {
  if (isIP(host) !== 0) return host;
  try {
    return (await lookup(host)).address;
  } catch (error) {
    throw listenError(error, url);
  }
}

function bind(
  app: TemplatedApp,
  host: string,
  port: number,
  reusePort: boolean,
): us_listen_socket | undefined {
  let bound: us_listen_socket | false = false;
  // Without the flag another process of this user could listen on the same port and take half of the connections.
  const flags = reusePort ? 0 : 1;
  (app as unknown as ListenApp).listen(host, port, flags, (socket) => {
    bound = socket;
  });
  return bound === false ? undefined : bound;
}

/** The listen() that takes host and flags, which the types of the package leave out. */
interface ListenApp {
  listen(host: string, port: number, flags: number, bound: (socket: us_listen_socket | false) => void): void;
}

/** uWebSockets.js says only that it failed: what Node.js says of the same address. */
function whyNot(host: string, port: number, url: string): Promise<RingwireError> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error) => resolve(listenError(error, url)));
    probe.listen({ host, port, exclusive: true }, () => {
      probe.close(() => {
        resolve(new RingwireError('IO_ERROR', `uWebSockets.js could not listen on ${url}. Try again.`));
      });
    });
  });
}

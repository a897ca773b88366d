/** Binding an app of uWebSockets.js to an address, with the errors of the system. */

import type { TemplatedApp, us_listen_socket } from 'uWebSockets.js';
import { lookup } from 'node:dns/promises';
import { type AddressInfo, createServer, isIP } from 'node:net';
import { RingwireError } from '../../../errors.js';
import { listenError } from '../../system-errors.js';

/** The listen() that takes host and flags, which the types of the package leave out. */
interface ListenApp {
  listen(host: string, port: number, flags: number, bound: (socket: us_listen_socket | false) => void): void;
}

/** uWebSockets.js would look the name up itself, and keep to itself why that failed. */
export async function addressFor(host: string, url: string): Promise<string> {
  if (isIP(host) !== 0) return host;
  try {
    return (await lookup(host)).address;
  } catch (error) {
    throw listenError(error, url);
  }
}

/**
 * Binds. Without `isShared` no other process of this user can listen on the same port and take half of the
 * connections. Rejects with ADDRESS_IN_USE, ADDRESS_INVALID, IO_ERROR.
 */
export async function bind(
  app: TemplatedApp,
  host: string,
  port: number,
  isShared: boolean,
  url: string,
): Promise<us_listen_socket> {
  let bound: us_listen_socket | false = false;
  (app as unknown as ListenApp).listen(host, port, isShared ? 0 : 1, (socket) => {
    bound = socket;
  });
  if (bound !== false) return bound;
  // uWebSockets.js says only that it failed: ask Node.js why.
  await freePort(host, port, url);
  throw new RingwireError('IO_ERROR', `uWebSockets.js could not listen on ${url}. Try again.`);
}

/** The port, or a free one for 0. Rejects where nobody can listen on it. */
export function freePort(host: string, port: number, url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error) => reject(listenError(error, url)));
    probe.listen({ host, port, exclusive: true }, () => {
      const { port: free } = probe.address() as AddressInfo;
      probe.close(() => resolve(free));
    });
  });
}

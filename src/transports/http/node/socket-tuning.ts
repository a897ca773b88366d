/** Socket options of accepted sockets: by descriptor where the addon loaded, else what node:net can set. */
import type { Socket } from 'node:net';
import { addon } from '../../../binding/addon.js';
import { applySocketOptions as applyByDescriptor } from '../../native/socket-options.js';
import type { ResolvedOptions } from '../../options.js';
import { applySocketOptions } from '../../socket.js';

const none: readonly string[] = [];

/** Returns the names of the options that were asked for and could not be set. */
export function tuneSocket(socket: Socket, options: ResolvedOptions): readonly string[] {
  if (options.profile === undefined && Object.keys(options.socket).length === 0) return none;
  const fd = (socket as { _handle?: { readonly fd?: number } })._handle?.fd;
  // No descriptor: Windows, or a socket that is gone already.
  if (fd === undefined || fd < 0 || addon() === undefined) return applySocketOptions(socket, 'tcp', options);
  return applyByDescriptor(fd, 'tcp', options);
}

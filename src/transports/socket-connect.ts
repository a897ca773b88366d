/** Connecting TCP and Unix sockets. */
import { connect, type Socket } from 'node:net';
import { RingwireError } from '../errors.js';
import { formatEndpoint, type TcpEndpoint, type UnixEndpoint } from './endpoint.js';
import type { ResolvedOptions } from './options.js';
import { SocketTransport } from './socket.js';
import { aborted, connectError } from './system-errors.js';
import type { Transport } from './transport.js';

export async function connectSocket(
  endpoint: TcpEndpoint | UnixEndpoint,
  options: ResolvedOptions,
): Promise<Transport> {
  const url = formatEndpoint(endpoint);
  const address =
    endpoint.kind === 'tcp' ? { host: endpoint.host, port: endpoint.port } : { path: endpoint.path };
  const { signal } = options;
  if (signal?.aborted) throw aborted(`Connecting to ${url}`, signal);
  const socket = connect({ ...address, allowHalfOpen: true });
  await whenConnected(socket, url, options, 'connect', (error) => connectError(error, url));
  return new SocketTransport(socket, endpoint.kind, url, options);
}

/** Resolves when the socket reports `event`; otherwise destroys it and rejects with what went wrong. */
export function whenConnected(
  socket: Socket,
  url: string,
  options: ResolvedOptions,
  event: 'connect' | 'secureConnect',
  explain: (error: Error) => RingwireError,
): Promise<void> {
  const { signal, connectTimeoutMs } = options;
  return new Promise((resolve, reject) => {
    const settle = (error?: RingwireError): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.removeListener(event, onConnect);
      if (error === undefined) {
        socket.removeListener('error', onError);
        resolve();
        return;
      }
      // The error listener stays: a destroyed attempt may still report.
      socket.destroy();
      reject(error);
    };
    const onConnect = (): void => settle();
    const onError = (error: Error): void => settle(explain(error));
    const onAbort = (): void => settle(aborted(`Connecting to ${url}`, signal!));
    const timer = setTimeout(() => {
      const text = `${url} did not accept a connection within connectTimeoutMs (${connectTimeoutMs}).`;
      settle(new RingwireError('DEADLINE_EXCEEDED', text));
    }, connectTimeoutMs);
    socket.once(event, onConnect);
    socket.on('error', onError);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** Connections of the generator to what listens. */
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import { RingwireError } from '../../../errors.js';
import { connectTimeoutMs } from '../../../limits.js';
import { tlsClientOptions, tlsFailure } from '../../../transports/http/tls-client.js';
import { connectError } from '../../../transports/system-errors.js';
import type { LoadEndpoint } from '../transport-name.js';

/** How a server is connected to. */
export interface Address {
  readonly endpoint: LoadEndpoint;
  /** Without the query, which may hold secrets. */
  readonly shown: string;
  readonly insecure: boolean;
}

function isSecure(endpoint: LoadEndpoint): boolean {
  return (
    endpoint.kind === 'tls' || ((endpoint.kind === 'http' || endpoint.kind === 'ws') && endpoint.isSecure)
  );
}

/** What node:tls is told for this address; undefined where the connection is plain. */
export async function tlsOptions({ endpoint, insecure }: Address) {
  if (endpoint.kind === 'unix' || !isSecure(endpoint)) return undefined;
  return tlsClientOptions({ verify: !insecure }, endpoint.host);
}

/**
 * Connects, and resolves when the connection can be used. `protocols` are offered by ALPN.
 * @throws RingwireError CONNECTION_REFUSED, CONNECTION_RESET, DEADLINE_EXCEEDED, TLS_FAILED, IO_ERROR.
 */
export async function openSocket(address: Address, protocols?: readonly string[]): Promise<Socket> {
  const { endpoint, shown } = address;
  const tls = await tlsOptions(address);
  let socket: Socket;
  if (endpoint.kind === 'unix') socket = connectPlain({ path: endpoint.path });
  else {
    const { host, port } = endpoint;
    socket =
      tls === undefined
        ? connectPlain({ host, port, noDelay: true })
        : connectSecurely({ ...tls, host, port, ...(protocols && { ALPNProtocols: [...protocols] }) });
    if (tls !== undefined) socket.setNoDelay(true);
  }
  await whenOpen(socket, tls === undefined ? 'connect' : 'secureConnect', shown);
  return socket;
}

function whenOpen(socket: Socket, event: string, shown: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: RingwireError): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    const timer = setTimeout(() => {
      const text = `${shown} did not accept a connection within ${connectTimeoutMs} ms.`;
      fail(new RingwireError('DEADLINE_EXCEEDED', text));
    }, connectTimeoutMs);
    // Stays: a socket that was given up, or that nobody uses yet, may still report.
    socket.on('error', (error) => fail(tlsFailure(error, shown) ?? connectError(error, shown)));
    socket.once(event, () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** What a load's target is, in the words that reports use. */
import { RingwireError } from '../../errors.js';
import {
  type HttpEndpoint,
  parseConnectEndpoint,
  type TcpEndpoint,
  type TlsEndpoint,
  type UnixEndpoint,
  type WebSocketEndpoint,
} from '../../transports/endpoint.js';
import type { LoadTarget } from './load-plan.js';

export type LoadEndpoint = TcpEndpoint | TlsEndpoint | UnixEndpoint | HttpEndpoint | WebSocketEndpoint;

/** The address of a target that has one. Throws ADDRESS_INVALID, also for `stdio:` and `memory:`, which have none. */
export function loadEndpoint(url: string): LoadEndpoint {
  const endpoint = parseConnectEndpoint(url);
  switch (endpoint.kind) {
    case 'tcp':
    case 'tls':
    case 'unix':
    case 'http':
    case 'ws':
      return endpoint;
    case 'child':
    case 'child-h2':
      throw new RingwireError(
        'ADDRESS_INVALID',
        `"${url}" names a command: give a load the command's words, as { command: ["node", "server.mjs"] }.`,
      );
    default:
      throw new RingwireError(
        'ADDRESS_INVALID',
        `"${url}" lies inside a process: a load needs a server of its own, at tcp, tls, unix, http, https, ws or wss.`,
      );
  }
}

/** stdio, tcp, tls, unix, http, https, http2, ws or wss. Throws what loadEndpoint() throws. */
export function transportName(target: LoadTarget): string {
  if ('command' in target) return 'stdio';
  const endpoint = loadEndpoint(target.url);
  if (endpoint.kind === 'ws') return endpoint.isSecure ? 'wss' : 'ws';
  if (endpoint.kind !== 'http') return endpoint.kind;
  if (target.http2 === true) return 'http2';
  return endpoint.isSecure ? 'https' : 'http';
}

/** Whether requests are answered one by one, each with an HTTP answer of its own. */
export function isHttp(target: LoadTarget): boolean {
  return ['http', 'https', 'http2'].includes(transportName(target));
}

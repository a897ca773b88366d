/** Which servers turned out to be legacy ones, so that the next client of this process need not ask again. */
import type { HttpConnectEndpoint } from '../../transports/endpoint.js';
import type { Era } from '../protocol.js';

/** Servers to remember; the one that was longest not connected to makes room. */
const maxServers = 1_000;

const eras = new Map<string, Era>();

/** Origin and path; a child is its own server each time. */
function keyOf(endpoint: HttpConnectEndpoint): string | undefined {
  if (endpoint.kind !== 'http') return undefined;
  const { isSecure, host, port, path } = endpoint;
  return `${isSecure} ${host.toLowerCase()} ${port} ${path.split('?', 1)[0]}`;
}

/** The era of a server that this process knows. */
export function rememberedEra(endpoint: HttpConnectEndpoint): Era | undefined {
  const key = keyOf(endpoint);
  return key === undefined ? undefined : eras.get(key);
}

/** undefined forgets. */
export function rememberEra(endpoint: HttpConnectEndpoint, era: Era | undefined): void {
  const key = keyOf(endpoint);
  if (key === undefined) return;
  eras.delete(key);
  if (era === undefined) return;
  eras.set(key, era);
  if (eras.size > maxServers) eras.delete(eras.keys().next().value as string);
}

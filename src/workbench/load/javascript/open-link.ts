/** Opens a connection to a load's target over whatever wire it has. */
import { formatEndpoint } from '../../../transports/endpoint.js';
import type { LoadTarget } from '../load-plan.js';
import { loadEndpoint } from '../transport-name.js';
import { openHttp } from './http-link.js';
import { openHttp2 } from './http2-link.js';
import { openCommand, openLines } from './line-link.js';
import type { Link } from './link.js';
import { pinned } from './pinned.js';
import { openWebSocket } from './web-socket-link.js';

/**
 * @param depth requests in flight at once, which HTTP/1.1 pipelines.
 * @param core pins a command to this core.
 * @throws RingwireError what connecting fails with on this wire, ADDRESS_INVALID, and CONFIG_INVALID for a command that
 *   cannot be started.
 */
export async function openLink(target: LoadTarget, depth = 1, core?: number): Promise<Link> {
  if ('command' in target)
    return openCommand(core === undefined ? target.command : pinned(target.command, core));
  const endpoint = loadEndpoint(target.url);
  const address = {
    endpoint,
    shown: formatEndpoint(endpoint).split('?', 1)[0],
    insecure: target.insecure === true,
  };
  const headers = target.headers ?? {};
  if (endpoint.kind === 'ws') return openWebSocket(address, headers);
  if (endpoint.kind !== 'http') return openLines(address);
  return target.http2 === true ? openHttp2(address, headers) : openHttp(address, depth, headers);
}

import type { ChildCommand } from '../../transports/endpoint.js';
import { connectTransport } from '../../transports/open.js';
import type { Transport, TransportOptions } from '../../transports/transport.js';
import { SdkStreamTransport } from './sdk-transport.js';

/**
 * A ringwire transport for the `Client` of the official SDKs, 1.x and 2.x:
 *
 *     await client.connect(clientTransport('tcp://127.0.0.1:4000'));
 *
 * The connection is made by connect() of the client, which rejects with our RingwireError where that fails.
 *
 * @param target an endpoint URL, a child command `{ command, args, env, cwd }`, or a transport already connected.
 * @param options of connect(); not used with a transport already connected.
 */
export function clientTransport(
  target: string | ChildCommand | Transport,
  options?: TransportOptions,
): SdkStreamTransport {
  if (typeof target === 'object' && 'send' in target)
    return new SdkStreamTransport(() => Promise.resolve(target));
  return new SdkStreamTransport(() => connectTransport(target, options));
}

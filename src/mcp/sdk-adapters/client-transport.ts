import type { ChildCommand } from '../../transports/endpoint.js';
import { connectTransport } from '../../transports/open.js';
import type { Transport, TransportOptions } from '../../transports/transport.js';
import { SdkHttpTransport } from './sdk-http-client.js';
import { SdkStreamTransport } from './sdk-transport.js';
import type { SdkTransport } from './sdk-types.js';

/** Schemes whose endpoints answer requests instead of carrying frames. */
const httpSchemes = /^(?:https?|stdio\+h2):/i;

/** What clientTransport() makes: the SDKs' Transport, of a stream or of HTTP. */
export interface SdkClientTransport extends SdkTransport {
  /** The version the handshake settled on; undefined before it. */
  readonly protocolVersion: string | undefined;
}

/**
 * A ringwire transport for the `Client` of the official SDKs, 1.x and 2.x:
 *
 *     await client.connect(clientTransport('tcp://127.0.0.1:4000'));
 *     await client.connect(clientTransport('https://example.com/mcp'));
 *
 * The connection is made by connect() of the client, which rejects with our RingwireError where that fails.
 *
 * @param target an endpoint URL, a child command `{ command, args, env, cwd }`, or a transport already connected.
 * @param options of connect(); not used with a transport already connected.
 */
export function clientTransport(
  target: string | ChildCommand | Transport,
  options?: TransportOptions,
): SdkClientTransport {
  if (typeof target === 'object' && 'send' in target)
    return new SdkStreamTransport(() => Promise.resolve(target));
  // What is wrong with an address is told by start(), as everything else that keeps a connection from being made.
  if (typeof target === 'string' && httpSchemes.test(target)) return new SdkHttpTransport(target, options);
  return new SdkStreamTransport(() => connectTransport(target, options));
}

/** Connects an MCP client to an HTTP endpoint. */
import { RingwireError } from '../../errors.js';
import type { Dispatcher } from '../../rpc/dispatcher.js';
import { Peer } from '../../rpc/peer.js';
import type { HttpConnectEndpoint } from '../../transports/endpoint.js';
import { openHttpClient } from '../../transports/http/client/http-client.js';
import { resolveOptions } from '../../transports/options.js';
import { aborted } from '../../transports/system-errors.js';
import type { ResolvedConnectOptions } from '../client-options.js';
import { McpHttpTransport } from './http-transport.js';

export { rememberEra, rememberedEra } from './era-memory.js';
export { httpCalls } from './http-calls.js';

export interface HttpConnection {
  readonly peer: Peer;
  readonly transport: McpHttpTransport;
}

/** Nothing is sent yet, except that a child is started. */
export async function openHttpConnection(
  endpoint: HttpConnectEndpoint,
  options: ResolvedConnectOptions,
  dispatcher: Dispatcher,
): Promise<HttpConnection> {
  const { encodings, ...rpc } = options.rpc ?? {};
  if (encodings !== undefined)
    throw new RingwireError(
      'CONFIG_INVALID',
      'HTTP carries JSON alone: "rpc.encodings" cannot be asked for.',
    );
  const resolved = resolveOptions(options.transport);
  const client = await openHttpClient(endpoint, resolved);
  const transport = new McpHttpTransport(client, endpoint, resolved);
  if (resolved.signal?.aborted) {
    await client.close();
    throw aborted(`Connecting to ${transport.url}`, resolved.signal);
  }
  const peer = new Peer(transport, {
    ...rpc,
    dispatcher,
    answerMalformed: false,
    answerAfterEnd: false,
    ...(options.timeoutMs !== undefined && { defaultTimeoutMs: options.timeoutMs }),
  });
  transport.onRequestFailed = (id, error) => peer.failRequest(id, error);
  return { peer, transport };
}

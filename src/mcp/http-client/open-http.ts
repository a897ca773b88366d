/** Connects an MCP client to an HTTP endpoint. */
import { RingwireError } from '../../errors.js';
import type { Dispatcher } from '../../rpc/dispatcher.js';
import { Peer } from '../../rpc/peer.js';
import type { HttpConnectEndpoint } from '../../transports/endpoint.js';
import { resolveOptions } from '../../transports/options.js';
import type { ResolvedConnectOptions } from '../client-options.js';
import { connectHttpTransport, type McpHttpTransport } from './http-transport.js';

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
  const transport = await connectHttpTransport(endpoint, resolveOptions(options.transport));
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

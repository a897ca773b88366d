/** HTTP and WebSocket by node:http, node:http2 and ws. */
import { type AddressInfo, createServer, type Server } from 'node:net';
import { formatEndpoint, type HttpListenEndpoint } from '../../endpoint.js';
import type { ResolvedOptions } from '../../options.js';
import { aborted, listenError } from '../../system-errors.js';
import { AnswerCompressor } from '../content-coding.js';
import type { HttpApplication, HttpListener } from '../http-server.js';
import { type EngineContext, newCounters } from './context.js';
import { NodeHttpListener } from './node-listener.js';

/**
 * Binds an http, https, ws or wss endpoint, or takes our stdin and stdout for HTTP/2.
 *
 * @throws RingwireError ADDRESS_IN_USE, ADDRESS_INVALID, CONFIG_INVALID, IO_ERROR, CANCELLED.
 */
export async function listenNode(
  endpoint: HttpListenEndpoint,
  options: ResolvedOptions,
  application: HttpApplication,
  reason: string,
): Promise<HttpListener> {
  const { signal, http } = options;
  if (signal?.aborted) throw aborted(`Listening on ${formatEndpoint(endpoint)}`, signal);
  const context: EngineContext = {
    application,
    options,
    counters: newCounters(),
    compressor: http.compression === false ? undefined : new AnswerCompressor(http.compression),
    isDraining: false,
  };
  if (endpoint.kind === 'stdio-h2') throw new Error('HTTP/2 on stdio');
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  await bind(server, endpoint.host, endpoint.port, options.backlog, formatEndpoint(endpoint));
  const { address, port } = server.address() as AddressInfo;
  return new NodeHttpListener(server, { ...endpoint, host: address, port }, context, reason);
}

function bind(server: Server, host: string, port: number, backlog: number, url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => reject(listenError(error, url));
    server.once('error', onError);
    server.listen({ host, port, backlog }, () => {
      server.removeListener('error', onError);
      resolve();
    });
  });
}

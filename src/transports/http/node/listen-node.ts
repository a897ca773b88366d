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
  if (endpoint.kind === 'stdio-h2') {
    const { listenStdioHttp2 } = await import('./stdio-http2.js');
    return listenStdioHttp2(context, reason);
  }
  let listener!: NodeHttpListener;
  const tls = endpoint.isSecure ? await NodeHttpListener.createTls(context, () => listener) : undefined;
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  try {
    await bind(server, endpoint.host, endpoint.port, options, formatEndpoint(endpoint));
  } catch (error) {
    tls?.close();
    throw error;
  }
  // The host stays as it was given: certificates and Host fields go by name.
  const { port } = server.address() as AddressInfo;
  listener = new NodeHttpListener(server, { ...endpoint, port }, context, reason);
  if (tls !== undefined) listener.useTls(tls);
  return listener;
}

function bind(
  server: Server,
  host: string,
  port: number,
  options: ResolvedOptions,
  url: string,
): Promise<void> {
  const { backlog, socket } = options;
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => reject(listenError(error, url));
    server.once('error', onError);
    // Node.js 23.1 and newer know reusePort.
    server.listen({ host, port, backlog, ...{ reusePort: socket.reusePort } }, () => {
      server.removeListener('error', onError);
      resolve();
    });
  });
}

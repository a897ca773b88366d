/** WebSocket clients, through ws. */
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { RingwireError } from '../../errors.js';
import { maxRefusalBytes, webSocketPingIntervalMs } from '../../limits.js';
import { formatEndpoint, type WebSocketEndpoint } from '../endpoint.js';
import { statusError } from '../http/client/answer-reader.js';
import { requestError } from '../http/client/client-errors.js';
import { checkHeaders } from '../http/client/client-options.js';
import { tlsClientOptions, tlsFailure } from '../http/tls-client.js';
import type { ResolvedOptions } from '../options.js';
import { aborted, connectError } from '../system-errors.js';
import type { Transport } from '../transport.js';
import { WsTransport } from './ws-transport.js';

/**
 * Connects and waits until the server agreed to speak WebSocket.
 * @throws RingwireError CONNECTION_REFUSED, CONNECTION_RESET, DEADLINE_EXCEEDED, TLS_FAILED, CONFIG_INVALID, IO_ERROR,
 *   CANCELLED, and the HttpErrors of a server that refuses: HTTP_STATUS, UNAUTHORIZED, OVERLOADED.
 */
export async function connectWebSocket(
  endpoint: WebSocketEndpoint,
  options: ResolvedOptions,
): Promise<Transport> {
  const url = formatEndpoint(endpoint);
  // The query may hold secrets.
  const shown = url.split('?', 1)[0];
  const { signal, httpClient } = options;
  if (signal?.aborted) throw aborted(`Connecting to ${shown}`, signal);
  const given = typeof httpClient.headers === 'function' ? await httpClient.headers() : httpClient.headers;
  const tls = endpoint.isSecure ? await tlsClientOptions(options.tls, endpoint.host) : {};
  if (signal?.aborted) throw aborted(`Connecting to ${shown}`, signal);
  const webSocket = new WebSocket(url, [...httpClient.protocols], {
    ...tls,
    headers: checkHeaders(given ?? {}),
    maxPayload: options.maxFrameBytes,
    perMessageDeflate: false,
    followRedirects: false,
  });
  const socket = await opened(webSocket, shown, options);
  const peer = { kind: 'ws', address: socket.remoteAddress, port: socket.remotePort } as const;
  return new WsTransport(webSocket, socket, peer, options, { pingIntervalMs: webSocketPingIntervalMs });
}

/** Resolves with its socket once the WebSocket is open; otherwise ends it and rejects with what went wrong. */
function opened(webSocket: WebSocket, url: string, options: ResolvedOptions): Promise<Socket> {
  const { signal, connectTimeoutMs } = options;
  return new Promise((resolve, reject) => {
    let socket: Socket | undefined;
    const settle = (error?: RingwireError): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      if (error === undefined && socket !== undefined) {
        webSocket.removeListener('error', onError);
        resolve(socket);
        return;
      }
      // The error listener stays: an attempt that is cut reports so.
      webSocket.terminate();
      reject(error);
    };
    const onError = (error: Error): void => settle(openingError(error, url, options));
    const onAbort = (): void => settle(aborted(`Connecting to ${url}`, signal as AbortSignal));
    const timer = setTimeout(() => {
      const text = `${url} did not open a WebSocket within connectTimeoutMs (${connectTimeoutMs}).`;
      settle(new RingwireError('DEADLINE_EXCEEDED', text));
    }, connectTimeoutMs);
    webSocket.on('upgrade', (answer) => {
      socket = answer.socket;
    });
    webSocket.on('open', () => {
      // What came with the handshake waits until somebody listens.
      webSocket.pause();
      settle();
    });
    webSocket.on('error', onError);
    webSocket.on('unexpected-response', (_request: ClientRequest, answer: IncomingMessage) => {
      void refusal(answer, url).then(settle);
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** The server answered, and not with 101. */
async function refusal(answer: IncomingMessage, url: string): Promise<RingwireError> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of answer) {
      chunks.push(chunk as Buffer);
      bytes += (chunk as Buffer).length;
      if (bytes >= maxRefusalBytes) break;
    }
  } catch {
    // What there is of the body will do.
  }
  return statusError(url, Number(answer.statusCode), answer.headers, Buffer.concat(chunks));
}

function openingError(error: Error, url: string, options: ResolvedOptions): RingwireError {
  if (error instanceof RingwireError) return error;
  const tls = tlsFailure(error, url);
  if (tls !== undefined) return tls;
  if (error.message === 'Server sent no subprotocol') {
    const offered = options.httpClient.protocols.join(', ');
    const text = `${url} takes none of the sub-protocols offered (${offered}). Set httpClient.protocols to [] to do without.`;
    return new RingwireError('PROTOCOL_VERSION', text, { cause: error });
  }
  const { code } = error as NodeJS.ErrnoException;
  if (code?.startsWith('HPE_')) return requestError(error, url, options.connectTimeoutMs);
  if (code === undefined) {
    const text = `What ${url} answered is no WebSocket handshake: ${error.message}.`;
    return new RingwireError('FRAME_INVALID', text, { cause: error });
  }
  return connectError(error, url);
}

/** Listening on HTTP: chooses the engine and says why. */
import { RingwireError } from '../../errors.js';
import type { HttpListenEndpoint } from '../endpoint.js';
import { formatEndpoint } from '../endpoint.js';
import type { ResolvedOptions } from '../options.js';
import type { HttpApplication, HttpListener } from './http-server.js';
import { uwsHindrance } from './uws/hindrances.js';

/**
 * Binds an endpoint and has an application answer its requests.
 *
 * @throws RingwireError ADDRESS_IN_USE, ADDRESS_INVALID, CONFIG_INVALID, ENGINE_UNAVAILABLE, IO_ERROR, CANCELLED.
 */
export async function listenHttp(
  endpoint: HttpListenEndpoint,
  options: ResolvedOptions,
  application: HttpApplication,
): Promise<HttpListener> {
  const { engine, reason } = await chooseEngine(endpoint, options);
  if (engine === 'uws' && endpoint.kind !== 'stdio-h2') {
    const { listenUws } = await import('./uws/listen-uws.js');
    return listenUws(endpoint, options, application, reason);
  }
  const { listenNode } = await import('./node/listen-node.js');
  return listenNode(endpoint, options, application, reason);
}

/** The engine for an endpoint, and the reason as `doctor` shows it. Throws ENGINE_UNAVAILABLE where 'uws' cannot serve. */
export async function chooseEngine(
  endpoint: HttpListenEndpoint,
  { http, tls }: Pick<ResolvedOptions, 'http' | 'tls'>,
): Promise<{ engine: 'uws' | 'node'; reason: string }> {
  const asked = http.engine ?? 'auto';
  if (asked === 'node') return { engine: 'node', reason: 'asked for' };
  const hindrance =
    nodeOnly(endpoint, http.http2 === true, tls !== undefined && asked === 'auto') ??
    uwsHindrance({ http, tls });
  if (hindrance !== undefined) {
    if (asked === 'auto') return { engine: 'node', reason: hindrance };
    throw refused(endpoint, hindrance);
  }
  const { loadUws } = await import('./uws/load-uws.js');
  const loaded = loadUws();
  if ('uws' in loaded) {
    if (http.maxHeaderBytes <= loaded.maxHeaderBytes)
      return { engine: 'uws', reason: asked === 'uws' ? 'asked for' : 'uWebSockets.js loaded' };
    const small = `uWebSockets.js reads heads of ${loaded.maxHeaderBytes} bytes in this process, and "http.maxHeaderBytes" asks for more (set UWS_HTTP_MAX_HEADERS_SIZE)`;
    if (asked === 'auto') return { engine: 'node', reason: small };
    throw refused(endpoint, small);
  }
  if (asked === 'auto') return { engine: 'node', reason: loaded.reason };
  throw new RingwireError('ENGINE_UNAVAILABLE', `The HTTP engine "uws" cannot be used: ${loaded.reason}`);
}

function refused(endpoint: HttpListenEndpoint, hindrance: string): RingwireError {
  return new RingwireError(
    'CONFIG_INVALID',
    `"${formatEndpoint(endpoint)}" cannot be served by the engine "uws": ${hindrance}. Use "node" or "auto".`,
  );
}

function nodeOnly(
  endpoint: HttpListenEndpoint,
  wantsHttp2: boolean,
  prefersHttp2: boolean,
): string | undefined {
  if (endpoint.kind === 'stdio-h2') return 'HTTP/2 on stdio is served by node:http2';
  if (wantsHttp2) return 'HTTP/2 is asked for, which uWebSockets.js does not have';
  if (prefersHttp2) return 'under TLS clients may choose HTTP/2, which uWebSockets.js does not have';
  return undefined;
}

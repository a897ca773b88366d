/** What uWebSockets.js decides itself: who wants it otherwise is served by node:http. */
import * as limits from '../../../limits.js';
import type { ResolvedOptions } from '../../options.js';

/** Header fields of a request for which uWebSockets.js has room. */
const mostHeaderFields = 98;

/**
 * What keeps uWebSockets.js from serving with these options, in words that follow "cannot be served": undefined where
 * nothing does.
 */
export function uwsHindrance({ http, tls }: Pick<ResolvedOptions, 'http' | 'tls'>): string | undefined {
  if (http.keepAliveTimeoutMs !== limits.keepAliveTimeoutMs)
    return 'uWebSockets.js ends idle connections after 10 s, whatever "http.keepAliveTimeoutMs" says';
  if (http.headersTimeoutMs !== limits.headersTimeoutMs)
    return 'uWebSockets.js waits 10 s for the head of a request, whatever "http.headersTimeoutMs" says';
  if (http.maxHeaderFields !== limits.maxHeaderFields && http.maxHeaderFields > mostHeaderFields)
    return `uWebSockets.js reads ${mostHeaderFields} header fields at most, and "http.maxHeaderFields" asks for more`;
  const { webSocket } = http;
  if (webSocket !== false && webSocket.maxFragments !== limits.maxWebSocketFragments)
    return 'uWebSockets.js limits the bytes of a message, not its fragments ("http.webSocket.maxFragments")';
  if (tls?.clientCertificates !== undefined && tls.clientCertificates !== 'none')
    return 'uWebSockets.js cannot verify client certificates ("tls.clientCertificates")';
  if (tls?.minVersion === 'TLSv1.3')
    return 'uWebSockets.js serves TLS 1.2 beside 1.3, and "tls.minVersion" asks for 1.3';
  return undefined;
}

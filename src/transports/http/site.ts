/** What stands between an engine and an application: who may call, which path, health. */
import type { HttpListenEndpoint } from '../endpoint.js';
import type { ResolvedOptions } from '../options.js';
import type { HttpListener, ServerApplication } from './http-server.js';
import type { listenHttp } from './listen.js';

/** Binds the endpoint and serves the application on its path. */
export async function openSite(
  endpoint: HttpListenEndpoint,
  options: ResolvedOptions,
  application: ServerApplication,
  listen: typeof listenHttp,
): Promise<HttpListener> {
  return listen(endpoint, options, application);
}

/** Request handlers for servers of others, before their code is loaded. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/**
 * Serves requests of node:http and what is built on it: `createServer(handler)`, `app.use('/mcp', handler)` of
 * Express, raw requests and answers of Fastify and Hono. Which path is ours is decided by who calls it.
 */
export interface NodeHandler {
  /**
   * Answers a request. `body` is what a body parser made of it, if one read it before: text, bytes, or a value of JSON;
   * default is `request.body`. A function in its place (`next` of Express) is not called.
   */
  (request: IncomingMessage, response: ServerResponse, body?: unknown): void;
  /** For `server.on('upgrade', handler.upgrade)`: opens a WebSocket. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/** Serves requests of the fetch standard: Hono, Deno, Bun, workers. Rejects only where the answer had to be cut. */
export type FetchHandler = (request: Request) => Promise<Response>;

/** A handler whose code is loaded when the first request comes; those that come meanwhile wait. */
export function lazyNodeHandler(load: () => Promise<NodeHandler>): NodeHandler {
  let loaded: NodeHandler | undefined;
  let loading: Promise<NodeHandler> | undefined;
  const whenLoaded = (use: (handler: NodeHandler) => void, fail: () => void): void => {
    if (loaded !== undefined) {
      use(loaded);
      return;
    }
    loading ??= load();
    loading.then((handler) => {
      loaded = handler;
      use(handler);
    }, fail);
  };
  const handler = (request: IncomingMessage, response: ServerResponse, body?: unknown): void => {
    whenLoaded(
      (ready) => ready(request, response, body),
      () => response.writeHead(503).end(),
    );
  };
  return Object.assign(handler, {
    upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
      whenLoaded(
        (ready) => ready.upgrade(request, socket, head),
        () => socket.destroy(),
      );
    },
  });
}

/** As lazyNodeHandler(). */
export function lazyFetchHandler(load: () => Promise<FetchHandler>): FetchHandler {
  let loading: Promise<FetchHandler> | undefined;
  return async (request) => {
    loading ??= load();
    const handler = await loading.catch(() => undefined);
    return handler === undefined ? new Response(null, { status: 503 }) : handler(request);
  };
}

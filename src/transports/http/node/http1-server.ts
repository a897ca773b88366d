/** The HTTP/1 half of a node listener: node's parser and its limits, requests as exchanges, upgrades. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { expectationUnknown, headTooLarge, headTooSlow } from '../problems.js';
import type { ResolvedHttpOptions } from '../resolve-http-options.js';
import { Connection } from './connection.js';
import type { EngineContext } from './context.js';
import { Http1Exchange, Http1Request, headerOf } from './http1-exchange.js';
import { refuseSocket } from './refusal.js';
import { RequestCheck } from './request-check.js';
import type { NodeWebSockets } from './upgrade.js';

export type Http1Server = Server<typeof Http1Request, typeof ServerResponse>;

/** How often node looks for heads that take too long. */
const checkingIntervalMs = 1_000;

/** A server that does not listen: sockets are given to it as 'connection' events. */
export function createHttp1Server(
  context: EngineContext,
  webSockets: NodeWebSockets | undefined,
): Http1Server {
  const { http } = context.options;
  const server = createServer<typeof Http1Request, typeof ServerResponse>({
    IncomingMessage: upgradable(webSockets !== undefined),
    maxHeaderSize: http.maxHeaderBytes,
    headersTimeout: http.headersTimeoutMs,
    // The rate of bodies is measured instead: a large body may take its time.
    requestTimeout: 0,
    keepAliveTimeout: http.keepAliveTimeoutMs,
    connectionsCheckingInterval: Math.min(checkingIntervalMs, http.headersTimeoutMs),
    joinDuplicateHeaders: true,
    insecureHTTPParser: false,
    requireHostHeader: false,
  });
  // Node drops fields beyond this without a word; one more than allowed tells that there were too many.
  server.maxHeadersCount = http.maxHeaderFields + 1;
  const check = new RequestCheck(http.maxHeaderFields);
  const serve = (request: Http1Request, response: ServerResponse, expectsContinue: boolean): void => {
    const connection = Connection.of(request.socket);
    // What follows a malformed request may be a part of it (request smuggling).
    if (connection.isRefused) return;
    const problem = check.problem(request);
    if (problem !== undefined) {
      refuseSocket(context, connection, problem.status, problem.text);
      return;
    }
    context.counters.requests++;
    const exchange = new Http1Exchange(context, connection, request, response, expectsContinue);
    exchange.begin();
  };
  server.on('request', (request, response) => serve(request, response, false));
  server.on('checkContinue', (request, response) => serve(request, response, true));
  server.on('checkExpectation', (request: Http1Request) => {
    refuseSocket(context, Connection.of(request.socket), 417, expectationUnknown);
  });
  server.on('connect', (request: Http1Request) => {
    refuseSocket(context, Connection.of(request.socket), 405, 'CONNECT is not served; this is no proxy.');
  });
  if (webSockets !== undefined) {
    server.on('upgrade', (request: Http1Request, _socket: Duplex, head: Buffer) => {
      const connection = Connection.of(request.socket);
      if (connection.isRefused) return;
      const problem = check.problem(request);
      if (problem === undefined) webSockets.serve(connection, request, head);
      else refuseSocket(context, connection, problem.status, problem.text);
    });
  }
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    refuseMalformed(context, Connection.of(socket), error);
  });
  // Node watches the time of heads from the moment a server listens; this one is fed instead.
  server.emit('listening');
  return server;
}

/**
 * The class of requests. Node stops reading HTTP where `upgrade` is true; a request that asks for another protocol
 * than WebSocket (curl asks for h2c) is served as the request it also is.
 */
function upgradable(takesWebSockets: boolean): typeof Http1Request {
  class Request extends Http1Request {
    asksUpgrade = false;
    get upgrade(): boolean {
      if (!this.asksUpgrade) return false;
      if (this.method === 'CONNECT') return true;
      return takesWebSockets && this.method === 'GET' && isWebSocket(headerOf(this, 'upgrade'));
    }
    set upgrade(asks: boolean | null) {
      this.asksUpgrade = asks === true;
    }
  }
  return Request;
}

function isWebSocket(upgrade: string): boolean {
  return upgrade.toLowerCase() === 'websocket';
}

const problems: Readonly<
  Record<string, { readonly status: number; readonly text: (http: ResolvedHttpOptions) => string }>
> = {
  HPE_HEADER_OVERFLOW: { status: 431, text: (http) => headTooLarge(http.maxHeaderBytes) },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: {
    status: 413,
    text: () => 'The chunk extensions of the body are too large.',
  },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, text: (http) => headTooSlow(http.headersTimeoutMs) },
};

function refuseMalformed(context: EngineContext, connection: Connection, error: NodeJS.ErrnoException): void {
  const { code = '', message } = error;
  // Bytes behind the request that was to be the connection's last.
  if (code === 'HPE_CLOSED_CONNECTION' || connection.isRefused) return;
  const known = problems[code];
  // Everything else the parser says starts so; what does not is the end of the connection, not of a request.
  if (known === undefined && !code.startsWith('HPE_')) {
    connection.socket.destroy();
    return;
  }
  if (known === undefined) refuseSocket(context, connection, 400, `The request is malformed: ${message}.`);
  else refuseSocket(context, connection, known.status, known.text(context.options.http));
}

/** The HTTP/2 half of a node listener. */
import {
  constants,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Duplex } from 'node:stream';
import { maxHttp2Streams } from '../../../limits.js';
import { headTooLarge, tooManyFields } from '../problems.js';
import type { ResolvedHttpOptions } from '../resolve-http-options.js';
import type { EngineContext } from './context.js';
import { Http2Exchange } from './http2-exchange.js';
import { Http2Link, type Http2Remote } from './http2-link.js';

/** SETTINGS entries of one frame; the standard knows seven. */
const maxSettings = 32;

/** Bodies flow without waiting for the client's acknowledgement up to this. */
const windowBytes = 1024 * 1024;

export class NodeHttp2 {
  readonly #context: EngineContext;
  readonly #server: Http2Server;
  /** The session of the socket being attached. */
  #attached: ServerHttp2Session | undefined = undefined;

  constructor(context: EngineContext) {
    this.#context = context;
    const { maxHeaderBytes, maxHeaderFields } = context.options.http;
    this.#server = createServer({
      settings: {
        enablePush: false,
        maxConcurrentStreams: maxHttp2Streams,
        maxHeaderListSize: maxHeaderBytes,
        initialWindowSize: windowBytes,
      },
      // A request over our own limits is answered; one far beyond is reset by node.
      maxHeaderListPairs: 2 * maxHeaderFields,
      maxSettings,
    });
    this.#server.on('session', (session) => {
      this.#attached = session;
    });
    // What goes wrong with a session destroys it; its socket's end is what counts.
    this.#server.on('sessionError', () => {});
  }

  /** Speaks HTTP/2 on a socket or any other duplex stream, whose bytes so far are unread. */
  attach(socket: Duplex, remote: Http2Remote): Http2Link {
    this.#server.emit('connection', socket);
    const session = this.#attached as ServerHttp2Session;
    this.#attached = undefined;
    const link = new Http2Link(session, socket, remote);
    session.on('stream', (stream, headers, _flags, rawHeaders?: string[]) =>
      this.#serve(link, stream, headers, rawHeaders ?? []),
    );
    return link;
  }

  #serve(link: Http2Link, stream: ServerHttp2Stream, headers: IncomingHttpHeaders, raw: string[]): void {
    const context = this.#context;
    if (link.isOverBacklog) {
      context.counters.refused++;
      stream.on('error', () => {});
      // Says that nothing of the request was done, so that it may be sent again (RFC 9113, section 8.7).
      stream.close(constants.NGHTTP2_REFUSED_STREAM);
      return;
    }
    const problem = problemOf(headers, raw, context.options.http);
    if (problem !== undefined) {
      const { head, body } = context.application.refusal(problem.status, problem.text);
      context.counters.refused++;
      const exchange = new Http2Exchange(context, link, stream, headers, raw);
      link.joined(exchange);
      exchange.respond(problem.status, head, body);
      return;
    }
    context.counters.requests++;
    const exchange = new Http2Exchange(context, link, stream, headers, raw);
    link.joined(exchange);
    exchange.begin();
  }
}

function problemOf(
  headers: IncomingHttpHeaders,
  raw: readonly string[],
  { maxHeaderBytes, maxHeaderFields }: ResolvedHttpOptions,
): { readonly status: number; readonly text: string } | undefined {
  // What the settings say of it binds a client only once it has read them.
  if (raw.length > 2 * maxHeaderFields) return { status: 431, text: tooManyFields(maxHeaderFields) };
  let bytes = 0;
  for (const text of raw) bytes += text.length;
  if (bytes > maxHeaderBytes) return { status: 431, text: headTooLarge(maxHeaderBytes) };
  const authority = headers[':authority'];
  if (headers[':method'] === 'CONNECT') {
    return { status: 405, text: 'CONNECT is not served; this is no proxy.' };
  }
  if (authority === undefined && headers.host === undefined) {
    return {
      status: 400,
      text: 'A request must have an :authority or a host field (RFC 9113, section 8.3.1).',
    };
  }
  if (authority !== undefined && headers.host !== undefined && headers.host !== authority) {
    return { status: 400, text: 'The host field differs from :authority (RFC 9113, section 8.3.1).' };
  }
  return undefined;
}

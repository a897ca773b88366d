/** WebSocket upgrades of a node listener, through ws. */
import { WebSocketServer } from 'ws';
import type { PeerInfo, Transport } from '../../transport.js';
import { WsTransport } from '../../websocket/ws-transport.js';
import { deflateOffer, type HandshakeProblem, handshakeProblem } from '../handshake.js';
import type { ClientCertificate, HeaderList, HttpPrincipal, HttpUpgrade } from '../http-server.js';
import { warnOfThrown } from '../problems.js';
import { splitTarget } from '../request-syntax.js';
import type { ResolvedWebSocketOptions } from '../resolve-http-options.js';
import type { Connection } from './connection.js';
import type { EngineContext } from './context.js';
import { type Http1Request, headerOf, originForm, visitHeaders } from './http1-exchange.js';
import { endSocket, refuseSocket } from './refusal.js';

/** What a compressed message may hold of memory and CPU: windows of 2 KiB in both directions, one message at a time. */
const deflateOptions = {
  serverNoContextTakeover: true,
  clientNoContextTakeover: true,
  serverMaxWindowBits: 11,
  zlibDeflateOptions: { level: 1, memLevel: 5 },
  threshold: 1024,
  concurrencyLimit: 4,
};

export class NodeWebSockets {
  readonly context: EngineContext;
  readonly options: ResolvedWebSocketOptions;
  readonly server: WebSocketServer;
  /** The sub-protocol of the handshake under way; ws asks for it while it answers. */
  chosenProtocol: string | undefined = undefined;

  constructor(context: EngineContext, options: ResolvedWebSocketOptions) {
    this.context = context;
    this.options = options;
    this.server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: options.maxMessageBytes,
      maxFragments: options.maxFragments,
      perMessageDeflate: options.deflate ? deflateOptions : false,
      closeTimeout: context.options.closeTimeoutMs,
      handleProtocols: () => this.chosenProtocol ?? false,
    } as ConstructorParameters<typeof WebSocketServer>[0]);
    this.server.on('wsClientError', (error, _socket, request) => {
      const connection = (request as Http1Request).upgradeOf as Connection;
      refuseSocket(context, connection, 400, `The WebSocket handshake is malformed: ${error.message}.`);
    });
  }

  serve(connection: Connection, request: Http1Request, head: Buffer): void {
    const upgrade = new NodeUpgrade(this, connection, request, head);
    request.upgradeOf = connection;
    // Node takes its own listeners off; an error before the handshake must not end the process.
    connection.socket.on('error', ignore);
    const { application, counters } = this.context;
    if (connection.open.length > 0) {
      // The client would take the answer to its handshake for the answer to what came before.
      refuseSocket(
        this.context,
        connection,
        400,
        'A request to upgrade came before the last one was answered.',
      );
      return;
    }
    try {
      const malformed = requestProblem(request) ?? handshakeProblem(upgrade);
      if (malformed !== undefined) {
        const { head: fields, body } = application.refusal(malformed.status, malformed.problem);
        counters.refused++;
        upgrade.refuse(malformed.status, [...fields, ...malformed.fields], body);
        return;
      }
      // ws refuses an empty list, which is as good as none.
      if (upgrade.protocols.length === 0) request.headers['sec-websocket-protocol'] = undefined;
      if (this.options.deflate) {
        const offered = headerOf(request, 'sec-websocket-extensions');
        // ws would refuse the handshake for an offer that is to be declined.
        request.headers['sec-websocket-extensions'] = deflateOffer(
          offered,
          deflateOptions.serverMaxWindowBits,
        );
      }
      application.onUpgrade?.(upgrade);
    } catch (error) {
      warnOfThrown(error);
      refuseSocket(this.context, connection, 500, 'The server failed while it answered.');
    }
  }
}

function ignore(): void {}

/** What is wrong with a request to upgrade that would be right for others. */
function requestProblem(request: Http1Request): HandshakeProblem | undefined {
  const length = headerOf(request, 'content-length');
  const hasBody = headerOf(request, 'transfer-encoding') !== '' || (length !== '' && length !== '0');
  // What came behind the head would be read as frames.
  const problem = hasBody
    ? 'A request to upgrade has no body.'
    : request.method !== 'GET' || request.httpVersion !== '1.1'
      ? 'A WebSocket is opened by GET and HTTP/1.1.'
      : undefined;
  return problem === undefined ? undefined : { status: 400, problem, fields: [] };
}

class NodeUpgrade implements HttpUpgrade {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly protocols: readonly string[];
  principal: HttpPrincipal | undefined = undefined;
  readonly #owner: NodeWebSockets;
  readonly #connection: Connection;
  readonly #request: Http1Request;
  readonly #head: Buffer;

  constructor(owner: NodeWebSockets, connection: Connection, request: Http1Request, head: Buffer) {
    this.#owner = owner;
    this.#connection = connection;
    this.#request = request;
    this.#head = head;
    this.method = request.method as string;
    const url = originForm(request.url as string);
    const { path, query } = splitTarget(url);
    this.path = path;
    this.query = query;
    const offered = headerOf(request, 'sec-websocket-protocol');
    this.protocols = offered === '' ? [] : offered.split(',').map((each) => each.trim());
  }

  get peer(): PeerInfo {
    return this.#connection.peer;
  }

  get isSecure(): boolean {
    return this.#connection.isSecure;
  }

  get clientCertificate(): ClientCertificate | undefined {
    return this.#connection.clientCertificate;
  }

  header(name: string): string {
    return headerOf(this.#request, name);
  }

  eachHeader(visit: (name: string, value: string) => void): void {
    visitHeaders(this.#request, visit);
  }

  /** Header fields are ours: there is nothing to copy. */
  keepHead(): void {}

  accept(protocol: string | undefined, connected: (transport: Transport) => void): void {
    const connection = this.#connection;
    const { socket } = connection;
    const { server, context, options } = this.#owner;
    if (!socket.writable) return;
    this.#owner.chosenProtocol = protocol;
    server.handleUpgrade(this.#request, socket, this.#head, (webSocket) => {
      context.counters.webSockets++;
      context.counters.responses[0]++;
      const transport = new WsTransport(
        webSocket,
        socket,
        { ...connection.peer, kind: 'ws' },
        context.options,
        options,
        connection.notGranted,
      );
      connection.webSocket = transport;
      connected(transport);
    });
  }

  refuse(status: number, head: HeaderList, body: string | Uint8Array = ''): void {
    this.#owner.context.counters.responses[((status / 100) | 0) - 1]++;
    endSocket(this.#connection, status, head, body);
  }
}

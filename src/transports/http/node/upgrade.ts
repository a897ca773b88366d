/** WebSocket upgrades of a node listener, through ws. */
import { WebSocketServer } from 'ws';
import type { PeerInfo, Transport } from '../../transport.js';
import { WsTransport } from '../../websocket/ws-transport.js';
import type { ClientCertificate, HeaderList, HttpPrincipal, HttpUpgrade } from '../http-server.js';
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
    try {
      this.context.application.onUpgrade?.(upgrade);
    } catch (error) {
      process.emitWarning(error instanceof Error ? error : String(error));
      refuseSocket(this.context, connection, 500, 'The server failed while it answered.');
    }
  }
}

function ignore(): void {}

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
    const at = url.indexOf('?');
    this.path = at < 0 ? url : url.slice(0, at);
    this.query = at < 0 ? '' : url.slice(at + 1);
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

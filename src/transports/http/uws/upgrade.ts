/** A request to become a WebSocket, over uWebSockets.js. */
import type { HttpRequest, HttpResponse, us_socket_context_t } from 'uWebSockets.js';
import { RingwireError } from '../../../errors.js';
import type { PeerInfo, Transport } from '../../transport.js';
import type { UwsSocketGroup } from '../../websocket/uws-group.js';
import { type SocketData, UwsTransport } from '../../websocket/uws-transport.js';
import { deflateOffer, handshakeProblem, namesUpgrade } from '../handshake.js';
import type { HeaderList, HttpPrincipal, HttpUpgrade } from '../http-server.js';
import { serverFailed, warnOfThrown } from '../problems.js';
import { addressText } from './exchange.js';
import { KeptHead } from './head.js';
import type { ListenerState } from './state.js';

/** uWebSockets.js compresses with this window, whatever is agreed on. */
const deflateWindowBits = 15;

/** Whether a request with Sec-WebSocket-Key asks to become a WebSocket. */
export function isUpgrade(request: HttpRequest): boolean {
  if (request.getHeader('upgrade').toLowerCase() !== 'websocket') return false;
  let isNamed = false;
  request.forEach((name, value) => {
    isNamed ||= name === 'connection' && namesUpgrade(value);
  });
  return isNamed;
}

export class UwsUpgrade implements HttpUpgrade {
  principal: HttpPrincipal | undefined = undefined;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly peer: PeerInfo;
  readonly #state: ListenerState;
  readonly #group: UwsSocketGroup;
  readonly #response: HttpResponse;
  readonly #context: us_socket_context_t;
  /** A copy from the start: the handshake needs fields also where accept() comes later. */
  readonly #head: KeptHead;
  #isSettled = false;
  #isAborted = false;
  #isEntered = true;

  constructor(
    state: ListenerState,
    group: UwsSocketGroup,
    response: HttpResponse,
    request: HttpRequest,
    context: us_socket_context_t,
  ) {
    // First: uWebSockets.js ends the process where a request is left without it.
    response.onAborted(() => this.#onAborted());
    this.#state = state;
    this.#group = group;
    this.#response = response;
    this.#context = context;
    this.method = request.getCaseSensitiveMethod();
    this.path = request.getUrl();
    this.query = request.getQuery() ?? '';
    state.head.owner = this;
    state.head.read(request);
    this.#head = new KeptHead(state.head);
    this.peer = { kind: 'ws', address: addressText(response.getRemoteAddressAsText()) };
  }

  get isSecure(): boolean {
    return this.#state.isSecure;
  }

  get protocols(): readonly string[] {
    const offered = this.header('sec-websocket-protocol');
    return offered === '' ? [] : offered.split(',').map((each) => each.trim());
  }

  header(name: string): string {
    return this.#head.header(name);
  }

  eachHeader(visit: (name: string, value: string) => void): void {
    const { names, values, count } = this.#head;
    for (let index = 0; index < count; index++) visit(names[index], values[index]);
  }

  keepHead(): void {}

  /** Asks the application. Throws nothing. */
  serve(): void {
    const { head } = this.#state;
    const hasBody = head.transferEncodings > 0 || (head.contentLengths > 0 && head.contentLength !== '0');
    // What came behind the head would be read as frames.
    const problem =
      this.#state.check.problem(head, this.method, this.path, this.query) ??
      (hasBody ? 'A request to upgrade has no body.' : undefined);
    const { application, counters } = this.#state;
    counters.requests++;
    this.#state.begin();
    try {
      const malformed = problem === undefined ? handshakeProblem(this) : undefined;
      if (problem !== undefined) this.#refuseWith(400, problem);
      else if (malformed !== undefined)
        this.#refuseWith(malformed.status, malformed.problem, malformed.fields);
      else application.onUpgrade!(this);
    } catch (error) {
      warnOfThrown(error);
      if (!this.#isSettled) this.#refuseWith(500, serverFailed);
    } finally {
      this.#isEntered = false;
      this.#state.head.owner = undefined;
    }
  }

  #refuseWith(status: number, problem: string, more: HeaderList = []): void {
    if (status !== 500) this.#state.counters.refused++;
    const { head, body } = this.#state.application.refusal(status, problem);
    this.refuse(status, [...head, ...more], body);
  }

  accept(protocol: string | undefined, connected: (transport: Transport) => void): void {
    if (this.#isSettled || this.#isAborted) return;
    if (protocol !== undefined && !this.protocols.includes(protocol))
      throw new RingwireError('INTERNAL', `"${protocol}" is not among the protocols the client offers.`);
    this.#isSettled = true;
    const transport = new UwsTransport(this.#group, this.peer);
    const data: SocketData = { transport };
    const upgrade = (): void => {
      this.#response.upgrade(
        data,
        this.header('sec-websocket-key'),
        protocol ?? '',
        deflateOffer(this.header('sec-websocket-extensions'), deflateWindowBits) ?? '',
        this.#context,
      );
    };
    if (this.#isEntered) upgrade();
    else this.#response.cork(upgrade);
    this.#state.counters.responses[0]++;
    this.#state.counters.webSockets++;
    this.#group.add(transport);
    this.#state.end();
    connected(transport);
  }

  refuse(status: number, head: HeaderList, body?: string | Uint8Array): void {
    if (this.#isSettled || this.#isAborted) return;
    this.#isSettled = true;
    const text = this.#state.texts.get(status, head);
    const kept = typeof body === 'object' ? Uint8Array.prototype.slice.call(body) : body;
    const send = (): void => {
      this.#response.writeStatus(text);
      this.#response.end(kept, true);
    };
    // Until it is answered uWebSockets.js cuts the connection at a further request: none is served behind this one.
    setImmediate(() => {
      if (this.#isAborted) return;
      this.#response.cork(send);
      this.#state.counters.responses[Math.trunc(status / 100) - 1]++;
      this.#state.end();
    });
  }

  #onAborted(): void {
    this.#isAborted = true;
    this.#isSettled = true;
    this.#state.counters.aborted++;
    this.#state.end();
  }
}

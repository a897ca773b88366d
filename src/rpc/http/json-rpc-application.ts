/**
 * Plain JSON-RPC 2.0 by POST and WebSocket. A POST carries a request, a notification or an array of them; its answer is
 * one JSON text. Status 200 goes with every response to a call, also to one that failed: HTTP did its part.
 */
import { EnvelopeField, EnvelopeKind, ScanVerdict } from '../../binding/constants.generated.js';
import type { RingwireError } from '../../errors.js';
import { RpcErrorCode } from '../../errors.js';
import {
  createScanner,
  type EnvelopeScanner,
  idText,
  methodText,
  rangeText,
} from '../../serialization/envelope.js';
import type {
  HeaderList,
  HttpExchange,
  HttpUpgrade,
  ServerApplication,
  ServerWatch,
} from '../../transports/http/http-server.js';
import type { ResolvedOptions } from '../../transports/options.js';
import { errorText, resultText } from '../json-text.js';
import { Peer } from '../peer.js';
import type { PeerOptions } from '../peer-options.js';
import type { RpcServer } from '../server.js';
import { ExchangeCall } from './exchange-call.js';
import { ExchangeTransport, frameSizeError } from './exchange-transport.js';
import {
  acceptsJson,
  httpRefusal,
  isJsonType,
  jsonHead,
  refuseBody,
  refuseExchange,
} from './http-refusals.js';

/** The sub-protocols a WebSocket client may name for JSON-RPC; browsers want one of those they offer back. */
const subprotocols = ['jsonrpc', 'jsonrpc-2.0', 'jsonrpc2.0'];

/** Calls end at any moment; a second is the least that the field can say. */
const retryAfter: HeaderList = ['retry-after', '1'];

export function jsonRpcApplication(server: RpcServer, options: ResolvedOptions): ServerApplication {
  return new JsonRpcApplication(server, options);
}

class JsonRpcApplication implements ServerApplication {
  readonly #server: RpcServer;
  readonly #peerOptions: PeerOptions;
  readonly #maxFrameBytes: number;
  readonly #scanner: EnvelopeScanner;
  readonly #record = new Int32Array(EnvelopeField.Count);
  readonly #makePeer = (exchange: HttpExchange): Peer => this.#peerFor(exchange);
  /** Exchanges that wait for a handler. */
  #waiting = 0;
  /** Exchanges refused because too many waited. */
  #refused = 0;
  #isClosed = false;
  /** Fields found good last: one client sends the same each time. */
  #goodType = 'application/json';
  #goodAccept = '';

  constructor(server: RpcServer, { maxFrameBytes }: ResolvedOptions) {
    const options = server.webPeerOptions;
    this.#server = server;
    this.#maxFrameBytes = maxFrameBytes;
    this.#peerOptions = options;
    this.#scanner = options.scanner ?? createScanner({ maxDepth: options.maxDepth });
  }

  onRequest(exchange: HttpExchange): void {
    if (exchange.method !== 'POST') {
      const problem = `JSON-RPC is called with POST, not ${exchange.method.slice(0, 20)}.`;
      refuseExchange(exchange, 405, problem, ['allow', 'POST']);
      return;
    }
    if (this.#isClosed) {
      refuseExchange(exchange, 503, 'The server is shutting down.');
      return;
    }
    if (this.#waiting >= this.#server.maxHttpInFlight) {
      const problem = `More than ${this.#server.maxHttpInFlight} calls are at work.`;
      this.#refused += 1;
      refuseExchange(exchange, 503, problem, retryAfter);
      return;
    }
    const type = exchange.header('content-type');
    if (type !== this.#goodType) {
      if (!isJsonType(type)) {
        refuseExchange(exchange, 415, 'Send the message with "content-type: application/json".');
        return;
      }
      this.#goodType = type;
    }
    const accept = exchange.header('accept');
    if (accept !== this.#goodAccept) {
      if (!acceptsJson(accept)) {
        refuseExchange(exchange, 406, 'The answer is JSON: accept application/json.');
        return;
      }
      this.#goodAccept = accept;
    }
    exchange.readBody();
  }

  onBody(exchange: HttpExchange, body: Buffer): void {
    const record = this.#record;
    const verdict = this.#scanner.scan(body, record);
    if (verdict !== ScanVerdict.Ok) {
      // An array is answered by 200; what is no message by an error object, which stands alone and has a status.
      this.#serve(exchange, body, () => 400);
      return;
    }
    const kind = record[EnvelopeField.Kind];
    if (kind === EnvelopeKind.Notification) {
      this.#serve(exchange, body);
      return;
    }
    if (kind !== EnvelopeKind.Request) {
      const problem = 'Invalid Request: a response was sent, and nothing was asked';
      exchange.respond(400, jsonHead, errorText(null, RpcErrorCode.InvalidRequest, problem));
      return;
    }
    // The record is reused and the body is borrowed: everything is read before a handler runs.
    const paramsText = rangeText(body, record, EnvelopeField.ParamsStart);
    const params: unknown = paramsText === '' ? undefined : JSON.parse(paramsText);
    const method = methodText(body, record);
    this.#call(new ExchangeCall(exchange, method, idText(body, record), params, this.#makePeer), params);
  }

  onBodyError(exchange: HttpExchange, error: RingwireError): void {
    refuseBody(exchange, error);
  }

  onAbort(exchange: HttpExchange): void {
    if (exchange.state instanceof ExchangeTransport) exchange.state.abort();
  }

  onUpgrade(upgrade: HttpUpgrade): void {
    if (this.#isClosed) {
      const { head, body } = httpRefusal(503, 'The server is shutting down.');
      upgrade.refuse(503, head, body);
      return;
    }
    const { principal } = upgrade;
    const protocol = upgrade.protocols.find((each) => subprotocols.includes(each.toLowerCase()));
    upgrade.accept(protocol, (transport) => {
      if (this.#isClosed) transport.destroy();
      else
        this.#server.attach(transport, {
          ...this.#peerOptions,
          onOpen: (peer) => {
            peer.auth = principal;
            this.#peerOptions.onOpen?.(peer);
          },
        });
    });
  }

  refusal(status: number, problem: string): { readonly head: HeaderList; readonly body: string } {
    return httpRefusal(status, problem);
  }

  gauges(): readonly (readonly [name: string, help: string, value: number])[] {
    return [['calls_in_flight', 'Requests that wait for their handlers.', this.#waiting]];
  }

  get watch(): ServerWatch {
    return this.#server.watch;
  }

  get load() {
    return { inFlight: this.#waiting, refused: this.#refused };
  }

  /** The Peers of calls at work are connections of the server, which drains them. */
  async close(): Promise<void> {
    this.#isClosed = true;
  }

  #call(call: ExchangeCall, params: unknown): void {
    let result: unknown;
    let text: string | undefined;
    try {
      result = this.#server.dispatcher.dispatch(call.method, params, call);
      if (isThenable(result)) {
        const { served } = call;
        served.connection.follow(served, result);
        return;
      }
      if (!call.isServed) text = this.#textOrNothing(call, result);
    } catch (error) {
      const { served } = call;
      served.connection.settle(served, { error });
      return;
    }
    if (text !== undefined) {
      call.exchange.respond(200, jsonHead, text);
      return;
    }
    const { served } = call;
    served.connection.settle(served, { result });
  }

  /** undefined where the result cannot be written as JSON or is too large, which a Peer reports. */
  #textOrNothing(call: ExchangeCall, result: unknown): string | undefined {
    try {
      const text = resultText(call.id, result);
      return frameSizeError(text, this.#maxFrameBytes) === undefined ? text : undefined;
    } catch {
      return undefined;
    }
  }

  /** By way of a Peer: what is not a request of its own, and requests whose answer must wait. */
  #serve(exchange: HttpExchange, body: Buffer, statusOf?: (code: number) => number): void {
    this.#transportFor(exchange, statusOf).serve(body, this.#peerOptions);
  }

  #peerFor(exchange: HttpExchange): Peer {
    const peer = new Peer(this.#transportFor(exchange), this.#peerOptions);
    peer.auth = exchange.principal;
    return peer;
  }

  #transportFor(exchange: HttpExchange, statusOf?: (code: number) => number): ExchangeTransport {
    this.#waiting += 1;
    const onEnd = (): void => {
      this.#waiting -= 1;
    };
    const maxFrameBytes = this.#maxFrameBytes;
    const transport = new ExchangeTransport(exchange, { form: 'json', statusOf, maxFrameBytes, onEnd });
    exchange.state = transport;
    return transport;
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}

/**
 * The transport of a client of plain JSON-RPC over HTTP: each message is a POST, and what answers it is the response.
 * Messages of the server come only as answers, so it cannot call back; a WebSocket address carries both directions.
 */
import { EnvelopeField, EnvelopeKind, ScanVerdict } from '../../binding/constants.generated.js';
import { HttpError, RingwireError } from '../../errors.js';
import {
  createScanner,
  type EnvelopeScanner,
  idText,
  methodText,
  rangeText,
} from '../../serialization/envelope.js';
import type { HttpConnectEndpoint } from '../../transports/endpoint.js';
import type { FrameSink } from '../../transports/http/client/answer-reader.js';
import { type FrameServer, requestFrames, shownUrl } from '../../transports/http/client/frame-request.js';
import { type HttpCall, type HttpClient, openHttpClient } from '../../transports/http/client/http-client.js';
import { type ResolvedOptions, resolveOptions } from '../../transports/options.js';
import { aborted } from '../../transports/system-errors.js';
import type {
  PeerInfo,
  SendResult,
  Transport,
  TransportHandlers,
  TransportOptions,
} from '../../transports/transport.js';
import { errorFromWire, scalarMemberText } from '../json-text.js';
import type { IdText } from '../types.js';

const requestHeaders = { 'content-type': 'application/json', accept: 'application/json' };

/** Nothing is sent yet, except that a child is started. */
export async function openHttpTransport(
  endpoint: HttpConnectEndpoint,
  options?: TransportOptions,
): Promise<HttpClientTransport> {
  const resolved = resolveOptions(options);
  const client = await openHttpClient(endpoint, resolved);
  if (resolved.signal?.aborted) {
    await client.close();
    throw aborted(`Connecting to ${shownUrl(endpoint)}`, resolved.signal);
  }
  return new HttpClientTransport(client, endpoint, resolved);
}

export class HttpClientTransport implements Transport {
  readonly kind = 'http';
  readonly implementation = 'twin';
  readonly bufferedBytes = 0;
  readonly peer: PeerInfo;
  /** A request ended without a response. */
  onRequestFailed: ((id: IdText, error: RingwireError) => void) | undefined;
  readonly #server: FrameServer;
  readonly #path: string;
  readonly #scanner: EnvelopeScanner = createScanner();
  readonly #record = new Int32Array(EnvelopeField.Count);
  readonly #calls = new Map<IdText, HttpCall>();
  /** Messages that are not answered: close() lets them leave. */
  readonly #told = new Set<object>();
  #onTold: (() => void) | undefined;
  #handlers: TransportHandlers | undefined;
  #isOver = false;

  constructor(client: HttpClient, endpoint: HttpConnectEndpoint, options: ResolvedOptions) {
    this.peer = client.peer;
    this.#server = { client, url: shownUrl(endpoint), options };
    this.#path = endpoint.kind === 'http' ? endpoint.path : '/';
    client.onGone = (error) => this.destroy(error);
  }

  start(handlers: TransportHandlers): void {
    this.#handlers = handlers;
  }

  send(frame: Uint8Array | string): SendResult {
    if (this.#isOver) return 'full';
    const body = Buffer.from(frame as Uint8Array);
    const record = this.#record;
    if (this.#scanner.scan(body, record) !== ScanVerdict.Ok)
      throw new RingwireError('FRAME_INVALID', 'What is to be sent is no JSON-RPC 2.0 message.');
    const isRequest = record[EnvelopeField.Kind] === EnvelopeKind.Request;
    const id = isRequest ? idText(body, record) : undefined;
    // Nobody over there holds a call of another POST: cutting the exchange is what cancels it.
    if (!isRequest && methodText(body, record) === 'notifications/cancelled')
      this.#cancel(rangeText(body, record, EnvelopeField.ParamsStart));
    else this.#post(id, body);
    return 'sent';
  }

  /** Answers come one for each request; there is nothing to hold back. */
  pause(): void {}

  resume(): void {}

  /** Lets notifications leave; requests that are open end without an answer. */
  async close(): Promise<void> {
    if (this.#isOver) return;
    if (this.#told.size > 0)
      await new Promise<void>((resolve) => {
        this.#onTold = resolve;
        setTimeout(resolve, this.#server.options.closeTimeoutMs).unref();
      });
    this.#end(undefined);
    await this.#server.client.close();
  }

  destroy(error?: RingwireError): void {
    this.#end(error);
    void this.#server.client.close();
  }

  #post(id: IdText | undefined, body: Buffer): void {
    const exchange = {};
    const done = (): void => {
      if (id !== undefined) this.#calls.delete(id);
      this.#told.delete(exchange);
      if (this.#told.size === 0) this.#onTold?.();
    };
    const fail = (error: RingwireError): void => {
      done();
      if (this.#isOver) return;
      if (id === undefined) this.#handlers?.onFrameError?.(error);
      else this.onRequestFailed?.(id, error);
    };
    const sink = new Answer(this.#server.url, id, this.#scanner, {
      onReply: (frame) => {
        done();
        // A stream need not end with the reply.
        call.abort();
        if (!this.#isOver) this.#handlers?.onFrame(frame);
      },
      onTaken: done,
      onFail: fail,
    });
    if (id === undefined) this.#told.add(exchange);
    const call = requestFrames(
      this.#server,
      { method: 'POST', path: this.#path, headers: requestHeaders, body },
      sink,
    );
    if (id !== undefined) this.#calls.set(id, call);
  }

  #cancel(paramsText: string): void {
    const id = scalarMemberText(paramsText, 'requestId');
    const call = id === undefined ? undefined : this.#calls.get(id);
    if (id === undefined || call === undefined) return;
    this.#calls.delete(id);
    call.abort();
  }

  #end(error: RingwireError | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const call of this.#calls.values()) call.abort();
    this.#calls.clear();
    this.#onTold?.();
    this.#handlers?.onClose(error);
  }
}

/** What becomes of a POST; one of these is called, once. */
interface Outcome {
  onReply(frame: Buffer): void;
  /** A notification was taken. */
  onTaken(): void;
  onFail(error: RingwireError): void;
}

class Answer implements FrameSink {
  readonly #url: string;
  readonly #id: IdText | undefined;
  readonly #scanner: EnvelopeScanner;
  readonly #outcome: Outcome;
  #status = 0;
  #isOver = false;

  constructor(url: string, id: IdText | undefined, scanner: EnvelopeScanner, outcome: Outcome) {
    this.#url = url;
    this.#id = id;
    this.#scanner = scanner;
    this.#outcome = outcome;
  }

  onOpen(status: number): void {
    this.#status = status;
  }

  onFrame(frame: Buffer): void {
    if (this.#isOver) return;
    const record = new Int32Array(EnvelopeField.Count);
    const verdict = this.#scanner.scan(frame, record);
    const kind = record[EnvelopeField.Kind];
    const isReply =
      verdict === ScanVerdict.Ok && (kind === EnvelopeKind.Response || kind === EnvelopeKind.Error);
    if (isReply && this.#id !== undefined && idText(frame, record) === this.#id) {
      this.#isOver = true;
      this.#outcome.onReply(frame);
      return;
    }
    // An error without the id says why the message was not taken.
    if (isReply && kind === EnvelopeKind.Error)
      this.#fail(errorFromWire(JSON.parse(rangeText(frame, record, EnvelopeField.ResultStart))));
    else if (this.#id !== undefined)
      this.#fail(
        new RingwireError('FRAME_INVALID', `${this.#url} answered with no response to the request.`),
      );
  }

  onEnd(): void {
    if (this.#isOver) return;
    if (this.#id === undefined && this.#status < 300) {
      this.#isOver = true;
      this.#outcome.onTaken();
      return;
    }
    const text = `${this.#url} answered ${this.#status} and no message.`;
    this.#fail(new HttpError('HTTP_STATUS', text, { status: this.#status }));
  }

  onRefused(error: HttpError): void {
    this.#fail(error);
  }

  onFail(error: RingwireError): void {
    this.#fail(error);
  }

  #fail(error: RingwireError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#outcome.onFail(error);
  }
}

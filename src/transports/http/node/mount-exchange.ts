/** A request of somebody else's node:http server and its answer. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { stallTimeoutMs } from '../../../limits.js';
import type { PeerInfo } from '../../transport.js';
import type { ClientCertificate, HeaderList, HttpStream } from '../http-server.js';
import { splitTarget } from '../request-syntax.js';
import { certificateOf } from './connection.js';
import type { EngineContext } from './context.js';
import { Http1Stream, headerOf, originForm, visitHeaders } from './http1-exchange.js';
import { NodeExchange } from './node-exchange.js';
import { hasNoBody } from './refusal.js';

export class MountExchange extends NodeExchange {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  /** What a body parser before us made of the body. */
  readonly #given: unknown;
  readonly #onEnded: (exchange: MountExchange) => void;
  #isComplete = false;
  #waiting = 0;
  #stalledSince = 0;

  constructor(
    context: EngineContext,
    request: IncomingMessage,
    response: ServerResponse,
    given: unknown,
    onEnded: (exchange: MountExchange) => void,
  ) {
    super(context);
    this.#request = request;
    this.#response = response;
    this.#given = given;
    this.#onEnded = onEnded;
    this.method = request.method as string;
    // Express takes the mount's path off the url.
    const url = originForm((request as { originalUrl?: string }).originalUrl ?? (request.url as string));
    const { path, query } = splitTarget(url);
    this.path = path;
    this.query = query;
    response.once('close', () => {
      onEnded(this);
      if (!this.#isComplete) this.abort();
    });
  }

  get peer(): PeerInfo {
    const { remoteAddress, remotePort } = this.#request.socket;
    return { kind: 'http', address: remoteAddress, port: remotePort };
  }

  get isSecure(): boolean {
    return (this.#request.socket as Partial<TLSSocket>).encrypted === true;
  }

  get clientCertificate(): ClientCertificate | undefined {
    return this.isSecure ? certificateOf(this.#request.socket as TLSSocket) : undefined;
  }

  begin(): void {
    this.context.counters.requests++;
    // The client left while our code was loaded.
    if (this.#response.destroyed) {
      this.#onEnded(this);
      return;
    }
    this.guard(() => this.application.onRequest(this));
  }

  header(name: string): string {
    return headerOf(this.#request, name);
  }

  eachHeader(visit: (name: string, value: string) => void): void {
    visitHeaders(this.#request, visit);
  }

  /** Ends the answer to a client that takes nothing of it. */
  check(now: number): void {
    this.checkBodyRate(now);
    const waiting = this.#response.writableLength;
    if (waiting === 0 || waiting !== this.#waiting) {
      this.#waiting = waiting;
      this.#stalledSince = now;
    } else if (now - this.#stalledSince >= stallTimeoutMs) this.#response.destroy();
  }

  protected override startBody(): void {
    const request = this.#request;
    if (request.readableDidRead || request.readableEnded) {
      process.nextTick(() => this.#takeGiven());
      return;
    }
    request.on('data', (chunk: Buffer) => this.received(chunk));
    request.on('end', () => this.ended());
  }

  protected override stopBody(): void {
    this.#request.pause();
  }

  protected override writeAnswer(status: number, head: HeaderList, body: string | Uint8Array): void {
    const response = this.#response;
    this.#isComplete = true;
    if (response.destroyed || response.headersSent) return;
    const bytes = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
    this.#setHead(status, head);
    if (!hasNoBody(status)) response.setHeader('content-length', bytes);
    // The rest of a body that nobody reads would be taken for the next request.
    if (!this.#request.complete && this.#request.httpVersionMajor === 1)
      response.setHeader('connection', 'close');
    response.end(body);
  }

  protected override startStream(status: number, head: HeaderList): HttpStream {
    this.#setHead(status, head);
    return new Http1Stream(this.#response, this.context, () => {
      this.#isComplete = true;
    });
  }

  protected override cut(): void {
    this.#response.destroy();
    (this.#request.socket as Socket | null)?.destroy();
  }

  /** Field by field, beside those that the server around us has set. */
  #setHead(status: number, head: HeaderList): void {
    const response = this.#response;
    response.statusCode = status;
    const set = new Set<string>();
    for (let index = 0; index < head.length; index += 2) {
      const name = head[index];
      if (set.has(name)) response.appendHeader(name, head[index + 1]);
      else response.setHeader(name, head[index + 1]);
      set.add(name);
    }
  }

  /** The body was read before us: its content coding is undone, its bytes may be gone. */
  #takeGiven(): void {
    if (this.isAborted || this.isAnswered) return;
    const given = this.#given;
    if (given === undefined) {
      const problem = 'The body was read before it came here. Give what it held as the third argument.';
      this.guard(() => {
        throw new Error(problem);
      });
      return;
    }
    const bytes = Buffer.isBuffer(given)
      ? given
      : Buffer.from(typeof given === 'string' ? given : JSON.stringify(given));
    this.takeBody(bytes);
  }
}

/** HTTP/2 over one connection at a time, however it is made: TLS, or the pipes of a child. */
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type Http2Session,
  type IncomingHttpHeaders,
} from 'node:http2';
import type { Duplex } from 'node:stream';
import { RingwireError } from '../../../errors.js';
import type { ResolvedOptions } from '../../options.js';
import type { PeerInfo } from '../../transport.js';
import { clientClosed, failed, requestError, tooManyRequests } from './client-errors.js';
import type { AnswerHeaders, HttpAnswer, HttpCall, HttpClient, HttpRequest } from './http-client.js';

/** Bytes of answers the server may send before we read: with the default 64 KiB a large answer waits for round trips. */
const windowBytes = 1024 * 1024;

export class Http2Client implements HttpClient {
  readonly origin: string;
  readonly peer: PeerInfo;
  onGone?: (error: RingwireError) => void;
  /** Knows better why the connection is lost, where somebody does. */
  protected whyLost: (() => Promise<RingwireError>) | undefined;
  readonly connectTimeoutMs: number;
  readonly #maxRequests: number;
  readonly #connect: () => Promise<Duplex>;
  #session: ClientHttp2Session | undefined;
  #opening: Promise<ClientHttp2Session> | undefined;
  readonly #sessions = new Set<ClientHttp2Session>();
  #requests = 0;
  #isClosed = false;
  /** Runs while a connection is asked whether it still is one. */
  #doubt: NodeJS.Timeout | undefined;

  /** @param connect makes a connection on which the server speaks HTTP/2. */
  constructor(origin: string, peer: PeerInfo, options: ResolvedOptions, connect: () => Promise<Duplex>) {
    this.origin = origin;
    this.peer = peer;
    this.connectTimeoutMs = options.connectTimeoutMs;
    this.#maxRequests = options.httpClient.maxRequests;
    this.#connect = connect;
  }

  send(request: HttpRequest, answer: HttpAnswer): HttpCall {
    if (this.#isClosed) return failed(answer, clientClosed(this.origin));
    if (this.#requests >= this.#maxRequests)
      return failed(answer, tooManyRequests(this.origin, this.#maxRequests));
    this.#requests += 1;
    const call = new Http2Call(this, request, answer);
    const session = this.#session;
    if (session !== undefined && !session.destroyed && !session.closed) call.start(session);
    else
      this.#open().then(
        (opened) => call.start(opened),
        (error: unknown) => call.fail(error),
      );
    return call;
  }

  /** A call came to its end. An idle connection does not keep the process alive. */
  ended(): void {
    this.#requests -= 1;
    if (this.#requests === 0) for (const session of this.#sessions) session.unref();
  }

  /**
   * A call was given up before its answer began, as happens where the network is gone without a word: every further
   * call would go the same way until TCP gives up. A connection that answers no PING is cut. A child tells of its end.
   */
  doubt(session: Http2Session): void {
    if (this.#doubt !== undefined || this.whyLost !== undefined || session.destroyed) return;
    let isAnswered = false;
    this.#doubt = setTimeout(() => {
      this.#doubt = undefined;
      if (!isAnswered)
        session.destroy(new RingwireError('CONNECTION_RESET', `${this.origin} answers no PING.`));
    }, this.connectTimeoutMs).unref();
    session.ping((error) => {
      isAnswered = error === null;
    });
  }

  /** What to say of a failed call: what happened to it, or to the connection under it. */
  explain(error: unknown): RingwireError | Promise<RingwireError> {
    if (this.whyLost !== undefined && !this.#isClosed && this.#sessions.size === 0) return this.whyLost();
    return requestError(error, this.origin, this.connectTimeoutMs);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#doubt);
    await this.#opening?.catch(() => {});
    await Promise.all(
      [...this.#sessions].map(
        (session) =>
          new Promise<void>((resolve) => {
            session.once('close', resolve);
            session.destroy();
          }),
      ),
    );
  }

  #open(): Promise<ClientHttp2Session> {
    this.#opening ??= this.#openSession().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #openSession(): Promise<ClientHttp2Session> {
    const socket = await this.#connect();
    if (this.#isClosed) {
      socket.destroy();
      throw clientClosed(this.origin);
    }
    const session = connect(this.origin, {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: windowBytes },
    });
    this.#session = session;
    this.#sessions.add(session);
    const leave = (): void => {
      // Calls that have begun go on; new ones take a new connection.
      if (this.#session === session) this.#session = undefined;
    };
    session.once('connect', () => session.setLocalWindowSize(windowBytes * 16));
    session.on('goaway', leave);
    // Its streams report it, each for its own call.
    session.on('error', leave);
    session.once('close', () => {
      leave();
      this.#sessions.delete(session);
    });
    return session;
  }
}

class Http2Call implements HttpCall {
  readonly #client: Http2Client;
  readonly #request: HttpRequest;
  readonly #answer: HttpAnswer;
  #stream: ClientHttp2Stream | undefined;
  #isOver = false;
  #isAborted = false;
  #hasBegun = false;

  constructor(client: Http2Client, request: HttpRequest, answer: HttpAnswer) {
    this.#client = client;
    this.#request = request;
    this.#answer = answer;
  }

  abort(): void {
    this.#isAborted = true;
    if (this.#isOver) return;
    this.#over();
    const session = this.#stream?.session;
    this.#stream?.close(constants.NGHTTP2_CANCEL);
    if (session !== undefined && !this.#hasBegun) this.#client.doubt(session);
  }

  start(session: ClientHttp2Session): void {
    if (this.#isOver) return;
    const { method, path, headers, body } = this.#request;
    let stream: ClientHttp2Stream;
    try {
      session.ref();
      stream = session.request(
        { ...headers, ':method': method, ':path': path },
        { endStream: body === undefined },
      );
    } catch (error) {
      this.fail(error);
      return;
    }
    this.#stream = stream;
    stream.on('response', (fields: IncomingHttpHeaders & { ':status'?: number }) => {
      this.#hasBegun = true;
      if (this.#isOver) return;
      this.#answer.onHead(Number(fields[':status']), fields as AnswerHeaders);
      // Not before: Node.js tells of the head a tick after it read it, and of data at once.
      stream.on('data', (chunk: Buffer) => {
        if (!this.#isOver) this.#answer.onData(chunk);
      });
    });
    stream.on('end', () => {
      // A stream that was reset ends, too; close says which of the two it was.
      if (!this.#isOver && !stream.aborted && stream.rstCode === constants.NGHTTP2_NO_ERROR) this.#end();
    });
    stream.on('error', (error) => this.fail(error));
    stream.on('close', () => {
      const text = `The HTTP/2 stream with ${this.#client.origin} was reset (code ${stream.rstCode}).`;
      this.fail(new RingwireError('CONNECTION_RESET', text));
    });
    if (body !== undefined) stream.end(body);
  }

  fail(error: unknown): void {
    if (this.#isOver) return;
    this.#over();
    // The session may be about to report its own end.
    setImmediate(() => {
      void Promise.resolve(this.#client.explain(error)).then((explained) => {
        if (!this.#isAborted) this.#answer.onFail(explained);
      });
    });
  }

  #end(): void {
    this.#over();
    this.#answer.onEnd();
  }

  #over(): void {
    this.#isOver = true;
    this.#client.ended();
  }
}

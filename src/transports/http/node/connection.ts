/** One accepted socket: which exchanges are at work on it, and whether its peer reads what it is sent. */
import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { bodyGraceMs, closeLingerMs, maxBacklogBytes, stallTimeoutMs } from '../../../limits.js';
import type { PeerInfo } from '../../transport.js';
import type { WsTransport } from '../../websocket/ws-transport.js';
import type { ClientCertificate } from '../http-server.js';
import type { EngineContext } from './context.js';
import type { Http1Exchange } from './http1-exchange.js';
import type { Http2Link } from './http2-link.js';

/** What libuv tells of a stream's write queue. */
interface WriteHandle {
  readonly bytesWritten?: number;
  readonly writeQueueSize?: number;
}

/** How many bytes of answers go by between two looks at what waits. */
const lookBytes = 1024 * 1024;

const connections = new WeakMap<object, Connection>();

export class Connection {
  readonly socket: Socket;
  readonly isSecure: boolean;
  /** Exchanges of HTTP/1 whose answers are not complete; more than one where the client pipelines. */
  readonly open: Http1Exchange[] = [];
  /** The WebSocket it became. */
  webSocket: WsTransport | undefined = undefined;
  http2: Http2Link | undefined = undefined;
  /** Something on it was no request that can be served: what comes behind is not looked at, and it ends. */
  isRefused = false;
  /** Nothing says yet which protocol is spoken. */
  isUndecided = true;
  readonly since = Date.now();
  /** Socket options that could not be set. */
  readonly notGranted: readonly string[];
  readonly #context: EngineContext;
  #peer: PeerInfo | undefined = undefined;
  #certificate: ClientCertificate | undefined | null = null;
  /** Answered before all of its body came: the rest is read over, for a while. */
  #leftover: Http1Exchange | undefined = undefined;
  #leftoverSince = 0;
  /** Bytes of answers given so far, or since all that was given had left. */
  #answeredBytes = 0;
  /** Where the next look at what waits is due. */
  #lookAtBytes = lookBytes;
  #taken = -1;
  #stalledSince = 0;

  constructor(socket: Socket, isSecure: boolean, context: EngineContext, notGranted: readonly string[]) {
    this.socket = socket;
    this.#context = context;
    this.notGranted = notGranted;
    this.isSecure = isSecure;
    connections.set(socket, this);
  }

  /** The connection of a socket, or of the socket under TLS. */
  static of(socket: object): Connection {
    return connections.get(socket) as Connection;
  }

  get peer(): PeerInfo {
    this.#peer ??= { kind: 'http', address: this.socket.remoteAddress, port: this.socket.remotePort };
    return this.#peer;
  }

  get clientCertificate(): ClientCertificate | undefined {
    if (this.#certificate === null)
      this.#certificate = this.isSecure ? certificateOf(this.socket as TLSSocket) : undefined;
    return this.#certificate;
  }

  get isIdle(): boolean {
    return this.open.length === 0 && this.webSocket === undefined && this.http2 === undefined;
  }

  finished(exchange: Http1Exchange): void {
    const { open } = this;
    if (open.length === 1 && open[0] === exchange) open.pop();
    else {
      const at = open.indexOf(exchange);
      if (at >= 0) open.splice(at, 1);
    }
    // The answer is handed to the socket right after this.
    if (this.#context.isDraining || this.isRefused) process.nextTick(() => this.endWhenIdle());
  }

  /** Ends it behind what was written, where nothing is at work. */
  endWhenIdle(): void {
    if (this.isIdle && !this.socket.destroyed) this.socket.destroySoon();
  }

  /** The request is answered and not all here. */
  readsOver(exchange: Http1Exchange): void {
    this.#leftover = exchange;
    this.#leftoverSince = Date.now();
  }

  /**
   * Counts an answer. A client that pipelines and does not read has its answers kept by node, as many as one read from
   * the socket holds requests: beyond maxBacklogBytes the rest of the requests is not looked at.
   */
  answered(bytes: number): void {
    this.#answeredBytes += bytes;
    if (this.#answeredBytes < this.#lookAtBytes) return;
    const handle = (this.socket as { _handle?: WriteHandle })._handle;
    const left = (handle?.bytesWritten ?? 0) - (handle?.writeQueueSize ?? 0);
    const waiting = this.#answeredBytes - left;
    if (waiting > maxBacklogBytes) this.isRefused = true;
    // Heads count among the bytes that left.
    if (waiting < 0) this.#answeredBytes = left;
    this.#lookAtBytes = this.#answeredBytes + lookBytes;
  }

  /** The socket is gone. */
  gone(): void {
    for (const exchange of this.open.splice(0)) exchange.abort();
  }

  /**
   * Closing with bytes unread makes the kernel send a reset, which can destroy our answer on its way: what the client
   * still sends is thrown away for a while, and none of it is served.
   */
  lingerOnClose(): void {
    const { socket } = this;
    this.isRefused = true;
    socket.destroySoon = () => {
      if (socket.writable) socket.end();
      socket.resume();
      setTimeout(() => socket.destroy(), closeLingerMs).unref();
    };
  }

  /** Ends it where its peer took nothing of what waits for stallTimeoutMs, or sends a body too slowly. */
  check(now: number, keepAliveTimeoutMs: number): void {
    this.http2?.check(now, keepAliveTimeoutMs);
    for (const exchange of this.open) exchange.checkStall(now);
    if (this.#leftover?.isWhole === true) this.#leftover = undefined;
    if (this.#leftover !== undefined && now - this.#leftoverSince >= bodyGraceMs) this.socket.destroy();
    const handle = (this.socket as { _handle?: WriteHandle })._handle;
    const queued = handle?.writeQueueSize ?? 0;
    if (this.socket.writableLength === 0 && queued === 0) {
      this.#taken = -1;
      return;
    }
    const taken = (handle?.bytesWritten ?? 0) - queued;
    if (taken !== this.#taken) {
      this.#taken = taken;
      this.#stalledSince = now;
    } else if (now - this.#stalledSince >= stallTimeoutMs) this.socket.destroy();
  }
}

/** The certificate a client showed and that was verified. */
export function certificateOf(socket: TLSSocket): ClientCertificate | undefined {
  if (!socket.authorized) return undefined;
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  return {
    subject: certificate.subject,
    fingerprint: createHash('sha256').update(certificate.raw).digest('hex'),
  };
}

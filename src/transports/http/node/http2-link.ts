/** One HTTP/2 connection: its exchanges, their progress, its end. */
import type { ServerHttp2Session } from 'node:http2';
import type { Duplex } from 'node:stream';
import { maxBacklogBytes } from '../../../limits.js';
import type { PeerInfo } from '../../transport.js';
import type { ClientCertificate } from '../http-server.js';
import type { Http2Exchange } from './http2-exchange.js';
import { Http2Guard } from './http2-guard.js';

/** Who is at the other end of a session. */
export interface Http2Remote {
  readonly peer: PeerInfo;
  readonly isSecure: boolean;
  readonly clientCertificate: ClientCertificate | undefined;
}

export class Http2Link implements Http2Remote {
  readonly session: ServerHttp2Session;
  readonly guard: Http2Guard;
  readonly #remote: Http2Remote;
  readonly #exchanges = new Set<Http2Exchange>();
  #idleSince = Date.now();

  constructor(session: ServerHttp2Session, stream: Duplex, remote: Http2Remote) {
    this.session = session;
    this.#remote = remote;
    this.guard = new Http2Guard(session, stream);
  }

  get peer(): PeerInfo {
    return this.#remote.peer;
  }

  get isSecure(): boolean {
    return this.#remote.isSecure;
  }

  get clientCertificate(): ClientCertificate | undefined {
    return this.#remote.clientCertificate;
  }

  /** Of large answers and streams: bytes that wait for the client to take them, over all its requests. */
  get waitingBytes(): number {
    let bytes = 0;
    for (const exchange of this.#exchanges) bytes += exchange.waitingBytes;
    return bytes;
  }

  /** So much waits already that no further request is begun: what the client does not take, we would hold. */
  get isOverBacklog(): boolean {
    return this.waitingBytes > maxBacklogBytes;
  }

  joined(exchange: Http2Exchange): void {
    this.#exchanges.add(exchange);
  }

  left(exchange: Http2Exchange): void {
    this.#exchanges.delete(exchange);
    if (this.#exchanges.size === 0) this.#idleSince = Date.now();
  }

  check(now: number, keepAliveTimeoutMs: number): void {
    for (const exchange of this.#exchanges) exchange.check(now);
    if (this.#exchanges.size === 0 && now - this.#idleSince >= keepAliveTimeoutMs) this.drain();
  }

  /** Says GOAWAY, lets the streams at work end, then closes. */
  drain(): void {
    if (!this.session.closed && !this.session.destroyed) this.session.close();
  }
}

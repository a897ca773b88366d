/**
 * A session of the legacy era over HTTP. Every POST has a Peer of its own, so that answers cannot go to another POST
 * whatever ids clients use; they share what initialize agreed on. One more Peer stands for the session itself.
 */
import { randomBytes } from 'node:crypto';
import { RingwireError } from '../../../errors.js';
import type { DeadlineEntry, DeadlineQueue } from '../../../rpc/deadline-queue.js';
import { Peer } from '../../../rpc/peer.js';
import { type CloseOptions, type PeerOptions, resolvePeerOptions } from '../../../rpc/peer-options.js';
import type { IdText } from '../../../rpc/types.js';
import type { HttpExchange } from '../../../transports/http/http-server.js';
import { closableStreamKey } from '../../context.js';
import type { LegacySession } from '../../legacy.js';
import { joinLegacySession, legacySessionOf } from '../../methods.js';
import { parseEventId, sessionTag } from './event-id.js';
import type { EventStore } from './event-store.js';
import { checkFrameSize, PostTransport } from './post-transport.js';
import { SessionStream, type StreamOwner } from './session-stream.js';
import { SessionTransport, sessionStreamId } from './session-transport.js';

/** The first revision whose clients know events without data (SEP-1699). */
const primingVersion = '2025-11-25';

/** What sessions of one endpoint have in common. */
export interface SessionHost {
  readonly peerOptions: PeerOptions;
  readonly deadlines: DeadlineQueue;
  readonly store: EventStore | undefined;
  readonly maxFrameBytes: number;
  readonly retryMs: number;
  readonly stallTimeoutMs: number;
  /** How often an idle stream gets a comment; 0: never. */
  readonly keepAliveMs: number;
  /** Calls at work in all sessions. */
  inFlight: number;
  onUndelivered(): void;
  onStoreFailure(error: unknown, session: HttpSession): void;
  /** Was used, and is busy or idle from now on. */
  onActivity(session: HttpSession): void;
  onEnd(session: HttpSession): void;
}

export class HttpSession implements StreamOwner, DeadlineEntry {
  /** 256 random bits. */
  readonly id = randomBytes(32).toString('base64url');
  readonly tag: string;
  /** Who may use it. */
  readonly principal: string | undefined;
  readonly transport: SessionTransport;
  /** The Peer of the session itself. */
  readonly peer: Peer;
  lastSequence = 0;
  lostSequence = 0;
  unstored = 0;
  appended: Promise<unknown> | undefined;
  /** When it ends unless somebody uses it. */
  expiresAt = 0;
  heapIndex = -1;
  readonly #host: SessionHost;
  readonly #peerOptions: PeerOptions;
  readonly #posts = new Set<PostTransport>();
  /** Streams of POSTs that go on. */
  readonly #streams = new Map<number, SessionStream>();
  /** Who waits for the reply to each request we made on a POST's stream. */
  readonly #askers = new Map<IdText, PostTransport>();
  #agreed: LegacySession | undefined;
  #lastRequestId = 0;
  #lastStreamId = sessionStreamId;
  #isEnded = false;

  /** Serves the initialize request that opens it. */
  constructor(host: SessionHost, exchange: HttpExchange, body: Buffer) {
    this.#host = host;
    this.tag = sessionTag(this.id);
    this.principal = exchange.principal?.principal;
    this.#peerOptions = resolvePeerOptions({
      ...host.peerOptions,
      nextRequestId: () => {
        this.#lastRequestId += 1;
        return this.#lastRequestId;
      },
    });
    this.transport = new SessionTransport(this, exchange);
    this.peer = new Peer(this.transport, this.#peerOptions);
    this.peer.auth = exchange.principal;
    this.transport.feed(body);
  }

  get store(): EventStore | undefined {
    return this.#host.store;
  }

  get retryMs(): number {
    return this.#host.retryMs;
  }

  get stallTimeoutMs(): number {
    return this.#host.stallTimeoutMs;
  }

  get keepAliveMs(): number {
    return this.#host.keepAliveMs;
  }

  get deadlines(): DeadlineQueue {
    return this.#host.deadlines;
  }

  get servesBatches(): boolean {
    return this.#agreed?.servesBatches ?? false;
  }

  get primes(): boolean {
    return this.store !== undefined && (this.#agreed?.protocolVersion ?? '') >= primingVersion;
  }

  /** Calls at work. */
  get inFlight(): number {
    return this.#posts.size;
  }

  /** It is being opened, calls are at work, or a client listens. */
  get isBusy(): boolean {
    return this.#agreed === undefined || this.#posts.size > 0 || this.transport.stream.isConnected;
  }

  /** initialize succeeded and the session is not at its end. */
  get isOpen(): boolean {
    return this.#agreed !== undefined && !this.#isEnded;
  }

  /** initialize was answered with a result. False where it opened no session after all. */
  begin(): boolean {
    const agreed = legacySessionOf(this.peer);
    if (agreed === undefined || this.#isEnded) return false;
    this.#agreed = agreed;
    agreed.onLogLevel = (level) => {
      this.peer.logLevel = level;
      for (const { served } of this.#posts) if (served !== undefined) served.logLevel = level;
    };
    this.#host.onActivity(this);
    return true;
  }

  /** Serves a POST that holds requests. */
  call(exchange: HttpExchange, body: Buffer): void {
    const agreed = this.#agreed as LegacySession;
    const post = new PostTransport(this, exchange);
    const peer = new Peer(post, this.#peerOptions);
    peer.auth = exchange.principal;
    peer.logLevel = this.peer.logLevel;
    joinLegacySession(peer, agreed);
    if (this.primes) peer.data.set(closableStreamKey, post);
    this.#posts.add(post);
    this.#host.inFlight += 1;
    this.#host.onActivity(this);
    post.serve(peer, body);
  }

  /** A notification of the client; a cancellation finds its call wherever it is at work. */
  notify(frame: Buffer, cancelledId: IdText | undefined): void {
    this.#host.onActivity(this);
    let isFound = false;
    if (cancelledId !== undefined) {
      for (const post of [...this.#posts]) {
        if (post.served?.calls.inFlight.get(cancelledId) === undefined) continue;
        isFound = true;
        post.feed(frame);
      }
    }
    if (!isFound) this.transport.feed(frame);
  }

  /** The client's progress on, or its reply to, a request of ours. */
  answer(frame: Buffer, id: IdText, isLast: boolean): void {
    this.#host.onActivity(this);
    const post = this.#askers.get(id);
    if (isLast) this.#askers.delete(id);
    if (post === undefined) this.transport.feed(frame);
    else post.feed(frame);
  }

  /** A request of ours leaves on the stream of a POST: its reply goes there. */
  onAsk(post: PostTransport, id: IdText): void {
    this.#askers.set(id, post);
  }

  /** A stream for the messages of a POST. */
  openStream(): SessionStream {
    this.#lastStreamId += 1;
    const stream = new SessionStream(this, this.#lastStreamId);
    this.#streams.set(stream.id, stream);
    return stream;
  }

  /** Nobody will come back for it. */
  dropStream(stream: SessionStream): void {
    stream.end();
    this.#streams.delete(stream.id);
    this.#toStore((store) => store.dropStream(this.id, stream.id));
  }

  /** The stream that Last-Event-ID names, with its place in it; undefined for an id that is not of this session. */
  find(lastEventId: string): { readonly stream: SessionStream; readonly sequence: number } | undefined {
    const found = parseEventId(lastEventId, this.tag);
    if (found === undefined || found.sequence > this.lastSequence || found.streamId > this.#lastStreamId)
      return undefined;
    const { streamId, sequence } = found;
    if (streamId === sessionStreamId) return { stream: this.transport.stream, sequence };
    let stream = this.#streams.get(streamId);
    if (stream === undefined) {
      stream = new SessionStream(this, streamId, true);
      this.#streams.set(streamId, stream);
    }
    return { stream, sequence };
  }

  leave(post: PostTransport, stream: SessionStream | undefined): void {
    if (!this.#posts.delete(post)) return;
    this.#host.inFlight -= 1;
    if (stream !== undefined && !stream.isConnected) this.#streams.delete(stream.id);
    for (const id of post.asked) this.#askers.delete(id);
    this.#host.onActivity(this);
  }

  /** Ends its calls, streams and stored events. Idempotent. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#host.onEnd(this);
    const error = new RingwireError('CONNECTION_CLOSED', 'The session ended.');
    for (const { served } of [...this.#posts]) served?.destroy(error);
    this.peer.destroy(error);
    const drop = (): void => this.#toStore((store) => store.dropSession(this.id));
    // Stores may rely on it that nothing of a session comes behind its end.
    if (this.appended === undefined) drop();
    else void this.appended.then(drop);
  }

  /** Waits for calls at work, then ends. */
  async close(options?: CloseOptions): Promise<void> {
    this.transport.stopWaiting();
    await Promise.all([...this.#posts].map(({ served }) => served?.close(options)));
    this.end();
  }

  /** Nobody used it for the time it may stay idle. */
  expire(): void {
    this.end();
  }

  /** Has a call that is silent for long begin its stream, whose comments tell proxies that somebody is at work. */
  keepAlive(post: PostTransport): void {
    const { deadlines, keepAliveMs } = this.#host;
    if (keepAliveMs > 0) deadlines.schedule(post, deadlines.clock.now() + keepAliveMs);
  }

  checkSize(text: string): void {
    checkFrameSize(text, this.#host.maxFrameBytes);
  }

  onUndelivered(): void {
    this.#host.onUndelivered();
  }

  onStoreFailure(error: unknown): void {
    this.#host.onStoreFailure(error, this);
  }

  onStreamChange(stream: SessionStream): void {
    if (stream.isEnded && !stream.isConnected) this.#streams.delete(stream.id);
    if (this.#agreed !== undefined) this.#host.onActivity(this);
  }

  #toStore(work: (store: EventStore) => void | Promise<void>): void {
    const { store } = this;
    if (store === undefined) return;
    try {
      void work(store)?.catch((error: unknown) => this.onStoreFailure(error));
    } catch (error) {
      this.onStoreFailure(error);
    }
  }
}

/**
 * One stream of a session: what a POST is answered with, or what a GET opened. Its events outlive the connections that
 * carry them where there is a store: send() numbers and stores an event, and a client that comes back reads from the
 * store until it has caught up.
 *
 *     send() ──► live connection, if any ──► store          resume(): store ──► connection, then live
 */

import { RingwireError, RpcErrorCode } from '../../../errors.js';
import { maxStoredEventBytes } from '../../../limits.js';
import type { DeadlineEntry, DeadlineQueue } from '../../../rpc/deadline-queue.js';
import { EventStream } from '../../../transports/http/event-stream.js';
import type { HttpExchange } from '../../../transports/http/http-server.js';
import type { SendResult } from '../../../transports/transport.js';
import { refusal, refuse } from '../refusal.js';
import { eventId } from './event-id.js';
import type { EventStore, StoredEvent } from './event-store.js';
import { ExchangeHolder } from './exchange-holder.js';
import { refuseInvalid } from './refusals.js';

/** What a stream needs to know of its session. */
export interface StreamOwner {
  readonly id: string;
  readonly tag: string;
  readonly store: EventStore | undefined;
  /** Whether streams begin with an empty event that gives clients an id to come back with. */
  readonly primes: boolean;
  /** See EventStream. */
  readonly keepAliveMs: number;
  readonly deadlines: DeadlineQueue;
  /** A client that reads nothing for this long loses its connection. */
  readonly stallTimeoutMs: number;
  lastSequence: number;
  /** The last event that the store did not take: a replay from before it would leave something out. */
  lostSequence: number;
  /** Characters of messages that the store has not confirmed yet. */
  unstored: number;
  /** Settles when the store has what was appended so far, by any stream: one may be found anew after its end. */
  appended: Promise<unknown> | undefined;
  /** A message found nobody to go to and no store. */
  onUndelivered(): void;
  onStoreFailure(error: unknown): void;
  /** A connection came to the stream, or left it. */
  onStreamChange(stream: SessionStream): void;
}

export class SessionStream extends ExchangeHolder implements DeadlineEntry {
  readonly id: number;
  /** A connection has room again, or is gone. */
  onDrain: (() => void) | undefined = undefined;
  expiresAt = 0;
  heapIndex = -1;
  readonly #owner: StreamOwner;
  /** Who is served now, live or while it catches up. */
  #exchange: HttpExchange | undefined;
  #live: EventStream | undefined;
  #catchingUp: EventStream | undefined;
  #wake: (() => void) | undefined;
  #lastSequence = 0;
  #isEnded: boolean;
  #bufferedBytes = 0;

  /** isEnded: only what the store has can be had from it. */
  constructor(owner: StreamOwner, id: number, isEnded = false) {
    super();
    this.#owner = owner;
    this.id = id;
    this.#isEnded = isEnded;
  }

  /** Somebody hears what is sent at once. */
  get isLive(): boolean {
    return this.#live !== undefined;
  }

  /** Somebody is connected, live or catching up. */
  get isConnected(): boolean {
    return this.#exchange !== undefined;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  get bufferedBytes(): number {
    return this.#live?.bufferedBytes ?? 0;
  }

  /** Answers the exchange with this stream from now on. A connection it has already is ended. */
  open(exchange: HttpExchange): void {
    this.#take(exchange);
    this.#goLive(new EventStream(exchange, [], this.#owner.keepAliveMs));
    if (this.#owner.primes) this.send('');
  }

  /** 'full': not accepted, onDrain tells when to try again. Without a connection the store takes it, or nobody does. */
  send(text: string): SendResult {
    if (this.#isEnded) return 'full';
    const { store, tag } = this.#owner;
    const live = this.#live;
    if (store === undefined) {
      if (live !== undefined) return this.#write(live, text, undefined);
      this.#owner.onUndelivered();
      return 'sent';
    }
    const sequence = this.#owner.lastSequence + 1;
    const result = live === undefined ? 'sent' : this.#write(live, text, eventId(tag, this.id, sequence));
    if (result === 'full') return result;
    this.#owner.lastSequence = sequence;
    this.#lastSequence = sequence;
    this.#append(store, { sessionId: this.#owner.id, streamId: this.id, sequence, data: text });
    return result;
  }

  /**
   * Sends what the stream had after the event of this number, and then what comes. A stream that ended and has nothing
   * more is answered 204, which tells clients not to come back (HTML, "Server-sent events"); where the store no longer
   * knows, 400.
   */
  async resume(exchange: HttpExchange, sequence: number, store: EventStore): Promise<void> {
    this.#take(exchange);
    try {
      await this.#replay(exchange, sequence, store);
    } catch (error) {
      this.#owner.onStoreFailure(error);
      if (!this.#isCurrent(exchange)) return;
      const opened = this.#catchingUp;
      this.#leave();
      if (opened === undefined)
        refuse(exchange, refusal(500, RpcErrorCode.InternalError, 'The stored events cannot be read now.'));
      else opened.end();
    }
  }

  /** Lets go of the connection; the stream goes on, and its client may come back after retryMs. */
  release(retryMs: number): void {
    const live = this.#live;
    if (live === undefined) return;
    live.retry(retryMs);
    this.#leave();
    live.end();
  }

  /** Nothing more is sent on this stream. Idempotent. */
  end(): void {
    this.#isEnded = true;
    this.onDrain = undefined;
    const live = this.#live;
    if (live === undefined) return;
    this.#leave();
    live.end();
  }

  override onExchangeGone(exchange: HttpExchange): void {
    if (this.#exchange !== exchange) return;
    this.#live?.abandon();
    this.#catchingUp?.abandon();
    this.#leave();
  }

  /** The client read nothing for stallTimeoutMs. It may come back for what it missed where there is a store. */
  expire(): void {
    const events = this.#live ?? this.#catchingUp;
    const exchange = this.#exchange;
    if (events === undefined || exchange === undefined) return;
    if (events.bufferedBytes < this.#bufferedBytes) {
      this.#watch(events);
      return;
    }
    events.abandon();
    this.#leave();
    exchange.destroy();
  }

  #write(events: EventStream, text: string, id: string | undefined): SendResult {
    const result = events.send(text, id);
    if (result === 'full' && this.heapIndex < 0) this.#watch(events);
    return result;
  }

  #watch(events: EventStream): void {
    const { deadlines, stallTimeoutMs } = this.#owner;
    this.#bufferedBytes = events.bufferedBytes;
    deadlines.schedule(this, deadlines.clock.now() + stallTimeoutMs);
  }

  #isCurrent(exchange: HttpExchange): boolean {
    return this.#exchange === exchange;
  }

  #take(exchange: HttpExchange): void {
    const previous = this.#live ?? this.#catchingUp;
    // Two connections never carry one stream. The newer one wins: the older may be dead without anybody knowing.
    this.#live = undefined;
    this.#catchingUp = undefined;
    this.#exchange = exchange;
    this.#owner.deadlines.remove(this);
    this.hold(exchange);
    previous?.end();
    this.#wake?.();
    this.#owner.onStreamChange(this);
  }

  #leave(): void {
    this.#live = undefined;
    this.#catchingUp = undefined;
    this.#exchange = undefined;
    this.#owner.deadlines.remove(this);
    this.#wake?.();
    this.#owner.onStreamChange(this);
    // What waited for room need wait no longer. Not at once: an engine may say so from inside a write.
    queueMicrotask(() => this.onDrain?.());
  }

  #goLive(events: EventStream): void {
    this.#catchingUp = undefined;
    this.#live = events;
    events.onDrain = () => {
      this.#owner.deadlines.remove(this);
      this.onDrain?.();
    };
    this.onDrain?.();
  }

  async #replay(exchange: HttpExchange, sequence: number, store: EventStore): Promise<void> {
    let stored = await this.#read(store, sequence);
    if (!this.#isCurrent(exchange)) {
      refuseInvalid(exchange, 409, 'Another connection took this stream over.');
      return;
    }
    const isKnown = stored[0]?.sequence === sequence;
    const isLost = sequence < this.#owner.lostSequence;
    if (isLost || (this.#isEnded && stored.length === (isKnown ? 1 : 0))) {
      this.#leave();
      if (isKnown && !isLost) exchange.respond(204, []);
      else refuseInvalid(exchange, 400, 'The events after Last-Event-ID are no longer kept.');
      return;
    }
    const events = new EventStream(exchange, [], this.#owner.keepAliveMs);
    this.#catchingUp = events;
    for (let cursor = sequence; ; stored = await this.#read(store, cursor + 1)) {
      if (!this.#isCurrent(exchange)) return;
      if (!stored.some((event) => event.sequence > cursor)) break;
      for (const event of stored) {
        if (event.sequence <= cursor) continue;
        if (event.data !== '' && !(await this.#deliver(exchange, events, event))) return;
        cursor = event.sequence;
      }
      // Compared and gone live in one turn: nothing is sent in between.
      if (cursor >= this.#lastSequence) break;
    }
    if (this.#isEnded) {
      this.#leave();
      events.end();
    } else {
      this.#goLive(events);
    }
  }

  /** False where the connection was lost meanwhile. */
  async #deliver(exchange: HttpExchange, events: EventStream, event: StoredEvent): Promise<boolean> {
    const id = eventId(this.#owner.tag, this.id, event.sequence);
    while (this.#write(events, event.data, id) === 'full') {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        events.onDrain = resolve;
      });
      this.#wake = undefined;
      this.#owner.deadlines.remove(this);
      if (!this.#isCurrent(exchange)) return false;
    }
    return true;
  }

  async #read(store: EventStore, sequence: number): Promise<readonly StoredEvent[]> {
    if (this.#owner.appended !== undefined) await this.#owner.appended;
    return store.read(this.#owner.id, this.id, sequence);
  }

  #append(store: EventStore, event: StoredEvent): void {
    const owner = this.#owner;
    const lose = (error: unknown): void => {
      owner.lostSequence = Math.max(owner.lostSequence, event.sequence);
      owner.onStoreFailure(error);
    };
    if (owner.unstored > maxStoredEventBytes) {
      lose(new RingwireError('OVERLOADED', 'The event store does not keep up; an event was not stored.'));
      return;
    }
    try {
      const appending = store.append(event);
      if (appending === undefined) return;
      owner.unstored += event.data.length;
      const settled = appending.catch(lose).then(() => {
        owner.unstored -= event.data.length;
      });
      const all = owner.appended === undefined ? settled : owner.appended.then(() => settled);
      owner.appended = all;
      void all.then(() => {
        if (owner.appended === all) owner.appended = undefined;
      });
    } catch (error) {
      lose(error);
    }
  }
}

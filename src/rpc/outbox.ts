/**
 * Everything one peer sends, in order. Messages of one turn are collected and handed to the transport together;
 * what a full transport does not take waits here, and while replies wait nothing is read from the peer: a peer that
 * does not read cannot make us hold more than the calls it already has in flight.
 *
 *     post() ──► collected ──flush──► transport.send() ──'full'──► backlog ──onDrain──► transport.send()
 */
import { RingwireError } from '../errors.js';
import type { SendResult, Transport } from '../transports/transport.js';
import type { DeadlineEntry, DeadlineQueue } from './deadline-queue.js';

/**
 * Whom a message belongs to, to take it back: the id of a reply ('' where the reply has none of its own), the object
 * that stands for a request, or undefined for a notification.
 */
export type Owner = string | object | undefined;

interface Message {
  /** undefined once it was taken back. */
  text: string | undefined;
  readonly owner: Owner;
  readonly bytes: number;
}

export interface OutboxOptions {
  readonly deadlines: DeadlineQueue;
  readonly maxBacklogBytes: number;
  readonly stallTimeoutMs: number;
  /** The connection cannot go on: replies do not move, or more of them wait than may. */
  readonly onStuck: (error: RingwireError) => void;
  /** This message cannot be sent, ever (too large) or for want of room. */
  readonly onUnsendable: (owner: Owner, error: unknown) => void;
}

/** Collected text beyond this is sent before the turn ends, so that a turn cannot pile up large replies. */
const flushAtCharacters = 64 * 1024;

export class Outbox implements DeadlineEntry {
  expiresAt = 0;
  heapIndex = -1;
  readonly #transport: Transport;
  readonly #options: OutboxOptions;
  readonly #onTurnEnd = (): void => {
    this.#scheduled = false;
    this.flush();
  };
  #collected: string[] = [];
  #collectedOwners: Owner[] = [];
  #collectedCharacters = 0;
  #scheduled = false;
  #sending = false;
  /** The transport said 'full' and did not report room since. */
  #full = false;
  /** What flush() is sending right now; entries become undefined when they are taken back meanwhile. */
  #leaving: (string | undefined)[] = [];
  #leavingOwners: Owner[] = [];
  #leavingIndex = 0;
  #closed = false;
  #backlog: Message[] = [];
  #backlogStart = 0;
  #backlogBytes = 0;
  #waitingReplies = 0;
  #lastBufferedBytes = 0;
  #drainedWaiters: (() => void)[] = [];

  constructor(transport: Transport, options: OutboxOptions) {
    this.#transport = transport;
    this.#options = options;
  }

  /** Accepts a message; onUnsendable and onStuck tell when it cannot be kept after all. */
  post(text: string, owner: Owner): void {
    if (this.#closed) return;
    if (this.#full || this.#backlogLength > 0) {
      this.#queue(text, owner);
      return;
    }
    this.#collected.push(text);
    this.#collectedOwners.push(owner);
    this.#collectedCharacters += text.length;
    if (this.#collectedCharacters >= flushAtCharacters) this.flush();
    this.#scheduleFlush();
  }

  /** post(), without the wait for the end of the turn where nothing else waits. */
  postNow(text: string, owner: Owner): void {
    const waits = this.#full || this.#sending || this.#backlogLength > 0 || this.#collected.length > 0;
    if (waits || this.#closed) {
      this.post(text, owner);
      return;
    }
    this.#sending = true;
    if (!this.#offer(text, owner)) this.#queue(text, owner);
    this.#sending = false;
    this.#scheduleFlush();
  }

  /** Sends now what was collected before, then this. 'full': not accepted. */
  sendNow(text: string): SendResult {
    if (this.#closed) return 'full';
    // The transport delivered to us from inside its send(): keep the order, send when that send is through.
    if (this.#sending) {
      this.post(text, undefined);
      return 'queued';
    }
    this.flush();
    if (this.#full || this.#backlogLength > 0) return 'full';
    const result = this.#transport.send(text);
    this.#full = result === 'full';
    return result;
  }

  /** Bytes of messages that the transport has not taken. */
  get backlogBytes(): number {
    return this.#backlogBytes;
  }

  /** Hands the collected messages to the transport. */
  flush(): void {
    if (this.#sending || this.#collected.length === 0) return;
    this.#leaving = this.#collected;
    this.#leavingOwners = this.#collectedOwners;
    this.#collected = [];
    this.#collectedOwners = [];
    this.#collectedCharacters = 0;
    this.#sending = true;
    for (let index = 0; index < this.#leaving.length; index += 1) {
      this.#leavingIndex = index;
      const text = this.#leaving[index];
      const owner = this.#leavingOwners[index];
      if (text !== undefined && (this.#full || !this.#offer(text, owner))) this.#queue(text, owner);
    }
    this.#sending = false;
    this.#leaving = [];
    this.#leavingOwners = [];
    this.#scheduleFlush();
  }

  /** The transport has room again. */
  onDrain(): void {
    this.#full = false;
    this.#sending = true;
    while (this.#backlogLength > 0) {
      const message = this.#backlog[this.#backlogStart];
      if (message.text !== undefined && !this.#offer(message.text, message.owner)) break;
      this.#forget(message);
      this.#backlogStart += 1;
    }
    this.#sending = false;
    this.#settleBacklog();
    this.#scheduleFlush();
  }

  /** Takes back the messages of an owner that the transport does not have yet; true if there was one. */
  takeBack(owner: string | object): boolean {
    let found = false;
    // What stands before leavingIndex is sent already, and what stands there is being sent.
    for (let index = this.#leavingIndex + 1; index < this.#leavingOwners.length; index += 1) {
      if (this.#leavingOwners[index] !== owner) continue;
      this.#leaving[index] = undefined;
      found = true;
    }
    for (let index = this.#collectedOwners.indexOf(owner); index >= 0; ) {
      this.#collectedOwners.splice(index, 1);
      this.#collected.splice(index, 1);
      found = true;
      index = this.#collectedOwners.indexOf(owner);
    }
    for (let index = this.#backlogStart; index < this.#backlog.length; index += 1) {
      const message = this.#backlog[index];
      if (message.owner !== owner || message.text === undefined) continue;
      this.#forget(message);
      found = true;
    }
    return found;
  }

  /** Resolves when the transport took everything, or at the end of the connection. */
  drained(): Promise<void> {
    this.flush();
    if (this.#closed || (!this.#full && this.#backlogLength === 0)) return Promise.resolve();
    return new Promise((resolve) => this.#drainedWaiters.push(resolve));
  }

  /** Drops everything: the connection ended. */
  close(): void {
    this.#closed = true;
    this.#collected = [];
    this.#collectedOwners = [];
    this.#backlog = [];
    this.#backlogStart = 0;
    this.#backlogBytes = 0;
    this.#options.deadlines.remove(this);
    this.#releaseWaiters();
  }

  /** Replies were handed to the transport past this outbox: they count against the same limit. */
  checkTransport(highWatermarkBytes: number): void {
    const most = this.#options.maxBacklogBytes;
    if (!this.#closed && this.#transport.bufferedBytes > highWatermarkBytes + most) this.#cutFor(most);
  }

  #cutFor(most: number): void {
    const message = `More than ${most} bytes of replies wait for a peer that does not read; it is cut.`;
    this.#options.onStuck(new RingwireError('OVERLOADED', message));
  }

  /** The stall deadline: cuts the connection unless some bytes moved since it was set. */
  expire(): void {
    const { bufferedBytes } = this.#transport;
    if (bufferedBytes < this.#lastBufferedBytes) {
      this.#watchForStall();
      return;
    }
    const seconds = this.#options.stallTimeoutMs / 1000;
    this.#options.onStuck(
      new RingwireError(
        'OVERLOADED',
        `The peer read none of its replies for ${seconds} s; the connection is cut.`,
      ),
    );
  }

  get #backlogLength(): number {
    return this.#backlog.length - this.#backlogStart;
  }

  /** Sees to it that what is collected leaves at the end of the turn, also what came up while sending. */
  #scheduleFlush(): void {
    if (this.#scheduled || this.#collected.length === 0) return;
    this.#scheduled = true;
    queueMicrotask(this.#onTurnEnd);
  }

  /** False when the transport is full. */
  #offer(text: string, owner: Owner): boolean {
    try {
      this.#full = this.#transport.send(text) === 'full';
      return !this.#full;
    } catch (error) {
      this.#options.onUnsendable(owner, error);
      return true;
    }
  }

  #queue(text: string, owner: Owner): void {
    if (this.#closed) return;
    const bytes = Buffer.byteLength(text);
    if (this.#backlogLength > 0 && this.#backlogBytes + bytes > this.#options.maxBacklogBytes) {
      const most = this.#options.maxBacklogBytes;
      if (typeof owner === 'object') {
        const message = `Not sent: more than ${most} bytes wait for a peer that does not read.`;
        this.#options.onUnsendable(owner, new RingwireError('OVERLOADED', message));
      } else {
        this.#cutFor(most);
      }
      return;
    }
    this.#backlog.push({ text, owner, bytes });
    this.#backlogBytes += bytes;
    if (typeof owner === 'string') {
      this.#waitingReplies += 1;
      if (this.#waitingReplies === 1) {
        this.#transport.pause();
        this.#watchForStall();
      }
    }
  }

  /** A message of the backlog that was sent or taken back. */
  #forget(message: Message): void {
    if (message.text === undefined) return;
    message.text = undefined;
    this.#backlogBytes -= message.bytes;
    if (typeof message.owner === 'string') this.#waitingReplies -= 1;
  }

  #settleBacklog(): void {
    if (this.#closed) return;
    if (this.#backlogLength === 0) {
      this.#backlog = [];
      this.#backlogStart = 0;
      if (!this.#full) this.#releaseWaiters();
    } else if (this.#backlogStart > 1024 && this.#backlogStart * 2 > this.#backlog.length) {
      this.#backlog = this.#backlog.slice(this.#backlogStart);
      this.#backlogStart = 0;
    }
    if (this.#waitingReplies > 0) {
      this.#watchForStall();
    } else if (this.heapIndex >= 0) {
      this.#options.deadlines.remove(this);
      this.#transport.resume();
    }
  }

  #watchForStall(): void {
    const { deadlines, stallTimeoutMs } = this.#options;
    this.#lastBufferedBytes = this.#transport.bufferedBytes;
    deadlines.schedule(this, deadlines.clock.now() + stallTimeoutMs);
  }

  #releaseWaiters(): void {
    const waiters = this.#drainedWaiters;
    this.#drainedWaiters = [];
    for (const release of waiters) release();
  }
}

/** Both ends of a connection under the test's control: what the peer gets, what it sent, what time it is. */
import type { RingwireError } from '../../src/errors.js';
import { type Clock, DeadlineQueue } from '../../src/rpc/deadline-queue.js';
import { Peer } from '../../src/rpc/peer.js';
import type { PeerOptions } from '../../src/rpc/peer-options.js';
import type { SendResult, Transport, TransportHandlers } from '../../src/transports/transport.js';

/** Time that passes when the test says so. */
export class ManualClock implements Clock {
  #now = 1_000;
  #timers = new Map<number, { at: number; callback: () => void }>();
  #lastTimer = 0;
  /** Timers set so far, fired or not. */
  timersSet = 0;

  now(): number {
    return this.#now;
  }

  setTimer(callback: () => void, delayMs: number): unknown {
    this.timersSet += 1;
    this.#lastTimer += 1;
    this.#timers.set(this.#lastTimer, { at: this.#now + delayMs, callback });
    return this.#lastTimer;
  }

  clearTimer(timer: unknown): void {
    this.#timers.delete(timer as number);
  }

  get timers(): number {
    return this.#timers.size;
  }

  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#timers]
        .filter(([, timer]) => timer.at <= end)
        .sort((a, b) => a[1].at - b[1].at)[0];
      if (due === undefined) break;
      this.#timers.delete(due[0]);
      this.#now = Math.max(this.#now, due[1].at);
      due[1].callback();
    }
    this.#now = end;
  }
}

/** A transport whose other end is the test. `room` frames are taken before it says 'full'. */
export class Wire implements Transport {
  readonly kind = 'custom' as const;
  readonly implementation = 'twin' as const;
  readonly peer = { kind: 'custom' } as const;
  readonly sent: string[] = [];
  bufferedBytes = 0;
  room = Number.POSITIVE_INFINITY;
  paused = false;
  isClosed = false;
  /** Thrown by send() for frames longer than this. */
  maxFrameCharacters = Number.POSITIVE_INFINITY;
  tooLarge: RingwireError | undefined;
  handlers: TransportHandlers | undefined;

  start(handlers: TransportHandlers): void {
    this.handlers = handlers;
  }

  send(frame: Uint8Array | string): SendResult {
    const text = typeof frame === 'string' ? frame : Buffer.from(frame).toString();
    if (this.isClosed || this.room === 0) return 'full';
    if (text.length > this.maxFrameCharacters) throw this.tooLarge;
    this.room -= 1;
    this.sent.push(text);
    return 'sent';
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  async close(): Promise<void> {
    this.end();
  }

  destroy(error?: RingwireError): void {
    this.end(error);
  }

  end(error?: RingwireError): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.handlers?.onClose(error);
  }

  /** Delivers frames in one turn. */
  deliver(...frames: (string | Buffer | object)[]): void {
    for (const frame of frames) {
      const bytes = Buffer.isBuffer(frame)
        ? frame
        : Buffer.from(typeof frame === 'string' ? frame : JSON.stringify(frame));
      this.handlers?.onFrame(bytes);
      // The view is borrowed: whoever keeps it reads this.
      bytes.fill(0x21);
    }
    this.handlers?.onTickEnd?.();
  }

  /** Makes room for so many frames and says so. */
  drain(room = Number.POSITIVE_INFINITY): void {
    this.room = room;
    this.handlers?.onDrain?.();
  }

  /** What was sent since the last call, parsed. */
  take(): Record<string, unknown>[] {
    return this.takeText().map((text) => JSON.parse(text));
  }

  takeText(): string[] {
    return this.sent.splice(0);
  }
}

export interface Harness {
  readonly wire: Wire;
  readonly clock: ManualClock;
  readonly peer: Peer;
}

export function harness(options: PeerOptions = {}): Harness {
  const wire = new Wire();
  const clock = new ManualClock();
  const peer = new Peer(wire, { deadlines: new DeadlineQueue(clock), ...options });
  return { wire, clock, peer };
}

/** Lets promises that are settled run their reactions. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A promise and the two ways to settle it. */
export function deferred<T = unknown>() {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

/** Numbers from 0 below 1 that are the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

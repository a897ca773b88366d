/**
 * Sleeping until the other side of a ring has done something; native/src/ring/ring_wait.h explains the protocol.
 *
 * V8 keeps the waiters of Atomics.wait and waitAsync in lists of its own that the kernel does not know, so a
 * thread in C++ cannot wake them, and Atomics.notify cannot wake a thread in C++. Therefore each sleeper says how
 * it sleeps, every waker in JavaScript serves all kinds, and whoever blocks sleeps on the kernel's futex if the addon is
 * there. Every sleep ends after sliceMs and looks again: that bounds what a missed wake can cost, lets
 * worker.terminate() through, and is when the life of a peer process is checked.
 */
import { addon } from '../binding/addon.js';
import { RingField, RingSleeper } from '../binding/constants.generated.js';
import type { RingPoll } from '../binding/native.js';
import type { RingMemory } from './ring-memory.js';

/** Which side sleeps; the numbers are those of the addon. */
export const Side = { Reader: 0, Writer: 1 } as const;
export type SideIndex = (typeof Side)[keyof typeof Side];

const sleepersField = [RingField.ReadableSleepers, RingField.WritableSleepers] as const;
const signalField = [RingField.ReadableSignal, RingField.WritableSignal] as const;

export const sliceMs = 100;

/** Looks before the first sleep, about 10 µs: a futex costs 50 µs, so a peer that is awake answers sooner. */
const spins = 500;

/** Where sleepers of this memory are woken: in the process by V8, in one object, or by descriptors. */
export type SignalScope =
  | { readonly kind: 'threads' }
  | { readonly kind: 'object' }
  | { readonly kind: 'processes'; readonly eventFds: readonly [reader: number, writer: number] };

interface AsyncWait {
  readonly async: boolean;
  readonly value: 'not-equal' | 'timed-out' | Promise<'ok' | 'timed-out'>;
}
/** In every Node we serve, in TypeScript's library only from ES2024 on. */
const { waitAsync } = Atomics as unknown as {
  waitAsync(words: Int32Array, index: number, value: number, timeoutMs: number): AsyncWait;
};

export class RingSignals {
  readonly #words: Int32Array;
  readonly #scope: SignalScope;
  /** Called once per slice; may close the ring, which ends every wait. */
  readonly #onSlice: () => void;
  /** Naps of scope 'object' and 'processes' to be ended by the next wake. */
  readonly #naps: [Set<() => void>, Set<() => void>] = [new Set(), new Set()];
  readonly #polls: [RingPoll | undefined, RingPoll | undefined] = [undefined, undefined];
  #released = false;

  constructor(memory: RingMemory, scope: SignalScope, onSlice: () => void) {
    this.#words = memory.words;
    this.#scope = scope;
    this.#onSlice = onSlice;
  }

  /** Wakes that side if it sleeps. Call after publishing. */
  wake(side: SideIndex): void {
    if (Atomics.load(this.#words, sleepersField[side]) !== 0) this.#wakeSleepers(side);
  }

  #wakeSleepers(side: SideIndex): void {
    const words = this.#words;
    const kinds = Atomics.exchange(words, sleepersField[side], 0);
    if (kinds === 0) return;
    Atomics.add(words, signalField[side], 1);
    if ((kinds & RingSleeper.Futex) !== 0) addon()?.ringWake(words, side);
    if (this.#scope.kind === 'threads') Atomics.notify(words, signalField[side]);
    if (this.#scope.kind === 'processes' && (kinds & RingSleeper.EventFd) !== 0 && !this.#released)
      addon()?.ringEventSignal(this.#scope.eventFds[side]);
    this.#endNaps(side);
  }

  /** Blocks the thread until done() or timeoutMs are over; returns done(). */
  sleepSync(side: SideIndex, done: () => boolean, timeoutMs: number): boolean {
    for (let spin = 0; spin < spins; spin++) if (done()) return true;
    if (timeoutMs === 0) return done();
    if (this.#scope.kind === 'object')
      throw new TypeError('No other thread can wake this one: the ring was created with shared: false');
    const native = addon();
    const words = this.#words;
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const ticket = this.#announce(side, native ? RingSleeper.Futex : RingSleeper.Atomics);
      if (done()) return true;
      const left = deadline - performance.now();
      if (left <= 0) return false;
      const napMs = Math.ceil(Math.min(left, sliceMs));
      if (native) native.ringSleep(words, side, ticket, napMs);
      else Atomics.wait(words, signalField[side], ticket, napMs);
      this.#onSlice();
    }
  }

  /** As sleepSync, without blocking. */
  async sleep(side: SideIndex, done: () => boolean, timeoutMs: number): Promise<boolean> {
    if (done()) return true;
    const deadline = performance.now() + timeoutMs;
    const kind = this.#scope.kind === 'processes' ? RingSleeper.EventFd : RingSleeper.Atomics;
    for (;;) {
      const ticket = this.#announce(side, kind);
      if (done()) return true;
      const left = deadline - performance.now();
      if (left <= 0) return false;
      const napMs = Math.ceil(Math.min(left, sliceMs));
      await (this.#scope.kind === 'threads' ? this.#napShared(side, ticket, napMs) : this.#nap(side, napMs));
      this.#onSlice();
    }
  }

  /** Ends what holds descriptors of this process; sleepers look again and wakers no longer signal. */
  release(): void {
    this.#released = true;
    for (const side of [Side.Reader, Side.Writer]) {
      this.#polls[side]?.close();
      this.#polls[side] = undefined;
      this.#endNaps(side);
    }
  }

  #announce(side: SideIndex, kind: number): number {
    const ticket = Atomics.load(this.#words, signalField[side]);
    Atomics.or(this.#words, sleepersField[side], kind);
    return ticket;
  }

  async #napShared(side: SideIndex, ticket: number, napMs: number): Promise<void> {
    const wait = waitAsync(this.#words, signalField[side], ticket, napMs);
    if (!wait.async) return;
    // A pending waitAsync alone does not keep Node's loop alive.
    const keepAlive = setInterval(() => {}, 0x7fffffff);
    await wait.value;
    clearInterval(keepAlive);
  }

  #nap(side: SideIndex, napMs: number): Promise<void> {
    if (this.#released) return Promise.resolve();
    const naps = this.#naps[side];
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        naps.delete(end);
        if (naps.size === 0) this.#polls[side]?.stop();
        resolve();
      };
      const timer = setTimeout(end, napMs);
      naps.add(end);
      if (this.#scope.kind === 'processes') this.#poll(side, this.#scope.eventFds[side]);
    });
  }

  #poll(side: SideIndex, eventFd: number): void {
    const native = addon();
    if (native === undefined) return;
    this.#polls[side] ??= new native.RingPoll(eventFd, () => this.#endNaps(side));
    this.#polls[side]?.start();
  }

  #endNaps(side: SideIndex): void {
    for (const end of [...this.#naps[side]]) end();
  }
}

/**
 * Deadlines of many calls behind one timer. A binary heap whose entries know their place, so that the usual case,
 * a call that ends in time, leaves it in O(log n) without a trace.
 */

/** Time and timers, so that tests can bring their own. */
export interface Clock {
  /** Milliseconds, never going back. */
  now(): number;
  /** Calls back once after delayMs and returns what clearTimer takes. */
  setTimer(callback: () => void, delayMs: number): unknown;
  clearTimer(timer: unknown): void;
}

/**
 * performance.now() and setTimeout. The timers do not keep the process alive: an open transport does, and where none
 * is open no call is waiting.
 */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimer: (callback, delayMs) => setTimeout(callback, delayMs).unref(),
  clearTimer: (timer) => clearTimeout(timer as NodeJS.Timeout),
};

/** Something that ends at a time. The queue owns both fields while the entry is in it. */
export interface DeadlineEntry {
  /** On the clock of the queue, in milliseconds. */
  expiresAt: number;
  /** Place in the heap; -1 outside. */
  heapIndex: number;
  /** Called once, after the entry left the queue. Must not throw. */
  expire(): void;
}

/** setTimeout takes 32 bits; a deadline further away is armed in steps. */
const longestTimerMs = 2 ** 31 - 1;

export class DeadlineQueue {
  readonly clock: Clock;
  readonly #heap: DeadlineEntry[] = [];
  readonly #onTimer = (): void => this.#fire();
  #timer: unknown;
  #armedFor = Number.POSITIVE_INFINITY;

  constructor(clock: Clock = systemClock) {
    this.clock = clock;
  }

  get size(): number {
    return this.#heap.length;
  }

  /** The entry that expires first. */
  get first(): DeadlineEntry | undefined {
    return this.#heap[0];
  }

  /** Adds the entry, or moves it when it is in the queue. Infinity takes it out. */
  schedule(entry: DeadlineEntry, expiresAt: number): void {
    entry.expiresAt = expiresAt;
    if (expiresAt === Number.POSITIVE_INFINITY) {
      this.remove(entry);
      return;
    }
    if (entry.heapIndex < 0) {
      entry.heapIndex = this.#heap.length;
      this.#heap.push(entry);
    }
    this.#place(entry);
    if (expiresAt < this.#armedFor) this.#arm();
  }

  /** Takes the entry out; does nothing when it is not in the queue. */
  remove(entry: DeadlineEntry): void {
    const index = entry.heapIndex;
    if (index < 0) return;
    entry.heapIndex = -1;
    const last = this.#heap.pop() as DeadlineEntry;
    if (last === entry) return;
    this.#heap[index] = last;
    last.heapIndex = index;
    this.#place(last);
  }

  /** Moves an entry up or down to where it belongs. */
  #place(entry: DeadlineEntry): void {
    const heap = this.#heap;
    let index = entry.heapIndex;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex];
      if (parent.expiresAt <= entry.expiresAt) break;
      heap[index] = parent;
      parent.heapIndex = index;
      index = parentIndex;
    }
    for (;;) {
      let childIndex = 2 * index + 1;
      if (childIndex >= heap.length) break;
      if (childIndex + 1 < heap.length && heap[childIndex + 1].expiresAt < heap[childIndex].expiresAt) {
        childIndex += 1;
      }
      const child = heap[childIndex];
      if (child.expiresAt >= entry.expiresAt) break;
      heap[index] = child;
      child.heapIndex = index;
      index = childIndex;
    }
    heap[index] = entry;
    entry.heapIndex = index;
  }

  /**
   * The timer is left running when its entry leaves: it fires, finds nothing due and is set anew. That is at most
   * one idle wake-up per deadline length instead of two timer operations per call.
   */
  #arm(): void {
    if (this.#timer !== undefined) this.clock.clearTimer(this.#timer);
    this.#armedFor = this.#heap[0].expiresAt;
    const delayMs = Math.ceil(this.#armedFor - this.clock.now());
    this.#timer = this.clock.setTimer(this.#onTimer, Math.min(Math.max(delayMs, 1), longestTimerMs));
  }

  #fire(): void {
    this.#timer = undefined;
    this.#armedFor = Number.POSITIVE_INFINITY;
    const now = this.clock.now();
    while (this.#heap.length > 0 && this.#heap[0].expiresAt <= now) {
      const due = this.#heap[0];
      this.remove(due);
      due.expire();
    }
    if (this.#heap.length > 0) this.#arm();
  }
}

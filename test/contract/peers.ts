/** The two ends of a contract test: one that records, one that echoes. Both obey backpressure. */
import type { RingwireError } from '../../src/errors.js';
import type { Transport, TransportHandlers } from '../../src/transports/transport.js';

export interface Deferred<Value> {
  readonly promise: Promise<Value>;
  resolve(value: Value): void;
}

export function deferred<Value = void>(): Deferred<Value> {
  let resolve!: (value: Value) => void;
  const promise = new Promise<Value>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** Starts a transport and keeps what it delivers; waits are settled by events, never by time. */
export class Recorder {
  readonly transport: Transport;
  readonly frames: string[] = [];
  readonly frameErrors: RingwireError[] = [];
  /** One entry per onClose: the error, or undefined. */
  readonly closes: (RingwireError | undefined)[] = [];
  readonly closed: Promise<RingwireError | undefined>;
  #onClosed!: (error: RingwireError | undefined) => void;
  #waiters: { readonly done: () => boolean; readonly resolve: () => void }[] = [];
  #drains: (() => void)[] = [];
  drains = 0;
  ticks = 0;

  constructor(transport: Transport, overrides: Partial<TransportHandlers> = {}) {
    this.transport = transport;
    this.closed = new Promise((resolve) => {
      this.#onClosed = resolve;
    });
    transport.start({
      onFrame: (frame) => {
        this.frames.push(frame.toString('utf8'));
        this.#check();
      },
      onTickEnd: () => {
        this.ticks++;
      },
      onFrameError: (error) => {
        this.frameErrors.push(error);
        this.#check();
      },
      onDrain: () => {
        this.drains++;
        const drains = this.#drains;
        this.#drains = [];
        for (const resolve of drains) resolve();
      },
      onClose: (error) => {
        this.closes.push(error);
        this.#onClosed(error);
      },
      ...overrides,
    });
  }

  /** Resolves when so many frames came; rejects if the transport closes before. */
  count(frames: number): Promise<void> {
    return this.until(() => this.frames.length >= frames);
  }

  until(done: () => boolean): Promise<void> {
    if (done()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiters.push({ done, resolve });
      void this.closed.then((error) => {
        reject(new Error(`closed after ${this.frames.length} frames`, { cause: error }));
      });
    });
  }

  nextDrain(): Promise<void> {
    return new Promise((resolve) => {
      this.#drains.push(resolve);
    });
  }

  /** Sends every frame, waiting for onDrain where the transport is full. */
  async sendAll(frames: Iterable<string | Uint8Array>): Promise<void> {
    for (const frame of frames) {
      while (this.transport.send(frame) === 'full') await this.nextDrain();
    }
  }

  #check(): void {
    this.#waiters = this.#waiters.filter((waiter) => {
      if (!waiter.done()) return true;
      waiter.resolve();
      return false;
    });
  }
}

/** Sends back every frame; while the peer does not read, it does not read either. */
export function echo(transport: Transport): void {
  const waiting: Buffer[] = [];
  let ended = false;
  const sendWaiting = (): void => {
    while (waiting.length > 0 && transport.send(waiting[0]) !== 'full') waiting.shift();
    if (waiting.length > 0) return;
    if (ended) void transport.close();
    else transport.resume();
  };
  transport.start({
    onFrame: (frame) => {
      if (waiting.length === 0 && transport.send(frame) !== 'full') return;
      waiting.push(Buffer.from(frame));
      transport.pause();
    },
    onDrain: sendWaiting,
    onFrameError: (error) => {
      transport.send(`refused ${error.code}`);
    },
    onEnd: () => {
      ended = true;
      if (waiting.length === 0) void transport.close();
    },
    onClose: () => {},
  });
}

/** Frames of many sizes, none empty, each naming its place. */
export function numbered(count: number, bytes = 0): string[] {
  return Array.from({ length: count }, (_, index) => `${index}:`.padEnd(bytes, 'x'));
}

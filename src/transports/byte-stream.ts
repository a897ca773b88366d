/**
 * What the TypeScript transports over byte streams share: framing in and out, one write per tick, watermarks,
 * pause and resume, and the order of closing. A subclass says how bytes leave and how the stream ends.
 */
import type { Readable, Writable } from 'node:stream';
import type { RingwireError } from '../errors.js';
import { FrameDecoder, type FramingKind } from '../serialization/framing.js';
import type { ResolvedOptions } from './options.js';
import { SendQueue } from './send-queue.js';
import { alreadyStarted, dropped } from './system-errors.js';
import type { PeerInfo, SendResult, Transport, TransportHandlers, TransportKind } from './transport.js';

/** A tick that collected this much writes it at once instead of waiting for the tick's end. */
const eagerFlushBytes = 64 * 1024;

export abstract class ByteStreamTransport implements Transport {
  abstract readonly kind: TransportKind;
  abstract readonly peer: PeerInfo;
  readonly implementation = 'twin' as const;
  protected readonly options: ResolvedOptions;
  readonly #readable: Readable;
  readonly #queue = new SendQueue();
  readonly #decoder: FrameDecoder;
  readonly #gone: Promise<void>;
  #resolveGone!: () => void;
  #handlers: TransportHandlers | undefined;
  #framing: FramingKind;
  /** Bytes handed to the stream that the operating system has not taken yet. */
  #inFlight = 0;
  #writing = false;
  #flushScheduled = false;
  #delivering = false;
  #wantsDrain = false;
  #paused = false;
  #peerEnded = false;
  #endReported = false;
  #closing = false;
  /** Nothing can leave any more, though the peer's last frames may still come in. */
  #sendingEnded = false;
  /** Set once the stream is being cut; the error goes to onClose. */
  #cut: { error: RingwireError | undefined } | undefined;
  #finished = false;
  #whenFlushed: (() => void) | undefined;
  #whenDelivered: (() => void) | undefined;
  readonly #onData = (chunk: Buffer): void => {
    this.#deliver(() => this.#decoder.write(chunk));
    // A stream that somebody else set flowing is stopped again, or what we hold back would grow.
    if (this.#decoder.hasRest && !this.#closing) this.#readable.pause();
  };
  readonly #onEnd = (): void => this.#onPeerEnd();

  protected constructor(readable: Readable, options: ResolvedOptions) {
    this.options = options;
    this.#readable = readable;
    this.#framing = options.framing;
    this.#decoder = new FrameDecoder(options.framing, options.maxFrameBytes, {
      onFrame: (frame) => {
        if (!this.#closing) this.#handlers?.onFrame(frame);
      },
      onFrameError: (error, fatal) => this.#refuseFrame(error, fatal),
    });
    // Listening from the beginning, with delivery held back until start(): a peer may have left before that, and
    // node:child_process throws away what a child that exited wrote if nobody listens.
    this.#decoder.stop();
    readable.pause();
    readable.on('data', this.#onData);
    readable.on('end', this.#onEnd);
    this.#gone = new Promise((resolve) => {
      this.#resolveGone = resolve;
    });
  }

  /** Writes pieces in order. Returns true where they left at once; otherwise calls done() later. */
  protected abstract write(pieces: Buffer[], done: () => void): boolean;
  /** Ends the stream in good order after everything was written; resolves when it is gone. */
  protected abstract shutdown(): Promise<void>;
  /** Cuts the stream; resolves when it is gone. */
  protected abstract release(): Promise<void>;

  get bufferedBytes(): number {
    return this.#queue.length + this.#inFlight;
  }

  /** Whether what comes in is read, if only to be thrown away. */
  protected get reading(): boolean {
    return this.#closing || (this.#handlers !== undefined && !this.#paused);
  }

  protected get closing(): boolean {
    return this.#closing;
  }

  start(handlers: TransportHandlers): void {
    if (this.#handlers !== undefined) throw alreadyStarted();
    this.#handlers = handlers;
    if (this.#finished) {
      process.nextTick(() => handlers.onClose(this.#cut?.error));
      return;
    }
    process.nextTick(() => this.#proceed());
  }

  send(frame: Uint8Array | string): SendResult {
    if (this.#closing || this.#sendingEnded) return 'full';
    if (this.bufferedBytes >= this.options.highWatermarkBytes) {
      if (!this.#writing) this.#flush();
      if (this.bufferedBytes >= this.options.highWatermarkBytes) {
        this.#wantsDrain = true;
        return 'full';
      }
    }
    this.#queue.append(frame, this.#framing);
    if (this.#writing) {
      this.#wantsDrain = true;
      return 'queued';
    }
    if (this.#queue.length >= eagerFlushBytes) this.#flush();
    else this.#scheduleFlush();
    return 'sent';
  }

  pause(): void {
    this.#paused = true;
    this.#decoder.stop();
    this.#readable.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    // Not inside the caller's stack: it may hold locks of its own while it calls resume().
    process.nextTick(() => this.#proceed());
  }

  setFraming(framing: FramingKind): void {
    this.#decoder.setFraming(framing);
    this.#framing = framing;
  }

  close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      void this.#closeInOrder();
    }
    return this.#gone;
  }

  destroy(error?: RingwireError): void {
    if (this.#cut !== undefined || this.#finished) return;
    this.#cut = { error };
    this.#closing = true;
    this.#queue.clear();
    this.#whenFlushed?.();
    this.discardInput();
    void this.release().then(() => this.#finish(error));
  }

  /** For subclasses: acts once no frame is held back by pause() or a late start(). Never after close(). */
  protected whenDelivered(action: () => void): void {
    if (this.#decoder.hasRest) this.#whenDelivered = action;
    else action();
  }

  /** For subclasses: the stream is gone by itself. */
  protected gone(error?: RingwireError): void {
    this.#cut ??= { error };
    this.#closing = true;
    this.#queue.clear();
    this.#whenFlushed?.();
    this.#finish(error);
  }

  /** Throws away what still comes in, so that the peer's end can be seen. */
  protected discardInput(): void {
    this.#readable.resume();
  }

  /** For subclasses: the peer takes no more; what is queued for it is dropped. */
  protected endSending(): void {
    this.#sendingEnded = true;
    this.#queue.clear();
  }

  /** Stops listening to the input stream, which outlives this transport. */
  protected detachInput(): void {
    this.#readable.removeListener('data', this.#onData);
    this.#readable.removeListener('end', this.#onEnd);
    this.#readable.pause();
  }

  /** The peer sent its end and everything before it was delivered. */
  protected peerEnded(): void {
    if (this.#handlers?.onEnd !== undefined) this.#handlers.onEnd();
    else void this.close();
  }

  async #closeInOrder(): Promise<void> {
    this.discardInput();
    if (!(await this.#flushAll())) {
      this.destroy(dropped(this.bufferedBytes, this.options.closeTimeoutMs));
      return;
    }
    if (this.#cut !== undefined || this.#finished) return;
    await this.shutdown();
    this.#finish(undefined);
  }

  /** Resolves true when nothing is queued any more, false when closeTimeoutMs passed before. */
  #flushAll(): Promise<boolean> {
    if (!this.#writing) this.#flush();
    if (this.bufferedBytes === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const settle = (flushed: boolean): void => {
        clearTimeout(timer);
        this.#whenFlushed = undefined;
        resolve(flushed);
      };
      const timer = setTimeout(settle, this.options.closeTimeoutMs, false);
      this.#whenFlushed = () => settle(true);
    });
  }

  #finish(error: RingwireError | undefined): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#cut ??= { error };
    this.#inFlight = 0;
    this.#resolveGone();
    this.#handlers?.onClose(this.#cut.error);
  }

  #deliver(decode: () => void): void {
    if (this.#closing) return;
    this.#delivering = true;
    try {
      decode();
      if (!this.#closing) this.#handlers?.onTickEnd?.();
    } finally {
      this.#delivering = false;
      if (!this.#writing) this.#flush();
    }
  }

  #refuseFrame(error: RingwireError, fatal: boolean): void {
    if (this.#closing) return;
    if (this.#handlers?.onFrameError !== undefined) this.#handlers.onFrameError(error);
    else this.destroy(error);
    if (fatal) this.destroy(error);
  }

  #proceed(): void {
    if (this.#paused || this.#closing || this.#handlers === undefined) return;
    if (this.#decoder.hasRest) this.#deliver(() => this.#decoder.proceed());
    else this.#decoder.proceed();
    if (this.#paused || this.#closing) return;
    if (this.#peerEnded) this.#onPeerEnd();
    else this.#readable.resume();
    this.#whenDelivered?.();
  }

  #onPeerEnd(): void {
    this.#peerEnded = true;
    if (this.#closing || this.#handlers === undefined || this.#decoder.hasRest || this.#endReported) return;
    this.#endReported = true;
    this.#decoder.end();
    if (!this.#closing) this.peerEnded();
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled || this.#delivering) return;
    this.#flushScheduled = true;
    process.nextTick(() => {
      this.#flushScheduled = false;
      if (!this.#writing) this.#flush();
    });
  }

  #flush(): void {
    const bytes = this.#queue.length;
    if (bytes === 0 || this.#sendingEnded || this.#cut !== undefined || this.#finished) return;
    this.#inFlight = bytes;
    this.#writing = true;
    if (this.write(this.#queue.take(), () => this.#wrote())) this.#wrote();
  }

  #wrote(): void {
    if (this.#finished) return;
    this.#writing = false;
    this.#inFlight = 0;
    this.#flush();
    if (this.bufferedBytes === 0) this.#whenFlushed?.();
    if (this.#wantsDrain && !this.#sendingEnded && this.bufferedBytes <= this.options.lowWatermarkBytes) {
      this.#wantsDrain = false;
      process.nextTick(() => this.#emitDrain());
    }
  }

  #emitDrain(): void {
    if (this.#closing || this.#sendingEnded) return;
    if (this.bufferedBytes <= this.options.lowWatermarkBytes) this.#handlers?.onDrain?.();
    else this.#wantsDrain = true;
  }
}

/**
 * Writes pieces to a Node stream in one go. Returns true where the operating system took all of it at once, which
 * spares the tick a callback costs.
 */
export function writePieces(writable: Writable, pieces: readonly Buffer[], done: () => void): boolean {
  let settled = false;
  const settle = (): void => {
    if (settled) return;
    settled = true;
    done();
  };
  const last = pieces.length - 1;
  if (last > 0) writable.cork();
  for (let index = 0; index < last; index++) writable.write(pieces[index]);
  writable.write(pieces[last], settle);
  if (last > 0) writable.uncork();
  if (writable.writableLength > 0) return false;
  settled = true;
  return true;
}

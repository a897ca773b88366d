/**
 * A transport whose frames are served in batches: what comes within a turn of the event loop, over all connections of
 * a server, is scanned and parsed together. For transports that deliver one message at a time (WebSocket).
 */
import type { RingwireError } from '../../errors.js';
import type {
  PeerInfo,
  SendResult,
  Transport,
  TransportHandlers,
  TransportKind,
} from '../../transports/transport.js';
import type { DirectPort } from './call-engine.js';
import type { MessageEngine } from './message-engine.js';

export class BatchedTransport implements Transport, DirectPort {
  readonly inner: Transport;
  readonly index: number;
  readonly highWatermarkBytes: number;
  flags = 0;
  readonly #engine: MessageEngine;
  #handlers: TransportHandlers | undefined;
  #isPaused = false;
  #isClosed = false;
  /** Frames of a batch that came to a connection paused meanwhile. */
  #held: Buffer[] = [];

  /** `index` is the connection's number at the engine. */
  constructor(engine: MessageEngine, inner: Transport, index: number, highWatermarkBytes: number) {
    this.#engine = engine;
    this.inner = inner;
    this.index = index;
    this.highWatermarkBytes = highWatermarkBytes;
  }

  get kind(): TransportKind {
    return this.inner.kind;
  }

  get implementation(): Transport['implementation'] {
    return this.inner.implementation;
  }

  get peer(): PeerInfo {
    return this.inner.peer;
  }

  get bufferedBytes(): number {
    return this.inner.bufferedBytes;
  }

  /** The client does not read what it is sent. */
  get isFull(): boolean {
    return this.inner.bufferedBytes >= this.highWatermarkBytes;
  }

  get notGranted(): readonly string[] | undefined {
    return this.inner.notGranted;
  }

  start(handlers: TransportHandlers): void {
    this.#handlers = handlers;
    const engine = this.#engine;
    // Whatever else happens to the connection happens behind the frames that came before it.
    this.inner.start({
      onFrame: (frame) => engine.add(this, frame),
      onBytes: (bytes) => engine.add(this, bytes),
      onDrain: () => handlers.onDrain?.(),
      onFrameError: (error) => {
        engine.flush();
        handlers.onFrameError?.(error);
      },
      onEnd: () => {
        engine.flush();
        handlers.onEnd?.();
      },
      onLeave: () => {
        engine.flush();
        if (handlers.onLeave !== undefined) handlers.onLeave();
        else void this.close();
      },
      onClose: (error) => this.#closed(error),
    });
  }

  send(frame: Uint8Array | string): SendResult {
    return this.inner.send(frame);
  }

  pause(): void {
    this.#isPaused = true;
    this.inner.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    const held = this.#held;
    this.#held = [];
    for (const frame of held) this.#engine.add(this, frame);
    // They may have filled the connection again.
    if (!this.#isPaused) this.inner.resume();
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  destroy(error?: RingwireError): void {
    this.inner.destroy(error);
  }

  /** A frame for the generic path. The view is borrowed. */
  frame(bytes: Buffer): void {
    if (this.#isClosed) return;
    if (this.#isPaused) {
      this.#held.push(Buffer.from(bytes));
      return;
    }
    this.#engine.touch(this);
    this.#handlers?.onFrame(bytes);
  }

  /** The frames of this turn were delivered. */
  tickEnded(): void {
    this.#handlers?.onTickEnd?.();
  }

  #closed(error: RingwireError | undefined): void {
    this.#engine.flush();
    this.#engine.remove(this);
    this.#isClosed = true;
    this.#held = [];
    this.#handlers?.onClose(error);
  }
}

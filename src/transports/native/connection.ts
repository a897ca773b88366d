/** One byte stream of the native engine as a Transport. */
import { FramingCode } from '../../binding/constants.generated.js';
import type { TcpInfo } from '../../binding/native.js';
import type { RingwireError } from '../../errors.js';
import { oversizeFrame, truncatedFrame } from '../../serialization/framing.js';
import type { ResolvedOptions } from '../options.js';
import { alreadyStarted, dropped } from '../system-errors.js';
import type {
  Framing,
  PeerInfo,
  SendResult,
  SocketOptions,
  Transport,
  TransportHandlers,
} from '../transport.js';
import type { NativeEngine } from './engine.js';
import { readSocketOptions, readTcpInfo } from './socket-options.js';
import { streamError } from './status.js';

const sendResults: readonly SendResult[] = ['sent', 'queued', 'full'];

/** Status of a connection that we cut ourselves, without an error. */
const cutByUs = 0;

export interface NativeConnectionInit {
  readonly engine: NativeEngine;
  readonly index: number;
  readonly generation: number;
  readonly kind: 'tcp' | 'unix' | 'stdio';
  /** For messages. */
  readonly url: string;
  readonly options: ResolvedOptions;
  readonly peer?: PeerInfo;
  readonly notGranted?: readonly string[];
  /** Called when the native connection is gone, before onClose. */
  readonly onGone?: () => void;
}

export class NativeConnection implements Transport {
  readonly kind: 'tcp' | 'unix' | 'stdio';
  readonly implementation = 'native' as const;
  readonly engine: NativeEngine;
  readonly index: number;
  readonly generation: number;
  readonly notGranted: readonly string[] | undefined;
  readonly #url: string;
  readonly #options: ResolvedOptions;
  readonly #onGone: (() => void) | undefined;
  readonly #gone: Promise<void>;
  #resolveGone!: () => void;
  #peer: PeerInfo | undefined;
  #handlers: TransportHandlers | undefined;
  #framing: Framing;
  #flags = 0;
  #isTouched = false;
  #isPaused = false;
  /** The frames that stood behind a pause() in their batch. */
  readonly #waiting: Buffer[] = [];
  /** Where the peer's end waits behind those frames, and ended()'s argument then. */
  #hasEnded = false;
  #endedWith = -1;
  /** Where the frame being delivered ends in the arena. */
  #frameEnd = -1;
  /** The batch in which setFraming() was called: the engine cuts the rest of it anew. */
  #ignoresRest = 0;
  #isClosing = false;
  #isGone = false;
  /** Why the connection was destroyed; goes to onClose. */
  #cause: RingwireError | undefined;
  #closeTimer: NodeJS.Timeout | undefined;
  #onOutputEnd: ((status: number) => void) | undefined;

  constructor(init: NativeConnectionInit) {
    this.kind = init.kind;
    this.engine = init.engine;
    this.index = init.index;
    this.generation = init.generation;
    this.notGranted = init.notGranted;
    this.#url = init.url;
    this.#options = init.options;
    this.#peer = init.peer;
    this.#onGone = init.onGone;
    this.#framing = init.options.framing;
    this.#gone = new Promise((resolve) => {
      this.#resolveGone = resolve;
    });
    init.engine.connections[init.index] = this;
  }

  get peer(): PeerInfo {
    this.#peer ??= this.#readPeer();
    return this.#peer;
  }

  get bufferedBytes(): number {
    return this.#isGone ? 0 : this.engine.native.pendingBytes(this.index, this.generation);
  }

  /** Unsent bytes from which on send() refuses more. */
  get highWatermarkBytes(): number {
    return this.#options.highWatermarkBytes;
  }

  /** The socket's descriptor, for options; -1 once it is gone. */
  get fd(): number {
    return this.#isGone ? -1 : this.engine.native.connectionFd(this.index, this.generation);
  }

  get grantedSocketOptions(): SocketOptions | undefined {
    const { fd } = this;
    return fd < 0 || this.kind === 'stdio' ? undefined : readSocketOptions(fd);
  }

  get tcpInfo(): TcpInfo | undefined {
    const { fd } = this;
    return fd < 0 || this.kind !== 'tcp' ? undefined : readTcpInfo(fd);
  }

  /** ConnectionFlag bits, read by the native dispatcher. */
  get flags(): number {
    return this.#flags;
  }

  set flags(flags: number) {
    this.#flags = flags;
    if (!this.#isGone) this.engine.native.setFlags(this.index, this.generation, flags);
  }

  get isClosing(): boolean {
    return this.#isClosing;
  }

  start(handlers: TransportHandlers): void {
    if (this.#handlers !== undefined) throw alreadyStarted();
    this.#handlers = handlers;
    if (this.#isGone) process.nextTick(() => handlers.onClose(this.#cause));
    else this.engine.native.start(this.index, this.generation);
  }

  send(frame: Uint8Array | string): SendResult {
    if (this.#isClosing) return 'full';
    return sendResults[this.engine.native.send(this.index, this.generation, frame)];
  }

  pause(): void {
    this.#isPaused = true;
    if (!this.#isClosing) this.engine.native.pause(this.index, this.generation);
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#isClosing) return;
    // Not inside the caller's stack: it may hold locks of its own while it calls resume().
    if (this.#waiting.length > 0) process.nextTick(() => this.#deliverWaiting());
    else this.engine.native.resume(this.index, this.generation);
  }

  setFraming(framing: Framing): void {
    this.#framing = framing;
    if (this.#isGone) return;
    const code = framing === 'length' ? FramingCode.Length : FramingCode.Newline;
    this.engine.native.setFraming(this.index, this.generation, code, this.#frameEnd);
    // What the engine had cut behind the frame at hand comes again, cut anew.
    this.#ignoresRest = this.#frameEnd >= 0 ? this.engine.batch : 0;
  }

  close(): Promise<void> {
    if (this.#isClosing) return this.#gone;
    this.engine.collectNow();
    this.#isClosing = true;
    const { closeTimeoutMs } = this.#options;
    this.#closeTimer = setTimeout(() => {
      this.destroy(dropped(this.bufferedBytes, closeTimeoutMs));
    }, closeTimeoutMs);
    this.engine.native.close(this.index, this.generation);
    return this.#gone;
  }

  destroy(error?: RingwireError): void {
    if (this.#isGone) return;
    this.#isClosing = true;
    this.#cause ??= error;
    this.engine.native.destroy(this.index, this.generation, cutByUs);
  }

  /** Bytes read so far. */
  get receivedBytes(): number {
    return this.#isGone ? 0 : this.engine.native.receivedBytes(this.index, this.generation);
  }

  /** Sends what is queued, then ends the output alone. Frames go on to come in. */
  endOutput(): void {
    if (!this.#isGone) this.engine.native.endOutput(this.index, this.generation);
  }

  /**
   * From now on a failure to write ends the output alone. `onEnd` hears of that, with a libuv error below 0, or of
   * the end that endOutput() asked for, with 1.
   */
  watchOutput(onEnd: (status: number) => void): void {
    this.#onOutputEnd = onEnd;
    this.engine.native.setOutlivesOutput(this.index, this.generation, 1);
  }

  // ---- What the engine reports. ----

  /** `end` is where the frame ends in the arena, or -1. */
  frame(frame: Buffer, end: number): void {
    if (this.#isClosing || this.#ignoresRest === this.engine.batch) return;
    if (!this.#isTouched) {
      this.#isTouched = true;
      this.engine.touch(this);
    }
    if (this.#isPaused || this.#waiting.length > 0) {
      // The rest of the batch that was under way when pause() was called.
      this.#waiting.push(Buffer.from(frame));
      return;
    }
    this.#frameEnd = end;
    this.#handlers?.onFrame(frame);
    this.#frameEnd = -1;
  }

  tickEnded(): void {
    this.#isTouched = false;
    if (!this.#isClosing) this.#handlers?.onTickEnd?.();
  }

  #deliverWaiting(): void {
    while (this.#waiting.length > 0 && !this.#isPaused && !this.#isClosing) {
      this.#handlers?.onFrame(this.#waiting.shift()!);
    }
    if (this.#isClosing || this.#isPaused) return;
    this.#handlers?.onTickEnd?.();
    if (this.#hasEnded) this.ended(this.#endedWith);
    else if (!this.#isClosing && !this.#isPaused) this.engine.native.resume(this.index, this.generation);
  }

  drained(): void {
    const onOutputEnd = this.#onOutputEnd;
    if (onOutputEnd !== undefined) {
      const status = this.engine.native.outputStatus(this.index, this.generation);
      if (status !== 0) {
        this.#onOutputEnd = undefined;
        onOutputEnd(status);
        return;
      }
    }
    if (!this.#isClosing) this.#handlers?.onDrain?.();
  }

  /** `length` is the announced length; 0 under newline framing, which announces none. */
  frameTooLarge(length: number): void {
    const isSized = this.#framing === 'length';
    this.#refuse(oversizeFrame(isSized ? length : undefined, this.#options.maxFrameBytes), isSized);
  }

  /** The peer will send no more. `heldBytes` of a frame had come, or -1 where it ended between frames. */
  ended(heldBytes: number): void {
    if (this.#waiting.length > 0) {
      this.#endedWith = heldBytes;
      this.#hasEnded = true;
      return;
    }
    if (heldBytes >= 0) this.#refuse(truncatedFrame(this.#framing, heldBytes), false);
    // What was answered in this batch leaves before we close.
    if (this.#isTouched) this.tickEnded();
    if (this.#isClosing) return;
    if (this.#handlers?.onEnd !== undefined) this.#handlers.onEnd();
    else void this.close();
  }

  closed(status: number): void {
    this.#isGone = true;
    const wasClosing = this.#isClosing;
    this.#isClosing = true;
    clearTimeout(this.#closeTimer);
    this.engine.connections[this.index] = undefined;
    // A reset after close() is the end of a connection that was ending anyway.
    if (status < 0 && !wasClosing) this.#cause ??= streamError(status, this.#url);
    this.#onGone?.();
    this.#resolveGone();
    this.#handlers?.onClose(this.#cause);
  }

  #refuse(error: RingwireError, isFatal: boolean): void {
    if (this.#isClosing) return;
    if (this.#handlers?.onFrameError !== undefined) this.#handlers.onFrameError(error);
    else this.destroy(error);
    if (isFatal) this.destroy(error);
  }

  #readPeer(): PeerInfo {
    const name = this.#isGone ? undefined : this.engine.native.peerAddress(this.index, this.generation);
    if (name !== undefined) return { kind: this.kind, address: name[0], port: name[1] };
    return this.kind === 'unix'
      ? { kind: 'unix', address: this.#url.slice('unix:'.length) }
      : { kind: this.kind };
  }
}

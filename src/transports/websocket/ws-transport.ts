/** A WebSocket of the ws package as a transport, at either end: every text message is a frame. */
import type { Socket } from 'node:net';
import type { RawData, WebSocket } from 'ws';
import { RingwireError } from '../../errors.js';
import { closeLingerMs } from '../../limits.js';
import type { ResolvedOptions } from '../options.js';
import { alreadyStarted, dropped } from '../system-errors.js';
import type { PeerInfo, SendResult, Transport, TransportHandlers } from '../transport.js';
import { closeError, messageError } from './ws-errors.js';

/** Close codes of RFC 6455, section 7.4.1. */
const normalClosure = 1000;
const goingAway = 1001;
const unsupportedData = 1003;

export class WsTransport implements Transport {
  readonly kind = 'ws' as const;
  readonly implementation = 'twin' as const;
  readonly peer: PeerInfo;
  readonly notGranted: readonly string[];
  readonly #webSocket: WebSocket;
  readonly #socket: Socket;
  readonly #options: ResolvedOptions;
  readonly #gone: Promise<void>;
  #resolveGone!: () => void;
  #handlers: TransportHandlers | undefined;
  #isPaused = false;
  /** Messages that came with the read in which delivery was stopped. */
  #held: Buffer[] = [];
  #isTicking = false;
  #isCorked = false;
  #wantsDrain = false;
  #closeCode = normalClosure;
  #isClosing = false;
  #cut: { error: RingwireError | undefined } | undefined;
  #failure: RingwireError | undefined;
  #isFinished = false;
  #pinger: NodeJS.Timeout | undefined;
  #closeTimer: NodeJS.Timeout | undefined;
  #bytesRead = 0;
  #unsentBytes = 0;
  #isPinged = false;
  readonly #flush = (): void => {
    this.#isCorked = false;
    this.#socket.uncork();
  };
  readonly #endTick = (): void => this.#onTickEnd();
  readonly #written = (): void => this.#onWritten();

  /** The socket must be open. `ping.pingIntervalMs` 0 sends no pings. */
  constructor(
    webSocket: WebSocket,
    socket: Socket,
    peer: PeerInfo,
    options: ResolvedOptions,
    ping: { readonly pingIntervalMs: number },
    notGranted: readonly string[] = [],
  ) {
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#options = options;
    this.peer = peer;
    this.notGranted = notGranted;
    this.#gone = new Promise((resolve) => {
      this.#resolveGone = resolve;
    });
    webSocket.on('message', (data: RawData, isBinary: boolean) => this.#onMessage(data as Buffer, isBinary));
    webSocket.on('error', (error: Error) => {
      this.#failure ??= messageError(error);
    });
    webSocket.on('close', (code: number, reason: Buffer) => this.#onClose(code, reason));
    // Nothing is read before start().
    webSocket.pause();
    if (ping.pingIntervalMs > 0) {
      this.#pinger = setInterval(() => this.#ping(), ping.pingIntervalMs).unref();
    }
  }

  get bufferedBytes(): number {
    return this.#isFinished ? 0 : this.#webSocket.bufferedAmount;
  }

  start(handlers: TransportHandlers): void {
    if (this.#handlers !== undefined) throw alreadyStarted();
    this.#handlers = handlers;
    if (this.#isFinished) {
      process.nextTick(() => handlers.onClose(this.#cut?.error));
      return;
    }
    process.nextTick(() => this.#proceed());
  }

  send(frame: Uint8Array | string): SendResult {
    if (this.#isClosing || this.#isFinished) return 'full';
    if (frame.length === 0) return 'sent';
    const isWaiting = this.#socket.writableNeedDrain || this.#hasUnsent();
    if (this.bufferedBytes >= this.#options.highWatermarkBytes) {
      if (this.#isCorked) this.#uncorkNow();
      if (this.bufferedBytes >= this.#options.highWatermarkBytes) {
        this.#wantsDrain = true;
        return 'full';
      }
    }
    this.#cork();
    // ws keeps a reference to bytes until they are written, which the caller may change meanwhile.
    const data = typeof frame === 'string' ? frame : Buffer.from(frame);
    this.#webSocket.send(data, { binary: false }, this.#written);
    if (!isWaiting) return 'sent';
    this.#wantsDrain = true;
    return 'queued';
  }

  pause(): void {
    this.#isPaused = true;
    this.#webSocket.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    process.nextTick(() => this.#proceed());
  }

  close(): Promise<void> {
    return this.#close(this.#closeCode);
  }

  /** The listener closes: its owner ends what is in flight, and the peer hears that the server goes away (1001). */
  leave(): void {
    this.#closeCode = goingAway;
    if (this.#handlers?.onLeave !== undefined && !this.#isClosing) this.#handlers.onLeave();
    else void this.close();
  }

  destroy(error?: RingwireError): void {
    if (this.#cut !== undefined || this.#isFinished) return;
    this.#cut = { error: error ?? this.#failure };
    this.#isClosing = true;
    this.#held = [];
    this.#webSocket.terminate();
  }

  #close(code: number): Promise<void> {
    if (this.#isClosing || this.#isFinished) return this.#gone;
    this.#isClosing = true;
    this.#held = [];
    // What comes in is read on, or the peer's close would not be seen.
    this.#webSocket.resume();
    this.#webSocket.close(code);
    const { closeTimeoutMs } = this.#options;
    this.#closeTimer = setTimeout(() => {
      const bytes = this.bufferedBytes;
      this.destroy(bytes > 0 ? dropped(bytes, closeTimeoutMs) : undefined);
    }, closeTimeoutMs);
    // Tells when everything before it has left.
    if (this.#socket.writable) this.#socket.write('', this.#written);
    return this.#gone;
  }

  /** Everything was sent: a peer that does not answer the close must not hold the connection. */
  #lingerBriefly(): void {
    clearTimeout(this.#closeTimer);
    this.#closeTimer = setTimeout(() => this.destroy(), closeLingerMs);
  }

  #onMessage(data: Buffer, isBinary: boolean): void {
    if (this.#isClosing) return;
    if (isBinary) {
      this.#failure = new RingwireError(
        'FRAME_INVALID',
        'The peer sent a binary message; frames are text messages.',
      );
      this.#isClosing = true;
      this.#webSocket.close(unsupportedData, 'send text messages');
      this.#lingerBriefly();
      return;
    }
    if (data.length === 0) return;
    if (this.#isPaused || this.#handlers === undefined || this.#held.length > 0) {
      this.#held.push(data);
      return;
    }
    this.#beginTick();
    this.#handlers.onFrame(data);
  }

  /** What is sent while the messages of one read are delivered leaves in one write behind the last of them. */
  #beginTick(): void {
    if (this.#isTicking) return;
    this.#isTicking = true;
    process.nextTick(this.#endTick);
  }

  #onTickEnd(): void {
    this.#isTicking = false;
    if (!this.#isFinished && !this.#isClosing) this.#handlers?.onTickEnd?.();
  }

  #proceed(): void {
    while (this.#held.length > 0) {
      if (this.#isPaused || this.#isClosing) return;
      this.#beginTick();
      this.#handlers?.onFrame(this.#held.shift() as Buffer);
    }
    if (!this.#isPaused && !this.#isFinished) this.#webSocket.resume();
  }

  #cork(): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    this.#socket.cork();
    process.nextTick(this.#flush);
  }

  #uncorkNow(): void {
    this.#socket.uncork();
    this.#socket.cork();
  }

  /** Whether bytes of earlier ticks wait, which the operating system did not take. */
  #hasUnsent(): boolean {
    return !this.#isCorked && this.bufferedBytes > 0;
  }

  #onWritten(): void {
    if (this.#isFinished) return;
    const { bufferedBytes } = this;
    if (this.#isClosing) {
      if (bufferedBytes === 0 && this.#closeTimer !== undefined) this.#lingerBriefly();
      return;
    }
    if (!this.#wantsDrain || bufferedBytes > this.#options.lowWatermarkBytes) return;
    this.#wantsDrain = false;
    process.nextTick(() => {
      if (!this.#isClosing && !this.#isFinished) this.#handlers?.onDrain?.();
    });
  }

  #ping(): void {
    const { bytesRead } = this.#socket;
    // A peer that is not listened to cannot be heard: it lives as long as it reads what waits for it.
    const isHeard = !this.#isPaused && this.#handlers !== undefined;
    const unsent = isHeard ? 0 : unsentBytes(this.#socket);
    const reads = !isHeard && (unsent === 0 || unsent !== this.#unsentBytes);
    this.#unsentBytes = unsent;
    if (bytesRead !== this.#bytesRead || reads) {
      this.#bytesRead = bytesRead;
      this.#isPinged = false;
    } else if (this.#isPinged) {
      const problem = isHeard ? 'answers no ping' : 'does not read what it is sent';
      this.destroy(new RingwireError('CONNECTION_RESET', `The peer of a WebSocket ${problem}.`));
    } else {
      this.#isPinged = true;
      if (isHeard) this.#webSocket.ping();
    }
  }

  #onClose(code: number, reason: Buffer): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    clearInterval(this.#pinger);
    clearTimeout(this.#closeTimer);
    const wasClosing = this.#isClosing;
    this.#isClosing = true;
    this.#cut ??= { error: this.#failure ?? (wasClosing ? undefined : closeError(code, reason.toString())) };
    this.#held = [];
    this.#resolveGone();
    this.#handlers?.onClose(this.#cut.error);
  }
}

/** What the operating system has not taken. The socket counts whole writes alone, which may be a megabyte each. */
function unsentBytes(socket: Socket): number {
  const { _handle } = socket as Socket & { readonly _handle?: { readonly writeQueueSize?: number } | null };
  return _handle?.writeQueueSize ?? socket.writableLength;
}

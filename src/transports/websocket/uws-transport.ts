/** A WebSocket of uWebSockets.js as a transport: a text message is a frame. */
import type { WebSocket } from 'uWebSockets.js';
import { RingwireError } from '../../errors.js';
import { maxBacklogBytes } from '../../limits.js';
import { callbackScope } from '../http/uws/callback-scope.js';
import { alreadyStarted, dropped } from '../system-errors.js';
import type { PeerInfo, SendResult, Transport, TransportHandlers } from '../transport.js';
import { addressOf } from './uws-address.js';
import type { UwsSocketGroup } from './uws-group.js';

/** What uWebSockets.js keeps with a socket. */
export interface SocketData {
  transport: UwsTransport;
}

export type UwsSocket = WebSocket<SocketData>;

/** RFC 6455, section 7.4.1. */
const CloseCode = {
  normal: 1000,
  goingAway: 1001,
  unsupported: 1003,
  tooLarge: 1009,
  tryLater: 1013,
} as const;
/** What a message that waits costs beyond its bytes. Without it messages of one byte could take a gigabyte. */
const heldMessageBytes = 128;

/** A peer that pings faster than it reads is cut: 127 KiB at most wait for it. */
const maxWaitingPongs = 1024;

/** Ends in good order; 0 and 1005 are closes without a code. */
const orderly = new Set([0, CloseCode.normal, CloseCode.goingAway, 1005]);

export class UwsTransport implements Transport {
  readonly kind = 'ws' as const;
  readonly implementation = 'native' as const;
  readonly peer: PeerInfo;
  readonly #group: UwsSocketGroup;
  #socket: UwsSocket | undefined = undefined;
  #handlers: TransportHandlers | undefined = undefined;
  /** The kernel did not take everything: ask how much waits before sending more. */
  #isClogged = false;
  #wantsDrain = false;
  #isPaused = false;
  #closeCode: number = CloseCode.normal;
  #isClosing = false;
  #isGone = false;
  #error: RingwireError | undefined = undefined;
  /** Messages that came before start() or while paused. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  /** Frames sent outside of a message's callback: they leave together. */
  #outgoing: (Uint8Array | string)[] = [];
  #outgoingBytes = 0;
  #isTicking = false;
  #quietChecks = 0;
  #waitingPongs = 0;
  #closeTimer: NodeJS.Timeout | undefined = undefined;
  #closed: Promise<void> | undefined = undefined;
  #resolveClosed: (() => void) | undefined = undefined;
  readonly #atTickEnd = (): void => this.#endTick();

  constructor(group: UwsSocketGroup, peer: PeerInfo) {
    this.#group = group;
    this.peer = peer;
  }

  get bufferedBytes(): number {
    return this.#isGone || this.#socket === undefined
      ? 0
      : this.#socket.getBufferedAmount() + this.#outgoingBytes;
  }

  // What uWebSockets.js calls.

  onOpen(socket: UwsSocket): void {
    this.#socket = socket;
  }

  onMessage(message: ArrayBuffer, isBinary: boolean): void {
    this.#quietChecks = 0;
    if (this.#isClosing) return;
    if (isBinary) {
      this.#refuse(CloseCode.unsupported, 'FRAME_INVALID', 'sent a binary message; messages are text');
      return;
    }
    if (message.byteLength === 0) return;
    if (message.byteLength > this.#group.maxMessageBytes) {
      const problem = `sent a message of ${message.byteLength} bytes; the limit is ${this.#group.maxMessageBytes}`;
      this.#refuse(CloseCode.tooLarge, 'FRAME_TOO_LARGE', problem);
      return;
    }
    const handlers = this.#handlers;
    if (handlers === undefined || this.#isPaused || this.#held.length > 0) {
      this.#hold(message);
      return;
    }
    callbackScope.owner = this;
    if (handlers.onBytes !== undefined) handlers.onBytes(new Uint8Array(message));
    else handlers.onFrame(Buffer.from(message));
    // Behind what the handler put off to the end of this turn: what that sends leaves with ours.
    this.#tick();
  }

  onDrained(): void {
    if (this.#isGone) return;
    const waiting = this.#socket!.getBufferedAmount();
    if (waiting === 0) this.#isClogged = false;
    if (this.#isClosing) {
      if (waiting === 0) this.#endSocket(this.#closeCode);
      return;
    }
    if (!this.#wantsDrain || waiting > this.#group.options.lowWatermarkBytes) return;
    this.#wantsDrain = false;
    callbackScope.owner = this;
    this.#handlers?.onDrain?.();
  }

  onPing(): void {
    this.#quietChecks = 0;
    // uWebSockets.js has answered, whether or not the peer reads.
    if (this.#socket === undefined || this.#socket.getBufferedAmount() === 0) this.#waitingPongs = 0;
    else if (++this.#waitingPongs > maxWaitingPongs) {
      const problem = `pings and does not read: ${maxWaitingPongs} pongs wait for it`;
      this.destroy(new RingwireError('OVERLOADED', `${addressOf(this.peer)} ${problem}; it is cut.`));
    }
  }

  onHeard(): void {
    this.#quietChecks = 0;
    // Our pong can have taken with it what waited.
    if (this.#wantsDrain) this.#tick();
  }

  onClosed(code: number, reason: string): void {
    if (this.#isGone) return;
    this.#isGone = true;
    if (!this.#isClosing && this.#error === undefined && !orderly.has(code)) {
      this.#error = new RingwireError(
        'CONNECTION_RESET',
        `The WebSocket of ${addressOf(this.peer)} ended with ${code}${reason === '' ? '' : ` (${reason})`}.`,
      );
    }
    this.#socket = undefined;
    this.#held = [];
    this.#outgoing = [];
    clearTimeout(this.#closeTimer);
    this.#group.forget(this);
    this.#handlers?.onClose(this.#error);
    this.#resolveClosed?.();
  }

  // What the group calls.

  /** A callback threw: a defect of whoever uses the transport ends its connection alone. */
  fail(error: unknown): void {
    const problem = error instanceof Error ? error.message : String(error);
    this.destroy(
      error instanceof RingwireError
        ? error
        : new RingwireError('INTERNAL', `A handler of the connection threw: ${problem}`, { cause: error }),
    );
  }

  /** Twice a ping interval: pings who is silent for one, cuts who is silent for two. */
  checkLife(): void {
    if (this.#isGone) return;
    this.#quietChecks++;
    if (this.#quietChecks > 4) {
      this.destroy(
        new RingwireError('CONNECTION_RESET', `${addressOf(this.peer)} answered no ping; it is cut.`),
      );
    } else if (this.#quietChecks === 2) {
      this.#socket!.ping();
      if (this.#wantsDrain) this.#tick();
    }
  }

  /** The listener closes: the owner ends what is in flight, and the peer hears that the server goes away (1001). */
  leave(): void {
    this.#closeCode = CloseCode.goingAway;
    if (this.#handlers?.onLeave !== undefined && !this.#isClosing) this.#handlers.onLeave();
    else void this.close();
  }

  /** The time to leave is over. */
  cut(): void {
    if (this.#isGone) return;
    this.#isClosing = true;
    this.#endSocket(CloseCode.goingAway);
  }

  /** The messages of this tick are delivered. */
  tickEnd(): void {
    this.#isTicking = false;
    if (!this.#isGone) this.#socket!.cork(this.#atTickEnd);
  }

  #endTick(): void {
    callbackScope.owner = this;
    this.#flush();
    // What waited can have left with what was sent behind it; uWebSockets.js does not report that.
    if (this.#wantsDrain && !this.#isGone) this.onDrained();
    if (!this.#isClosing) this.#handlers?.onTickEnd?.();
    callbackScope.owner = undefined;
  }

  #tick(): void {
    if (this.#isTicking) return;
    this.#isTicking = true;
    this.#group.atTickEnd(this);
  }

  #hold(message: ArrayBuffer): void {
    this.#held.push(Buffer.from(Buffer.from(message)));
    this.#heldBytes += message.byteLength + heldMessageBytes;
    if (this.#heldBytes <= maxBacklogBytes) return;
    const problem = `sent more than ${maxBacklogBytes} bytes that wait; uWebSockets.js cannot stop reading`;
    this.#refuse(CloseCode.tryLater, 'OVERLOADED', problem);
  }

  #refuse(
    closeCode: number,
    code: 'FRAME_INVALID' | 'FRAME_TOO_LARGE' | 'OVERLOADED',
    problem: string,
  ): void {
    this.#error = new RingwireError(code, `${addressOf(this.peer)} ${problem}; it is cut.`);
    this.#endSocket(closeCode);
  }

  #endSocket(closeCode: number): void {
    // Calls onClosed().
    this.#socket?.end(closeCode);
  }

  start(handlers: TransportHandlers): void {
    if (this.#handlers !== undefined) throw alreadyStarted();
    this.#handlers = handlers;
    if (this.#isGone) process.nextTick(() => handlers.onClose(this.#error));
    else if (this.#held.length > 0) this.#tick();
    if (this.#held.length > 0) setImmediate(() => this.#deliverHeld());
  }

  #deliverHeld(): void {
    if (this.#isPaused || this.#isClosing || this.#isGone) return;
    this.#socket!.cork(() => {
      callbackScope.owner = this;
      let index = 0;
      while (index < this.#held.length && !this.#isPaused && !this.#isClosing) {
        const frame = this.#held[index++];
        this.#heldBytes -= frame.length + heldMessageBytes;
        this.#handlers!.onFrame(frame);
      }
      this.#held = this.#held.slice(index);
      if (!this.#isClosing) this.#handlers!.onTickEnd?.();
      callbackScope.owner = undefined;
    });
  }

  send(frame: Uint8Array | string): SendResult {
    const socket = this.#socket;
    if (this.#isClosing || socket === undefined) return 'full';
    // Asking uWebSockets.js costs as much as a fifth of a send; while it took everything there is nothing to ask for.
    const waiting = this.#isClogged ? this.bufferedBytes : this.#outgoingBytes;
    if (waiting >= this.#group.options.highWatermarkBytes) {
      this.#wantsDrain = true;
      return 'full';
    }
    if (callbackScope.owner === this && this.#outgoing.length === 0) return this.#write(frame);
    this.#outgoing.push(typeof frame === 'string' ? frame : Uint8Array.prototype.slice.call(frame));
    this.#outgoingBytes += frame.length;
    this.#tick();
    if (!this.#isClogged) return 'sent';
    this.#wantsDrain = true;
    return 'queued';
  }

  #write(frame: Uint8Array | string): SendResult {
    if (this.#socket!.send(frame, false, frame.length >= this.#group.deflateFromBytes) === 1) return 'sent';
    this.#isClogged = true;
    this.#wantsDrain = true;
    return 'queued';
  }

  #flush(): void {
    if (this.#outgoing.length === 0) return;
    const frames = this.#outgoing;
    this.#outgoing = [];
    this.#outgoingBytes = 0;
    for (const frame of frames) this.#write(frame);
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#held.length > 0) setImmediate(() => this.#deliverHeld());
  }

  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      this.#resolveClosed = resolve;
      if (this.#isGone) resolve();
      else this.#beginClose();
    });
    return this.#closed;
  }

  #beginClose(): void {
    this.#isClosing = true;
    this.#flush();
    if (this.#socket!.getBufferedAmount() === 0) {
      this.#endSocket(this.#closeCode);
      return;
    }
    const { closeTimeoutMs } = this.#group.options;
    this.#closeTimer = setTimeout(
      () => this.destroy(dropped(this.bufferedBytes, closeTimeoutMs)),
      closeTimeoutMs,
    );
  }

  destroy(error?: RingwireError): void {
    if (this.#isGone) return;
    this.#isClosing = true;
    this.#error ??= error;
    this.#socket?.close();
  }
}

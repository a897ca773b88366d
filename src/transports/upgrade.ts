/**
 * A transport whose two ends may agree on MessagePack (src/serialization/negotiation.ts). To the layer above frames
 * stay JSON text, whatever travels. Opt-in: nothing in ringwire wraps a connection by itself, and a standard MCP
 * connection must never be wrapped.
 */
import { RingwireError } from '../errors.js';
import { connectTimeoutMs, highWatermarkBytes } from '../limits.js';
import { codecs, type Encoding, packMessage, unpackMessage } from '../serialization/codec.js';
import { answerEncodingRequest, encodingRequest, readEncodingAnswer } from '../serialization/negotiation.js';
import { NativeConnection } from './native/connection.js';
import { aborted } from './system-errors.js';
import type { PeerInfo, SendResult, Transport, TransportHandlers, TransportKind } from './transport.js';

export interface NegotiatedTransport extends Transport {
  /** What the connection speaks; 'json' until the peers have agreed on something else. */
  readonly encoding: Encoding;
  /** Resolves with the encoding once it cannot change any more: when the peer's first frame came. */
  readonly settled: Promise<Encoding>;
}

export interface EncodingOptions {
  /** In order of preference. Default ['msgpack', 'json']. */
  readonly encodings?: readonly Encoding[];
}

export interface EncodingRequestOptions extends EncodingOptions {
  /** How long to wait for the answer. Default connectTimeoutMs of src/limits.ts. */
  readonly timeoutMs?: number;
  /** Gives up waiting, and the connection with it. */
  readonly signal?: AbortSignal;
}

const allEncodings: readonly Encoding[] = ['msgpack', 'json'];

/** What both sides share: passing everything through, translated once an encoding is agreed on. */
abstract class EncodedTransport implements NegotiatedTransport {
  encoding: Encoding = 'json';
  readonly settled: Promise<Encoding>;
  #resolveSettled!: (encoding: Encoding) => void;
  /** What is wrapped. */
  readonly inner: Transport;
  protected readonly encodings: readonly Encoding[];
  protected handlers: TransportHandlers | undefined;

  constructor(inner: Transport, encodings: readonly Encoding[]) {
    this.inner = inner;
    this.encodings = encodings;
    this.settled = new Promise((resolve) => {
      this.#resolveSettled = resolve;
    });
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

  get notGranted(): readonly string[] | undefined {
    return this.inner.notGranted;
  }

  abstract start(handlers: TransportHandlers): void;

  send(frame: Uint8Array | string): SendResult {
    return this.inner.send(this.encoding === 'json' ? frame : packMessage(frame));
  }

  pause(): void {
    this.inner.pause();
  }

  resume(): void {
    this.inner.resume();
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  destroy(error?: RingwireError): void {
    this.inner.destroy(error);
  }

  /** Speaks an encoding from the next byte on, in both directions, for good. */
  protected adopt(encoding: Encoding): void {
    this.encoding = encoding;
    this.#resolveSettled(encoding);
    if (encoding !== 'json') this.inner.setFraming?.(codecs[encoding].framing);
  }

  protected deliver(frame: Buffer): void {
    if (this.encoding === 'json') this.handlers?.onFrame(frame);
    else {
      let text: Buffer;
      try {
        text = unpackMessage(frame);
      } catch (error) {
        this.refuse(error as RingwireError);
        return;
      }
      this.handlers?.onFrame(text);
    }
  }

  protected refuse(error: RingwireError): void {
    if (this.handlers?.onFrameError !== undefined) this.handlers.onFrameError(error);
    else this.destroy(error);
  }

  protected endOfPeer(): void {
    if (this.handlers?.onEnd !== undefined) this.handlers.onEnd();
    else void this.close();
  }
}

class OfferingTransport extends EncodedTransport {
  #first = true;

  override start(handlers: TransportHandlers): void {
    this.handlers = handlers;
    this.inner.start({
      onFrame: (frame) => {
        if (!this.#first || !this.#answer(frame)) this.deliver(frame);
      },
      onTickEnd: () => handlers.onTickEnd?.(),
      onDrain: () => handlers.onDrain?.(),
      onFrameError: (error) => this.refuse(error),
      onEnd: () => this.endOfPeer(),
      onLeave: () => {
        if (handlers.onLeave !== undefined) handlers.onLeave();
        else void this.close();
      },
      onClose: (error) => handlers.onClose(error),
    });
  }

  /** Answers the request for an encoding; only a connection's first frame can be one. */
  #answer(frame: Buffer): boolean {
    this.#first = false;
    const settled = answerEncodingRequest(frame, this.encodings);
    if (settled === undefined) {
      this.adopt('json');
      return false;
    }
    if (this.inner.send(settled.answer) === 'full') {
      // The peer waits for this answer and nothing else can be said to it.
      this.destroy(
        new RingwireError(
          'OVERLOADED',
          'The answer to the first message of a connection found its queue full.',
        ),
      );
    } else this.adopt(settled.encoding);
    return true;
  }
}

class AskingTransport extends EncodedTransport {
  /** JSON frames the peer sent before its answer. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  #settled = false;
  #paused = false;
  #ended = false;
  /** An end that came before start(). */
  #closed: { readonly error: RingwireError | undefined } | undefined;

  /** Asks, and resolves once this end knows what it speaks. */
  ask(timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void =>
        this.inner.destroy(aborted('Asking the peer for an encoding', signal as AbortSignal));
      const settle = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      };
      const timer = setTimeout(() => {
        const text = `The peer did not answer the request for an encoding within ${timeoutMs} ms.`;
        // It may still answer and change its framing: the connection cannot be used.
        this.inner.destroy(new RingwireError('DEADLINE_EXCEEDED', text));
      }, timeoutMs);
      this.inner.start({
        onFrame: (frame) => {
          if (this.#settled) this.deliver(frame);
          else if (this.#settle(frame)) {
            settle();
            resolve();
          }
        },
        onTickEnd: () => this.handlers?.onTickEnd?.(),
        onDrain: () => this.handlers?.onDrain?.(),
        onFrameError: (error) => this.refuse(error),
        onEnd: () => this.#onEnd(),
        onClose: (error) => {
          settle();
          reject(
            error ??
              new RingwireError('CONNECTION_CLOSED', 'The peer closed before it agreed on an encoding.'),
          );
          if (this.handlers !== undefined) this.handlers.onClose(error);
          else this.#closed = { error };
        },
      });
      this.inner.send(encodingRequest(this.encodings));
      signal?.addEventListener('abort', onAbort);
      if (signal?.aborted) onAbort();
    });
  }

  override start(handlers: TransportHandlers): void {
    this.handlers = handlers;
    process.nextTick(() => this.#goOn());
  }

  override pause(): void {
    this.#paused = true;
    this.inner.pause();
  }

  override resume(): void {
    this.#paused = false;
    process.nextTick(() => this.#goOn());
  }

  /** Takes the answer, or holds a frame that came before it. From the answer on reading waits for start(). */
  #settle(frame: Buffer): boolean {
    const encoding = readEncodingAnswer(frame, this.encodings);
    if (encoding === undefined) {
      this.#held.push(Buffer.from(frame));
      this.#heldBytes += frame.length;
      if (this.#heldBytes > highWatermarkBytes) {
        const text = `The peer sent ${this.#heldBytes} bytes instead of an answer to the request for an encoding.`;
        this.inner.destroy(new RingwireError('OVERLOADED', text));
      }
      return false;
    }
    this.#settled = true;
    this.adopt(encoding);
    this.inner.pause();
    return true;
  }

  #onEnd(): void {
    if (!this.#settled) void this.close();
    else if (this.handlers !== undefined && this.#held.length === 0) this.endOfPeer();
    else this.#ended = true;
  }

  /** Delivers what was held, then what happened meanwhile, and only then reads on. */
  #goOn(): void {
    const { handlers } = this;
    if (handlers === undefined) return;
    while (this.#held.length > 0 && !this.#paused) handlers.onFrame(this.#held.shift() as Buffer);
    if (this.#paused) return;
    const closed = this.#closed;
    if (closed !== undefined) {
      this.#closed = undefined;
      handlers.onClose(closed.error);
    } else if (this.#ended) {
      this.#ended = false;
      this.endOfPeer();
    } else this.inner.resume();
  }
}

/**
 * Wraps a connection of ours, not started, and asks its peer for an encoding. Resolves to a transport to start();
 * with a peer that knows nothing of this it speaks JSON.
 *
 * @throws RingwireError CONFIG_INVALID, DEADLINE_EXCEEDED, CANCELLED, CONNECTION_CLOSED and what else ends a connection; it is closed then.
 */
export async function requestEncoding(
  transport: Transport,
  options: EncodingRequestOptions = {},
): Promise<NegotiatedTransport> {
  let encodings: readonly Encoding[];
  try {
    encodings = checkEncodings(options.encodings);
  } catch (error) {
    transport.destroy();
    throw error;
  }
  const asking = new AskingTransport(transport, encodings);
  await asking.ask(options.timeoutMs ?? connectTimeoutMs, options.signal);
  return asking;
}

/** Wraps a connection a listener accepted, not started: if its peer asks for an encoding as its first message, it gets one. */
export function offerEncoding(transport: Transport, options: EncodingOptions = {}): NegotiatedTransport {
  return new OfferingTransport(transport, checkEncodings(options.encodings));
}

/** The connection of the native engine that a transport is, or wraps. */
export function nativeConnectionOf(transport: Transport): NativeConnection | undefined {
  const inner = transport instanceof EncodedTransport ? transport.inner : transport;
  return inner instanceof NativeConnection ? inner : undefined;
}

/** @throws RingwireError CONFIG_INVALID */
export function checkEncodings(encodings: readonly Encoding[] = allEncodings): readonly Encoding[] {
  const known = Array.isArray(encodings) && encodings.every((each) => Object.hasOwn(codecs, each));
  if (known && encodings.length > 0) return encodings;
  throw new RingwireError('CONFIG_INVALID', '"encodings" must be a list of "msgpack" and "json".');
}

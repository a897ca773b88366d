import { RingwireError, RpcErrorCode } from '../../errors.js';
import { drainTimeoutMs } from '../../limits.js';
import type { Transport } from '../../transports/transport.js';
import { InFlight } from './in-flight.js';
import { isRequest, parseMessage } from './sdk-message.js';
import type { SdkTransport } from './sdk-types.js';

/** One promise for all frames that leave at once. */
const accepted = Promise.resolve();

interface WaitingFrame {
  readonly frame: string;
  resolve(): void;
  reject(error: Error): void;
}

/**
 * One ringwire transport in the shape the official SDKs expect: JSON-RPC messages as objects in both directions.
 *
 * send() resolves once the frame was accepted; while the peer does not read it waits, so an `await` in the SDK is
 * backpressure. Frames that are no JSON-RPC message go to onerror and are not answered, as with the SDKs' own streams.
 */
export class SdkStreamTransport implements SdkTransport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: unknown, extra?: unknown) => void;
  /** Always undefined, see SdkTransport. */
  readonly sessionId: undefined = undefined;
  /** The version the handshake settled on; undefined before it. */
  protocolVersion: string | undefined;
  /** Resolves when the connection is gone. onclose belongs to the SDK, which may replace it. */
  readonly ended: Promise<void>;

  #transport: Transport | undefined;
  readonly #open: () => Promise<Transport>;
  #state: 'new' | 'peeking' | 'started' | 'closed' = 'new';
  /** Messages that came between peek() and start(). */
  #held: object[] = [];
  #peeked: ((message: object | undefined) => void) | undefined;
  #waiting: WaitingFrame[] = [];
  #closing: Promise<void> | undefined;
  readonly #inFlight = new InFlight();
  #draining = false;
  #end: () => void = () => {};

  /** @param open yields the transport; called once, by start() or peek(). */
  constructor(open: () => Promise<Transport>) {
    this.#open = open;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /**
   * Process id of a child behind stdio, else null. The 2.x client takes a transport with `pid` and `stderr` for a
   * stream, on which a server that stays silent on `server/discover` is a legacy server and not an outage; that is
   * what the specification wants on every byte stream.
   */
  get pid(): number | null {
    return this.#transport?.peer.pid ?? null;
  }

  /** The standard error of a child is inherited, see pid. */
  get stderr(): null {
    return null;
  }

  /** What is at the other end; undefined before start(). */
  get transport(): Transport | undefined {
    return this.#transport;
  }

  async start(): Promise<void> {
    if (this.#state === 'closed') throw closedError();
    if (this.#state === 'started') {
      throw new RingwireError(
        'CONFIG_INVALID',
        'This transport is already started; make one per connection.',
      );
    }
    const peeked = this.#state === 'peeking';
    this.#state = 'started';
    if (!peeked) {
      await this.#attach();
      return;
    }
    const held = this.#held;
    this.#held = [];
    for (const message of held) this.onmessage?.(message);
    this.#transport?.resume();
  }

  /**
   * Opens the connection and waits for its first message without consuming it: start() delivers it. Resolves with
   * undefined when the connection ends before.
   */
  async peek(): Promise<object | undefined> {
    this.#state = 'peeking';
    const first = new Promise<object | undefined>((resolve) => {
      this.#peeked = resolve;
    });
    await this.#attach();
    return first;
  }

  send(message: unknown): Promise<void> {
    const transport = this.#transport;
    if (transport === undefined || this.#state === 'closed' || this.#closing !== undefined) {
      return Promise.reject(closedError());
    }
    this.#inFlight.sending(message as object);
    const frame = JSON.stringify(message);
    // Frames keep their order: none overtakes one that waits.
    if (this.#waiting.length === 0 && transport.send(frame) !== 'full') return accepted;
    // A write can find the connection gone and report it at once; then nothing would ever drain.
    if (this.#isClosed()) return Promise.reject(closedError());
    return new Promise((resolve, reject) => {
      this.#waiting.push({ frame, resolve, reject });
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#shutDown();
    return this.#closing;
  }

  /** Refuses further requests and resolves once those received are answered, at the latest after `timeoutMs`. */
  drain(timeoutMs: number): Promise<void> {
    this.#draining = true;
    return this.#inFlight.settled(timeoutMs);
  }

  /** Called by the SDKs once the version is known; kept for whoever asks. */
  setProtocolVersion(version: string): void {
    this.protocolVersion = version;
  }

  async #attach(): Promise<void> {
    let transport: Transport;
    try {
      transport = await this.#open();
    } catch (error) {
      this.#finish();
      throw error;
    }
    if (this.#state === 'closed' || this.#closing !== undefined) {
      await transport.close();
      throw closedError();
    }
    this.#transport = transport;
    transport.start({
      onFrame: (frame) => this.#onFrame(frame),
      onDrain: () => this.#onDrain(),
      onFrameError: (error) => this.onerror?.(error),
      onEnd: () => this.#onEnd(),
      onClose: (error) => this.#finish(error),
    });
  }

  #onFrame(frame: Buffer): void {
    const message = parseMessage(frame);
    if (message instanceof RingwireError) {
      this.onerror?.(message);
      return;
    }
    if (this.#draining && isRequest(message)) {
      this.#refuse(message.id);
      return;
    }
    this.#inFlight.received(message);
    if (this.#state === 'started') {
      this.onmessage?.(message);
      return;
    }
    this.#held.push(message);
    this.#transport?.pause();
    this.#peeked?.(message);
    this.#peeked = undefined;
  }

  #isClosed(): boolean {
    return this.#state === 'closed';
  }

  /** The peer sends no more and still reads: it gets the answers it waits for. */
  #onEnd(): void {
    this.#peeked?.(undefined);
    this.#peeked = undefined;
    this.#inFlight
      .settled(drainTimeoutMs)
      .then(() => this.close())
      .catch((error: Error) => this.onerror?.(error));
  }

  #refuse(id: string | number): void {
    const error = { code: RpcErrorCode.InternalError, message: 'The server is shutting down.' };
    this.send({ jsonrpc: '2.0', id, error }).catch(() => {}); // closed meanwhile: nobody is left to tell
  }

  #onDrain(): void {
    const transport = this.#transport;
    if (transport === undefined) return;
    let sent = 0;
    for (const waiting of this.#waiting) {
      if (transport.send(waiting.frame) === 'full') break;
      sent += 1;
      waiting.resolve();
    }
    this.#waiting.splice(0, sent);
  }

  async #shutDown(): Promise<void> {
    await this.#transport?.close();
    this.#finish();
  }

  /** The end, once, whoever began it. */
  #finish(error?: RingwireError): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#inFlight.clear();
    for (const frame of waiting) frame.reject(error ?? closedError());
    this.#peeked?.(undefined);
    this.#peeked = undefined;
    if (error !== undefined) this.onerror?.(error);
    this.onclose?.();
    this.#end();
  }
}

function closedError(): RingwireError {
  return new RingwireError('CONNECTION_CLOSED', 'The connection is closed; nothing can be sent on it.');
}

/** Frames between two ends inside one process: for tests, and for embedding client and server together. */
import { RingwireError } from '../errors.js';
import { formatEndpoint, type MemoryEndpoint } from './endpoint.js';
import { type ResolvedOptions, resolveOptions } from './options.js';
import { aborted, addressInUse, alreadyStarted, dropped } from './system-errors.js';
import type { Listener, SendResult, Transport, TransportHandlers, TransportOptions } from './transport.js';

/** Deliveries per loop tick and end, so that two ends that answer each other leave room for other work. */
const framesPerTick = 1024;

class MemoryTransport implements Transport {
  readonly kind = 'memory' as const;
  readonly implementation = 'twin' as const;
  readonly peer = { kind: 'memory' } as const;
  readonly #options: ResolvedOptions;
  #other!: MemoryTransport;
  #handlers: TransportHandlers | undefined;
  /** Frames from the other end, not delivered yet. Compacted when the head passes half. */
  #inbox: Buffer[] = [];
  #head = 0;
  #inboxBytes = 0;
  /** The other end said 'full' or 'queued' because of this inbox. */
  #otherWantsDrain = false;
  #scheduled = false;
  #paused = false;
  #closing = false;
  #otherClosed = false;
  #endSeen = false;
  /** What destroy() was given, for onClose. */
  #error: RingwireError | undefined;
  #finished = false;
  readonly #gone: Promise<void>;
  #resolveGone!: () => void;

  constructor(options: ResolvedOptions) {
    this.#options = options;
    this.#gone = new Promise((resolve) => {
      this.#resolveGone = resolve;
    });
  }

  static pair(left: ResolvedOptions, right: ResolvedOptions): [MemoryTransport, MemoryTransport] {
    const ends: [MemoryTransport, MemoryTransport] = [new MemoryTransport(left), new MemoryTransport(right)];
    ends[0].#other = ends[1];
    ends[1].#other = ends[0];
    return ends;
  }

  get bufferedBytes(): number {
    return this.#other.#inboxBytes;
  }

  /** Runs when the end is gone; for the listener's count. */
  whenGone(action: () => void): void {
    void this.#gone.then(action);
  }

  start(handlers: TransportHandlers): void {
    if (this.#handlers !== undefined) throw alreadyStarted();
    this.#handlers = handlers;
    if (this.#finished) process.nextTick(() => handlers.onClose(this.#error));
    else this.#schedule();
  }

  send(frame: Uint8Array | string): SendResult {
    const other = this.#other;
    if (this.#closing || this.#finished) return 'full';
    if (other.#inboxBytes >= this.#options.highWatermarkBytes) {
      other.#otherWantsDrain = true;
      return 'full';
    }
    const bytes = typeof frame === 'string' ? Buffer.from(frame) : Buffer.from(frame as Uint8Array);
    if (bytes.length === 0) return 'sent';
    other.#inbox.push(bytes);
    other.#inboxBytes += bytes.length;
    if (other.#paused || other.#handlers === undefined) {
      other.#otherWantsDrain = true;
      return 'queued';
    }
    other.#schedule();
    return 'sent';
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#schedule();
  }

  close(): Promise<void> {
    if (!this.#closing && !this.#finished) {
      this.#closing = true;
      this.#dropInbox();
      this.#other.#otherClosed = true;
      this.#other.#schedule();
      this.#settleClose();
    }
    return this.#gone;
  }

  destroy(error?: RingwireError): void {
    if (this.#finished) return;
    this.#error ??= error;
    this.#closing = true;
    this.#dropInbox();
    const other = this.#other;
    other.#dropInbox();
    other.#otherClosed = true;
    other.#schedule();
    setImmediate(() => this.#finish());
  }

  /** A closing end is gone once the other end has taken what was queued for it, or after closeTimeoutMs. */
  #settleClose(): void {
    if (this.#other.#inboxBytes === 0) {
      setImmediate(() => this.#finish());
      return;
    }
    const timer = setTimeout(() => {
      this.destroy(dropped(this.bufferedBytes, this.#options.closeTimeoutMs));
    }, this.#options.closeTimeoutMs);
    this.whenGone(() => clearTimeout(timer));
  }

  #schedule(): void {
    if (this.#scheduled || this.#handlers === undefined || this.#paused || this.#finished) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    let left = framesPerTick;
    while (left-- > 0 && this.#head < this.#inbox.length && !this.#paused) {
      const frame = this.#inbox[this.#head++];
      this.#inboxBytes -= frame.length;
      if (!this.#deliverFrame(frame)) return;
    }
    if (this.#head * 2 >= this.#inbox.length) {
      this.#inbox = this.#inbox.slice(this.#head);
      this.#head = 0;
    }
    if (left < framesPerTick - 1) this.#handlers?.onTickEnd?.();
    this.#afterDelivery();
  }

  /** False when the handler closed this end. */
  #deliverFrame(frame: Buffer): boolean {
    const handlers = this.#handlers!;
    if (frame.length <= this.#options.maxFrameBytes) handlers.onFrame(frame);
    else {
      const text = `A frame from the peer of ${frame.length} bytes is larger than maxFrameBytes (${this.#options.maxFrameBytes}).`;
      const error = new RingwireError('FRAME_TOO_LARGE', text);
      if (handlers.onFrameError !== undefined) handlers.onFrameError(error);
      else this.destroy(error);
    }
    return !this.#closing;
  }

  #afterDelivery(): void {
    if (this.#closing || this.#paused) return;
    const other = this.#other;
    if (this.#otherWantsDrain && this.#inboxBytes <= other.#options.lowWatermarkBytes) {
      this.#otherWantsDrain = false;
      if (!other.#closing) other.#handlers?.onDrain?.();
    }
    if (this.#inbox.length > 0) this.#schedule();
    else if (this.#otherClosed && !this.#endSeen) {
      this.#endSeen = true;
      if (other.#closing && !other.#finished) other.#finish();
      void this.close();
    }
  }

  #dropInbox(): void {
    this.#inbox = [];
    this.#head = 0;
    this.#inboxBytes = 0;
  }

  #finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#resolveGone();
    this.#handlers?.onClose(this.#error);
  }
}

/** Two connected ends. Options are those of connect(); both ends take the same. */
export function memoryPair(options: TransportOptions = {}): [Transport, Transport] {
  const resolved = resolveOptions(options);
  return MemoryTransport.pair(resolved, resolved);
}

class MemoryListener implements Listener {
  readonly url: string;
  refusedConnections = 0;
  connections = 0;
  readonly #name: string;
  readonly #options: ResolvedOptions;
  readonly #onConnection: (transport: Transport) => void;
  readonly #onAbort = (): void => void this.close();

  constructor(
    endpoint: MemoryEndpoint,
    options: ResolvedOptions,
    onConnection: (transport: Transport) => void,
  ) {
    this.url = formatEndpoint(endpoint);
    this.#name = endpoint.name;
    this.#options = options;
    this.#onConnection = onConnection;
    options.signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  accept(clientOptions: ResolvedOptions): Transport {
    if (this.connections >= this.#options.maxConnections) {
      this.refusedConnections++;
      throw new RingwireError(
        'CONNECTION_LIMIT',
        `${this.url} serves its ${this.#options.maxConnections} connections.`,
      );
    }
    const [client, server] = MemoryTransport.pair(clientOptions, this.#options);
    this.connections++;
    server.whenGone(() => {
      this.connections--;
    });
    setImmediate(() => this.#onConnection(server));
    return client;
  }

  close(): Promise<void> {
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    if (listeners.get(this.#name) === this) listeners.delete(this.#name);
    return Promise.resolve();
  }
}

const listeners = new Map<string, MemoryListener>();

export async function listenMemory(
  endpoint: MemoryEndpoint,
  options: ResolvedOptions,
  onConnection: (transport: Transport) => void,
): Promise<Listener> {
  if (options.signal?.aborted) throw aborted(`Listening on ${formatEndpoint(endpoint)}`, options.signal);
  if (listeners.has(endpoint.name)) throw addressInUse(formatEndpoint(endpoint));
  const listener = new MemoryListener(endpoint, options, onConnection);
  listeners.set(endpoint.name, listener);
  return listener;
}

export async function connectMemory(endpoint: MemoryEndpoint, options: ResolvedOptions): Promise<Transport> {
  const url = formatEndpoint(endpoint);
  if (options.signal?.aborted) throw aborted(`Connecting to ${url}`, options.signal);
  const listener = listeners.get(endpoint.name);
  if (listener === undefined) {
    const known = [...listeners.keys()].map((name) => `memory:${name}`).join(', ') || 'none';
    throw new RingwireError(
      'CONNECTION_REFUSED',
      `Nothing in this process listens at ${url}; known: ${known}.`,
    );
  }
  return listener.accept(options);
}

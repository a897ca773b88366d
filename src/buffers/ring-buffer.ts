/**
 * Ring buffers of frames between threads or processes. The data path is TypeScript over Atomics: from JavaScript a
 * native write takes twice and a native read five times as long, because each crosses into the addon. What only
 * the system can do (sleep so that C++ can wake, share memory between processes) is native.
 */
import { addon, requireAddon } from '../binding/addon.js';
import { RingClosed, RingField, RingStatus } from '../binding/constants.generated.js';
import { RingwireError } from '../errors.js';
import { closeDescriptors, createDescriptors, mapMemory, type RingDescriptors } from './mapped-memory.js';
import {
  checkCapacity,
  checkKind,
  formatRing,
  isClosed,
  openRing,
  type RingBufferKind,
  type RingMemory,
  readableUnits,
  ringMemoryBytes,
} from './ring-memory.js';
import { empty, RingReader } from './ring-reader.js';
import { RingSignals, Side, type SideIndex, type SignalScope } from './ring-signals.js';
import { full, RingWriter } from './ring-writer.js';

export interface RingBufferOptions {
  /** Bytes for frames and their 8-byte headers: a power of two from 64 to 1 GiB. A frame takes at most half of it. */
  readonly capacityBytes: number;
  /** Default 'spsc'. */
  readonly kind?: RingBufferKind;
  /** false: an ordinary ArrayBuffer, for one thread. Default true: a SharedArrayBuffer. */
  readonly shared?: boolean;
}

/** What this process does with a ring between processes; its other side belongs to the other process. */
export type RingRole = 'reader' | 'writer';

export class RingBuffer {
  /** Pass a SharedArrayBuffer to another thread and RingBuffer.attach() it there. */
  readonly memory: ArrayBuffer | SharedArrayBuffer;
  readonly kind: RingBufferKind;
  readonly capacityBytes: number;
  /** The longest frame: half the capacity less 8. */
  readonly maxFrameBytes: number;
  readonly #ring: RingMemory;
  readonly #bytes: Uint8Array;
  readonly #writer: RingWriter;
  readonly #reader: RingReader;
  readonly #signals: RingSignals;
  readonly #role: RingRole | undefined;
  #descriptors: RingDescriptors | undefined;

  private constructor(ring: RingMemory, scope: SignalScope, role?: RingRole, descriptors?: RingDescriptors) {
    this.memory = ring.buffer;
    this.kind = ring.kind;
    this.capacityBytes = ring.capacityBytes;
    this.maxFrameBytes = ring.maxFrameBytes;
    this.#ring = ring;
    this.#bytes = ring.bytes;
    this.#writer = new RingWriter(ring);
    this.#reader = new RingReader(ring);
    this.#signals = new RingSignals(ring, scope, () => this.#checkPeer());
    this.#role = role;
    this.#descriptors = descriptors;
  }

  /** Throws TypeError for a bad option. */
  static create({ capacityBytes, kind = 'spsc', shared = true }: RingBufferOptions): RingBuffer {
    checkCapacity(capacityBytes);
    checkKind(kind);
    const bytes = ringMemoryBytes(capacityBytes);
    const buffer = shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes);
    return new RingBuffer(formatRing(buffer, kind, capacityBytes), { kind: shared ? 'threads' : 'object' });
  }

  /** The ring another thread created in this memory. Throws RING_CORRUPT where it holds none. */
  static attach(memory: SharedArrayBuffer): RingBuffer {
    if (!(memory instanceof SharedArrayBuffer))
      throw new TypeError('"memory" must be the SharedArrayBuffer of another RingBuffer');
    return new RingBuffer(openRing(memory), { kind: 'threads' });
  }

  /**
   * A ring between this process and one other, which attaches to the same descriptors with the other role. All
   * writers of an 'mpsc' ring are threads of one process. Throws ADDON_UNAVAILABLE, and IO_ERROR where the
   * system has no memfd.
   */
  static createShared(options: Omit<RingBufferOptions, 'shared'> & { readonly role: RingRole }): RingBuffer {
    const { capacityBytes, kind = 'spsc', role } = options;
    checkCapacity(capacityBytes);
    checkKind(kind);
    checkRole(role);
    const descriptors = createDescriptors(ringMemoryBytes(capacityBytes));
    try {
      return RingBuffer.#join(formatRing(mapMemory(descriptors.fd), kind, capacityBytes), role, descriptors);
    } catch (error) {
      closeDescriptors(descriptors);
      throw error;
    }
  }

  /**
   * Joins a ring that another process created. Takes the descriptors over: close() closes them, unless
   * `ownsDescriptors` is false because another thread of this process closes them, last. Throws RING_CORRUPT
   * for memory that is no ring or could be truncated under us, RING_BUSY where a living process has this role.
   */
  static attachShared(
    options: RingDescriptors & { readonly role: RingRole; readonly ownsDescriptors?: boolean },
  ): RingBuffer {
    const { fd, readableFd, writableFd, role, ownsDescriptors = true } = options;
    checkRole(role);
    for (const [name, value] of Object.entries({ fd, readableFd, writableFd }))
      if (!Number.isInteger(value) || value < 0)
        throw new TypeError(`"${name}" must be a file descriptor; got ${String(value)}`);
    const ring = RingBuffer.#join(openRing(mapMemory(fd)), role, { fd, readableFd, writableFd });
    if (!ownsDescriptors) ring.#descriptors = undefined;
    return ring;
  }

  static #join(ring: RingMemory, role: RingRole, descriptors: RingDescriptors): RingBuffer {
    if (requireAddon().ringJoin(ring.words, sideOf(role)) !== RingStatus.Ok)
      throw new RingwireError('RING_BUSY', `Another living process is the ${role} of this ring buffer`);
    const eventFds = [descriptors.readableFd, descriptors.writableFd] as const;
    return new RingBuffer(ring, { kind: 'processes', eventFds }, role, descriptors);
  }

  /** What the other process needs to attachShared(); undefined where this object has none to close. */
  get descriptors(): RingDescriptors | undefined {
    return this.#descriptors;
  }

  /** Writes a copy of the frame; false when there is no room now. Throws RING_FRAME_TOO_LARGE, RING_CLOSED. */
  tryWrite(frame: Uint8Array): boolean {
    if (!(frame instanceof Uint8Array)) throw new TypeError('"frame" must be a Uint8Array');
    const offset = this.#writer.claim(frame.length);
    if (offset === full) return false;
    this.#bytes.set(frame, offset);
    this.#writer.commit();
    this.#signals.wake(Side.Reader);
    return true;
  }

  /**
   * `length` contiguous bytes of the ring to fill in place, or undefined when there is no room now. Call commit()
   * or abort() before the next write; an open claim of an 'mpsc' ring holds up the frames of other writers.
   */
  tryClaim(length: number): Uint8Array | undefined {
    if (!Number.isInteger(length) || length < 0)
      throw new TypeError(`"length" must be a non-negative integer; got ${String(length)}`);
    const offset = this.#writer.claim(length);
    if (offset === full) return undefined;
    return new Uint8Array(this.memory, this.#bytes.byteOffset + offset, length);
  }

  /** Shows the claimed frame to the reader. */
  commit(): void {
    if (!this.#writer.claimed) throw new TypeError('Nothing is claimed: call tryClaim() first');
    this.#writer.commit();
    this.#signals.wake(Side.Reader);
  }

  /** Gives the claimed bytes back. */
  abort(): void {
    if (!this.#writer.claimed) throw new TypeError('Nothing is claimed: call tryClaim() first');
    this.#writer.abort();
    // In an MPSC ring frames behind the claim become readable by this.
    this.#signals.wake(Side.Reader);
  }

  /** A copy of the next frame; undefined when none is there now. Frames written before a close still come. */
  tryRead(): Buffer | undefined {
    const frame = this.#reader.read();
    if (frame !== undefined) this.#signals.wake(Side.Writer);
    return frame;
  }

  /**
   * Calls visit for up to `max` frames that are there now, in place, and releases them together. A view is
   * borrowed: its bytes change once readBatch has returned, so copy what you keep. Returns the frames visited.
   */
  readBatch(visit: (frame: Uint8Array) => void, max = 256): number {
    if (typeof visit !== 'function') throw new TypeError('"visit" must be a function');
    if (!Number.isInteger(max) || max < 1)
      throw new TypeError(`"max" must be a positive integer; got ${String(max)}`);
    try {
      return this.#reader.visit(visit, max);
    } finally {
      this.#signals.wake(Side.Writer);
    }
  }

  /** Length of the next frame without taking it. */
  peekLength(): number | undefined {
    const length = this.#reader.peekLength();
    return length === empty ? undefined : length;
  }

  /**
   * Blocks this thread until a frame can be read (true), or the ring is closed and empty or timeoutMs are over
   * (false). For worker threads: Node's main thread serves nothing meanwhile.
   */
  waitReadableSync(timeoutMs: number): boolean {
    checkTimeout(timeoutMs);
    this.#signals.sleepSync(Side.Reader, () => this.#readableOrClosed(), timeoutMs);
    return this.peekLength() !== undefined;
  }

  /** waitReadableSync without blocking. */
  async waitReadable(timeoutMs: number): Promise<boolean> {
    checkTimeout(timeoutMs);
    await this.#signals.sleep(Side.Reader, () => this.#readableOrClosed(), timeoutMs);
    return this.peekLength() !== undefined;
  }

  /** Blocks this thread until a frame of `length` bytes has room (true), or a close or timeoutMs (false). */
  waitWritableSync(length: number, timeoutMs: number): boolean {
    checkTimeout(timeoutMs);
    this.#signals.sleepSync(Side.Writer, () => this.#writableOrClosed(length), timeoutMs);
    return !this.closed && this.#writer.hasRoomFor(length);
  }

  /** waitWritableSync without blocking. */
  async waitWritable(length: number, timeoutMs: number): Promise<boolean> {
    checkTimeout(timeoutMs);
    await this.#signals.sleep(Side.Writer, () => this.#writableOrClosed(length), timeoutMs);
    return !this.closed && this.#writer.hasRoomFor(length);
  }

  /** No more writes on any side; sleepers wake. Closes this process's descriptors. Idempotent. */
  close(): void {
    this.#close(RingClosed.Closed);
    this.#signals.release();
    if (this.#descriptors !== undefined) closeDescriptors(this.#descriptors);
    this.#descriptors = undefined;
  }

  /** Either side called close(), or the other process ended. */
  get closed(): boolean {
    return isClosed(this.#ring);
  }

  /** True once the other process was found to have ended without close(). Noticed by a wait, within 100 ms. */
  get peerGone(): boolean {
    return Atomics.load(this.#ring.words, RingField.Closed) === RingClosed.PeerGone;
  }

  /** Bytes in use, record headers and padding included. */
  get readableBytes(): number {
    return readableUnits(this.#ring) * 8;
  }

  #readableOrClosed(): boolean {
    return this.#reader.peekLength() !== empty || this.closed;
  }

  #writableOrClosed(length: number): boolean {
    return this.closed || this.#writer.hasRoomFor(length);
  }

  #close(reason: number): void {
    Atomics.compareExchange(this.#ring.words, RingField.Closed, RingClosed.Open, reason);
    this.#signals.wake(Side.Reader);
    this.#signals.wake(Side.Writer);
  }

  #checkPeer(): void {
    if (this.#role === undefined) return;
    const other = this.#role === 'reader' ? Side.Writer : Side.Reader;
    if (addon()?.ringPeerGone(this.#ring.words, other)) this.#close(RingClosed.PeerGone);
  }
}

function sideOf(role: RingRole): SideIndex {
  return role === 'reader' ? Side.Reader : Side.Writer;
}

function checkRole(role: RingRole): void {
  if (role !== 'reader' && role !== 'writer')
    throw new TypeError(`"role" must be 'reader' or 'writer'; got ${String(role)}`);
}

function checkTimeout(timeoutMs: number): void {
  if (typeof timeoutMs !== 'number' || !(timeoutMs >= 0))
    throw new TypeError(
      `"timeoutMs" must be a non-negative number, Infinity included; got ${String(timeoutMs)}`,
    );
}

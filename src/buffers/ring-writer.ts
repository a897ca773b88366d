/** The writing side of a ring over Atomics: the twin of native/src/ring/ring_writer.h, step by step the same. */
import { RingField, RingMark } from '../binding/constants.generated.js';
import { RingwireError } from '../errors.js';
import { corrupt, isClosed, type RingMemory } from './ring-memory.js';

/** No room now. */
export const full = -1;

export class RingWriter {
  readonly #memory: RingMemory;
  readonly #words: Int32Array;
  readonly #marks: Int32Array;
  readonly #multi: boolean;
  readonly #capacity: number;
  readonly #mask: number;
  /** Position after the last record: kept here by a single writer, read from the ring by one of several. */
  #tail: number;
  /** The head as last seen: spares a load of the reader's cache line per frame. */
  #headSeen: number;
  /** The open claim: position of its record, position after it, payload length; length -1 is none. */
  #start = 0;
  #end = 0;
  #length = -1;

  constructor(memory: RingMemory) {
    this.#memory = memory;
    this.#words = memory.words;
    this.#marks = memory.marks;
    this.#multi = memory.kind === 'mpsc';
    this.#capacity = memory.capacityUnits;
    this.#mask = memory.capacityUnits - 1;
    this.#tail = Atomics.load(memory.words, RingField.Tail);
    this.#headSeen = Atomics.load(memory.words, RingField.Head);
  }

  get claimed(): boolean {
    return this.#length !== -1;
  }

  /** The byte offset in the data area where `length` bytes may be written, or `full`. Commit or abort follows. */
  claim(length: number): number {
    if (this.#length !== -1)
      throw new TypeError('A claim is open: commit() or abort() it before the next write');
    if (length > this.#memory.maxFrameBytes) throw this.#tooLarge(length);
    if (isClosed(this.#memory))
      throw new RingwireError('RING_CLOSED', 'The ring buffer is closed for writing');
    const units = 1 + ((length + 7) >>> 3);
    const found = this.#multi ? this.#reserveShared(units) : this.#reserveAlone(units);
    if (!found) return full;
    this.#length = length;
    return ((this.#start & this.#mask) << 3) + 8;
  }

  commit(): void {
    const mark = this.#length * 4 + RingMark.Frame;
    this.#length = -1;
    const index = (this.#start & this.#mask) << 1;
    if (this.#multi) {
      Atomics.store(this.#marks, index, mark);
      return;
    }
    this.#marks[index] = mark;
    this.#tail = this.#end;
    Atomics.store(this.#words, RingField.Tail, this.#end);
  }

  /** One of several writers cannot give its bytes back: the reader is told to pass over them. */
  abort(): void {
    const mark = this.#length * 4 + RingMark.Skip;
    this.#length = -1;
    if (this.#multi) Atomics.store(this.#marks, (this.#start & this.#mask) << 1, mark);
  }

  /** Whether a frame of this length would find room now. */
  hasRoomFor(length: number): boolean {
    if (length > this.#memory.maxFrameBytes) throw this.#tooLarge(length);
    if (this.#multi) this.#tail = Atomics.load(this.#words, RingField.Tail);
    this.#headSeen = Atomics.load(this.#words, RingField.Head);
    const units = 1 + ((length + 7) >>> 3);
    return this.#fits(this.#tail, units + this.#skipFor(this.#tail, units));
  }

  #reserveAlone(units: number): boolean {
    const skip = this.#skipFor(this.#tail, units);
    if (!this.#fits(this.#tail, units + skip)) {
      this.#headSeen = Atomics.load(this.#words, RingField.Head);
      this.#checkUsed(this.#tail);
      if (!this.#fits(this.#tail, units + skip)) return false;
    }
    // Published by the store of tail that follows.
    if (skip > 0) this.#marks[(this.#tail & this.#mask) << 1] = (skip - 1) * 32 + RingMark.Skip;
    this.#start = (this.#tail + skip) | 0;
    this.#end = (this.#start + units) | 0;
    return true;
  }

  #reserveShared(units: number): boolean {
    const words = this.#words;
    let tail = Atomics.load(words, RingField.Tail);
    for (;;) {
      const skip = this.#skipFor(tail, units);
      if (!this.#fits(tail, units + skip)) {
        this.#headSeen = Atomics.load(words, RingField.Head);
        if (!this.#fits(tail, units + skip)) {
          const now = Atomics.load(words, RingField.Tail);
          if (now === tail) {
            this.#checkUsed(tail);
            return false;
          }
          tail = now;
          continue;
        }
      }
      const end = (tail + skip + units) | 0;
      const before = Atomics.compareExchange(words, RingField.Tail, tail, end);
      if (before !== tail) {
        tail = before;
        continue;
      }
      if (skip > 0) Atomics.store(this.#marks, (tail & this.#mask) << 1, (skip - 1) * 32 + RingMark.Skip);
      this.#start = (tail + skip) | 0;
      this.#end = end;
      return true;
    }
  }

  /** Units to pass over because a record of `units` does not fit before the end of the ring. */
  #skipFor(tail: number, units: number): number {
    const toEnd = this.#capacity - (tail & this.#mask);
    return units > toEnd ? toEnd : 0;
  }

  #fits(tail: number, units: number): boolean {
    const used = (tail - this.#headSeen) | 0;
    return used >= 0 && units <= this.#capacity - used;
  }

  #checkUsed(tail: number): void {
    const used = (tail - this.#headSeen) | 0;
    if (used < 0 || used > this.#capacity) throw corrupt(`${used * 8} bytes are in use`);
  }

  #tooLarge(length: number): RingwireError {
    return new RingwireError(
      'RING_FRAME_TOO_LARGE',
      `A frame of ${length} bytes is larger than ${this.#memory.maxFrameBytes}, half of the ring's capacity less its header`,
    );
  }
}

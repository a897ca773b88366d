/**
 * The reading side of a ring over Atomics: the twin of native/src/ring/ring_reader.h. A record's first word is
 * loaded once, checked against what is committed and what lies before the end, and only the checked copy is used.
 */
import { RingField, RingMark } from '../binding/constants.generated.js';
import { corrupt, type RingMemory } from './ring-memory.js';

/** Nothing to read now. */
export const empty = -1;

export class RingReader {
  readonly #memory: RingMemory;
  readonly #words: Int32Array;
  readonly #marks: Int32Array;
  readonly #multi: boolean;
  readonly #capacity: number;
  readonly #mask: number;
  readonly #lazyUnits: number;
  /** Position of the next record to read, and of the oldest not yet given back to the writers. */
  #next: number;
  #head: number;
  /** The tail as last seen: the writers' cache line is loaded only when all before it is read. */
  #tailSeen: number;
  #visiting = false;

  constructor(memory: RingMemory) {
    this.#memory = memory;
    this.#words = memory.words;
    this.#marks = memory.marks;
    this.#multi = memory.kind === 'mpsc';
    this.#capacity = memory.capacityUnits;
    this.#mask = memory.capacityUnits - 1;
    this.#lazyUnits = memory.capacityUnits >> 3;
    this.#head = Atomics.load(memory.words, RingField.Head);
    this.#next = this.#head;
    this.#tailSeen = this.#head;
  }

  /** Length of the next frame, or `empty`. Passes over skips. */
  peekLength(): number {
    if (this.#visiting) throw new TypeError('A batch is being read: finish it before reading again');
    let mark = this.#markAt(this.#next);
    while ((mark & 3) === RingMark.Skip) {
      this.#passTo((this.#next + 1 + ((mark + 28) >>> 5)) | 0);
      mark = this.#markAt(this.#next);
    }
    return mark === RingMark.Pending ? empty : mark >>> 2;
  }

  /** A copy of the next frame, or undefined. */
  read(): Buffer | undefined {
    const length = this.peekLength();
    if (length === empty) return undefined;
    const { buffer, bytes } = this.#memory;
    const copy = Buffer.allocUnsafe(length);
    const start = bytes.byteOffset + ((this.#next & this.#mask) << 3) + 8;
    copy.set(new Uint8Array(buffer, start, length));
    this.#passTo((this.#next + 1 + ((length + 7) >>> 3)) | 0);
    return copy;
  }

  /** Visits up to `max` frames in place and releases them together, also when the visitor throws. */
  visit(visitor: (frame: Uint8Array) => void, max: number): number {
    if (this.#visiting) throw new TypeError('A batch is being read: finish it before reading again');
    const { buffer, bytes } = this.#memory;
    const mask = this.#mask;
    let position = this.#next;
    let visited = 0;
    this.#visiting = true;
    try {
      while (visited < max) {
        const mark = this.#markAt(position);
        if (mark === RingMark.Pending) break;
        const start = bytes.byteOffset + ((position & mask) << 3) + 8;
        position = (position + 1 + ((mark + 28) >>> 5)) | 0;
        if ((mark & 3) === RingMark.Skip) continue;
        visited++;
        visitor(new Uint8Array(buffer, start, mark >>> 2));
      }
    } finally {
      this.#visiting = false;
      this.#releaseTo(position);
    }
    return visited;
  }

  /** The checked mark of the record at a position, or RingMark.Pending where none is ready. */
  #markAt(position: number): number {
    if (position === this.#tailSeen && !this.#seeTail(position)) return RingMark.Pending;
    const mark = Atomics.load(this.#marks, (position & this.#mask) << 1);
    const kind = mark & 3;
    if (mark === RingMark.Pending && this.#multi) return RingMark.Pending;
    if (mark < 0 || (kind !== RingMark.Frame && kind !== RingMark.Skip))
      throw corrupt(`a record starts with ${mark}`);
    // mark is length * 4 + kind, so this is 1 + ceil(length / 8).
    const units = 1 + ((mark + 28) >>> 5);
    if (units > this.#capacity - (position & this.#mask) || units > ((this.#tailSeen - position) | 0))
      throw corrupt(`a record of ${mark >>> 2} bytes reaches past what is written`);
    return mark;
  }

  #seeTail(position: number): boolean {
    const tail = Atomics.load(this.#words, RingField.Tail);
    const used = (tail - this.#head) | 0;
    if (used < 0 || used > this.#capacity || ((tail - position) | 0) < 0)
      throw corrupt(`${used * 8} bytes are in use`);
    this.#tailSeen = tail;
    return tail !== position;
  }

  /**
   * Reading frame by frame gives room back in eighths of the ring, or when all that is known of is read: a store
   * per frame would take the head's cache line from a writer that waits for room each time.
   */
  #passTo(position: number): void {
    this.#next = position;
    if (position === this.#tailSeen || ((position - this.#head) | 0) >= this.#lazyUnits)
      this.#releaseTo(position);
  }

  #releaseTo(position: number): void {
    this.#next = position;
    if (position === this.#head) return;
    // With several writers every unit may become the start of a record, and zero says "not committed".
    if (this.#multi) this.#clear(this.#head, position);
    this.#head = position;
    Atomics.store(this.#words, RingField.Head, position);
  }

  #clear(from: number, to: number): void {
    const start = from & this.#mask;
    const units = (to - from) | 0;
    const end = start + units;
    if (end <= this.#capacity) {
      this.#memory.units.fill(0, start, end);
      return;
    }
    this.#memory.units.fill(0, start);
    this.#memory.units.fill(0, 0, end - this.#capacity);
  }
}

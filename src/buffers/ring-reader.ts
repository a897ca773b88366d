/**
 * The reading side of a ring over Atomics: the twin of native/src/ring/ring_reader.h. A record's first word is
 * loaded once, checked against what is committed and what lies before the end, and only the checked copy is used.
 */
import { RingField, RingMark } from '../binding/constants.generated.js';
import { corrupt, isClosed, type RingMemory } from './ring-memory.js';

/** Nothing to read now. */
export const empty = -1;

export class RingReader {
  readonly #memory: RingMemory;
  readonly #words: Int32Array;
  readonly #marks: Int32Array;
  readonly #multi: boolean;
  readonly #capacity: number;
  readonly #mask: number;
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
    this.#head = Atomics.load(memory.words, RingField.Head);
    this.#tailSeen = this.#head;
  }

  /** Length of the next frame, or `empty`. Skips before it are released. */
  peekLength(): number {
    if (this.#visiting) throw new TypeError('A batch is being read: finish it before reading again');
    let position = this.#head;
    let mark = this.#markAt(position);
    while ((mark & 3) === RingMark.Skip) {
      position = (position + 1 + ((mark + 28) >>> 5)) | 0;
      mark = this.#markAt(position);
    }
    this.#releaseTo(position);
    return mark === RingMark.Pending ? empty : mark >>> 2;
  }

  /** A copy of the next frame, or undefined. */
  read(): Buffer | undefined {
    const length = this.peekLength();
    if (length === empty) return undefined;
    const { buffer, bytes } = this.#memory;
    const copy = Buffer.allocUnsafe(length);
    const start = bytes.byteOffset + ((this.#head & this.#mask) << 3) + 8;
    copy.set(new Uint8Array(buffer, start, length));
    this.#releaseTo((this.#head + 1 + ((length + 7) >>> 3)) | 0);
    return copy;
  }

  /** Visits up to `max` frames in place and releases them together, also when the visitor throws. */
  visit(visitor: (frame: Uint8Array) => void, max: number): number {
    if (this.#visiting) throw new TypeError('A batch is being read: finish it before reading again');
    const { buffer, bytes } = this.#memory;
    const mask = this.#mask;
    let position = this.#head;
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

  #releaseTo(position: number): void {
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

  /** Closed, and nothing committed is left to read. */
  get drained(): boolean {
    // Closed first: a frame committed before the close is then seen below.
    return isClosed(this.#memory) && !this.#visiting && this.peekLength() === empty;
  }
}

/** A frame that arrives in pieces, collected in one buffer that grows geometrically. */

const firstBytes = 1024;

/** A buffer up to this size is kept for the next frame; a larger one is given back after its frame. */
const keptBytes = 64 * 1024;

export class FrameAssembly {
  #buffer: Buffer = Buffer.alloc(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get capacityBytes(): number {
    return this.#buffer.length;
  }

  /** Appends chunk[start, end). `mostBytes` is what the frame can grow to, so that the last doubling does not overshoot. */
  append(chunk: Buffer, start: number, end: number, mostBytes: number): void {
    const needed = this.#length + end - start;
    if (needed > this.#buffer.length) this.#grow(needed, mostBytes);
    chunk.copy(this.#buffer, this.#length, start, end);
    this.#length = needed;
  }

  view(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** The collected bytes, valid until the next append. */
  take(): Buffer {
    const frame = this.view();
    this.clear();
    return frame;
  }

  clear(): void {
    this.#length = 0;
    if (this.#buffer.length > keptBytes) this.#buffer = Buffer.alloc(0);
  }

  #grow(needed: number, mostBytes: number): void {
    const doubled = Math.max(needed, this.#buffer.length * 2, firstBytes);
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(doubled, mostBytes)));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }
}

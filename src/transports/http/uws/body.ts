/** Gathers a request body that comes in several pieces. */

/** Grows geometrically, or is as large as was announced; what is announced is not held before it comes. */
const firstBytes = 16 * 1024;

export class BodyBuffer {
  #buffer: Buffer;
  length = 0;
  readonly #announced: number;

  /** `announced`: the content-length, or 0. */
  constructor(announced: number) {
    this.#announced = announced;
    this.#buffer = Buffer.allocUnsafeSlow(announced > 0 ? Math.min(announced, 4 * firstBytes) : firstBytes);
  }

  add(chunk: Uint8Array): void {
    const wanted = this.length + chunk.length;
    if (wanted > this.#buffer.length) {
      const doubled = Math.max(wanted, this.#buffer.length * 2);
      const size = this.#announced >= wanted ? Math.min(this.#announced, doubled) : doubled;
      const larger = Buffer.allocUnsafeSlow(size);
      this.#buffer.copy(larger, 0, 0, this.length);
      this.#buffer = larger;
    }
    this.#buffer.set(chunk, this.length);
    this.length = wanted;
  }

  view(): Buffer {
    return this.#buffer.subarray(0, this.length);
  }
}

/** Frames on their way out, encoded and joined into few buffers, so that one tick leaves in one write. */
import { type FramingKind, lengthPrefixBytes } from '../serialization/framing.js';

const chunkBytes = 32 * 1024;

const newline = 0x0a;

/** UTF-8 needs at most three bytes for one UTF-16 unit. */
const bytesPerUnit = 3;

/**
 * The unused tail of the chunk written last, over all connections of the thread. An idle connection thus holds no
 * buffer, and a busy one does not allocate a chunk per tick. Bytes handed out by take() are never written again.
 */
let spare: Buffer = Buffer.alloc(0);

export class SendQueue {
  #pieces: Buffer[] = [];
  #chunk: Buffer | undefined;
  /** Where the piece under construction starts and ends inside #chunk. */
  #start = 0;
  #end = 0;
  #length = 0;

  /** Bytes queued, delimiters included. */
  get length(): number {
    return this.#length;
  }

  /** Copies a frame into the queue. */
  append(frame: Uint8Array | string, framing: FramingKind): void {
    if (typeof frame !== 'string') this.#appendBytes(frame, framing);
    else this.#appendText(frame, framing);
  }

  /** Hands over everything queued. */
  take(): Buffer[] {
    this.#closePiece();
    if (this.#chunk !== undefined) {
      spare = this.#chunk.subarray(this.#end);
      this.#chunk = undefined;
    }
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#length = 0;
    return pieces;
  }

  clear(): void {
    this.take();
  }

  #appendText(text: string, framing: FramingKind): void {
    let most = text.length * bytesPerUnit;
    if (most > chunkBytes) most = Buffer.byteLength(text);
    const chunk = this.#room(most + lengthPrefixBytes);
    const at = framing === 'length' ? this.#end + lengthPrefixBytes : this.#end;
    const written = chunk.write(text, at, 'utf8');
    this.#finishFrame(chunk, written, framing);
  }

  #appendBytes(bytes: Uint8Array, framing: FramingKind): void {
    const chunk = this.#room(bytes.length + lengthPrefixBytes);
    chunk.set(bytes, framing === 'length' ? this.#end + lengthPrefixBytes : this.#end);
    this.#finishFrame(chunk, bytes.length, framing);
  }

  /** Puts the delimiter to a frame whose bytes are in place. */
  #finishFrame(chunk: Buffer, bytes: number, framing: FramingKind): void {
    let total = bytes + 1;
    if (framing === 'length') {
      chunk.writeUInt32BE(bytes, this.#end);
      total = bytes + lengthPrefixBytes;
    } else chunk[this.#end + bytes] = newline;
    this.#end += total;
    this.#length += total;
  }

  /** The chunk under construction with at least `bytes` free behind #end. */
  #room(bytes: number): Buffer {
    let chunk = this.#chunk;
    if (chunk !== undefined && chunk.length - this.#end >= bytes) return chunk;
    this.#closePiece();
    if (chunk === undefined && spare.length >= bytes) {
      chunk = spare;
      spare = Buffer.alloc(0);
    } else chunk = Buffer.allocUnsafeSlow(Math.max(chunkBytes, bytes));
    this.#chunk = chunk;
    this.#start = 0;
    this.#end = 0;
    return chunk;
  }

  #closePiece(): void {
    if (this.#chunk === undefined || this.#end === this.#start) return;
    this.#pieces.push(this.#chunk.subarray(this.#start, this.#end));
    this.#start = this.#end;
  }
}

/**
 * Cutting a byte stream into frames. Two framings: a line each (what MCP prescribes for stdio), or an unsigned
 * 32-bit big-endian length before each frame (what two ringwire peers may agree on).
 *
 *     newline   {"jsonrpc":"2.0",…}\n
 *     length    00 00 00 2a  <42 bytes>
 *
 * Empty lines and zero lengths are skipped. A carriage return before the newline is JSON white space and stays in
 * the frame.
 */
import { RingwireError } from '../errors.js';
import { FrameAssembly } from './framing-assembly.js';

/** How a byte stream is cut into frames. */
export type FramingKind = 'newline' | 'length';

export const lengthPrefixBytes = 4;

const newline = 0x0a;

export interface DecoderSink {
  /** A whole frame. The view is borrowed until the call returns. */
  onFrame(frame: Buffer): void;
  /** A frame was refused. After `fatal` the stream has lost its frame boundaries and must be closed. */
  onFrameError(error: RingwireError, fatal: boolean): void;
}

/**
 * Incremental decoder. Linear in the bytes fed, however they are cut: each byte is searched once and copied at most
 * once into place plus once per doubling. A frame that lies inside one chunk is handed out without copying.
 *
 * It may be stopped and its framing changed from inside onFrame; both take effect right after that frame.
 */
export class FrameDecoder {
  readonly #sink: DecoderSink;
  readonly #maxFrameBytes: number;
  readonly #assembly = new FrameAssembly();
  #framing: FramingKind;
  /** Newline framing: inside a line that is too long and already reported. */
  #skipping = false;
  /** Length framing: the announced length, or -1 while the prefix is read. */
  #expected = -1;
  #stopped = false;
  #failed = false;
  /** What was fed and not yet decoded because of stop(). */
  #rest: Buffer | undefined;

  constructor(framing: FramingKind, maxFrameBytes: number, sink: DecoderSink) {
    this.#framing = framing;
    this.#maxFrameBytes = maxFrameBytes;
    this.#sink = sink;
  }

  /** Bytes held: the unfinished frame, and what waits behind stop(). */
  get heldBytes(): number {
    return this.#assembly.length + (this.#rest?.length ?? 0);
  }

  /** Memory reserved for an unfinished frame. */
  get capacityBytes(): number {
    return this.#assembly.capacityBytes;
  }

  /** Whether bytes wait behind stop(). */
  get hasRest(): boolean {
    return this.#rest !== undefined;
  }

  /** Changes the framing from the next frame on. Only at a frame boundary: inside onFrame or between frames. */
  setFraming(framing: FramingKind): void {
    if (this.#assembly.length > 0 || this.#skipping || this.#expected >= 0) {
      throw new RingwireError(
        'INTERNAL',
        'The framing can be changed between frames only; one is half read.',
      );
    }
    this.#framing = framing;
  }

  /** Decodes a chunk. The sink may see views of it; afterwards the decoder keeps no reference unless stopped. */
  write(chunk: Buffer): void {
    if (this.#failed) return;
    if (this.#rest !== undefined) {
      this.#rest = Buffer.concat([this.#rest, chunk]);
      return;
    }
    this.#run(chunk);
  }

  /** No frame is handed out until proceed(); bytes fed in between wait. */
  stop(): void {
    this.#stopped = true;
  }

  /** Ends stop() and decodes what waited. */
  proceed(): void {
    this.#stopped = false;
    const rest = this.#rest;
    if (rest === undefined) return;
    this.#rest = undefined;
    this.#run(rest);
  }

  /** The stream ended. An unfinished frame is reported. */
  end(): void {
    const held = this.#assembly.length;
    if (this.#failed || (held === 0 && this.#expected < 0)) return;
    this.#assembly.clear();
    this.#expected = -1;
    this.#sink.onFrameError(truncatedFrame(this.#framing, held), false);
  }

  #run(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#failed) return;
      if (this.#stopped) {
        this.#rest = at === 0 ? chunk : chunk.subarray(at);
        return;
      }
      at = this.#framing === 'newline' ? this.#readLine(chunk, at) : this.#readLength(chunk, at);
    }
  }

  /** Takes one line, or what there is of it, and returns where the next one starts. */
  #readLine(chunk: Buffer, start: number): number {
    const found = chunk.indexOf(newline, start);
    const end = found < 0 ? chunk.length : found;
    if (!this.#skipping && this.#assembly.length + end - start > this.#maxFrameBytes) {
      this.#skipping = true;
      this.#assembly.clear();
      this.#sink.onFrameError(oversizeFrame(undefined, this.#maxFrameBytes), false);
    }
    if (found < 0) {
      if (!this.#skipping) this.#assembly.append(chunk, start, end, this.#maxFrameBytes);
      return end;
    }
    if (this.#skipping) this.#skipping = false;
    else if (this.#assembly.length > 0) {
      this.#assembly.append(chunk, start, end, this.#maxFrameBytes);
      this.#emitAssembled();
    } else if (end > start) this.#sink.onFrame(chunk.subarray(start, end));
    return found + 1;
  }

  /** Takes a length prefix or frame bytes, as far as they are there, and returns where it stopped. */
  #readLength(chunk: Buffer, start: number): number {
    let at = start;
    if (this.#expected < 0) {
      at = this.#readPrefix(chunk, start);
      if (this.#expected < 0) return at;
    }
    const missing = this.#expected - this.#assembly.length;
    const end = Math.min(chunk.length, at + missing);
    if (end - at < missing) {
      this.#assembly.append(chunk, at, end, this.#expected);
      return end;
    }
    const whole = this.#assembly.length === 0;
    this.#expected = -1;
    if (whole) this.#sink.onFrame(chunk.subarray(at, end));
    else {
      this.#assembly.append(chunk, at, end, this.#assembly.length + missing);
      this.#emitAssembled();
    }
    return end;
  }

  #readPrefix(chunk: Buffer, start: number): number {
    let length: number;
    let at = start;
    if (this.#assembly.length === 0 && chunk.length - start >= lengthPrefixBytes) {
      length = chunk.readUInt32BE(start);
      at = start + lengthPrefixBytes;
    } else {
      at = Math.min(chunk.length, start + lengthPrefixBytes - this.#assembly.length);
      this.#assembly.append(chunk, start, at, lengthPrefixBytes);
      if (this.#assembly.length < lengthPrefixBytes) return at;
      length = this.#assembly.view().readUInt32BE(0);
      this.#assembly.clear();
    }
    if (length > this.#maxFrameBytes) {
      this.#failed = true;
      this.#sink.onFrameError(oversizeFrame(length, this.#maxFrameBytes), true);
      return chunk.length;
    }
    if (length > 0) this.#expected = length;
    return at;
  }

  #emitAssembled(): void {
    const frame = this.#assembly.take();
    this.#sink.onFrame(frame);
  }
}

/** `length` is the announced length, where the framing announces one. */
export function oversizeFrame(length: number | undefined, maxFrameBytes: number): RingwireError {
  const size = length === undefined ? 'is larger' : `of ${length} bytes is larger`;
  return new RingwireError(
    'FRAME_TOO_LARGE',
    `A frame from the peer ${size} than maxFrameBytes (${maxFrameBytes}).`,
  );
}

/** The stream ended and `heldBytes` of a frame had come. */
export function truncatedFrame(framing: FramingKind, heldBytes: number): RingwireError {
  const missing =
    framing === 'newline' ? 'the newline that ends a frame' : 'the rest of the announced length';
  return new RingwireError(
    'FRAME_INVALID',
    `The stream ended inside a frame: ${heldBytes} bytes came without ${missing}.`,
  );
}

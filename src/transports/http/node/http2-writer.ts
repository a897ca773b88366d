/**
 * Writes to an HTTP/2 stream piece by piece, so that what its client takes can be seen: node says that a write is
 * done when all of it left, however much that is, and joins the writes that wait.
 */
import type { ServerHttp2Stream } from 'node:http2';

const pieceBytes = 64 * 1024;

export class Http2Writer {
  /** Pieces that left so far; a stream that has bytes waiting and does not move is stalled. */
  pieces = 0;
  /** Bytes accepted and not yet framed for the connection. */
  bufferedBytes = 0;
  onWritten: (() => void) | undefined = undefined;
  readonly #stream: ServerHttp2Stream;
  #queue: Buffer[] = [];
  #inFlight = 0;
  #isEnding = false;
  readonly #done = (): void => this.#onDone();

  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream;
  }

  write(bytes: Buffer): void {
    this.#queue.push(bytes);
    this.bufferedBytes += bytes.length;
    if (this.#inFlight === 0) this.#next();
  }

  end(): void {
    this.#isEnding = true;
    if (this.#inFlight === 0) this.#stream.end();
  }

  #onDone(): void {
    this.pieces++;
    this.bufferedBytes -= this.#inFlight;
    this.#inFlight = 0;
    if (this.#queue.length > 0) this.#next();
    else if (this.#isEnding) this.#stream.end();
    this.onWritten?.();
  }

  #next(): void {
    const piece = this.#take();
    this.#inFlight = piece.length;
    if (this.#isEnding && this.#queue.length === 0) this.#stream.end(piece, this.#done);
    else this.#stream.write(piece, this.#done);
  }

  /** What is next, small parts joined and large ones cut. */
  #take(): Buffer {
    const queue = this.#queue;
    const [first] = queue;
    if (first.length > pieceBytes) {
      queue[0] = first.subarray(pieceBytes);
      return first.subarray(0, pieceBytes);
    }
    let bytes = first.length;
    let count = 1;
    while (count < queue.length && bytes + queue[count].length <= pieceBytes) bytes += queue[count++].length;
    return count === 1 ? (queue.shift() as Buffer) : Buffer.concat(queue.splice(0, count), bytes);
  }
}

/** An answer in parts over uWebSockets.js, with backpressure. */
import type { HttpResponse } from 'uWebSockets.js';
import type { ResolvedOptions } from '../../options.js';
import type { SendResult } from '../../transport.js';
import type { HttpStream } from '../http-server.js';
import { callbackScope } from './callback-scope.js';

/** Larger writes are given to uWebSockets.js in pieces of this size, the next once the one before has left. */
const pieceBytes = 64 * 1024;

export interface StreamStart {
  /** False for the answer to HEAD: what is written is dropped. */
  readonly hasBody: boolean;
  /** Server-sent events: a comment takes the head to the client at once. */
  readonly isEvents: boolean;
  readonly mustClose: boolean;
  /** Ends behind everything that was read from the connection. */
  readonly isLate: boolean;
}

/**
 * uWebSockets.js takes whatever is written, holds what the kernel does not take, and does not say how much that is:
 * only that a write did not leave at once. So behind such a write everything waits here, and a byte of it is written
 * first when the socket can be written: that it leaves proves that nothing waits in uWebSockets.js any more.
 */
export class UwsStream implements HttpStream {
  onDrain: (() => void) | undefined = undefined;
  readonly #exchange: object;
  readonly #response: HttpResponse;
  readonly #options: ResolvedOptions;
  readonly #onEnded: () => void;
  #start: StreamStart = { hasBody: false, isEvents: false, mustClose: false, isLate: false };
  #isOpen = true;
  #isGone = false;
  #hasWritten = false;
  #queue: Uint8Array[] = [];
  #queueBytes = 0;
  /** What was written and had not left at once; 0 when it is known to have left. */
  #engineBytes = 0;
  #wantsDrain = false;
  #isPutOff = false;
  readonly #feed = (): void => this.#feedQueue();

  constructor(exchange: object, response: HttpResponse, options: ResolvedOptions, onEnded: () => void) {
    this.#exchange = exchange;
    this.#response = response;
    this.#options = options;
    this.#onEnded = onEnded;
  }

  get bufferedBytes(): number {
    return this.#queueBytes + this.#engineBytes;
  }

  /** Corked. */
  begin(text: string, start: StreamStart): void {
    this.#start = start;
    this.#response.writeStatus(text);
    // Without a handler uWebSockets.js ends a stream that was full once and then rests for 10 s.
    this.#response.onWritable(() => this.#onWritable());
    if (start.isEvents && start.hasBody) setImmediate(() => this.#showHead());
  }

  #showHead(): void {
    if (!this.#hasWritten && this.#isOpen) this.write(':\n\n');
  }

  write(chunk: string | Uint8Array): SendResult {
    if (!this.#isOpen) return 'full';
    if (!this.#start.hasBody || chunk.length === 0) return 'sent';
    if (this.bufferedBytes >= this.#options.highWatermarkBytes) {
      this.#wantsDrain = true;
      return 'full';
    }
    this.#hasWritten = true;
    const mustWait = this.#isForeign();
    if (this.bufferedBytes === 0 && chunk.length <= pieceBytes / 4 && !mustWait) {
      let left = false;
      this.#response.cork(() => {
        left = this.#response.write(chunk);
      });
      if (left) return 'sent';
      this.#engineBytes = Buffer.byteLength(chunk);
    } else {
      // A copy: the caller may use its bytes for something else.
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : Uint8Array.prototype.slice.call(chunk);
      this.#queue.push(bytes);
      this.#queueBytes += bytes.length;
      if (mustWait) this.#putOff();
      else if (this.#engineBytes === 0 || this.#queue.length === 1) this.#response.cork(this.#feed);
      if (this.bufferedBytes === 0) return 'sent';
    }
    this.#wantsDrain = true;
    return 'queued';
  }

  #isForeign(): boolean {
    const { owner } = callbackScope;
    return owner !== undefined && owner !== this.#exchange;
  }

  #putOff(): void {
    if (this.#isPutOff) return;
    this.#isPutOff = true;
    setImmediate(() => {
      this.#isPutOff = false;
      if (!this.#isGone) this.#onWritable();
    });
  }

  /** Corked: gives uWebSockets.js what waits, as long as it leaves at once. */
  #feedQueue(): void {
    while (this.#queue.length > 0) {
      const next = this.#queue[0];
      const size = this.#engineBytes > 0 ? 1 : Math.min(next.length, pieceBytes);
      const left = this.#response.write(size === next.length ? next : next.subarray(0, size));
      if (size === next.length) this.#queue.shift();
      else this.#queue[0] = next.subarray(size);
      this.#queueBytes -= size;
      if (!left) {
        this.#engineBytes += size;
        return;
      }
      this.#engineBytes = 0;
    }
  }

  #onWritable(): boolean {
    // The cork gives the kernel what uWebSockets.js holds, also where nothing waits here.
    this.#response.cork(this.#feed);
    if (this.#isOpen && this.#wantsDrain && this.#isLow()) {
      this.#wantsDrain = false;
      try {
        this.onDrain?.();
      } catch {
        this.#response.close();
      }
    }
    return true;
  }

  /** With nothing here to prove it by, what uWebSockets.js holds (one piece at most) counts as gone. */
  #isLow(): boolean {
    return this.#queue.length === 0 || this.bufferedBytes <= this.#options.lowWatermarkBytes;
  }

  end(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    if (this.#start.isLate || this.#isForeign()) setImmediate(() => this.#finish());
    else this.#finish();
  }

  #finish(): void {
    if (this.#isGone) return;
    this.#response.cork(() => {
      // From here on uWebSockets.js sends what it holds by itself, and cuts a client that takes none of it for 10 s.
      for (const bytes of this.#queue) this.#response.write(bytes);
      if (this.#start.hasBody) this.#response.end(undefined, this.#start.mustClose);
      else this.#response.endWithoutBody();
    });
    this.#drop();
    this.#onEnded();
  }

  /** The client is gone. */
  abandon(): void {
    this.#isOpen = false;
    this.#isGone = true;
    this.#drop();
  }

  #drop(): void {
    this.#isGone = true;
    this.#queue = [];
    this.#queueBytes = 0;
    this.#engineBytes = 0;
  }
}

/** A bare socket that sends bytes and collects lines: the other end for tests that must not share code with ours. */
import { connect, type Socket } from 'node:net';

export class LineSocket {
  readonly socket: Socket;
  /** Lines as received, without their newline. */
  readonly lines: string[] = [];
  /** Bytes received in all. */
  receivedBytes = 0;
  /** Resolves when the socket is gone, however that came. */
  readonly closed: Promise<void>;
  #rest: Buffer[] = [];
  #isClosed = false;
  #waiters: { readonly count: number; resolve(): void; reject(error: Error): void }[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => this.#receive(chunk));
    // An error is followed by close; tests that cut connections expect both.
    socket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#isClosed = true;
        for (const waiter of this.#waiters) waiter.reject(this.#tooFew(waiter.count));
        this.#waiters = [];
        resolve();
      });
    });
  }

  /** Connects to a `tcp:` or `unix:` URL. */
  static connect(url: string): Promise<LineSocket> {
    const target = url.startsWith('unix:')
      ? { path: url.slice('unix:'.length) }
      : { host: new URL(url).hostname, port: Number(new URL(url).port), noDelay: true };
    return new Promise((resolve, reject) => {
      const socket = connect(target);
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new LineSocket(socket));
      });
    });
  }

  write(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Writes and waits until the kernel took everything. */
  writeAll(bytes: string | Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** The first `count` lines, once they are there. Rejects when the socket closes before. */
  first(count: number): Promise<readonly string[]> {
    return new Promise((resolve, reject) => {
      if (this.lines.length >= count) resolve(this.lines.slice(0, count));
      else if (this.#isClosed) reject(this.#tooFew(count));
      else this.#waiters.push({ count, resolve: () => resolve(this.lines.slice(0, count)), reject });
    });
  }

  async close(): Promise<void> {
    this.socket.destroy();
    await this.closed;
  }

  #tooFew(count: number): Error {
    const last = this.lines.at(-1)?.slice(0, 200);
    return new Error(`the socket closed after ${this.lines.length} of ${count} lines; the last was ${last}`);
  }

  #receive(chunk: Buffer): void {
    this.receivedBytes += chunk.length;
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      this.#rest.push(chunk.subarray(start, end));
      this.lines.push(Buffer.concat(this.#rest).toString('utf8'));
      this.#rest = [];
      start = end + 1;
    }
    if (start < chunk.length) this.#rest.push(chunk.subarray(start));
    this.#waiters = this.#waiters.filter((waiter) => {
      if (this.lines.length < waiter.count) return true;
      waiter.resolve();
      return false;
    });
  }
}

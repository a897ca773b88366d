/** Server-sent events on a streamed answer (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
import { sseKeepAliveMs } from '../../limits.js';
import type { SendResult } from '../transport.js';
import type { HeaderList, HttpExchange, HttpStream } from './http-server.js';

/** Proxies neither hold events back nor change them (nginx reads x-accel-buffering). */
export const eventStreamHead: HeaderList = [
  'content-type',
  'text/event-stream',
  'cache-control',
  'no-cache, no-transform',
  'x-accel-buffering',
  'no',
];

export class EventStream {
  readonly #stream: HttpStream;
  readonly #keepAliveMs: number;
  #timer: NodeJS.Timeout | undefined;
  #isOpen = true;

  /** Answers the exchange with an event stream. `head` is sent beside eventStreamHead; keepAliveMs 0 sends no comments. */
  constructor(exchange: HttpExchange, head: HeaderList = [], keepAliveMs = sseKeepAliveMs) {
    this.#stream = exchange.openStream(
      200,
      head.length === 0 ? eventStreamHead : [...eventStreamHead, ...head],
    );
    this.#keepAliveMs = keepAliveMs;
    if (keepAliveMs > 0) this.#timer = setTimeout(() => this.#keepAlive(), keepAliveMs).unref();
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get bufferedBytes(): number {
    return this.#stream.bufferedBytes;
  }

  set onDrain(listener: (() => void) | undefined) {
    this.#stream.onDrain = listener;
  }

  /** One event of the type "message", or of `event`. A line break in `data` becomes a further data line. */
  send(data: string, id?: string, event?: string): SendResult {
    let text = event === undefined ? '' : `event: ${event}\n`;
    if (id !== undefined) text += `id: ${id}\n`;
    return this.#write(`${text}data: ${data.includes('\n') || data.includes('\r') ? lines(data) : data}\n\n`);
  }

  /** Tells the client how long to wait before it connects anew, with an event id to continue from. */
  retry(retryMs: number, id?: string): SendResult {
    return this.#write(`${id === undefined ? '' : `id: ${id}\n`}retry: ${retryMs}\ndata: \n\n`);
  }

  /** A comment, which clients ignore. */
  comment(): SendResult {
    return this.#write(':\n\n');
  }

  /** Idempotent. */
  end(): void {
    if (!this.#isOpen) return;
    this.abandon();
    this.#stream.end();
  }

  /** The client is gone: nothing is written any more. */
  abandon(): void {
    this.#isOpen = false;
    clearTimeout(this.#timer);
  }

  #write(text: string): SendResult {
    if (!this.#isOpen) return 'full';
    this.#timer?.refresh();
    return this.#stream.write(text);
  }

  #keepAlive(): void {
    this.#timer = setTimeout(() => this.#keepAlive(), this.#keepAliveMs).unref();
    // A client that does not read gets no comments on top of what waits for it.
    if (this.#isOpen && this.#stream.bufferedBytes === 0) this.comment();
  }
}

function lines(data: string): string {
  return data.split(/\r\n|\n|\r/).join('\ndata: ');
}

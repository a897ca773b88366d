/** The event stream that a legacy session opens for what the server says unasked (2025-11-25, basic/transports). */
import type { HttpError, RingwireError } from '../../errors.js';
import type { FrameSink } from '../../transports/http/client/answer-reader.js';
import type { HttpCall } from '../../transports/http/client/http-client.js';

export interface ServerStreamOwner {
  /** Sends the GET. */
  listen(sink: FrameSink, lastEventId: string | undefined): HttpCall;
  onServerFrame(frame: Buffer): void;
  /** The server knows the session no more. */
  onSessionGone(error: HttpError): void;
}

const firstRetryMs = 1_000;
const longestRetryMs = 30_000;

/** No server can make a client come back sooner than this with `retry`. */
const leastRetryMs = 100;

export class ServerStream implements FrameSink {
  /** Resolves when the server answered the first GET: it sends here from now on, or never will. */
  readonly ready: Promise<void>;
  readonly #owner: ServerStreamOwner;
  #resolveReady: () => void = () => {};
  #call: HttpCall | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lastEventId: string | undefined;
  /** Named by the server. */
  #retryMs: number | undefined;
  #failures = 0;
  #wasOpen = false;
  #isClosed = false;

  constructor(owner: ServerStreamOwner) {
    this.#owner = owner;
    this.ready = new Promise((resolve) => {
      this.#resolveReady = resolve;
    });
    this.#open();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#call?.abort();
    this.#resolveReady();
  }

  onOpen(_status: number, _headers: unknown, isStream: boolean): void {
    this.#resolveReady();
    this.#wasOpen ||= isStream;
    if (isStream) return;
    // A JSON body or an empty one offers no stream.
    this.close();
  }

  onFrame(frame: Buffer): void {
    if (this.#isClosed) return;
    this.#failures = 0;
    this.#owner.onServerFrame(frame);
  }

  onEventId(id: string): void {
    this.#lastEventId = id === '' ? undefined : id;
    this.#failures = 0;
  }

  onRetry(retryMs: number): void {
    this.#retryMs = Math.min(Math.max(retryMs, leastRetryMs), longestRetryMs);
  }

  onEnd(): void {
    // A server that names a time may end its streams as it likes; one that cannot be had is asked less and less.
    if (this.#retryMs !== undefined) this.#failures = 0;
    this.#again();
  }

  onFail(error: RingwireError): void {
    this.#resolveReady();
    if (error.code !== 'TLS_FAILED') this.#again();
  }

  onRefused(error: HttpError): void {
    this.#resolveReady();
    if (this.#isClosed) return;
    // A server that has no GET at all may say 404, too, and not 405; a session that is gone shows at the next POST.
    if (error.status === 404 && this.#wasOpen) this.#owner.onSessionGone(error);
    // 405 says that there is no such stream; other refusals of the client's making stay as they are.
    else if (error.status >= 500 || error.status === 429) this.#again();
  }

  #open(): void {
    this.#call = this.#owner.listen(this, this.#lastEventId);
  }

  #again(): void {
    if (this.#isClosed) return;
    const waitMs = Math.min((this.#retryMs ?? firstRetryMs) * 2 ** this.#failures, longestRetryMs);
    this.#failures = Math.min(this.#failures + 1, 16);
    // Calls keep the process alive, not the wish to hear of more.
    this.#timer = setTimeout(() => this.#open(), waitMs).unref();
  }
}

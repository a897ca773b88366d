/** HTTP+SSE (2024-11-05): one event stream brings everything, and its first event names where messages are posted. */
import { type HttpError, RingwireError } from '../../errors.js';
import type { FrameSink } from '../../transports/http/client/answer-reader.js';
import { type FrameServer, requestFrames } from '../../transports/http/client/frame-request.js';
import type { HttpCall } from '../../transports/http/client/http-client.js';

export interface SseOwner {
  onServerFrame(frame: Buffer): void;
  /** The stream ended, and with it the connection. */
  onStreamGone(error: RingwireError | undefined): void;
}

export class SseEndpoint implements FrameSink {
  /** Where messages are posted. Rejects where the server has no such stream. */
  readonly path: Promise<string>;
  readonly #server: FrameServer;
  readonly #from: string;
  readonly #owner: SseOwner;
  readonly #call: HttpCall;
  #resolve: (path: string) => void = () => {};
  #reject: (error: RingwireError) => void = () => {};
  #isOpen = false;
  #isOver = false;

  /** @param path of the URL the user gave. */
  constructor(server: FrameServer, path: string, owner: SseOwner) {
    this.#server = server;
    this.#from = path;
    this.#owner = owner;
    this.path = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#call = requestFrames(
      server,
      { method: 'GET', path, headers: { accept: 'text/event-stream' } },
      this,
    );
  }

  close(): void {
    this.#isOver = true;
    this.#call.abort();
  }

  onOpen(status: number, _headers: unknown, isStream: boolean): void {
    if (isStream) return;
    this.#fail(
      new RingwireError('FRAME_INVALID', `${this.#server.url} answered GET (${status}) without events.`),
    );
    this.close();
  }

  onNamedEvent(type: string, data: string): void {
    if (type !== 'endpoint' || this.#isOpen || this.#isOver) return;
    const { origin } = this.#server.client;
    const base = new URL(this.#from, origin);
    let to: URL | undefined;
    try {
      to = new URL(data, base);
    } catch {
      // Said below.
    }
    if (to === undefined || to.origin !== base.origin) {
      // Credentials must not be sent to whom the server names.
      const text = `${this.#server.url} names an endpoint that is no URL on the same server.`;
      this.#fail(new RingwireError('FRAME_INVALID', text));
      this.close();
      return;
    }
    this.#isOpen = true;
    this.#resolve(`${to.pathname}${to.search}`);
  }

  onFrame(frame: Buffer): void {
    if (this.#isOpen && !this.#isOver) this.#owner.onServerFrame(frame);
  }

  onEnd(): void {
    this.#fail(new RingwireError('CONNECTION_CLOSED', `${this.#server.url} ended its event stream.`));
  }

  onRefused(error: HttpError): void {
    this.#fail(error);
  }

  onFail(error: RingwireError): void {
    this.#fail(error);
  }

  #fail(error: RingwireError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#isOpen) this.#owner.onStreamGone(error);
    else this.#reject(error);
  }
}

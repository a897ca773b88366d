/** What exchanges over node's HTTP/1, HTTP/2 and mounts have in common: the body's limits and the answer's order. */
import type { RingwireError } from '../../../errors.js';
import { bodyGraceMs } from '../../../limits.js';
import type { PeerInfo } from '../../transport.js';
import { decodeBody } from '../content-coding.js';
import type {
  ClientCertificate,
  HeaderList,
  HttpApplication,
  HttpExchange,
  HttpPrincipal,
  HttpStream,
} from '../http-server.js';
import { bodyTooLarge, bodyTooSlow, serverFailed, warnOfThrown } from '../problems.js';
import type { EngineContext } from './context.js';

const noBytes = Buffer.alloc(0);

export abstract class NodeExchange implements HttpExchange {
  abstract readonly method: string;
  abstract readonly path: string;
  abstract readonly query: string;
  abstract readonly peer: PeerInfo;
  abstract readonly isSecure: boolean;
  abstract readonly clientCertificate: ClientCertificate | undefined;
  state: unknown = undefined;
  application: HttpApplication;
  principal: HttpPrincipal | undefined = undefined;
  timer: { end(): void } | undefined = undefined;
  isAborted = false;
  protected readonly context: EngineContext;
  /** respond(), openStream() or destroy() was called. */
  protected isAnswered = false;
  /** The body arrived whole, or there is none. */
  protected isBodyComplete = false;
  #isReading = false;
  #maxBodyBytes = 0;
  #bodyBytes = 0;
  #chunk: Buffer | undefined = undefined;
  #chunks: Buffer[] | undefined = undefined;
  /** Since when, and from how many bytes, the body's rate is measured. */
  #rateSince = 0;
  #rateFrom = 0;

  protected constructor(context: EngineContext) {
    this.context = context;
    this.application = context.application;
  }

  abstract header(name: string): string;
  abstract eachHeader(visit: (name: string, value: string) => void): void;
  /** Lets the body flow into received() and ended(). */
  protected abstract startBody(): void;
  /** Stops the flow for good: the answer says why. */
  protected abstract stopBody(): void;
  protected abstract writeAnswer(status: number, head: HeaderList, body: string | Uint8Array): void;
  protected abstract startStream(status: number, head: HeaderList): HttpStream;
  protected abstract cut(): void;

  /** Header fields are ours until the exchange ends: there is nothing to copy. */
  keepHead(): void {}

  readBody(maxBytes = this.context.options.http.maxBodyBytes): void {
    if (this.#isReading || this.isAborted) return;
    this.#isReading = true;
    this.#maxBodyBytes = maxBytes;
    if (Number(this.header('content-length')) > maxBytes) {
      // Not inside the application's stack: it is not done with the request's head.
      process.nextTick(() => this.#refuseBody(bodyTooLarge(maxBytes)));
      return;
    }
    this.startBody();
  }

  respond(status: number, head: HeaderList, body: string | Uint8Array = noBytes): void {
    if (this.isAnswered || this.isAborted) return;
    this.isAnswered = true;
    this.timer?.end();
    this.count(status);
    const { compressor } = this.context;
    if (compressor === undefined || body.length < compressor.thresholdBytes) {
      this.writeAnswer(status, head, body);
      return;
    }
    const coding = compressor.choose(this.header('accept-encoding'), body.length, head);
    const fields = compressor.headFor(coding, head);
    if (coding === undefined) {
      this.writeAnswer(status, fields, body);
      return;
    }
    const encoded = compressor.encode(coding, body);
    if (encoded instanceof Uint8Array) this.writeAnswer(status, fields, encoded);
    else {
      encoded.then(
        (bytes) => this.#writeLate(status, fields, bytes),
        () => this.#writeLate(status, compressor.headFor(undefined, head), body),
      );
    }
  }

  openStream(status: number, head: HeaderList): HttpStream {
    if (this.isAnswered || this.isAborted) return closedStream;
    this.isAnswered = true;
    this.count(status);
    return this.startStream(status, head);
  }

  destroy(): void {
    if (this.isAborted) return;
    this.isAnswered = true;
    this.cut();
  }

  /** The client is gone before the answer was complete. */
  abort(): void {
    if (this.isAborted) return;
    this.isAborted = true;
    this.#drop();
    this.context.counters.aborted++;
    this.guard(() => this.application.onAbort(this));
  }

  /** Refuses a body that came in too slowly. Called by the listener's sweep. */
  checkBodyRate(now: number): void {
    if (!this.#isReading || this.isBodyComplete || this.isAnswered) return;
    if (this.#rateSince === 0) this.#rateSince = now;
    const elapsed = now - this.#rateSince;
    if (elapsed < bodyGraceMs) return;
    const { minBodyBytesPerSecond } = this.context.options.http;
    if ((this.#bodyBytes - this.#rateFrom) * 1000 < minBodyBytesPerSecond * elapsed) {
      this.#refuseBody(bodyTooSlow(minBodyBytesPerSecond));
    }
    this.#rateSince = now;
    this.#rateFrom = this.#bodyBytes;
  }

  protected get isReading(): boolean {
    return this.#isReading;
  }

  protected received(chunk: Buffer): void {
    if (!this.#isReading || this.isAborted) return;
    this.#bodyBytes += chunk.length;
    if (this.#bodyBytes > this.#maxBodyBytes) {
      this.#refuseBody(bodyTooLarge(this.#maxBodyBytes));
      return;
    }
    if (this.#chunk === undefined) this.#chunk = chunk;
    else if (this.#chunks === undefined) this.#chunks = [this.#chunk, chunk];
    else this.#chunks.push(chunk);
  }

  protected ended(): void {
    this.isBodyComplete = true;
    if (!this.#isReading || this.isAborted) return;
    const body = this.#chunks === undefined ? (this.#chunk ?? noBytes) : Buffer.concat(this.#chunks);
    this.#drop();
    const coding = this.header('content-encoding');
    if (coding === '') this.#deliver(body);
    else {
      decodeBody(coding, body, this.#maxBodyBytes).then(
        (decoded) => {
          if (!this.isAborted) this.#deliver(decoded);
        },
        (error: unknown) => this.#failBody(error as RingwireError),
      );
    }
  }

  /** A body that somebody else read and decoded. */
  protected takeBody(body: Buffer): void {
    this.isBodyComplete = true;
    if (body.length > this.#maxBodyBytes) this.#failBody(bodyTooLarge(this.#maxBodyBytes));
    else this.#deliver(body);
  }

  protected count(status: number): void {
    const { responses } = this.context.counters;
    const index = ((status / 100) | 0) - 1;
    if (index >= 0 && index < responses.length) responses[index]++;
  }

  /** An application must not throw; where it does, the client learns of it and the process lives. */
  protected guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.fail(error);
    }
  }

  protected fail(error: unknown): void {
    warnOfThrown(error);
    if (this.isAnswered || this.isAborted) {
      this.cut();
      return;
    }
    const { head, body } = this.context.application.refusal(500, serverFailed);
    this.respond(500, head, body);
  }

  #writeLate(status: number, head: HeaderList, body: string | Uint8Array): void {
    if (!this.isAborted) this.writeAnswer(status, head, body);
  }

  #deliver(body: Buffer): void {
    try {
      this.application.onBody(this, body);
    } catch (error) {
      this.fail(error);
    }
  }

  #refuseBody(error: RingwireError): void {
    if (this.isAborted || this.isAnswered || this.isBodyComplete) return;
    this.stopBody();
    this.#failBody(error);
  }

  #failBody(error: RingwireError): void {
    this.#isReading = false;
    this.#drop();
    if (!this.isAborted) this.guard(() => this.application.onBodyError(this, error));
  }

  #drop(): void {
    this.#chunk = undefined;
    this.#chunks = undefined;
  }
}

/** What openStream() returns where the client is gone. */
export const closedStream: HttpStream = {
  write: () => 'full',
  bufferedBytes: 0,
  onDrain: undefined,
  end: () => {},
};

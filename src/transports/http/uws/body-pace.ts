/** Watches request bodies that do not come at once: too slow ones are refused, the others kept from being cut. */
import { bodyGraceMs } from '../../../limits.js';

export interface PacedBody {
  /** Bytes that came so far. */
  readonly bodyBytes: number;
  /** The body comes slower than it must. */
  onTooSlow(): void;
  /** Starts the engine's own timer anew. */
  renewTimeout(): void;
}

interface Pace {
  since: number;
  bytes: number;
}

/**
 * uWebSockets.js cuts a connection whose body comes at less than 16 KiB a second, 10 s after it began. Renewing that
 * timer leaves the decision to the listener's own limit.
 */
const checkMs = 1_000;

export class BodyPace {
  readonly #bytesPerSecond: number;
  readonly #bodies = new Map<PacedBody, Pace>();
  #timer: NodeJS.Timeout | undefined = undefined;

  constructor(bytesPerSecond: number) {
    this.#bytesPerSecond = bytesPerSecond;
  }

  add(body: PacedBody): void {
    this.#bodies.set(body, { since: performance.now(), bytes: body.bodyBytes });
    this.#timer ??= setInterval(() => this.#check(), checkMs).unref();
  }

  remove(body: PacedBody): void {
    if (!this.#bodies.delete(body) || this.#bodies.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #check(): void {
    const now = performance.now();
    for (const [body, pace] of this.#bodies) {
      const waitedMs = now - pace.since;
      const bytes = body.bodyBytes - pace.bytes;
      if (waitedMs >= bodyGraceMs) {
        if (bytes * 1000 < this.#bytesPerSecond * waitedMs) {
          this.remove(body);
          body.onTooSlow();
          continue;
        }
        pace.since = now;
        pace.bytes = body.bodyBytes;
      }
      body.renewTimeout();
    }
  }
}

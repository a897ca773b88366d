import { isRequest } from './sdk-message.js';

/**
 * The requests of one connection that its server object has not answered. A drain waits for them; the SDKs keep the
 * same set to themselves. `subscriptions/listen` is left out: it stays open until the connection ends.
 */
export class InFlight {
  readonly #ids = new Set<string | number>();
  #waiters: (() => void)[] = [];

  received(message: object): void {
    if (isRequest(message)) {
      if (message.method !== 'subscriptions/listen') this.#ids.add(message.id);
      return;
    }
    const { method, params } = message as { method?: unknown; params?: { requestId?: unknown } };
    // A cancelled request is not answered.
    if (method === 'notifications/cancelled') this.#settle(params?.requestId as string | number);
  }

  sending(message: object): void {
    const { id, method } = message as { id?: string | number; method?: unknown };
    if (method === undefined && id !== undefined) this.#settle(id);
  }

  /** Resolves when nothing is in flight, at the latest after `timeoutMs`. */
  settled(timeoutMs: number): Promise<void> {
    if (this.#ids.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#waiters.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  clear(): void {
    this.#ids.clear();
    this.#release();
  }

  #settle(id: string | number): void {
    this.#ids.delete(id);
    if (this.#ids.size === 0) this.#release();
  }

  #release(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter();
  }
}

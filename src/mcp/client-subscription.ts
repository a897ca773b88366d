/** A client's view of what changes at the server, as an async iterable. */
import type { RingwireError } from '../errors.js';
import type { SubscriptionFilter } from './types.js';

export type ChangeEvent =
  | { readonly type: 'toolsListChanged' | 'promptsListChanged' | 'resourcesListChanged' }
  | { readonly type: 'resourceUpdated'; readonly uri: string }
  /** The connection was lost and is back: changes in between were missed, so look at everything again. */
  | { readonly type: 'reconnected' };

const listEvents: Readonly<Record<string, keyof SubscriptionFilter & `${string}ListChanged`>> = {
  'notifications/tools/list_changed': 'toolsListChanged',
  'notifications/prompts/list_changed': 'promptsListChanged',
  'notifications/resources/list_changed': 'resourcesListChanged',
};

/** Methods that tell of a change. */
export const changeMethods: readonly string[] = [
  ...Object.keys(listEvents),
  'notifications/resources/updated',
];

/**
 * Events wait for the reader, one of each kind and URI: more would say nothing more, so a slow reader costs a bounded
 * amount. Iterate once; leaving the loop closes the subscription.
 */
export class Subscription implements AsyncIterable<ChangeEvent> {
  /** What was asked for. */
  readonly requested: SubscriptionFilter;
  /** What the server agreed to; may be less. */
  accepted: SubscriptionFilter = {};
  readonly #waiting = new Map<string, ChangeEvent>();
  readonly #onClose: () => void;
  #wake: (() => void) | undefined;
  #ended = false;
  #error: RingwireError | undefined;

  constructor(requested: SubscriptionFilter, onClose: () => void) {
    this.requested = requested;
    this.#onClose = onClose;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** A notification that is meant for this subscription; what was not asked for is dropped. */
  deliver(method: string, params: unknown): void {
    const type = listEvents[method];
    if (type !== undefined) {
      if (this.requested[type]) this.push({ type });
      return;
    }
    const uri = (params as { uri?: unknown } | undefined)?.uri;
    if (typeof uri === 'string' && (this.requested.resourceSubscriptions?.length ?? 0) > 0)
      this.push({ type: 'resourceUpdated', uri });
  }

  push(event: ChangeEvent): void {
    if (this.#ended) return;
    this.#waiting.set(event.type === 'resourceUpdated' ? `uri ${event.uri}` : event.type, event);
    this.#wake?.();
  }

  /** No more events will come: in good order, or because of an error, which the iteration throws. */
  end(error?: RingwireError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#wake?.();
  }

  /** Tells the server and ends the iteration. Idempotent. */
  close(): void {
    if (this.#ended) return;
    this.end();
    this.#onClose();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ChangeEvent> {
    try {
      for (;;) {
        for (const [key, event] of this.#waiting) {
          this.#waiting.delete(key);
          yield event;
        }
        if (this.#waiting.size > 0) continue;
        if (this.#ended) {
          if (this.#error !== undefined) throw this.#error;
          return;
        }
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      this.close();
    }
  }
}

/**
 * The one answer to a batch array. Responses join it in the order they become known; it leaves when the last one
 * did (https://www.jsonrpc.org/specification#batch).
 */
import type { IdText } from './types.js';

export class BatchReply {
  readonly #responses: { readonly id: IdText | null; readonly text: string }[] = [];
  readonly #send: (text: string | undefined) => void;
  /** Elements that may still answer, and one more while the batch is being read. */
  #open = 1;

  /** `send` is called once, when the last element ended; with undefined when there is nothing to send. */
  constructor(send: (text: string | undefined) => void) {
    this.#send = send;
  }

  /** One more element that will end in add() or in drop(). */
  expect(): void {
    this.#open += 1;
  }

  /** The response of an expected element; id is null where it could not be read. */
  add(id: IdText | null, text: string): void {
    this.#responses.push({ id, text });
    this.drop();
  }

  /** Takes a response back: the call was cancelled while others of the batch are still at work. */
  takeBack(id: IdText): boolean {
    const index = this.#responses.findIndex((response) => response.id === id);
    if (index >= 0) this.#responses.splice(index, 1);
    return index >= 0;
  }

  /** An expected element answers nothing: it was cancelled. Also called once when the batch was read to its end. */
  drop(): void {
    this.#open -= 1;
    // A batch of notifications is answered by nothing at all, not by an empty array.
    if (this.#open > 0) return;
    this.#send(
      this.#responses.length === 0 ? undefined : `[${this.#responses.map(({ text }) => text).join(',')}]`,
    );
  }
}

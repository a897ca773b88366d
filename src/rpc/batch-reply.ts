/**
 * The one answer to a batch array. Responses join it in the order they become known; it leaves when the last one
 * did (https://www.jsonrpc.org/specification#batch).
 */
export class BatchReply {
  readonly #responses: string[] = [];
  readonly #send: (text: string) => void;
  /** Elements that may still answer, and one more while the batch is being read. */
  #open = 1;

  constructor(send: (text: string) => void) {
    this.#send = send;
  }

  /** One more element that will end in add() or in drop(). */
  expect(): void {
    this.#open += 1;
  }

  /** The response of an expected element. */
  add(text: string): void {
    this.#responses.push(text);
    this.drop();
  }

  /** An expected element answers nothing: it was cancelled. Also called once when the batch was read to its end. */
  drop(): void {
    this.#open -= 1;
    // A batch of notifications is answered by nothing at all, not by an empty array.
    if (this.#open === 0 && this.#responses.length > 0) this.#send(`[${this.#responses.join(',')}]`);
  }
}

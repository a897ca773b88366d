/** How an engine that batches calls gives them to whoever serves them. */

/**
 * Who serves the calls of a batch. Called in the order begin, call…, end, once per delivery; collect() comes after
 * the microtasks of that delivery, and before the loop polls, whenever requestCollect() was called.
 */
export interface CallHandler {
  /** `joined` is the JSON text of an array of the inputs whose record says Joined. */
  begin(joined: string | undefined): void;
  /** `base` is the index of the record's first field in engine.records. */
  call(base: number): void;
  /** A frame for the generic path comes next: calls before it must be known, and their answers on their way. */
  beforeFrame(): void;
  end(): void;
  collect(): void;
}

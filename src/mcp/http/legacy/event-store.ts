/**
 * Where the events of streams are kept, so that a client that lost its connection gets what it missed
 * (2025-11-25, basic/transports, "Resumability and Redelivery").
 */

/** A message that was sent on a stream of a session, or the empty event that primes a client. */
export interface StoredEvent {
  readonly sessionId: string;
  /** The stream's number in its session. */
  readonly streamId: number;
  /** Rises by one with each event of the session, over all its streams. */
  readonly sequence: number;
  /** The JSON-RPC message, '' for an event that primes. */
  readonly data: string;
}

/**
 * Keeps events of sessions. Calls come in order; those for a session never overlap with its dropSession(). A store
 * may forget a session's oldest events at any time, but must not forget one and keep an older one of its session.
 * A method that rejects or throws loses events, not calls.
 */
export interface EventStore {
  append(event: StoredEvent): void | Promise<void>;
  /** Events of one stream from `sequence` on, oldest first. */
  read(
    sessionId: string,
    streamId: number,
    sequence: number,
  ): readonly StoredEvent[] | Promise<readonly StoredEvent[]>;
  /** Nobody will ask for this stream again. */
  dropStream(sessionId: string, streamId: number): void | Promise<void>;
  /** Nobody will ask for this session again. */
  dropSession(sessionId: string): void | Promise<void>;
  /** Frees what the store holds. Servers that were given the store do not call it. */
  close(): void | Promise<void>;
}

/** The way to the event store in a file. Its code, and LMDB's, load when it is used. */
import type { EventStore } from './event-store.js';

export interface LmdbEventStoreOptions {
  /** The file; it is made where there is none. A second one, for the lock, stands beside it. */
  readonly path: string;
  /** Events kept for each session; the oldest go first. Default maxStoredEvents. */
  readonly maxEvents?: number;
  /** Bytes of events kept for each session. Default maxStoredEventBytes. */
  readonly maxEventBytes?: number;
  /** Bytes of events of all sessions; those of the session that was silent longest go first. Default maxStoredFileBytes. */
  readonly maxBytes?: number;
  /** Events found in the file that are older are dropped: nobody asks for them. Default sessionTtlMs. */
  readonly maxAgeMs?: number;
  /** A file that could not be used was moved to `movedTo`, and an empty one is in its place. Default: a warning. */
  readonly onCorrupt?: (problem: string, movedTo: string) => void;
}

/**
 * Keeps events in a file, one process at a time. A file that is cut, damaged or something else is moved aside, never
 * written to.
 *
 * @throws RingwireError CONFIG_INVALID (a bad option, no lmdb, a file that this process has open), IO_ERROR.
 */
export async function lmdbEventStore(options: LmdbEventStoreOptions): Promise<EventStore> {
  const { openLmdbEventStore } = await import('./lmdb-event-store.js');
  return openLmdbEventStore(options);
}

/** The way to the event store in a file. Its code, and LMDB's, load when it is used. */
import type { EventStore } from './event-store.js';

export interface LmdbEventStoreOptions {
  /** The file; it is made where there is none. Beside it stand a lock and, while it is closed, a seal with its hash. */
  readonly path: string;
  /** Events kept for each session; the oldest go first. Default maxStoredEvents. */
  readonly maxEvents?: number;
  /** Bytes of events kept for each session. Default maxStoredEventBytes. */
  readonly maxEventBytes?: number;
  /** Bytes of events of all sessions; those of the session that was silent longest go first. Default maxStoredFileBytes. */
  readonly maxBytes?: number;
  /** Events found in the file that are older are dropped: nobody asks for them. Default sessionTtlMs. */
  readonly maxAgeMs?: number;
  /**
   * A file that is cut, damaged, something else or was not closed is not used: it was moved to `movedTo`, and an empty
   * one is in its place. Default: a warning of the process.
   */
  readonly onCorrupt?: (problem: string, movedTo: string) => void;
}

/**
 * Keeps events in a file, outside the process's heap; one process at a time. close() it behind the server's close():
 * a file that was not closed, as after a crash, begins empty the next time.
 *
 * @throws RingwireError CONFIG_INVALID (a bad option, no lmdb, a file that this process has open), IO_ERROR.
 */
export async function lmdbEventStore(options: LmdbEventStoreOptions): Promise<EventStore> {
  const { openLmdbEventStore } = await import('./lmdb-event-store.js');
  return openLmdbEventStore(options);
}

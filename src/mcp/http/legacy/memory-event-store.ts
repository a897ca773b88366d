/** Events in memory: they are gone with the process. */
import { RingwireError } from '../../../errors.js';
import * as limits from '../../../limits.js';
import type { EventStore, StoredEvent } from './event-store.js';

export interface MemoryEventStoreOptions {
  /** Events kept for each session; the oldest go first. Default maxStoredEvents. */
  readonly maxEvents?: number;
  /** Bytes of events kept for each session. Default maxStoredEventBytes. */
  readonly maxEventBytes?: number;
  /** Bytes of events of all sessions. Default maxStoredBytes. */
  readonly maxBytes?: number;
}

/** An event in two lists: that of its session, and that of all. */
interface Kept {
  readonly event: StoredEvent;
  readonly bytes: number;
  readonly session: Session;
  older: Kept | undefined;
  newer: Kept | undefined;
}

interface Session {
  readonly kept: Kept[];
  /** Where those that are left begin. */
  start: number;
  bytes: number;
}

/** What an event costs beside its text. */
const overheadBytes = 200;

class MemoryEventStore implements EventStore {
  readonly #maxEvents: number;
  readonly #maxEventBytes: number;
  readonly #maxBytes: number;
  readonly #sessions = new Map<string, Session>();
  #oldest: Kept | undefined;
  #newest: Kept | undefined;
  #bytes = 0;

  constructor(options: MemoryEventStoreOptions) {
    this.#maxEvents = positiveInteger('maxEvents', options.maxEvents ?? limits.maxStoredEvents);
    this.#maxEventBytes = positiveInteger(
      'maxEventBytes',
      options.maxEventBytes ?? limits.maxStoredEventBytes,
    );
    this.#maxBytes = positiveInteger('maxBytes', options.maxBytes ?? limits.maxStoredBytes);
  }

  append(event: StoredEvent): void {
    const session = this.#sessionOf(event.sessionId);
    // A string holds one or two bytes for each character; two is the safe side.
    const bytes = overheadBytes + 2 * event.data.length;
    const kept: Kept = { event, bytes, session, older: this.#newest, newer: undefined };
    if (this.#newest === undefined) this.#oldest = kept;
    else this.#newest.newer = kept;
    this.#newest = kept;
    session.kept.push(kept);
    session.bytes += bytes;
    this.#bytes += bytes;
    while (session.kept.length - session.start > this.#maxEvents || session.bytes > this.#maxEventBytes)
      this.#dropOldest(session);
    while (this.#bytes > this.#maxBytes && this.#oldest !== undefined) this.#dropOldest(this.#oldest.session);
  }

  read(sessionId: string, streamId: number, sequence: number): readonly StoredEvent[] {
    const session = this.#sessions.get(sessionId);
    const found: StoredEvent[] = [];
    if (session === undefined) return found;
    for (let index = session.start; index < session.kept.length; index += 1) {
      const { event } = session.kept[index];
      if (event.streamId === streamId && event.sequence >= sequence) found.push(event);
    }
    return found;
  }

  dropStream(sessionId: string, streamId: number): void {
    const session = this.#sessions.get(sessionId);
    if (session === undefined) return;
    const rest: Kept[] = [];
    for (let index = session.start; index < session.kept.length; index += 1) {
      const kept = session.kept[index];
      if (kept.event.streamId === streamId) this.#unlink(kept);
      else rest.push(kept);
    }
    session.kept.splice(0, session.kept.length, ...rest);
    session.start = 0;
  }

  dropSession(sessionId: string): void {
    const session = this.#sessions.get(sessionId);
    if (session === undefined) return;
    for (let index = session.start; index < session.kept.length; index += 1)
      this.#unlink(session.kept[index]);
    this.#sessions.delete(sessionId);
  }

  close(): void {
    this.#sessions.clear();
    this.#oldest = undefined;
    this.#newest = undefined;
    this.#bytes = 0;
  }

  #sessionOf(id: string): Session {
    let session = this.#sessions.get(id);
    if (session === undefined) {
      session = { kept: [], start: 0, bytes: 0 };
      this.#sessions.set(id, session);
    }
    return session;
  }

  #dropOldest(session: Session): void {
    this.#unlink(session.kept[session.start]);
    session.start += 1;
    if (session.start * 2 < session.kept.length) return;
    session.kept.splice(0, session.start);
    session.start = 0;
  }

  #unlink(kept: Kept): void {
    if (kept.older === undefined) this.#oldest = kept.newer;
    else kept.older.newer = kept.newer;
    if (kept.newer === undefined) this.#newest = kept.older;
    else kept.newer.older = kept.older;
    kept.session.bytes -= kept.bytes;
    this.#bytes -= kept.bytes;
  }
}

export function positiveInteger(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 1)
    throw new RingwireError('CONFIG_INVALID', `"${name}" must be a positive integer, not ${String(value)}.`);
  return value;
}

/** Keeps events in this process. Throws CONFIG_INVALID that names the option. */
export function memoryEventStore(options: MemoryEventStoreOptions = {}): EventStore {
  return new MemoryEventStore(options);
}

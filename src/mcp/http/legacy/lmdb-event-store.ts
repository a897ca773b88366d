/**
 * Events in an LMDB file: outside the process's heap, and still there when the process is not. Needs the package
 * "lmdb".
 *
 *     key    session (16 bytes, a hash of its id), sequence (6)
 *     value  checksum of key and rest (8), stream (4), time of day in ms (6), the message
 */
import { createHash } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Key, RootDatabase } from 'lmdb';
import { RingwireError } from '../../../errors.js';
import * as limits from '../../../limits.js';
import type { EventStore, StoredEvent } from './event-store.js';
import { breakSeal, sealFile, sealProblem } from './file-seal.js';
import type { LmdbEventStoreOptions } from './lmdb.js';
import { positiveInteger } from './memory-event-store.js';

const sessionBytes = 16;
const sequenceBytes = 6;
const keyBytes = sessionBytes + sequenceBytes;
const headBytes = 18;

/** What a session has in the file, oldest first. */
interface Kept {
  readonly sequences: number[];
  readonly sizes: number[];
  bytes: number;
}

/** LMDB allows a file once per process. */
const openPaths = new Set<string>();

class LmdbEventStore implements EventStore {
  readonly #db: RootDatabase<Buffer, Buffer>;
  readonly #path: string;
  readonly #maxEvents: number;
  readonly #maxEventBytes: number;
  readonly #maxBytes: number;
  /** By session in hexadecimal; the session that was silent longest comes first. */
  readonly #sessions = new Map<string, Kept>();
  #bytes = 0;
  #closing: Promise<void> | undefined;

  constructor(db: RootDatabase<Buffer, Buffer>, path: string, options: LmdbEventStoreOptions) {
    this.#db = db;
    this.#path = path;
    this.#maxEvents = options.maxEvents ?? limits.maxStoredEvents;
    this.#maxEventBytes = options.maxEventBytes ?? limits.maxStoredEventBytes;
    this.#maxBytes = options.maxBytes ?? limits.maxStoredFileBytes;
  }

  /** Reads everything once. Returns what is wrong with the file. */
  load(maxAgeMs: number): string | undefined {
    const oldest = Date.now() - maxAgeMs;
    const stale: Buffer[] = [];
    for (const { key, value } of this.#db.getRange({})) {
      if (!isGood(key, value)) return 'an event in it does not have its checksum';
      if (value.readUIntBE(12, 6) < oldest) stale.push(Buffer.from(key));
      else this.#note(key.toString('hex', 0, sessionBytes), key.readUIntBE(sessionBytes, 6), value.length);
    }
    if (stale.length > 0) void this.#db.batch(() => stale.forEach((key) => void this.#db.remove(key)));
    return undefined;
  }

  async append({ sessionId, streamId, sequence, data }: StoredEvent): Promise<void> {
    const session = sessionKey(sessionId);
    const key = eventKey(session, sequence);
    const value = Buffer.allocUnsafe(headBytes + Buffer.byteLength(data));
    value.writeUInt32BE(streamId, 8);
    value.writeUIntBE(Date.now(), 12, 6);
    value.write(data, headBytes);
    checksum(key, value).copy(value);
    const name = session.toString('hex');
    const kept = this.#note(name, sequence, value.length);
    await this.#db.batch(() => {
      void this.#db.put(key, value);
      while (kept.sequences.length > this.#maxEvents || kept.bytes > this.#maxEventBytes)
        this.#removeOldest(session, kept);
      for (const [other, silent] of this.#sessions) {
        if (this.#bytes <= this.#maxBytes) break;
        while (silent.sequences.length > 0 && this.#bytes > this.#maxBytes)
          this.#removeOldest(Buffer.from(other, 'hex'), silent);
        if (silent.sequences.length === 0) this.#sessions.delete(other);
      }
    });
  }

  read(sessionId: string, streamId: number, sequence: number): readonly StoredEvent[] {
    const session = sessionKey(sessionId);
    const found: StoredEvent[] = [];
    const range = { start: eventKey(session, sequence), end: eventKey(session, maxSequence) };
    for (const { key, value } of this.#db.getRange(range)) {
      if (!isGood(key, value)) {
        // What stands before it is as good as forgotten: a replay must not leave something out in its middle.
        found.length = 0;
      } else if (value.readUInt32BE(8) === streamId) {
        const at = key.readUIntBE(sessionBytes, sequenceBytes);
        found.push({ sessionId, streamId, sequence: at, data: value.toString('utf8', headBytes) });
      }
    }
    return found;
  }

  async dropStream(sessionId: string, streamId: number): Promise<void> {
    const session = sessionKey(sessionId);
    const kept = this.#sessions.get(session.toString('hex'));
    if (kept === undefined) return;
    const dropped = new Set(this.read(sessionId, streamId, 0).map(({ sequence }) => sequence));
    await this.#db.batch(() => {
      for (let index = kept.sequences.length - 1; index >= 0; index -= 1)
        if (dropped.has(kept.sequences[index])) this.#remove(session, kept, index);
    });
  }

  async dropSession(sessionId: string): Promise<void> {
    const session = sessionKey(sessionId);
    const kept = this.#sessions.get(session.toString('hex'));
    if (kept === undefined) return;
    this.#sessions.delete(session.toString('hex'));
    await this.#db.batch(() => {
      while (kept.sequences.length > 0) this.#remove(session, kept, kept.sequences.length - 1);
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#db.close();
    try {
      await sealFile(this.#path);
    } finally {
      openPaths.delete(this.#path);
    }
  }

  #note(session: string, sequence: number, bytes: number): Kept {
    const kept = this.#sessions.get(session) ?? { sequences: [], sizes: [], bytes: 0 };
    this.#sessions.delete(session);
    this.#sessions.set(session, kept);
    kept.sequences.push(sequence);
    kept.sizes.push(bytes);
    kept.bytes += bytes;
    this.#bytes += bytes;
    return kept;
  }

  #removeOldest(session: Buffer, kept: Kept): void {
    this.#remove(session, kept, 0);
  }

  #remove(session: Buffer, kept: Kept, index: number): void {
    const [sequence] = kept.sequences.splice(index, 1);
    const [bytes] = kept.sizes.splice(index, 1);
    kept.bytes -= bytes;
    this.#bytes -= bytes;
    void this.#db.remove(eventKey(session, sequence));
  }
}

const maxSequence = 2 ** 48 - 1;

/** Hashed, because keys have a fixed length and the file should not hold what lets somebody into a session. */
function sessionKey(sessionId: string): Buffer {
  return createHash('sha256').update(sessionId).digest().subarray(0, sessionBytes);
}

function eventKey(session: Buffer, sequence: number): Buffer {
  const key = Buffer.allocUnsafe(keyBytes);
  session.copy(key);
  key.writeUIntBE(sequence, sessionBytes, sequenceBytes);
  return key;
}

function checksum(key: Buffer, value: Buffer): Buffer {
  return createHash('sha256').update(key).update(value.subarray(8)).digest().subarray(0, 8);
}

function isGood(key: Buffer, value: Buffer): boolean {
  if (key.length !== keyBytes || value.length < headBytes) return false;
  return checksum(key, value).equals(value.subarray(0, 8));
}

async function loadLmdb(): Promise<typeof import('lmdb')> {
  try {
    return await import('lmdb');
  } catch (cause) {
    throw new RingwireError(
      'CONFIG_INVALID',
      `lmdbEventStore() needs the package "lmdb", which cannot be loaded: ${(cause as Error).message}. Run "npm install lmdb".`,
      { cause },
    );
  }
}

/** See lmdbEventStore(). */
export async function openLmdbEventStore(options: LmdbEventStoreOptions): Promise<EventStore> {
  if (typeof options?.path !== 'string' || options.path === '')
    throw new RingwireError('CONFIG_INVALID', '"path" must be the name of a file.');
  for (const name of ['maxEvents', 'maxEventBytes', 'maxBytes', 'maxAgeMs'] as const)
    if (options[name] !== undefined) positiveInteger(name, options[name]);
  const path = resolve(options.path);
  const lmdb = await loadLmdb();
  if (openPaths.has(path))
    throw new RingwireError('CONFIG_INVALID', `"${path}" is open in this process already; share the store.`);
  openPaths.add(path);
  try {
    return await openStore(lmdb, path, options);
  } catch (cause) {
    openPaths.delete(path);
    throw new RingwireError('IO_ERROR', `"${path}" cannot be used: ${(cause as Error).message}`, { cause });
  }
}

async function openStore(
  lmdb: typeof import('lmdb'),
  path: string,
  options: LmdbEventStoreOptions,
): Promise<EventStore> {
  const problem = await sealProblem(path);
  if (problem !== undefined) await moveAside(path, problem, options);
  await breakSeal(path);
  const store = openFile(lmdb, path, options);
  const found = store.load(options.maxAgeMs ?? limits.sessionTtlMs);
  if (found === undefined) return store;
  await store.close();
  openPaths.add(path);
  await moveAside(path, found, options);
  await breakSeal(path);
  return openFile(lmdb, path, options);
}

function openFile(lmdb: typeof import('lmdb'), path: string, options: LmdbEventStoreOptions): LmdbEventStore {
  const db = lmdb.open<Buffer, Key & Buffer>({
    path,
    noSubdir: true,
    encoding: 'binary',
    keyEncoding: 'binary',
    maxReaders: 1_024,
  });
  return new LmdbEventStore(db, path, options);
}

/** One damaged file is kept, the newest. */
async function moveAside(path: string, problem: string, { onCorrupt }: LmdbEventStoreOptions): Promise<void> {
  const movedTo = `${path}.corrupt`;
  await rename(path, movedTo);
  await rm(`${path}-lock`, { force: true });
  if (onCorrupt !== undefined) onCorrupt(problem, movedTo);
  else
    process.emitWarning(
      `The events in "${path}" are not used, for ${problem}. It was moved to "${movedTo}".`,
    );
}

/** What every event store must do, and what becomes of an LMDB file that is damaged. */
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { EventStore, StoredEvent } from '../../src/mcp/http/legacy/event-store.js';
import { sealFile, sealProblem } from '../../src/mcp/http/legacy/file-seal.js';
import { lmdbEventStore } from '../../src/mcp/http/legacy/lmdb.js';
import { memoryEventStore } from '../../src/mcp/http/legacy/memory-event-store.js';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'ringwire-events-'));
  cleanups.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

interface Limits {
  readonly maxEvents?: number;
  readonly maxEventBytes?: number;
  readonly maxBytes?: number;
}

const makers: Readonly<Record<string, (limits?: Limits) => EventStore | Promise<EventStore>>> = {
  memory: (limits) => memoryEventStore(limits),
  lmdb: (limits) => lmdbEventStore({ path: join(directory(), 'events.mdb'), ...limits }),
};

async function open(name: string, limits?: Limits): Promise<EventStore> {
  const store = await makers[name](limits);
  cleanups.push(() => store.close());
  return store;
}

const event = (
  sessionId: string,
  streamId: number,
  sequence: number,
  data = `"${sequence}"`,
): StoredEvent => ({
  sessionId,
  streamId,
  sequence,
  data,
});

async function sequences(
  store: EventStore,
  sessionId: string,
  streamId: number,
  from = 0,
): Promise<number[]> {
  return (await store.read(sessionId, streamId, from)).map(({ sequence }) => sequence);
}

describe.each(Object.keys(makers))('an event store in %s', (name) => {
  it('gives a stream back from any event on', async () => {
    const store = await open(name);
    for (let sequence = 1; sequence <= 20; sequence++)
      await store.append(event('s', sequence % 2, sequence, `{"text":"ünïcødé ${sequence} \u2028"}`));
    expect(await sequences(store, 's', 1)).toEqual([1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
    for (let from = 1; from <= 20; from++)
      expect((await sequences(store, 's', 0, from))[0]).toBe(from % 2 === 0 ? from : from + 1);
    expect(await store.read('s', 0, 20)).toEqual([event('s', 0, 20, '{"text":"ünïcødé 20 \u2028"}')]);
    expect(await store.read('s', 0, 21)).toEqual([]);
  });

  it('keeps sessions apart', async () => {
    const store = await open(name);
    await Promise.all([store.append(event('a', 1, 1, '"a"')), store.append(event('b', 1, 1, '"b"'))]);
    expect(await store.read('a', 1, 0)).toEqual([event('a', 1, 1, '"a"')]);
    await store.dropSession('a');
    expect(await store.read('a', 1, 0)).toEqual([]);
    expect(await store.read('b', 1, 0)).toEqual([event('b', 1, 1, '"b"')]);
    await store.dropSession('never');
  });

  it('drops a stream and leaves the others', async () => {
    const store = await open(name);
    for (let sequence = 1; sequence <= 6; sequence++) await store.append(event('s', sequence % 3, sequence));
    await store.dropStream('s', 1);
    await store.dropStream('s', 7);
    await store.dropStream('never', 1);
    expect(await sequences(store, 's', 1)).toEqual([]);
    expect(await sequences(store, 's', 2)).toEqual([2, 5]);
    await store.append(event('s', 1, 7));
    expect(await sequences(store, 's', 1)).toEqual([7]);
  });

  it('forgets the oldest events of a session beyond maxEvents', async () => {
    const store = await open(name, { maxEvents: 10 });
    for (let sequence = 1; sequence <= 200; sequence++) await store.append(event('s', 0, sequence));
    await store.append(event('t', 0, 1));
    expect(await sequences(store, 's', 0)).toEqual([191, 192, 193, 194, 195, 196, 197, 198, 199, 200]);
    expect(await sequences(store, 't', 0)).toEqual([1]);
  });

  it('forgets the oldest events of a session beyond maxEventBytes', async () => {
    const store = await open(name, { maxEventBytes: 10_000 });
    for (let sequence = 1; sequence <= 50; sequence++)
      await store.append(event('s', 0, sequence, 'x'.repeat(1_000)));
    const kept = await sequences(store, 's', 0);
    expect(kept.at(-1)).toBe(50);
    expect(kept.length).toBeGreaterThan(2);
    expect(kept.length).toBeLessThanOrEqual(10);
    await store.append(event('s', 0, 51, 'x'.repeat(20_000)));
    expect(await sequences(store, 's', 0)).toEqual([]);
    await store.append(event('s', 0, 52));
    expect(await sequences(store, 's', 0)).toEqual([52]);
  });

  it('forgets events of other sessions beyond maxBytes, the oldest first', async () => {
    const store = await open(name, { maxBytes: 30_000 });
    for (const session of ['a', 'b', 'c', 'd', 'e'])
      for (let sequence = 1; sequence <= 4; sequence++)
        await store.append(event(session, 0, sequence, 'x'.repeat(2_500)));
    const kept = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((each) => sequences(store, each, 0)));
    expect(kept[0]).toEqual([]);
    expect(kept[4]).toEqual([1, 2, 3, 4]);
    expect(kept.flat().length).toBeLessThanOrEqual(12);
  });

  it('refuses limits that are none', async () => {
    await expect(async () => makers[name]({ maxEvents: 0 })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
    await expect(async () => makers[name]({ maxBytes: 1.5 })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });
});

describe('an LMDB event store', () => {
  /** A file with 200 events of the session "s". */
  async function written(path: string): Promise<void> {
    const store = await lmdbEventStore({ path });
    const appending = [];
    for (let sequence = 1; sequence <= 200; sequence++)
      appending.push(store.append(event('s', 0, sequence, `{"text":"${'x'.repeat(500)}${sequence}"}`)));
    await Promise.all(appending);
    await store.close();
  }

  it('has its events when it is opened again', async () => {
    const path = join(directory(), 'events.mdb');
    await written(path);
    const store = await lmdbEventStore({ path, maxEvents: 200 });
    cleanups.push(() => store.close());
    expect((await sequences(store, 's', 0)).length).toBe(200);
    // The limits count what was there before.
    await store.append(event('s', 0, 201));
    expect((await sequences(store, 's', 0))[0]).toBe(2);
  });

  it('drops what is too old for anybody to ask for', async () => {
    const path = join(directory(), 'events.mdb');
    await written(path);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const store = await lmdbEventStore({ path, maxAgeMs: 1 });
    cleanups.push(() => store.close());
    await store.append(event('s', 0, 201));
    expect(await sequences(store, 's', 0)).toEqual([201]);
  });

  it('does not hold ids of sessions', async () => {
    const path = join(directory(), 'events.mdb');
    const store = await lmdbEventStore({ path });
    await store.append(event('a-secret-session-id', 0, 1));
    await store.close();
    expect(readFileSync(path).includes('a-secret-session-id')).toBe(false);
  });

  it('is opened once in a process', async () => {
    const path = join(directory(), 'events.mdb');
    const store = await lmdbEventStore({ path });
    await expect(lmdbEventStore({ path })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await store.close();
    await store.close();
    const again = await lmdbEventStore({ path });
    await again.close();
  });

  it('says which path cannot be used', async () => {
    const path = join(directory(), 'missing', 'events.mdb');
    await expect(lmdbEventStore({ path: '' })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    writeFileSync(join(path, '..', '..', 'file'), '');
    const below = join(path, '..', '..', 'file', 'events.mdb');
    await expect(lmdbEventStore({ path: below })).rejects.toMatchObject({ code: 'IO_ERROR' });
  });

  it.each([1, 24, 4_095, 4_096, 8_191, 8_192, 20_000])(
    'moves a file aside that ends after %i bytes',
    async (bytes) => {
      const folder = directory();
      const path = join(folder, 'events.mdb');
      await written(path);
      truncateSync(path, bytes);
      const problems: string[][] = [];
      const store = await lmdbEventStore({ path, onCorrupt: (...problem) => problems.push(problem) });
      cleanups.push(() => store.close());
      expect(problems).toEqual([
        [expect.stringContaining('not as its last user left it'), `${path}.corrupt`],
      ]);
      expect(statSync(`${path}.corrupt`).size).toBe(bytes);
      expect(await store.read('s', 0, 0)).toEqual([]);
      await store.append(event('s', 0, 1));
      expect(await sequences(store, 's', 0)).toEqual([1]);
    },
  );

  it.each([0, 1, 2, 3, 4, 5, 6, 7])('does not use a file of which a bit was changed (%i)', async (bit) => {
    const path = join(directory(), 'events.mdb');
    await written(path);
    const bytes = readFileSync(path);
    bytes[Math.floor((bytes.length * bit) / 8) + 20 * bit] ^= 1 << bit;
    writeFileSync(path, bytes);
    const problems: string[] = [];
    const store = await lmdbEventStore({ path, onCorrupt: (problem) => problems.push(problem) });
    cleanups.push(() => store.close());
    expect(problems.length).toBe(1);
    expect(await store.read('s', 0, 0)).toEqual([]);
  });

  it('does not use a file that was not closed, and keeps the newest of those', async () => {
    const folder = directory();
    const path = join(folder, 'events.mdb');
    for (let round = 0; round < 2; round++) {
      await written(path);
      rmSync(`${path}.seal`);
      const problems: string[] = [];
      const store = await lmdbEventStore({ path, onCorrupt: (problem) => problems.push(problem) });
      expect(problems).toEqual([expect.stringContaining('did not close')]);
      expect(await store.read('s', 0, 0)).toEqual([]);
      await store.close();
      rmSync(path);
    }
    expect(readdirSync(folder).filter((each) => each.includes('corrupt'))).toEqual(['events.mdb.corrupt']);
  });

  it('does not use a file with a message that lacks its checksum', async () => {
    const path = join(directory(), 'events.mdb');
    await written(path);
    const bytes = readFileSync(path);
    // Old pages may hold it, too.
    for (let at = bytes.indexOf('xxxx199"'); at >= 0; at = bytes.indexOf('xxxx199"')) bytes[at] ^= 1;
    writeFileSync(path, bytes);
    await sealFile(path);
    const problems: string[] = [];
    const store = await lmdbEventStore({ path, onCorrupt: (problem) => problems.push(problem) });
    cleanups.push(() => store.close());
    expect(problems).toEqual([expect.stringContaining('checksum')]);
    expect(await store.read('s', 0, 0)).toEqual([]);
    await store.append(event('s', 0, 1));
    expect(await sequences(store, 's', 0)).toEqual([1]);
  });

  it('takes a file that is something else for what it is', async () => {
    const path = join(directory(), 'other');
    expect(await sealProblem(path)).toBeUndefined();
    writeFileSync(path, '');
    expect(await sealProblem(path)).toBeUndefined();
    writeFileSync(path, 'something else '.repeat(1_000));
    expect(await sealProblem(path)).toContain('did not close');
  });
});

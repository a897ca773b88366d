/** Streams of the legacy era that broke: what their clients get when they come back. */
import { afterEach, describe, expect, it } from 'vitest';
import type { EventStore } from '../../src/mcp/http/legacy/event-store.js';
import { memoryEventStore } from '../../src/mcp/http/legacy/memory-event-store.js';
import { createServer, type McpServer } from '../../src/mcp/index.js';
import { DeadlineQueue } from '../../src/rpc/deadline-queue.js';
import {
  EventReader,
  gate,
  type RawEvent,
  type ServedLegacy,
  type SessionOptions,
  serveLegacy,
  toolCall,
} from './mcp-http-legacy-support.js';
import { ManualClock } from './rpc-harness.js';

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(server: McpServer, eventStore: EventStore = memoryEventStore()): Promise<ServedLegacy> {
  const served = await serveLegacy(server, { eventStore, retryMs: 20 });
  cleanups.push(() => served.close());
  return served;
}

/** Keeps events in memory behind promises, as a store on another machine does. */
function slowStore(): EventStore {
  const store = memoryEventStore();
  const later = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    append: (event) => later().then(() => store.append(event)),
    read: (sessionId, streamId, sequence) => later().then(() => store.read(sessionId, streamId, sequence)),
    dropStream: (sessionId, streamId) => later().then(() => store.dropStream(sessionId, streamId)),
    dropSession: (sessionId) => later().then(() => store.dropSession(sessionId)),
    close: () => store.close(),
  };
}

const named = { name: 'replay', version: '1' };
const messages = 5;

function counting(): McpServer {
  return createServer(named).tool('count', async (_args, context) => {
    for (let step = 1; step < messages; step++) {
      context.log('info', step);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return 'counted';
  });
}

/** What a message is, in one word. */
function word(event: RawEvent): unknown {
  const message = JSON.parse(event.data ?? '');
  return message.params?.data ?? message.result?.content[0].text;
}

const all = [1, 2, 3, 4, 'counted'];
const stores = { memory: memoryEventStore, slow: slowStore };

describe.each(Object.keys(stores) as (keyof typeof stores)[])(
  'a stream that broke, with a store that is %s',
  (name) => {
    it.each([0, 1, 2, 3, 4, 5])('goes on behind event %i once the call has ended', async (cut) => {
      const client = await (await serve(counting(), stores[name]())).session();
      const first = await client.events(toolCall(1, 'count'));
      const events = await first.rest();
      expect(events.map(({ data }) => data).indexOf('')).toBe(0);
      expect(events.slice(1).map(word)).toEqual(all);
      expect(new Set(events.map(({ id }) => id)).size).toBe(messages + 1);
      const response = await client.get({ 'last-event-id': events[cut].id ?? '' });
      if (cut === messages) {
        expect(response.status).toBe(204);
        return;
      }
      const replayed = await new EventReader(response).rest();
      expect(replayed).toEqual(events.slice(cut + 1));
    });

    it.each([0, 1, 2, 3, 4])('goes on behind event %i while the call is at work', async (cut) => {
      const steps = all.map(() => gate());
      const server = createServer(named).tool('count', async (_args, context) => {
        for (let step = 1; step < messages; step++) {
          await steps[step - 1].opened;
          context.log('info', step);
        }
        await steps[messages - 1].opened;
        return 'counted';
      });
      const served = await serve(server, stores[name]());
      const client = await served.session();
      const first = await client.events(toolCall(1, 'count'));
      let last = await first.next();
      for (let step = 0; step < cut; step++) {
        steps[step].open();
        last = await first.next();
      }
      const noticed = served.nextAbort();
      await first.cut();
      await noticed;
      // One event is sent while nobody is connected, the rest while the client catches up or later.
      steps[cut].open();
      const second = await client.listen(last?.id);
      for (const step of steps) step.open();
      expect((await second.rest()).map(word)).toEqual(all.slice(cut));
    });

    it('is taken over by the connection that comes last', async () => {
      const release = gate();
      const server = createServer(named).tool('wait', async () => {
        await release.opened;
        return 'waited';
      });
      const client = await (await serve(server, stores[name]())).session();
      const first = await client.events(toolCall(1, 'wait'));
      const primed = await first.next();
      const second = await client.listen(primed?.id);
      expect(await first.rest()).toEqual([]);
      release.open();
      expect((await second.rest()).map(word)).toEqual(['waited']);
    });

    it('that GET opened goes on, too', async () => {
      const server = counting();
      const served = await serve(server, stores[name]());
      const client = await served.session();
      const first = await client.listen();
      const primed = await first.next();
      expect(primed?.data).toBe('');
      server.tool('b', () => '');
      const seen = await first.next();
      const noticed = served.nextAbort();
      await first.cut();
      await noticed;
      server.prompt('p', {}, () => 'x');
      const second = await client.listen(primed?.id);
      expect(await second.next()).toEqual(seen);
      expect(await second.message()).toMatchObject({ method: 'notifications/prompts/list_changed' });
    });
  },
);

describe('a replay', () => {
  it('holds one stream, not another that ran beside it', async () => {
    const client = await (await serve(counting())).session();
    const [one, two] = await Promise.all([1, 2].map((id) => client.events(toolCall(id, 'count'))));
    const [events, others] = await Promise.all([one.rest(), two.rest()]);
    expect(new Set([...events, ...others].map(({ id }) => id)).size).toBe(2 * (messages + 1));
    const replayed = await (await client.listen(events[0].id)).rest();
    expect(replayed).toEqual(events.slice(1));
    expect(JSON.parse(replayed[messages - 1].data ?? '')).toMatchObject({ id: 1 });
  });

  it('waits for what a store is still taking in, also where the call has ended meanwhile', async () => {
    const [release, asked, taken] = [gate(), gate(), gate()];
    const kept = memoryEventStore();
    const store: EventStore = {
      ...slowStore(),
      append: async (event) => {
        if (event.data !== '') {
          asked.open();
          await taken.opened;
        }
        kept.append(event);
      },
      read: (...of) => kept.read(...of),
    };
    const server = createServer(named).tool('wait', async () => {
      await release.opened;
      return 'waited';
    });
    const served = await serve(server, store);
    const client = await served.session();
    const first = await client.events(toolCall(1, 'wait'));
    const primed = await first.next();
    const noticed = served.nextAbort();
    await first.cut();
    await noticed;
    release.open();
    await asked.opened;
    await new Promise((resolve) => setImmediate(resolve));
    const second = client.get({ 'last-event-id': primed?.id ?? '' });
    // Another request was answered since, so the server has looked at this one.
    await client.post(toolCall(2, 'none'));
    taken.open();
    expect((await new EventReader(await second).rest()).map(word)).toEqual(['waited']);
  });

  it('is refused for ids of other sessions, and for what is no id', async () => {
    const served = await serve(counting());
    const [mine, theirs] = await Promise.all([served.session(), served.session()]);
    const foreign = (await (await theirs.events(toolCall(1, 'count'))).rest())[0].id ?? '';
    const own = (await (await mine.events(toolCall(1, 'count'))).rest())[0].id ?? '';
    const beyond = own.replace(/[^.]*$/, 'zzzz');
    const noStream = own.replace(/\.[^.]*\./, '.zz.');
    for (const id of [foreign, 'x', `${own}x.1`, beyond, noStream, `${own}\u00e9`])
      expect((await mine.get({ 'last-event-id': id })).status, id).toBe(400);
  });

  it('is refused to other principals', async () => {
    const served = await serve(counting());
    const client = await served.session({ principal: 'alice' });
    const events = await (await client.events(toolCall(1, 'count'))).rest();
    const stolen = { 'last-event-id': events[0].id ?? '', 'x-principal': 'mallory' };
    expect((await client.get(stolen)).status).toBe(404);
  });

  it('is refused where the store no longer has the events', async () => {
    const client = await (await serve(counting(), memoryEventStore({ maxEvents: 3 }))).session();
    const events = await (await client.events(toolCall(1, 'count'))).rest();
    expect((await (await client.listen(events[1].id)).rest()).map(word)).toEqual([3, 4, 'counted']);
    await (await client.events(toolCall(2, 'count'))).rest();
    expect((await client.get({ 'last-event-id': events[1].id ?? '' })).status).toBe(400);
  });

  it('ends with the session', async () => {
    const dropped: string[] = [];
    const store: EventStore = { ...slowStore(), dropSession: (id) => void dropped.push(id) };
    const client = await (await serve(counting(), store)).session();
    await (await client.events(toolCall(1, 'count'))).rest();
    await client.delete();
    expect(dropped).toEqual([client.id]);
  });

  it('is not dropped from the store before the store has taken it in', async () => {
    const [asked, taken, dropped] = [gate(), gate(), gate()];
    const calls: string[] = [];
    const store: EventStore = {
      ...slowStore(),
      append: async () => {
        asked.open();
        await taken.opened;
        calls.push('appended');
      },
      dropSession: () => {
        calls.push('dropped');
        dropped.open();
      },
    };
    const client = await (await serve(counting(), store)).session();
    const events = client.events(toolCall(1, 'count'));
    await asked.opened;
    await (await events).next();
    expect(await client.delete()).toBe(204);
    taken.open();
    await dropped.opened;
    expect(calls.at(-1)).toBe('dropped');
  });

  it('of more than a connection takes at once arrives whole', async () => {
    const big = 'x'.repeat(300_000);
    const server = createServer(named).tool('big', async (_args, context) => {
      for (let step = 0; step < 12; step++) context.log('info', `${step}${big}`);
      await new Promise((resolve) => setImmediate(resolve));
      return 'big';
    });
    const served = await serve(server, memoryEventStore({ maxEventBytes: 64 * 1024 * 1024 }));
    const client = await served.session();
    const events = await (await client.events(toolCall(1, 'big'))).rest();
    const replayed = await (await client.listen(events[0].id)).rest();
    expect(replayed.length).toBe(events.length - 1);
    expect(replayed).toEqual(events.slice(1));
  });
});

describe('a client that does not read', () => {
  it('loses its connection, not its call, and gets everything when it comes back', async () => {
    const clock = new ManualClock();
    const full = gate();
    const big = 'x'.repeat(200_000);
    const server = createServer({
      ...named,
      rpc: { deadlines: new DeadlineQueue(clock), stallTimeoutMs: 1_000, maxTimeoutMs: 1_000_000 },
    }).tool('flood', async (_args, context) => {
      for (let step = 1; step <= 80; step++) {
        while (context.connection.notify('notifications/message', { data: step, big }) === 'full') {
          full.open();
          await context.connection.drained();
        }
      }
      return 'flooded';
    });
    const served = await serve(server, memoryEventStore({ maxEventBytes: 64 * 1024 * 1024 }));
    const client = await served.session();
    const first = await client.events(toolCall(1, 'flood'));
    const primed = await first.next();
    await full.opened;
    clock.advance(1_000);
    await expect(first.rest()).rejects.toThrow();
    const rest = await (await client.listen(primed?.id)).rest();
    expect(rest.map(word)).toEqual([...Array.from({ length: 80 }, (_, index) => index + 1), 'flooded']);
  });
});

describe('closeStream()', () => {
  const polling = (retryMs?: number) => {
    const release = gate();
    const closed = gate();
    const server = createServer(named).tool('poll', async (_args, context) => {
      context.closeStream(retryMs);
      closed.open();
      await release.opened;
      context.log('info', 'still at work');
      return 'polled';
    });
    return { server, release, closed };
  };

  it.each([
    [undefined, '20'],
    [5, '5'],
  ])('ends the connection and says when to come back (%s)', async (retryMs, retry) => {
    const { server, release } = polling(retryMs);
    const client = await (await serve(server)).session();
    const events = await (await client.events(toolCall(1, 'poll'))).rest();
    expect(events[0]).toEqual({ id: expect.stringMatching(/./), data: '' });
    expect(events.slice(1)).toEqual([{ retry, data: '' }]);
    release.open();
    const second = await client.listen(events[0].id);
    expect((await second.rest()).map(word)).toEqual(['still at work', 'polled']);
  });

  it.each<[string, SessionOptions]>([['clients that do not know it', { version: '2025-06-18' }]])(
    'changes nothing for %s',
    async (_for, options) => {
      const { server, release, closed } = polling();
      const client = await (await serve(server)).session(options);
      const call = client.events(toolCall(1, 'poll'));
      await closed.opened;
      release.open();
      expect((await (await call).rest()).map(word)).toEqual(['still at work', 'polled']);
    },
  );

  it('changes nothing where there is no store', async () => {
    const { server, release, closed } = polling();
    const served = await serveLegacy(server);
    cleanups.push(() => served.close());
    const call = (await served.session()).events(toolCall(1, 'poll'));
    await closed.opened;
    release.open();
    expect((await (await call).rest()).map(word)).toEqual(['still at work', 'polled']);
  });
});

describe('a store that fails', () => {
  const fail = (): never => {
    throw new Error('disk full');
  };
  const reject = async (): Promise<never> => fail();
  const failures: unknown[] = [];
  const fast = (): McpServer =>
    createServer({
      ...named,
      rpc: { onHandlerError: (error, what) => failures.push([what, (error as Error).message]) },
    }).tool('now', async () => 'now');

  it.each([
    ['throws', fail],
    ['rejects', reject],
  ])('costs replays, not calls, where it %s', async (_how, broken) => {
    const store: EventStore = {
      append: broken,
      read: () => [],
      dropStream: broken,
      dropSession: broken,
      close: () => {},
    };
    const served = await serve(fast(), store);
    const client = await served.session();
    const events = await (await client.events(toolCall(1, 'now'))).rest();
    expect(events.slice(1).map(word)).toEqual(['now']);
    expect((await client.get({ 'last-event-id': events[0].id ?? '' })).status).toBe(400);
    expect(await client.delete()).toBe(204);
    expect(served.endpoint.storeFailures).toBe(3);
    expect(failures).toContainEqual(['event store', 'disk full']);
  });

  it.each([
    ['throws', fail],
    ['rejects', reject],
  ])('refuses a replay where reading %s', async (_how, broken) => {
    const client = await (await serve(fast(), { ...slowStore(), read: broken })).session();
    const events = await (await client.events(toolCall(1, 'now'))).rest();
    expect((await client.get({ 'last-event-id': events[0].id ?? '' })).status).toBe(500);
  });

  it('never replays around an event that it lost', async () => {
    const kept = slowStore();
    const store: EventStore = {
      ...kept,
      append: (event) => (event.data.includes('"data":2') ? reject() : kept.append(event)),
    };
    const client = await (await serve(counting(), store)).session();
    const events = await (await client.events(toolCall(1, 'count'))).rest();
    expect((await client.get({ 'last-event-id': events[1].id ?? '' })).status).toBe(400);
    expect((await (await client.listen(events[2].id)).rest()).map(word)).toEqual([3, 4, 'counted']);
  });

  it('is not waited for without end: what it does not take is not kept', async () => {
    const never = new Promise<void>(() => {});
    const big = 'x'.repeat(1_000_000);
    const server = createServer(named).tool('flood', async (_args, context) => {
      for (let step = 0; step < 10; step++) {
        while (context.connection.notify('notifications/message', { data: step, big }) === 'full')
          await context.connection.drained();
      }
      return 'flooded';
    });
    const served = await serve(server, { ...slowStore(), append: () => never });
    const client = await served.session();
    const events = await (await client.events(toolCall(1, 'flood'))).rest();
    expect(events.slice(1).map(word)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 'flooded']);
    expect(served.endpoint.storeFailures).toBeGreaterThanOrEqual(5);
  });
});

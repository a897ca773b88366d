import { describe, expect, it } from 'vitest';
import type { RingwireError } from '../../src/errors.js';
import { Dispatcher } from '../../src/rpc/dispatcher.js';
import type { CallContext } from '../../src/rpc/types.js';
import { deferred, harness, seededRandom, turn } from './rpc-harness.js';

const cancel = (idText: string) =>
  `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"reason":"enough","requestId":${idText}}}`;

describe('Cancelling a call we made', () => {
  it('rejects at once, tells the other side, and ignores the late answer', async () => {
    const { wire, peer } = harness();
    const controller = new AbortController();
    const answer = peer.request('slow', {}, { signal: controller.signal });
    await turn();
    wire.take();
    controller.abort(new Error('user left'));
    await expect(answer).rejects.toMatchObject({ code: 'CANCELLED', cause: controller.signal.reason });
    expect(wire.takeText()).toEqual([
      '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"reason":"user left"}}',
    ]);
    wire.deliver('{"jsonrpc":"2.0","id":1,"result":"late"}');
    expect(peer.counters.unknownReplies).toBe(1);
  });

  it('sends nothing at all when the request has not left yet', async () => {
    const { wire, peer } = harness();
    const controller = new AbortController();
    const inTurn = peer.request('m', {}, { signal: controller.signal });
    controller.abort();
    await expect(inTurn).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect(peer.request('m', {}, { signal: controller.signal })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
    wire.room = 0;
    const waiting = new AbortController();
    const held = peer.request('m', {}, { signal: waiting.signal });
    await turn();
    waiting.abort();
    await expect(held).rejects.toMatchObject({ code: 'CANCELLED' });
    wire.drain();
    await turn();
    expect(wire.take()).toEqual([]);
  });

  it('leaves no listener on a signal that outlives the call', async () => {
    const { wire, peer } = harness();
    const controller = new AbortController();
    const answer = peer.request('m', {}, { signal: controller.signal });
    await turn();
    wire.deliver('{"jsonrpc":"2.0","id":1,"result":1}');
    await answer;
    wire.take();
    controller.abort();
    await turn();
    expect(wire.take()).toEqual([]);
  });
});

describe('A call cancelled by the other side', () => {
  it.each(['7', '"7"', '12345678901234567890', '"a\\"b\\u00e9"'])(
    'aborts the signal of id %s and of no other, and answers nothing',
    async (id) => {
      const contexts = new Map<string, CallContext>();
      const gate = deferred();
      const dispatcher = new Dispatcher().method('wait', (_params, context) => {
        contexts.set(context.id as string, context);
        return gate.promise;
      });
      const { wire, peer } = harness({ dispatcher });
      for (const each of [id, '8', '"8"', '12345678901234567891']) {
        wire.deliver(`{"jsonrpc":"2.0","id":${each},"method":"wait"}`);
      }
      wire.deliver(cancel(id));
      expect([...contexts].filter(([, context]) => context.signal.aborted).map(([each]) => each)).toEqual([
        id,
      ]);
      expect(contexts.get(id)?.signal.reason).toMatchObject({ code: 'CANCELLED' });
      gate.resolve('late');
      await turn();
      expect(wire.take()).toHaveLength(3);
      expect(peer.counters).toMatchObject({ cancelled: 1, lateOutcomes: 1 });
      expect(peer.inFlight).toBe(0);
    },
  );

  it('has an aborted signal even if the handler first looks at it afterwards', async () => {
    const gate = deferred();
    let context: CallContext | undefined;
    const dispatcher = new Dispatcher().method('wait', async (_params, given) => {
      context = given;
      await gate.promise;
      given.progress(1);
      given.log('error', 'x');
      throw new Error('ignored');
    });
    const { wire } = harness({ dispatcher });
    wire.deliver(
      '{"jsonrpc":"2.0","id":1,"method":"wait","params":{"_meta":{"progressToken":1}}}',
      cancel('1'),
    );
    gate.resolve(undefined);
    await turn();
    expect(context?.signal.aborted).toBe(true);
    expect(wire.take()).toEqual([]);
  });

  it('takes back an answer that waits for a full transport', async () => {
    const { wire, peer } = harness({ dispatcher: new Dispatcher().method('m', () => 1) });
    wire.room = 0;
    wire.deliver('{"jsonrpc":"2.0","id":1,"method":"m"}', '{"jsonrpc":"2.0","id":2,"method":"m"}');
    await turn();
    wire.deliver(cancel('1'));
    wire.drain();
    expect(wire.take()).toEqual([{ jsonrpc: '2.0', id: 2, result: 1 }]);
    expect(peer.counters.cancelled).toBe(1);
  });

  it('ignores cancellations of nothing, and also tells a handler that asked for them', () => {
    const seen: unknown[] = [];
    const dispatcher = new Dispatcher().notification('notifications/cancelled', (params) =>
      seen.push(params),
    );
    const { wire } = harness({ dispatcher });
    wire.deliver(cancel('99'), '{"jsonrpc":"2.0","method":"notifications/cancelled"}');
    wire.deliver('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":{}}}');
    expect(wire.take()).toEqual([]);
    expect(seen).toHaveLength(3);
  });
});

type Step = () => void;

/** One random life of a connection; returns what broke the rules. */
async function race(seed: number): Promise<string[]> {
  const random = seededRandom(seed);
  const pick = (below: number) => Math.floor(random() * below);
  const gates = new Map<number, ReturnType<typeof deferred>>();
  const dispatcher = new Dispatcher().method<[number]>('work', ([id]) => {
    if (id % 3 === 0) return id;
    const gate = deferred();
    gates.set(id, gate);
    return gate.promise;
  });
  const { wire, clock, peer } = harness({ dispatcher, batches: true, servedTimeoutMs: 500 });
  // An array that is complete is one message and not taken back, so that with batches the transport always has room.
  const hasBatches = random() < 0.5;
  const faults: string[] = [];
  const started = new Set<number>();
  const cancelledAfter = new Set<number>();
  const answered = new Map<number, number>();
  let closed = false;
  const look = () => {
    for (const message of wire.take().flat() as { id: number }[]) {
      answered.set(message.id, (answered.get(message.id) ?? 0) + 1);
      if (cancelledAfter.has(message.id)) faults.push(`id ${message.id}: answered after its cancellation`);
      if (closed) faults.push(`id ${message.id}: answered after the end`);
    }
  };
  let lastId = 0;
  const request = () => ({ jsonrpc: '2.0', id: ++lastId, method: 'work', params: [lastId] });
  const begin = () => {
    const calls = Array.from({ length: hasBatches ? 1 + pick(3) : 1 }, request);
    for (const { id } of calls) started.add(id);
    if (calls.length === 1) wire.deliver(calls[0]);
    else wire.deliver(calls);
  };
  const steps: Step[] = [
    begin,
    begin,
    () => {
      const id = 1 + pick(lastId + 1);
      look();
      wire.deliver({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } });
      look();
      if (started.has(id) && !answered.has(id)) cancelledAfter.add(id);
    },
    () => gates.get(1 + pick(lastId + 1))?.resolve('ok'),
    () => gates.get(1 + pick(lastId + 1))?.reject(new Error('failed')),
    () => clock.advance(pick(200)),
    () => {
      if (!hasBatches) wire.room = pick(3);
    },
    () => wire.drain(hasBatches ? undefined : pick(4)),
  ];
  for (let step = 0; step < 60; step += 1) {
    steps[pick(steps.length)]();
    if (random() < 0.5) await Promise.resolve();
    look();
  }
  const ends = random() < 0.3;
  if (ends) {
    wire.end();
    look();
    closed = true;
  }
  wire.drain();
  for (const gate of gates.values()) gate.resolve('late');
  await turn();
  look();
  clock.advance(1_000);
  await turn();
  look();
  for (const id of started) {
    const count = answered.get(id) ?? 0;
    if (count > 1) faults.push(`id ${id}: ${count} outcomes`);
    if (count === 0 && !cancelledAfter.has(id) && !ends) faults.push(`id ${id}: no outcome`);
  }
  if (peer.inFlight !== 0) faults.push(`${peer.inFlight} calls left behind`);
  return faults;
}

describe('Cancellation races', () => {
  it('never answer after a cancellation, and answer everything else exactly once', async () => {
    for (let seed = 1; seed <= 400; seed += 1) {
      expect({ seed, faults: await race(seed) }).toEqual({ seed, faults: [] });
    }
  });

  it('give every request of ours exactly one outcome', async () => {
    for (let seed = 1; seed <= 300; seed += 1) {
      const random = seededRandom(seed);
      const { wire, clock, peer } = harness();
      const outcomes: number[] = [];
      const controllers: AbortController[] = [];
      for (let step = 0; step < 40; step += 1) {
        const kind = random();
        const target = Math.floor(random() * (controllers.length + 1));
        if (kind < 0.4) {
          const index = controllers.length;
          controllers.push(new AbortController());
          outcomes.push(0);
          peer
            .request('m', {}, { signal: controllers[index].signal, timeoutMs: 100 + 400 * random() })
            .catch((error: RingwireError) => error)
            .then(() => {
              outcomes[index] += 1;
            });
        } else if (kind < 0.6) controllers[target]?.abort();
        else if (kind < 0.8) wire.deliver({ jsonrpc: '2.0', id: target + 1, result: 1 });
        else if (kind < 0.9) clock.advance(50);
        else wire.drain(Math.floor(random() * 3));
        if (random() < 0.5) await Promise.resolve();
      }
      wire.end();
      await turn();
      expect({ seed, outcomes }).toEqual({ seed, outcomes: outcomes.map(() => 1) });
      expect(peer.pending).toBe(0);
      clock.advance(10_000);
      expect(clock.timers).toBe(0);
    }
  });
});

import { describe, expect, it } from 'vitest';
import { RingwireError } from '../../src/errors.js';
import { Dispatcher } from '../../src/rpc/dispatcher.js';
import { deferred, harness, turn } from './rpc-harness.js';

const big = 'x'.repeat(1_000);
const dispatcher = new Dispatcher().method('big', () => big).method('later', async () => big);

describe('A peer that does not read', () => {
  it('pauses reading while replies wait, loses none and keeps their order', async () => {
    const { wire } = harness({ dispatcher });
    wire.room = 2;
    for (let id = 1; id <= 10; id += 1)
      wire.deliver({ jsonrpc: '2.0', id, method: id % 2 ? 'big' : 'later' });
    await turn();
    expect(wire.paused).toBe(true);
    expect(wire.sent).toHaveLength(2);
    wire.drain(3);
    expect(wire.paused).toBe(true);
    expect(wire.sent).toHaveLength(5);
    wire.drain();
    expect(wire.paused).toBe(false);
    expect(
      wire
        .take()
        .map(({ id }) => id as number)
        .sort((a, b) => a - b),
    ).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it('sends what came later behind what waits', async () => {
    const { wire, peer } = harness({ dispatcher });
    wire.room = 0;
    wire.deliver({ jsonrpc: '2.0', id: 1, method: 'big' });
    await turn();
    void peer.request('a');
    wire.deliver({ jsonrpc: '2.0', id: 2, method: 'big' });
    expect(peer.notify('n')).toBe('full');
    wire.drain();
    expect(peer.notify('n')).toBe('sent');
    expect(wire.take().map((message) => message.method ?? `result ${message.id}`)).toEqual([
      'result 1',
      'a',
      'result 2',
      'n',
    ]);
  });

  it('is cut when more waits than may, and by the error says why', async () => {
    const { wire, peer } = harness({ dispatcher, maxBacklogBytes: 5_000 });
    wire.room = 0;
    for (let id = 1; id <= 10; id += 1) wire.deliver({ jsonrpc: '2.0', id, method: 'big' });
    await turn();
    await expect(peer.closed).resolves.toMatchObject({ code: 'OVERLOADED' });
    expect(wire.isClosed).toBe(true);
  });

  it('may be owed one reply of any size', async () => {
    const { wire } = harness({ dispatcher, maxBacklogBytes: 10 });
    wire.room = 0;
    wire.deliver({ jsonrpc: '2.0', id: 1, method: 'big' });
    await turn();
    wire.drain();
    expect(wire.take()).toHaveLength(1);
  });

  it('is cut when nothing moves for stallTimeoutMs, and not while anything does', async () => {
    const { wire, clock, peer } = harness({ dispatcher, stallTimeoutMs: 1_000 });
    wire.room = 0;
    wire.bufferedBytes = 900;
    wire.deliver({ jsonrpc: '2.0', id: 1, method: 'big' });
    await turn();
    wire.bufferedBytes = 800;
    clock.advance(1_000);
    expect(peer.isOpen).toBe(true);
    clock.advance(999);
    expect(peer.isOpen).toBe(true);
    clock.advance(1);
    await expect(peer.closed).resolves.toMatchObject({
      code: 'OVERLOADED',
      message: expect.stringContaining('read none'),
    });
  });

  it('is not cut once it reads again', async () => {
    const { wire, clock, peer } = harness({ dispatcher, stallTimeoutMs: 1_000 });
    wire.room = 0;
    wire.deliver({ jsonrpc: '2.0', id: 1, method: 'big' });
    await turn();
    wire.drain();
    clock.advance(100_000);
    expect(peer.isOpen).toBe(true);
  });

  it('does not make us stop reading for our own requests: their answers make the room', async () => {
    const { wire, peer } = harness();
    wire.room = 1;
    const answers = [peer.request('a'), peer.request('b'), peer.request('c')];
    await turn();
    expect(wire.take()).toHaveLength(1);
    expect(wire.paused).toBe(false);
    wire.deliver({ jsonrpc: '2.0', id: 1, result: 'A' });
    expect(await answers[0]).toBe('A');
    wire.drain();
    expect(wire.take().map(({ method }) => method)).toEqual(['b', 'c']);
  });

  it('lets requests beyond maxBacklogBytes fail as OVERLOADED, one by one', async () => {
    const { wire, peer } = harness({ maxBacklogBytes: 2_500 });
    wire.room = 0;
    const outcomes = Array.from({ length: 5 }, () =>
      peer.request('m', { big }).then(
        () => 'resolved',
        (error: RingwireError) => error.code,
      ),
    );
    // The first turn learns that the transport is full; what comes then is measured against the limit.
    await turn();
    wire.drain();
    for (let id = 1; id <= 5; id += 1) wire.deliver({ jsonrpc: '2.0', id, result: 1 });
    expect((await Promise.all(outcomes)).sort()).toEqual([
      'OVERLOADED',
      'OVERLOADED',
      'OVERLOADED',
      'resolved',
      'resolved',
    ]);
    expect(peer.pending).toBe(0);
  });

  it('keeps notify() from being accepted until drained() resolves', async () => {
    const { wire, peer } = harness();
    wire.room = 1;
    expect(peer.notify('a')).toBe('sent');
    expect(peer.notify('b')).toBe('full');
    let isDrained = false;
    const drained = peer.drained().then(() => {
      isDrained = true;
    });
    await turn();
    expect(isDrained).toBe(false);
    wire.drain();
    await drained;
    expect(peer.notify('b')).toBe('sent');
    expect(wire.take().map(({ method }) => method)).toEqual(['a', 'b']);
  });

  it('releases drained() at the end of the connection', async () => {
    const { wire, peer } = harness();
    wire.room = 0;
    peer.notify('a');
    const drained = peer.drained();
    wire.end();
    await drained;
    expect(peer.isOpen).toBe(false);
  });
});

describe('Messages the transport refuses as too large', () => {
  it('become an error for the call alone', async () => {
    const { wire, peer } = harness({ dispatcher });
    wire.maxFrameCharacters = 500;
    wire.tooLarge = new RingwireError('FRAME_TOO_LARGE', 'too large');
    wire.deliver({ jsonrpc: '2.0', id: 1, method: 'big' });
    const answer = peer.request('m', { big });
    await expect(answer).rejects.toMatchObject({ code: 'FRAME_TOO_LARGE' });
    await turn();
    expect(wire.take()).toEqual([
      {
        jsonrpc: '2.0',
        id: 1,
        error: { code: -32603, message: 'too large', data: { code: 'FRAME_TOO_LARGE', retryable: false } },
      },
    ]);
    expect(peer.isOpen).toBe(true);
  });

  it('end the connection when not even the error fits', async () => {
    const { wire, peer } = harness({ dispatcher });
    wire.maxFrameCharacters = 10;
    wire.tooLarge = new RingwireError('FRAME_TOO_LARGE', 'too large');
    wire.deliver({ jsonrpc: '2.0', id: 1, method: 'big' });
    await expect(peer.closed).resolves.toMatchObject({ code: 'FRAME_TOO_LARGE' });
  });
});

describe('Draining', () => {
  it('refuses new calls, waits for those at work, then closes', async () => {
    const gate = deferred();
    const { wire, peer } = harness({ dispatcher: new Dispatcher().method('wait', () => gate.promise) });
    wire.deliver({ jsonrpc: '2.0', id: 1, method: 'wait' });
    const closing = peer.close();
    expect(peer.close()).toBe(closing);
    wire.deliver({ jsonrpc: '2.0', id: 2, method: 'wait' });
    await turn();
    expect(wire.isClosed).toBe(false);
    expect(wire.take()).toMatchObject([
      { id: 2, error: { data: { code: 'CONNECTION_CLOSED', retryable: true } } },
    ]);
    gate.resolve('done');
    await closing;
    expect(wire.take()).toEqual([{ jsonrpc: '2.0', id: 1, result: 'done' }]);
    expect(wire.isClosed).toBe(true);
    await expect(peer.closed).resolves.toBeUndefined();
  });

  it('answers and aborts what takes longer than drainTimeoutMs', async () => {
    let signal: AbortSignal | undefined;
    const dispatcher = new Dispatcher().method('wait', (_params, context) => {
      signal = context.signal;
      return new Promise(() => {});
    });
    const { wire, clock, peer } = harness({ dispatcher });
    wire.deliver({ jsonrpc: '2.0', id: 1, method: 'wait' });
    const closing = peer.close({ drainTimeoutMs: 100 });
    clock.advance(100);
    await closing;
    expect(signal?.aborted).toBe(true);
    expect(wire.take()).toMatchObject([{ id: 1, error: { data: { code: 'CONNECTION_CLOSED' } } }]);
  });

  it('cuts a peer that does not take its last replies', async () => {
    const { wire, clock, peer } = harness({ dispatcher });
    wire.room = 0;
    wire.deliver({ jsonrpc: '2.0', id: 1, method: 'big' });
    wire.close = () => new Promise(() => {});
    const closing = peer.close({ drainTimeoutMs: 100 });
    for (let step = 0; step < 30; step += 1) {
      await turn();
      clock.advance(100);
    }
    await closing;
    expect(wire.isClosed).toBe(true);
  });

  it('rejects our own open requests when the connection is gone', async () => {
    const { peer } = harness();
    const answer = peer.request('m');
    const rejected = expect(answer).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
    await peer.close();
    await rejected;
  });

  it('aborts served calls at the end of the connection, unless told not to', async () => {
    for (const cancelOnDisconnect of [true, false]) {
      let signal: AbortSignal | undefined;
      const gate = deferred();
      const dispatcher = new Dispatcher().method('wait', (_params, context) => {
        signal = context.signal;
        return gate.promise;
      });
      const { wire, peer } = harness({ dispatcher, cancelOnDisconnect });
      wire.deliver({ jsonrpc: '2.0', id: 1, method: 'wait' });
      wire.end();
      expect(signal?.aborted).toBe(cancelOnDisconnect);
      gate.resolve('done');
      await turn();
      expect(peer.inFlight).toBe(0);
      expect(wire.take()).toEqual([]);
    }
  });
});

/** How a connection ends when the other side has no more to say, and what the other side hears when we end it. */
import { describe, expect, it } from 'vitest';
import * as limits from '../../src/limits.js';
import { Dispatcher } from '../../src/rpc/dispatcher.js';
import { deferred, type Harness, harness, turn } from './rpc-harness.js';

const request = (id: number, method: string) => ({ jsonrpc: '2.0', id, method });

function serving(options: Parameters<typeof harness>[0] = {}): Harness & {
  finish: (value: unknown) => void;
  signals: AbortSignal[];
} {
  const answer = deferred();
  const signals: AbortSignal[] = [];
  const dispatcher = new Dispatcher()
    .method('later', (_params, { signal }) => {
      signals.push(signal);
      return answer.promise;
    })
    .method('open', (_params, context) => {
      signals.push(context.signal);
      context.extendDeadline(Number.POSITIVE_INFINITY);
      return new Promise(() => {});
    });
  return { ...harness({ dispatcher, ...options }), finish: answer.resolve, signals };
}

describe('a peer that sends no more', () => {
  it('gets the answers to all it asked, and then the end', async () => {
    const { wire, peer, finish, signals } = serving();
    wire.deliver(request(1, 'later'), request(2, 'none'));
    wire.handlers?.onEnd?.();
    await turn();
    expect(wire.isClosed).toBe(false);
    expect(signals[0].aborted).toBe(false);
    finish('late');
    await turn();
    expect(wire.take()).toMatchObject([
      { id: 2, error: { code: -32601 } },
      { id: 1, result: 'late' },
    ]);
    expect(wire.isClosed).toBe(true);
    expect(await peer.closed).toBeUndefined();
  });

  it('is closed at once where nothing is at work', async () => {
    const { wire, peer } = serving();
    wire.handlers?.onEnd?.();
    expect(await peer.closed).toBeUndefined();
    expect(wire.sent).toEqual([]);
  });

  it('answers nothing any more: requests of ours fail, those under way and those to come', async () => {
    const { wire, peer, finish } = serving();
    wire.deliver(request(1, 'later'));
    const before = peer.request('before');
    const failed = expect(before).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
    await turn();
    wire.handlers?.onEnd?.();
    await failed;
    await expect(peer.request('after')).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
    expect(wire.take().map((message) => message.method)).toEqual(['before']);
    finish(null);
    await peer.closed;
  });

  it('waits no longer than drainTimeoutMs for a handler that hangs', async () => {
    const { wire, clock, peer, signals } = serving();
    wire.deliver(request(1, 'later'));
    wire.handlers?.onEnd?.();
    clock.advance(limits.drainTimeoutMs - 1);
    await turn();
    expect(wire.sent).toEqual([]);
    clock.advance(1);
    await peer.closed;
    expect(wire.take()).toMatchObject([{ id: 1, error: { data: { code: 'CONNECTION_CLOSED' } } }]);
    expect(signals[0].aborted).toBe(true);
  });

  it('cannot end its calls without a deadline, so that they end now', async () => {
    const { wire, peer, signals } = serving();
    wire.deliver(request(1, 'open'));
    wire.handlers?.onEnd?.();
    await peer.closed;
    expect(wire.take()).toMatchObject([{ id: 1, error: { data: { code: 'CONNECTION_CLOSED' } } }]);
    expect(signals[0].aborted).toBe(true);
  });

  it('gets everything that waits for room, for as long as it reads', async () => {
    const { wire, clock, peer, finish } = serving({ stallTimeoutMs: 100 });
    wire.bufferedBytes = 1_000;
    wire.room = 0;
    wire.deliver(request(1, 'later'), request(2, 'none'));
    finish('x');
    wire.handlers?.onEnd?.();
    await turn();
    // Longer than the drain may take, but some of it moves in every stallTimeoutMs.
    const steps = Math.ceil(limits.drainTimeoutMs / 99) + 2;
    for (let step = 0; step < steps; step += 1) {
      wire.bufferedBytes -= 1;
      clock.advance(99);
      await turn();
    }
    expect(wire.isClosed).toBe(false);
    wire.drain();
    await peer.closed;
    expect(wire.take()).toHaveLength(2);
  });

  it('is closed at once where answerAfterEnd is false', async () => {
    const { wire, peer, signals } = serving({ answerAfterEnd: false });
    wire.deliver(request(1, 'later'));
    wire.handlers?.onEnd?.();
    await peer.closed;
    expect(wire.sent).toEqual([]);
    expect(signals[0].reason).toMatchObject({ code: 'CONNECTION_CLOSED' });
  });

  it('does not cut a drain short that had begun', async () => {
    const { wire, peer, finish } = serving();
    wire.deliver(request(1, 'later'));
    const closing = peer.close();
    wire.handlers?.onEnd?.();
    await turn();
    expect(wire.isClosed).toBe(false);
    finish('finished');
    await closing;
    expect(wire.take()).toMatchObject([{ id: 1, result: 'finished' }]);
  });
});

describe('close()', () => {
  it('tells the other side which requests nobody waits for any more', async () => {
    const { wire, peer } = harness();
    const failed = expect(peer.request('slow')).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
    await turn();
    await peer.close();
    await failed;
    expect(wire.take()).toMatchObject([
      { id: 1, method: 'slow' },
      { method: 'notifications/cancelled', params: { requestId: 1 } },
    ]);
  });
});

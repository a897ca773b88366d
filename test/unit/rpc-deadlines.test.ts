import { describe, expect, it, vi } from 'vitest';
import { Dispatcher } from '../../src/rpc/dispatcher.js';
import type { CallContext } from '../../src/rpc/types.js';
import { deferred, harness, turn } from './rpc-harness.js';

const progressOf = (progress: number, token: unknown = 1) => ({
  jsonrpc: '2.0',
  method: 'notifications/progress',
  params: { progressToken: token, progress, total: 9, message: 'm' },
});

describe('Deadlines of our requests', () => {
  it('reject at the timeout, not before, and tell the other side', async () => {
    const { wire, clock, peer } = harness({ defaultTimeoutMs: 1_000 });
    let outcome: unknown;
    peer.request('slow').catch((error) => {
      outcome = error;
    });
    await turn();
    wire.take();
    clock.advance(999);
    await turn();
    expect(outcome).toBeUndefined();
    clock.advance(1);
    await turn();
    expect(outcome).toMatchObject({ code: 'DEADLINE_EXCEEDED', retryable: true });
    expect(wire.take()).toEqual([
      {
        jsonrpc: '2.0',
        method: 'notifications/cancelled',
        params: { requestId: 1, reason: 'Deadline exceeded' },
      },
    ]);
    expect(peer.counters.deadlinesExceeded).toBe(1);
  });

  it('take a timeout per request, also none', async () => {
    const { clock, peer } = harness();
    const ended: string[] = [];
    for (const [name, timeoutMs] of [
      ['short', 10],
      ['long', 3_600_000],
      ['none', Infinity],
    ] as const) {
      peer.request(name, {}, { timeoutMs }).catch(() => ended.push(name));
    }
    clock.advance(10);
    await turn();
    expect(ended).toEqual(['short']);
    clock.advance(3_600_000);
    await turn();
    expect(ended).toEqual(['short', 'long']);
    clock.advance(1e12);
    await turn();
    expect(ended).toEqual(['short', 'long']);
    expect(peer.pending).toBe(1);
  });

  it('use one timer for any number of calls', async () => {
    const { wire, clock, peer } = harness();
    for (let id = 1; id <= 500; id += 1) {
      const answer = peer.request('m');
      wire.deliver({ jsonrpc: '2.0', id, result: id });
      expect(await answer).toBe(id);
    }
    expect(clock.timersSet).toBe(1);
  });

  it.each([0, -1, Number.NaN])('refuse the timeout %s', async (timeoutMs) => {
    const { peer } = harness();
    await expect(peer.request('m', {}, { timeoutMs })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect(peer.pending).toBe(0);
  });
});

describe('Progress of our requests', () => {
  it('puts a token beside what _meta holds, and routes by it', async () => {
    const { wire, peer } = harness();
    const seen: unknown[] = [];
    void peer.request('m', { a: 1, _meta: { k: 'v' } }, { onProgress: (each) => seen.push(each) });
    void peer.request('plain', { b: 1 });
    await turn();
    expect(wire.take().map((message) => message.params)).toEqual([
      { a: 1, _meta: { k: 'v', progressToken: 1 } },
      { b: 1 },
    ]);
    wire.deliver(progressOf(1), progressOf(2, 2), progressOf(3, '1'), progressOf(4, 77));
    wire.deliver({
      jsonrpc: '2.0',
      method: 'notifications/progress',
      params: { progressToken: 1, progress: 5 },
    });
    wire.deliver({ jsonrpc: '2.0', method: 'notifications/progress' });
    expect(seen).toEqual([{ progress: 1, total: 9, message: 'm' }, { progress: 5 }]);
    wire.deliver({ jsonrpc: '2.0', id: 1, result: 1 }, progressOf(6));
    expect(seen).toHaveLength(2);
  });

  it('restarts the timeout, up to the maximum', async () => {
    const { wire, clock, peer } = harness({ defaultTimeoutMs: 100, maxTimeoutMs: 250 });
    let error: unknown;
    peer.request('m', {}, { onProgress: () => {} }).catch((reason) => {
      error = reason;
    });
    await turn();
    for (const ms of [90, 90]) {
      clock.advance(ms);
      wire.deliver(progressOf(clock.now()));
      await turn();
      expect(error).toBeUndefined();
    }
    clock.advance(69);
    await turn();
    expect(error).toBeUndefined();
    clock.advance(1);
    await turn();
    expect(error).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });

  it('needs params that can hold a token', async () => {
    const { peer } = harness();
    await expect(peer.request('m', [1], { onProgress: () => {} })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });
});

describe('Deadlines of served calls', () => {
  it('answer the caller at the deadline, abort the handler, and drop its late outcome', async () => {
    const gate = deferred();
    let context: CallContext | undefined;
    const dispatcher = new Dispatcher().method('slow', (_params, given) => {
      context = given;
      return gate.promise;
    });
    const { wire, clock, peer } = harness({ dispatcher, servedTimeoutMs: 1_000 });
    const start = clock.now();
    wire.deliver({ jsonrpc: '2.0', id: 'x', method: 'slow' });
    expect(context?.deadline).toBe(start + 1_000);
    clock.advance(1_000);
    await turn();
    expect(context?.signal.aborted).toBe(true);
    expect(context?.signal.reason).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect(wire.take()).toEqual([
      {
        jsonrpc: '2.0',
        id: 'x',
        error: {
          code: -32603,
          message: 'The call met its deadline.',
          data: { code: 'DEADLINE_EXCEEDED', retryable: true },
        },
      },
    ]);
    expect(peer.inFlight).toBe(0);
    gate.resolve('late');
    await turn();
    expect(wire.take()).toEqual([]);
    expect(peer.counters).toMatchObject({ lateOutcomes: 1, deadlinesExceeded: 1 });
  });

  it('are moved by extendDeadline before and after the first await, and lifted by Infinity', async () => {
    const gate = deferred();
    const contexts: CallContext[] = [];
    const dispatcher = new Dispatcher().method<{ first?: number }>('slow', (params, context) => {
      contexts.push(context);
      if (params.first) context.extendDeadline(params.first);
      return gate.promise;
    });
    const { wire, clock, peer } = harness({ dispatcher, servedTimeoutMs: 100 });
    wire.deliver({ jsonrpc: '2.0', id: 1, method: 'slow', params: { first: 500 } });
    wire.deliver({ jsonrpc: '2.0', id: 2, method: 'slow', params: {} });
    contexts[1].extendDeadline(Number.POSITIVE_INFINITY);
    expect(() => contexts[1].extendDeadline(0)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    clock.advance(499);
    expect(peer.inFlight).toBe(2);
    clock.advance(1);
    expect(peer.inFlight).toBe(1);
    clock.advance(1e9);
    gate.resolve('open long');
    await turn();
    expect(wire.take().map((reply) => [reply.id, reply.result])).toEqual([
      [1, undefined],
      [2, 'open long'],
    ]);
  });

  it('start anew with progress', async () => {
    let context: CallContext | undefined;
    const gate = deferred();
    const dispatcher = new Dispatcher().method('slow', (_params, given) => {
      context = given;
      return gate.promise;
    });
    const { wire, clock, peer } = harness({ dispatcher, servedTimeoutMs: 100 });
    wire.deliver({ jsonrpc: '2.0', id: 1, method: 'slow' });
    clock.advance(90);
    context?.progress(1);
    clock.advance(90);
    expect(peer.inFlight).toBe(1);
    clock.advance(10);
    expect(peer.inFlight).toBe(0);
  });
});

describe('Progress and log of served calls', () => {
  it('sends rising values under the token as it was written, until the call ends', async () => {
    const gate = deferred();
    let context: CallContext | undefined;
    const dispatcher = new Dispatcher().method('work', (_params, given) => {
      context = given;
      for (const value of [1, 1, 0, Number.NaN, 2]) given.progress(value, 10, 'step');
      return gate.promise;
    });
    const { wire } = harness({ dispatcher });
    const token = '12345678901234567890';
    wire.deliver(`{"jsonrpc":"2.0","id":1,"method":"work","params":{"_meta":{"progressToken":${token}}}}`);
    gate.resolve('done');
    await turn();
    context?.progress(3);
    const params = (value: number) =>
      `{"progressToken":${token},"progress":${value},"total":10,"message":"step"}`;
    expect(wire.takeText()).toEqual([
      `{"jsonrpc":"2.0","method":"notifications/progress","params":${params(1)}}`,
      `{"jsonrpc":"2.0","method":"notifications/progress","params":${params(2)}}`,
      '{"jsonrpc":"2.0","id":1,"result":"done"}',
    ]);
  });

  it('keeps progress before the result of a synchronous handler, and drops it afterwards', async () => {
    let context: CallContext | undefined;
    const dispatcher = new Dispatcher().method('work', (_params, given) => {
      context = given;
      given.progress(1);
      return 'done';
    });
    const { wire } = harness({ dispatcher });
    const call = '"method":"work","params":{"_meta":{"progressToken":"t\\u0031"}}}';
    wire.deliver(`{"jsonrpc":"2.0","id":1,${call}`, `{"jsonrpc":"2.0","id":2,${call}`);
    context?.progress(2);
    expect(wire.takeText().map((text) => text.slice(17, 60))).toEqual([
      '"method":"notifications/progress","params":',
      '"id":1,"result":"done"}',
      '"method":"notifications/progress","params":',
      '"id":2,"result":"done"}',
    ]);
  });

  it('sends nothing without a token', () => {
    const dispatcher = new Dispatcher().method('work', (_params, given) => given.progress(1));
    const { wire } = harness({ dispatcher });
    wire.deliver({ jsonrpc: '2.0', id: 1, method: 'work', params: {} });
    expect(wire.take()).toEqual([{ jsonrpc: '2.0', id: 1, result: null }]);
  });

  it('logs from the level the call asked for, else the connection', () => {
    const dispatcher = new Dispatcher().method('work', (_params, { log }) => log);
    dispatcher.method('log', (_params, context) => {
      context.log('info', { n: 1 }, 'worker');
      context.log('error', 'bad');
    });
    const { wire, peer } = harness({ dispatcher });
    const ask = (level?: string) => {
      const _meta = level && { 'io.modelcontextprotocol/logLevel': level };
      wire.deliver({ jsonrpc: '2.0', id: 1, method: 'log', params: { _meta: _meta || {} } });
      return wire.take().flatMap((message) => (message.method ? [message.params] : []));
    };
    expect(ask()).toEqual([]);
    expect(ask('emergency')).toEqual([]);
    expect(ask('nonsense')).toEqual([]);
    expect(ask('warning')).toEqual([{ level: 'error', data: 'bad' }]);
    expect(ask('debug')).toEqual([
      { level: 'info', logger: 'worker', data: { n: 1 } },
      { level: 'error', data: 'bad' },
    ]);
    peer.logLevel = 'error';
    expect(ask()).toEqual([{ level: 'error', data: 'bad' }]);
  });

  it('offers meta, trace, auth and peer', () => {
    const seen = vi.fn();
    const dispatcher = new Dispatcher().method('m', (_params, context) => {
      seen(context.meta, context.trace, context.auth, context.peer, context.id, context.method);
    });
    const { wire, peer } = harness({ dispatcher });
    peer.auth = { principal: 'p', scopes: [] };
    const _meta = { traceparent: '00-a-b-01', tracestate: 'x=1', baggage: 5 };
    wire.deliver({ jsonrpc: '2.0', id: 'i', method: 'm', params: { _meta } });
    wire.deliver({ jsonrpc: '2.0', id: 2, method: 'm', params: [1] });
    const custom = { kind: 'custom' };
    expect(seen.mock.calls).toEqual([
      [_meta, { traceparent: '00-a-b-01', tracestate: 'x=1' }, peer.auth, custom, '"i"', 'm'],
      [undefined, undefined, peer.auth, custom, '2', 'm'],
    ]);
  });
});

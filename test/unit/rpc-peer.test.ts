import { describe, expect, it, vi } from 'vitest';
import { RingwireError, RpcError } from '../../src/errors.js';
import { Dispatcher } from '../../src/rpc/dispatcher.js';
import { Peer } from '../../src/rpc/peer.js';
import { deferred, harness, turn, Wire } from './rpc-harness.js';

const echo = () =>
  new Dispatcher()
    .method('echo', (params) => params)
    .method('later', async (params) => params)
    .method('nothing', () => undefined);

describe('Peer serving', () => {
  it.each(['7', '"7"', '-1', '0', '12345678901234567890', '"a\\u0062\\"c"', '"é—𝄞"', '""'])(
    'echoes the id %s byte for byte, synchronous or not',
    async (id) => {
      const { wire } = harness({ dispatcher: echo() });
      wire.deliver(`{"jsonrpc":"2.0","id":${id},"method":"echo","params":{"a":1}}`);
      wire.deliver(`{"jsonrpc":"2.0","id":${id},"method":"later","params":[2]}`);
      await turn();
      expect(wire.takeText()).toEqual([
        `{"jsonrpc":"2.0","id":${id},"result":{"a":1}}`,
        `{"jsonrpc":"2.0","id":${id},"result":[2]}`,
      ]);
    },
  );

  it('treats 7 and "7" as different calls in flight', async () => {
    const gates = [deferred(), deferred()];
    let next = 0;
    const dispatcher = new Dispatcher().method('wait', () => gates[next++].promise);
    const { wire, peer } = harness({ dispatcher });
    wire.deliver('{"jsonrpc":"2.0","id":7,"method":"wait"}', '{"jsonrpc":"2.0","id":"7","method":"wait"}');
    expect(peer.inFlight).toBe(2);
    gates[1].resolve('text');
    await turn();
    expect(wire.takeText()).toEqual(['{"jsonrpc":"2.0","id":"7","result":"text"}']);
    gates[0].resolve('number');
    await turn();
    expect(wire.takeText()).toEqual(['{"jsonrpc":"2.0","id":7,"result":"number"}']);
    expect(peer.inFlight).toBe(0);
  });

  it('refuses an id that is in flight without running the handler, and takes it again afterwards', async () => {
    const gate = deferred();
    const handler = vi.fn(() => gate.promise);
    const { wire } = harness({ dispatcher: new Dispatcher().method('wait', handler) });
    wire.deliver('{"jsonrpc":"2.0","id":1,"method":"wait"}', '{"jsonrpc":"2.0","id":1,"method":"wait"}');
    await turn();
    expect(handler).toHaveBeenCalledTimes(1);
    expect(wire.take()).toEqual([
      { jsonrpc: '2.0', id: 1, error: { code: -32600, message: expect.stringContaining('already in use') } },
    ]);
    gate.resolve('done');
    await turn();
    expect(wire.take()).toEqual([{ jsonrpc: '2.0', id: 1, result: 'done' }]);
    wire.deliver('{"jsonrpc":"2.0","id":1,"method":"wait"}');
    await turn();
    expect(wire.take()).toEqual([{ jsonrpc: '2.0', id: 1, result: 'done' }]);
  });

  it('answers undefined with null and notifications with nothing', async () => {
    const { wire } = harness({ dispatcher: echo() });
    wire.deliver('{"jsonrpc":"2.0","id":1,"method":"nothing"}', '{"jsonrpc":"2.0","method":"echo"}');
    wire.deliver('{"jsonrpc":"2.0","method":"later"}', '{"jsonrpc":"2.0","method":"unheard"}');
    await turn();
    expect(wire.takeText()).toEqual(['{"jsonrpc":"2.0","id":1,"result":null}']);
  });

  it('keeps params.__proto__ an ordinary member', async () => {
    const seen = vi.fn((_params: unknown) => 1);
    const { wire } = harness({ dispatcher: new Dispatcher().method('m', seen) });
    wire.deliver('{"jsonrpc":"2.0","id":1,"method":"m","params":{"__proto__":{"polluted":true}}}');
    const params = seen.mock.calls[0][0] as object;
    expect(Object.keys(params)).toEqual(['__proto__']);
    expect((params as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('sends an RpcError as it is and hides every other error', async () => {
    const onHandlerError = vi.fn();
    const dispatcher = new Dispatcher()
      .method('chosen', () => {
        throw new RpcError(-32602, 'no such tool', { tool: 'x' });
      })
      .method('secret', () => {
        throw new Error('password is hunter2');
      })
      .method('late', async () => {
        throw new RingwireError('IO_ERROR', '/etc/shadow');
      })
      .method('odd', () => {
        throw 'text';
      });
    const { wire } = harness({ dispatcher, onHandlerError });
    for (const [index, method] of ['chosen', 'secret', 'late', 'odd'].entries()) {
      wire.deliver({ jsonrpc: '2.0', id: index, method });
    }
    await turn();
    const internal = { code: -32603, message: 'Internal error' };
    expect(wire.take().map((reply) => [reply.id, reply.error])).toEqual([
      [0, { code: -32602, message: 'no such tool', data: { tool: 'x' } }],
      [1, internal],
      [3, internal],
      [2, internal],
    ]);
    expect(onHandlerError.mock.calls.map((args) => args[1])).toEqual(['secret', 'odd', 'late']);
  });

  it('shows message and code with exposeErrors, never a stack', () => {
    const dispatcher = new Dispatcher().method('m', () => {
      throw new RingwireError('IO_ERROR', 'disk full');
    });
    const { wire } = harness({ dispatcher, exposeErrors: true });
    wire.deliver({ jsonrpc: '2.0', id: 1, method: 'm' });
    expect(wire.take()[0].error).toEqual({
      code: -32603,
      message: 'disk full',
      data: { code: 'IO_ERROR', retryable: true },
    });
  });

  it('fails only the call whose result JSON cannot carry', async () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    const refusing = {
      toJSON() {
        throw new Error('not for the wire');
      },
    };
    const results: unknown[] = [1n, cycle, refusing, 'fine'];
    const dispatcher = new Dispatcher()
      .method<[number]>('sync', ([index]) => results[index])
      .method<[number]>('async', async ([index]) => results[index]);
    const { wire } = harness({ dispatcher });
    for (const method of ['sync', 'async']) {
      for (const index of results.keys())
        wire.deliver({ jsonrpc: '2.0', id: index, method, params: [index] });
      await turn();
      expect(wire.take().map((reply) => (reply.error as { code: number })?.code ?? reply.result)).toEqual([
        -32603,
        -32603,
        -32603,
        'fine',
      ]);
    }
  });

  it('refuses calls beyond maxInFlight and serves the next when one ended', async () => {
    const gates = [deferred(), deferred(), deferred()];
    let next = 0;
    const dispatcher = new Dispatcher().method('wait', () => gates[next++].promise);
    const { wire, peer } = harness({ dispatcher, maxInFlight: 2 });
    for (const id of [1, 2, 3]) wire.deliver({ jsonrpc: '2.0', id, method: 'wait' });
    expect(wire.take()).toEqual([
      {
        jsonrpc: '2.0',
        id: 3,
        error: {
          code: -32603,
          message: expect.stringContaining('2 calls'),
          data: { code: 'OVERLOADED', retryable: true },
        },
      },
    ]);
    expect(peer.counters.overloaded).toBe(1);
    gates[0].resolve(1);
    await turn();
    wire.take();
    wire.deliver({ jsonrpc: '2.0', id: 4, method: 'wait' });
    gates[2].resolve('late but served');
    await turn();
    expect(wire.take()).toEqual([{ jsonrpc: '2.0', id: 4, result: 'late but served' }]);
  });

  it('bounds notifications at work too', async () => {
    const gate = deferred();
    const handler = vi.fn(() => gate.promise);
    const { wire, peer } = harness({
      dispatcher: new Dispatcher().notification('n', handler),
      maxInFlight: 3,
    });
    for (let count = 0; count < 10; count += 1) wire.deliver({ jsonrpc: '2.0', method: 'n' });
    expect(handler).toHaveBeenCalledTimes(3);
    expect(peer.counters.overloaded).toBe(7);
    gate.resolve(undefined);
    await turn();
    wire.deliver({ jsonrpc: '2.0', method: 'n' });
    expect(handler).toHaveBeenCalledTimes(4);
  });
});

describe('Peer limits on requests and notifications together', () => {
  it('counts notifications at work against requests', async () => {
    const gate = deferred();
    const dispatcher = new Dispatcher().method('wait', () => gate.promise);
    const { wire, peer } = harness({ dispatcher, maxInFlight: 1 });
    wire.deliver({ jsonrpc: '2.0', method: 'wait' }, { jsonrpc: '2.0', id: 1, method: 'wait' });
    expect(wire.take()).toMatchObject([{ id: 1, error: { data: { code: 'OVERLOADED' } } }]);
    expect(peer.admitsAll).toBe(false);
    gate.resolve('done');
    await turn();
    expect(peer.admitsAll).toBe(true);
    wire.deliver({ jsonrpc: '2.0', id: 2, method: 'wait' });
    await turn();
    expect(wire.take()).toEqual([{ jsonrpc: '2.0', id: 2, result: 'done' }]);
    void peer.drain();
    expect(peer.admitsAll).toBe(false);
  });
});

describe('Malformed frames', () => {
  const table: [name: string, frame: string | Buffer, code: number][] = [
    ['no JSON', 'hello', -32700],
    ['cut JSON', '{"jsonrpc":"2.0","method":"foobar,"params":"bar","baz]', -32700],
    ['only white space', '  ', -32700],
    ['two documents', '{"jsonrpc":"2.0","method":"echo"}{}', -32700],
    ['bad UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), -32700],
    ['control character in a string', '{"jsonrpc":"2.0","method":"a\u0001","id":1}', -32700],
    ['a number', '1', -32600],
    ['a string', '"x"', -32600],
    ['null', 'null', -32600],
    ['an array', '[]', -32600],
    ['no jsonrpc', '{"id":1,"method":"echo"}', -32600],
    ['jsonrpc 1.0', '{"jsonrpc":"1.0","id":1,"method":"echo"}', -32600],
    ['jsonrpc as a number', '{"jsonrpc":2.0,"id":1,"method":"echo"}', -32600],
    ['id null in a request', '{"jsonrpc":"2.0","id":null,"method":"echo"}', -32600],
    ['id fraction', '{"jsonrpc":"2.0","id":1.5,"method":"echo"}', -32600],
    ['id object', '{"jsonrpc":"2.0","id":{},"method":"echo"}', -32600],
    ['method number', '{"jsonrpc":"2.0","id":1,"method":1,"params":"bar"}', -32600],
    ['params string', '{"jsonrpc":"2.0","id":1,"method":"echo","params":"bar"}', -32600],
    ['params null', '{"jsonrpc":"2.0","id":1,"method":"echo","params":null}', -32600],
    ['neither method nor result', '{"jsonrpc":"2.0","id":1}', -32600],
    ['result and error', '{"jsonrpc":"2.0","id":1,"result":1,"error":{}}', -32600],
    ['id twice', '{"jsonrpc":"2.0","id":1,"id":2,"method":"echo"}', -32600],
    [
      'too deep',
      `{"jsonrpc":"2.0","id":1,"method":"echo","params":${'['.repeat(70)}${']'.repeat(70)}}`,
      -32600,
    ],
  ];

  it.each(table)('answers %s with id null, and the connection lives', (_name, frame, code) => {
    const onProtocolError = vi.fn();
    const { wire, peer } = harness({ dispatcher: echo(), onProtocolError });
    wire.deliver(frame, '{"jsonrpc":"2.0","id":1,"method":"echo","params":[1]}');
    expect(wire.take()).toEqual([
      { jsonrpc: '2.0', id: null, error: { code, message: expect.any(String) } },
      { jsonrpc: '2.0', id: 1, result: [1] },
    ]);
    expect(peer.counters.malformedFrames).toBe(1);
    expect(onProtocolError).toHaveBeenCalledWith(expect.objectContaining({ code: 'FRAME_INVALID' }), peer);
  });

  it('answers nothing with answerMalformed off, but counts', () => {
    const { wire, peer } = harness({ answerMalformed: false });
    wire.deliver('Listening on port 3000');
    expect(wire.take()).toEqual([]);
    expect(peer.counters.malformedFrames).toBe(1);
  });

  it('reports a frame that the transport refused', () => {
    const { wire } = harness();
    wire.handlers?.onFrameError?.(new RingwireError('FRAME_TOO_LARGE', '9 bytes, 4 allowed'));
    wire.deliver();
    expect(wire.take()).toEqual([
      { jsonrpc: '2.0', id: null, error: { code: -32600, message: '9 bytes, 4 allowed' } },
    ]);
  });

  it('drops and counts replies that nobody waits for', async () => {
    const { wire, peer } = harness();
    wire.deliver(
      '{"jsonrpc":"2.0","id":1,"result":1}',
      '{"jsonrpc":"2.0","id":"1","result":1}',
      '{"jsonrpc":"2.0","id":99999999999999999999,"error":{"code":1,"message":"m"}}',
      '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}',
    );
    await turn();
    expect(wire.take()).toEqual([]);
    expect(peer.counters.unknownReplies).toBe(4);
    expect(peer.isOpen).toBe(true);
  });
});

describe('Peer calling', () => {
  it('matches replies to requests in any order', async () => {
    const { wire, peer } = harness();
    const answers = [peer.request('a', { n: 1 }), peer.request('b', [2]), peer.request('c')];
    await turn();
    expect(wire.takeText()).toEqual([
      '{"jsonrpc":"2.0","id":1,"method":"a","params":{"n":1}}',
      '{"jsonrpc":"2.0","id":2,"method":"b","params":[2]}',
      '{"jsonrpc":"2.0","id":3,"method":"c"}',
    ]);
    expect(peer.pending).toBe(3);
    wire.deliver(
      '{"jsonrpc":"2.0","id":3,"result":"C"}',
      '{"jsonrpc":"2.0","id":1,"result":{"é":"A"}}',
      '{"jsonrpc":"2.0","id":2,"result":null}',
    );
    expect(await Promise.all(answers)).toEqual([{ é: 'A' }, null, 'C']);
    expect(peer.pending).toBe(0);
  });

  it('rejects with the error of the peer, and says whether to retry', async () => {
    const { wire, peer } = harness();
    const first = peer.request('a');
    const second = peer.request('b');
    const third = peer.request('c');
    wire.deliver(
      { jsonrpc: '2.0', id: 1, error: { code: -32602, message: 'bad', data: [1] } },
      { jsonrpc: '2.0', id: 2, error: { code: -32603, message: 'full', data: { retryable: true } } },
      { jsonrpc: '2.0', id: 3, error: { message: 'no code' } },
    );
    await expect(first).rejects.toMatchObject({
      rpcCode: -32602,
      message: 'bad',
      data: [1],
      retryable: false,
    });
    await expect(second).rejects.toMatchObject({ code: 'RPC_ERROR', retryable: true });
    await expect(third).rejects.toMatchObject({ code: 'FRAME_INVALID' });
  });

  it.each([
    ['a number', 5],
    ['null', null],
    ['a string', 'x'],
    ['a BigInt inside', { n: 1n }],
    ['an object that is written as a string', new Date(0)],
  ])('rejects params that are %s before anything is sent', async (_name, params) => {
    const { wire, peer } = harness();
    await expect(peer.request('m', params)).rejects.toMatchObject({ code: 'FRAME_INVALID' });
    expect(() => peer.notify('m', params)).toThrow(expect.objectContaining({ code: 'FRAME_INVALID' }));
    await turn();
    expect(wire.take()).toEqual([]);
    expect(peer.pending).toBe(0);
  });

  it('tells the id before the request leaves', async () => {
    const { wire, peer } = harness();
    const ids: string[] = [];
    void peer.request('a', {}, { onSend: (id) => ids.push(`${id} after ${wire.sent.length}`) });
    await turn();
    expect(ids).toEqual(['1 after 0']);
    expect(wire.take()).toMatchObject([{ id: 1 }]);
  });

  it('serves and calls on one connection at once', async () => {
    const dispatcher = new Dispatcher().method('ask', async (_params, { connection }) => {
      return { answer: await connection.request('question', {}) };
    });
    const { wire } = harness({ dispatcher });
    wire.deliver({ jsonrpc: '2.0', id: 1, method: 'ask' });
    await turn();
    expect(wire.take()).toEqual([{ jsonrpc: '2.0', id: 1, method: 'question', params: {} }]);
    wire.deliver({ jsonrpc: '2.0', id: 1, result: 42 });
    await turn();
    expect(wire.take()).toEqual([{ jsonrpc: '2.0', id: 1, result: { answer: 42 } }]);
  });

  it('rejects everything pending once when the connection ends, and everything later', async () => {
    const { wire, peer } = harness();
    const outcomes: string[] = [];
    for (let index = 0; index < 3; index += 1) {
      peer.request('m').then(
        () => outcomes.push('resolved'),
        (error: RingwireError) => outcomes.push(`${error.code} ${error.retryable}`),
      );
    }
    const cause = new RingwireError('CONNECTION_RESET', 'cut');
    wire.end(cause);
    wire.end(cause);
    await expect(peer.closed).resolves.toBe(cause);
    await turn();
    expect(outcomes).toEqual(Array(3).fill('CONNECTION_CLOSED true'));
    await expect(peer.request('m')).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
    expect(() => peer.notify('m')).toThrow(expect.objectContaining({ code: 'CONNECTION_CLOSED' }));
  });

  it('gives data, onOpen before the first frame, and onClose after the pending calls', async () => {
    const key = Symbol('key');
    const order: string[] = [];
    const { wire, peer } = harness({
      onOpen: (opened) => opened.data.set(key, 1),
      onClose: () => order.push('onClose'),
    });
    expect(peer.data.get(key)).toBe(1);
    const settled = peer.request('m').catch(() => order.push('rejected'));
    wire.end();
    await settled;
    expect(order).toEqual(['onClose', 'rejected']);
    expect(peer.pending).toBe(0);
  });

  it('ends before it began when the transport does not start, and throws', () => {
    const wire = new Wire();
    wire.start = () => {
      throw new RingwireError('CONFIG_INVALID', 'started already');
    };
    const onClose = vi.fn();
    expect(() => new Peer(wire, { onClose })).toThrow('started already');
    expect(onClose).toHaveBeenCalledTimes(1);
  });

  it('closes at once when the connection is gone already, whatever is still at work', async () => {
    const dispatcher = new Dispatcher().method('wait', () => new Promise(() => {}));
    const { wire, peer } = harness({ dispatcher, cancelOnDisconnect: false });
    wire.deliver({ jsonrpc: '2.0', id: 1, method: 'wait' });
    wire.end();
    await peer.close();
    expect(peer.inFlight).toBe(1);
  });

  it('survives what callbacks of its owner throw, and lets it be seen', async () => {
    const thrown: unknown[] = [];
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => thrown.push(error));
    try {
      const fail = (text: string) => () => {
        throw text;
      };
      const { wire } = harness({
        dispatcher: echo(),
        onOpen: fail('open'),
        onProtocolError: fail('protocol'),
        onClose: fail('close'),
      });
      wire.deliver('nonsense', '{"jsonrpc":"2.0","id":1,"method":"echo","params":[1]}');
      expect(wire.take()).toMatchObject([{ id: null }, { id: 1, result: [1] }]);
      wire.end();
      await turn();
      expect(thrown).toEqual(['open', 'protocol', 'close']);
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const listener of listeners) process.on('uncaughtException', listener);
    }
  });

  it.each([
    ['maxInFlight', 0],
    ['defaultTimeoutMs', -1],
    ['maxTimeoutMs', Number.NaN],
    ['maxDepth', 100_000],
  ])('refuses %s = %s by name', (name, value) => {
    expect(() => harness({ [name]: value })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(name) }),
    );
  });
});

/** One HTTP exchange as the transport of a Peer: which form the answer takes, and how it ends. */
import { describe, expect, it } from 'vitest';
import type { RingwireError } from '../../src/errors.js';
import { Dispatcher } from '../../src/rpc/dispatcher.js';
import {
  answerCode,
  ExchangeTransport,
  type ExchangeTransportOptions,
} from '../../src/rpc/http/exchange-transport.js';
import { errorText, notificationText, requestText, resultText } from '../../src/rpc/json-text.js';
import type { Peer } from '../../src/rpc/peer.js';
import type { PeerOptions } from '../../src/rpc/peer-options.js';
import type { HttpApplication } from '../../src/transports/http/http-server.js';
import { send, type TestExchange, type TestRequest } from './http-support.js';
import { deferred, turn } from './rpc-harness.js';

interface Served {
  readonly exchange: TestExchange;
  readonly peer: Peer;
  readonly transport: ExchangeTransport;
}

function post(
  dispatcher: Dispatcher,
  body: object | string,
  options: ExchangeTransportOptions = {},
  request: TestRequest = {},
  peerOptions: PeerOptions = {},
  isNotification = false,
): Served {
  const served: { peer?: Peer; transport?: ExchangeTransport } = {};
  const application: HttpApplication = {
    onRequest: (exchange) => exchange.readBody(),
    onBody(exchange, bytes) {
      served.transport = new ExchangeTransport(exchange, { keepAliveMs: 0, ...options });
      served.peer = served.transport.serve(bytes, { dispatcher, ...peerOptions }, isNotification);
    },
    onBodyError() {},
    onAbort: () => served.transport?.abort(),
    refusal: () => ({ head: [], body: '' }),
  };
  const exchange = send(application, { ...request, body });
  return { exchange, ...served } as Served;
}

const call = (method: string, more: object = {}) => ({ jsonrpc: '2.0', id: 7, method, ...more });

describe('a response that comes first', () => {
  it('is answered as JSON before serve() returns', async () => {
    const dispatcher = new Dispatcher().method('add', ({ a, b }: { a: number; b: number }) => a + b);
    const { exchange, peer } = post(dispatcher, call('add', { params: { a: 1, b: 2 } }));
    expect([exchange.status, exchange.head['content-type']]).toEqual([200, 'application/json']);
    expect(exchange.json).toEqual({ jsonrpc: '2.0', id: 7, result: 3 });
    expect(await peer.closed).toBeUndefined();
  });

  it('carries the status of its error', () => {
    const dispatcher = new Dispatcher();
    const statusOf = (code: number) => (code === -32601 ? 404 : 200);
    expect(post(dispatcher, call('none'), { statusOf }).exchange.status).toBe(404);
    expect(post(dispatcher, call('none')).exchange.status).toBe(200);
    expect(post(dispatcher, '{', { statusOf: (code) => -code / 100 }).exchange.status).toBe(327);
  });

  it('keeps given header fields', () => {
    const dispatcher = new Dispatcher().method('x', () => 1);
    const { exchange } = post(dispatcher, call('x'), { head: ['mcp-session-id', 's'] });
    expect(exchange.head).toEqual({ 'content-type': 'application/json', 'mcp-session-id': 's' });
  });

  it('is an event where only events are accepted, unless it is an error with a status', () => {
    const dispatcher = new Dispatcher().method('x', () => 1);
    const options = { form: 'events', statusOf: () => 404 } as const;
    const { exchange } = post(dispatcher, call('x'), options);
    expect([exchange.head['content-type'], exchange.isEnded]).toEqual(['text/event-stream', true]);
    expect(exchange.events).toEqual([{ jsonrpc: '2.0', id: 7, result: 1 }]);
    expect(post(dispatcher, call('none'), options).exchange.json).toMatchObject({ error: { code: -32601 } });
  });

  it('answers a batch with one array', () => {
    const dispatcher = new Dispatcher().method('x', () => 1);
    const batch = [call('x'), { ...call('x'), id: 8 }];
    const { exchange } = post(dispatcher, batch, {}, {}, { batches: true });
    expect(exchange.json).toEqual([
      { jsonrpc: '2.0', id: 7, result: 1 },
      { jsonrpc: '2.0', id: 8, result: 1 },
    ]);
  });
});

describe('a message before the response', () => {
  it('opens a stream of events that ends behind the response', async () => {
    const { promise, resolve } = deferred<number>();
    const dispatcher = new Dispatcher().method('slow', (_, { connection }) => {
      connection.notify('first', { n: 1 });
      return promise;
    });
    const { exchange, peer, transport } = post(dispatcher, call('slow'));
    expect([exchange.status, exchange.head['content-type']]).toEqual([200, 'text/event-stream']);
    expect([exchange.events, transport.isStreaming]).toEqual([
      [{ jsonrpc: '2.0', method: 'first', params: { n: 1 } }],
      true,
    ]);
    resolve(5);
    await exchange.ended();
    expect(exchange.events[1]).toEqual({ jsonrpc: '2.0', id: 7, result: 5 });
    expect(await peer.closed).toBeUndefined();
    expect(transport.isStreaming).toBe(false);
  });

  it('is dropped where nothing but JSON is accepted', async () => {
    const dispatcher = new Dispatcher().method('x', async (_, { connection }) => {
      connection.notify('first');
      return 1;
    });
    const { exchange } = post(dispatcher, call('x'), { form: 'json' });
    await exchange.ended();
    expect(exchange.json).toEqual({ jsonrpc: '2.0', id: 7, result: 1 });
  });

  it('fails at once where it asks a caller that takes nothing but JSON', async () => {
    const dispatcher = new Dispatcher().method('x', (_, { connection }) =>
      connection
        .request('back')
        .catch((error: RingwireError) => [error.code, error.retryable, error.message]),
    );
    const { exchange } = post(dispatcher, call('x'), { form: 'json' });
    await exchange.ended();
    expect(exchange.json).toMatchObject({
      result: ['CONNECTION_CLOSED', false, expect.stringContaining('cannot be called back')],
    });
  });

  it('waits while the client does not read, and so does the response', async () => {
    const dispatcher = new Dispatcher().method('x', async (_, { connection }) => {
      expect(connection.notify('first')).toBe('sent');
      expect(connection.notify('second')).toBe('full');
      return 1;
    });
    const { exchange } = post(dispatcher, call('x'), {}, { room: 1 });
    await turn();
    expect([exchange.events.length, exchange.isEnded]).toEqual([1, false]);
    exchange.drain();
    await exchange.ended();
    expect(exchange.events[1]).toEqual({ jsonrpc: '2.0', id: 7, result: 1 });
  });
});

describe('notifications', () => {
  it('are accepted at once, and their handlers go on', async () => {
    const { promise, resolve } = deferred();
    let wasAborted: boolean | undefined;
    const dispatcher = new Dispatcher().notification('n', async (_, { signal, connection }) => {
      await promise;
      connection.notify('nobody hears this');
      wasAborted = signal.aborted;
    });
    const { exchange, peer } = post(dispatcher, { jsonrpc: '2.0', method: 'n' });
    expect([exchange.status, exchange.text, peer.isOpen]).toEqual([202, '', true]);
    resolve(undefined);
    await peer.closed;
    expect(wasAborted).toBe(false);
  });

  it('give nobody to ask', async () => {
    let problem: unknown;
    const dispatcher = new Dispatcher().notification('n', async (_, { connection }) => {
      problem = await connection.request('back').catch((error: RingwireError) => error.message);
    });
    const { exchange, peer } = post(dispatcher, { jsonrpc: '2.0', method: 'n' }, {}, {}, {}, true);
    await peer.closed;
    expect(problem).toContain('cannot be called back');
    expect([exchange.status, exchange.text]).toEqual([202, '']);
  });

  it('become no stream where their handler sends something at once', async () => {
    const dispatcher = new Dispatcher().notification('n', (_, { connection }) => {
      connection.notify('nobody hears this');
    });
    const { exchange, peer } = post(dispatcher, { jsonrpc: '2.0', method: 'n' }, {}, {}, {}, true);
    await peer.closed;
    expect([exchange.status, exchange.text]).toEqual([202, '']);
  });

  it('make no answer of an array either', () => {
    const batch = [{ jsonrpc: '2.0', method: 'n' }];
    expect(post(new Dispatcher(), batch, {}, {}, { batches: true }).exchange.status).toBe(202);
  });
});

describe('the end of the exchange', () => {
  it.each([true, false])('cancels the call where disconnects do (%s)', async (cancelOnDisconnect) => {
    const { promise, resolve } = deferred();
    let signal: AbortSignal | undefined;
    const dispatcher = new Dispatcher().method('x', (_, context) => {
      signal = context.signal;
      return promise;
    });
    let ends = 0;
    const onEnd = () => {
      ends += 1;
    };
    const { exchange, peer } = post(dispatcher, call('x'), { onEnd }, {}, { cancelOnDisconnect });
    exchange.abort();
    expect(signal?.aborted).toBe(cancelOnDisconnect);
    expect(await peer.closed).toMatchObject({ code: 'CONNECTION_CLOSED' });
    resolve(1);
    await turn();
    expect([exchange.status, ends, peer.counters.lateOutcomes]).toEqual([undefined, 1, 1]);
  });

  it('cuts the exchange when the peer is destroyed unanswered', async () => {
    const dispatcher = new Dispatcher().method('x', () => new Promise(() => {}));
    const { exchange, peer } = post(dispatcher, call('x'));
    peer.destroy();
    expect(exchange.wasDestroyed).toBe(true);
    await peer.closed;
  });

  it('answers calls that a drain gave up', async () => {
    const dispatcher = new Dispatcher().method('x', () => new Promise(() => {}));
    const { exchange, peer } = post(dispatcher, call('x'));
    await peer.close({ drainTimeoutMs: 0 });
    expect(exchange.json).toMatchObject({ id: 7, error: { data: { code: 'CONNECTION_CLOSED' } } });
  });

  it('knows who calls', () => {
    const principal = { principal: 'ann', scopes: ['a'] };
    const dispatcher = new Dispatcher().method('who', (_, { auth }) => auth?.principal);
    expect(post(dispatcher, call('who'), {}, { principal }).exchange.json.result).toBe('ann');
  });
});

describe('answerCode', () => {
  const ids = ['1', '-7', '12345678901234567890', '"a"', '""', '"q\\"uo,te\\\\"', '"\\u0022,\\"result\\":"'];

  it.each(ids)('tells messages with the id %s apart', (id) => {
    expect(answerCode(resultText(id, { method: 'x', error: { code: 3 } }))).toBe(0);
    expect(answerCode(errorText(id, -32020, 'a "method"'))).toBe(-32020);
    expect(answerCode(requestText(id, 'result', '{"result":1}'))).toBeUndefined();
  });

  it('tells messages without an id, of others and in arrays apart', () => {
    expect(answerCode(notificationText('result', '{"error":{"code":1}}'))).toBeUndefined();
    expect(answerCode(errorText(null, -32700, 'x'))).toBe(-32700);
    expect(answerCode('[{"jsonrpc":"2.0","id":1,"error":{"code":5,"message":""}}]')).toBe(0);
    expect(answerCode('{"result":{"method":1},"jsonrpc":"2.0","id":1}')).toBe(0);
    expect(answerCode('{"error":{"code":5,"message":""},"jsonrpc":"2.0","id":1}')).toBe(5);
    expect(answerCode('{"method":"x","jsonrpc":"2.0","id":1}')).toBeUndefined();
  });
});

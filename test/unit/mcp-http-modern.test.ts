/** Modern requests over HTTP: the form of the answer, cancellation, deadlines, limits, upgrades, the end. */
import { afterEach, describe, expect, it } from 'vitest';
import type { McpContext } from '../../src/mcp/context.js';
import { createServer } from '../../src/mcp/index.js';
import type { HttpUpgrade } from '../../src/transports/http/http-server.js';
import type { Transport } from '../../src/transports/transport.js';
import { TestExchange } from './http-support.js';
import { closeAll, gauge, setup } from './mcp-http-setup.js';
import { callTool } from './mcp-http-support.js';
import { meta } from './mcp-support.js';
import { turn, Wire } from './rpc-harness.js';

afterEach(closeAll);

const withToken = (more: Record<string, unknown> = {}) => ({
  _meta: meta({}, { progressToken: 'p', ...more }),
});

describe('the form of the answer', () => {
  it('is JSON where nothing comes first, though the handler is asynchronous', async () => {
    const { http, finish } = await setup();
    const exchange = http.post(callTool('wait'));
    expect(exchange.status).toBeUndefined();
    finish('x');
    await exchange.ended();
    expect([exchange.status, exchange.head]).toEqual([200, { 'content-type': 'application/json' }]);
  });

  it('is events where progress or log messages come first', async () => {
    const { http } = await setup();
    const message = callTool('steps', {}, withToken({ 'io.modelcontextprotocol/logLevel': 'info' }));
    const exchange = await http.post(message).ended();
    expect(exchange.head).toEqual({
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    expect(exchange.events).toMatchObject([
      { method: 'notifications/progress', params: { progressToken: 'p', progress: 1, total: 2 } },
      { method: 'notifications/message', params: { level: 'info', data: 'said' } },
      { id: 1, result: { content: [{ text: 'done' }], resultType: 'complete' } },
    ]);
  });

  it('is JSON without either where nobody asked for it', async () => {
    const { http } = await setup();
    const exchange = await http.post(callTool('steps')).ended();
    expect(exchange.json.result).toMatchObject({ content: [{ text: 'done' }] });
  });

  it('is JSON without what came first where nothing else is accepted', async () => {
    const { http } = await setup();
    const exchange = await http
      .post(callTool('steps', {}, withToken()), { accept: 'application/json' })
      .ended();
    expect(exchange.json.result).toMatchObject({ content: [{ text: 'done' }] });
  });

  it('is JSON without what a handler tells its caller where nothing else is accepted', async () => {
    const { http, finish, context } = await setup();
    const exchange = http.post(callTool('wait'), { accept: 'application/json' });
    context().connection.notify('notifications/own', { a: 1 });
    finish('x');
    await exchange.ended();
    expect(exchange.json).toMatchObject({ id: 1, result: { content: [{ text: 'x' }] } });
  });

  it('is events where a handler tells its caller something of its own', async () => {
    const { http, finish, context } = await setup();
    const exchange = http.post(callTool('wait'));
    context().connection.notify('notifications/own', { a: 1 });
    finish('x');
    await exchange.ended();
    expect(exchange.events).toMatchObject([{ method: 'notifications/own' }, { id: 1, result: {} }]);
  });
});

describe('input required', () => {
  it('is answered, and the retry is served', async () => {
    const { server, http } = await setup();
    server.tool('ask', async (_, context) => {
      const { action } = await context.elicit({
        message: 'Go?',
        requestedSchema: { type: 'object', properties: {} },
      });
      return action;
    });
    const able = { _meta: meta({ elicitation: {} }) };
    const first = await http.post(callTool('ask', {}, able)).ended();
    const { resultType, requestState, inputRequests } = first.json.result as Record<string, never>;
    expect([resultType, Object.keys(inputRequests)]).toEqual(['input_required', ['input-1']]);
    const inputResponses = { 'input-1': { action: 'accept', content: {} } };
    const second = await http.post(callTool('ask', {}, { ...able, requestState, inputResponses })).ended();
    expect(second.json.result).toMatchObject({ resultType: 'complete', content: [{ text: 'accept' }] });
  });

  it('is refused with 400 where the client cannot', async () => {
    const { server, http } = await setup();
    server.tool('ask', async (_, context) => String(await context.listRoots()));
    const exchange = await http.post(callTool('ask')).ended();
    expect([exchange.status, exchange.json.error]).toMatchObject([400, { code: -32021 }]);
  });
});

describe('a client that goes away', () => {
  it.each([
    ['a usual call', {}, true],
    ['a usual call whose handler looks later', {}, false],
    ['a call with a progress token', withToken(), true],
  ])('cancels %s', async (_, more, looksFirst) => {
    const { http, finish, context } = await setup();
    const exchange = http.post(callTool('wait', {}, more));
    const before = looksFirst ? context().signal : undefined;
    expect([before?.aborted ?? false, gauge(http, 'calls_in_flight')]).toEqual([false, 1]);
    exchange.abort();
    const { signal } = context();
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toMatchObject({ code: 'CONNECTION_CLOSED' });
    expect(gauge(http, 'calls_in_flight')).toBe(0);
    finish('late');
    await turn();
    expect(exchange.status).toBeUndefined();
    expect(gauge(http, 'late_outcomes_total')).toBe(1);
  });

  it('is told nothing more of a stream', async () => {
    const { http, finish, context } = await setup();
    const exchange = http.post(callTool('wait', {}, withToken()));
    context().progress(1);
    expect(exchange.events).toHaveLength(1);
    exchange.abort();
    context().progress(2);
    finish('late');
    await turn();
    expect(exchange.events).toHaveLength(1);
    expect(gauge(http, 'streams')).toBe(0);
  });

  it('before its body came leaves nothing behind', async () => {
    const { http } = await setup();
    const exchange = new TestExchange(http.application, { headers: { 'content-type': 'application/json' } });
    http.application.onRequest(exchange);
    exchange.abort();
    expect(gauge(http, 'calls_in_flight')).toBe(0);
  });
});

describe('a deadline', () => {
  it.each([
    ['of a usual call', {}, false],
    ['of a usual call whose handler asked for its signal', {}, true],
    ['of a call with a progress token', withToken(), true],
  ])('%s is answered with an error, and the handler is told', async (_, more, looks) => {
    const { http, clock, finish, context } = await setup();
    const exchange = http.post(callTool('wait', {}, more));
    if (looks) expect(context().signal.aborted).toBe(false);
    expect(context().deadline).toBe(clock.now() + 1_000);
    clock.advance(999);
    expect(exchange.status).toBeUndefined();
    clock.advance(1);
    await exchange.ended();
    expect([exchange.status, exchange.json.error]).toMatchObject([
      200,
      { code: -32603, data: { code: 'DEADLINE_EXCEEDED', retryable: true } },
    ]);
    expect(context().signal.reason).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    finish('late');
    await turn();
    expect(gauge(http, 'deadlines_exceeded_total')).toBe(1);
    expect(gauge(http, 'calls_in_flight')).toBe(0);
  });

  it.each([false, true])('starts anew with progress and by hand (signal read: %s)', async (looks) => {
    const { http, clock, finish, context } = await setup();
    const exchange = http.post(callTool('wait'));
    if (looks) expect(context().signal.aborted).toBe(false);
    clock.advance(900);
    context().progress(1);
    clock.advance(900);
    context().extendDeadline(5_000);
    clock.advance(4_999);
    expect(exchange.status).toBeUndefined();
    finish('x');
    await exchange.ended();
    expect(exchange.json.result).toMatchObject({ content: [{ text: 'x' }] });
  });
});

describe('a context that outlives its call', () => {
  it('does nothing', async () => {
    const contexts: McpContext[] = [];
    const { server, http } = await setup();
    server.tool('keep', (_, context) => {
      contexts.push(context);
      return 'x';
    });
    const exchange = http.post(callTool('keep'));
    await turn();
    const [context] = contexts;
    context.progress(1);
    context.log('error', 'x');
    expect([context.signal.aborted, context.connection.isOpen]).toEqual([false, false]);
    expect(exchange.events).toEqual([]);
    await turn();
    expect(server.rpc.connections.size).toBe(0);
  });
});

describe('limits', () => {
  it('refuse calls beyond those in flight with 503', async () => {
    const { http, finish } = await setup({ http: { maxInFlight: 2 } });
    const first = http.post(callTool('wait', {}, withToken()));
    const second = http.post(callTool('wait'));
    const third = http.post(callTool('echo'), {}, { body: { ...callTool('echo'), id: 9 } });
    expect([third.status, third.head['retry-after']]).toEqual([503, '1']);
    expect(third.json).toMatchObject({
      id: 9,
      error: { code: -32603, data: { code: 'OVERLOADED', retryable: true } },
    });
    expect(gauge(http, 'overloaded_total')).toBe(1);
    finish('x');
    await second.ended();
    expect(http.post(callTool('echo')).status).toBe(200);
    first.abort();
  });

  it('are numbers', () => {
    const bad = { name: 'x', version: '1', http: { maxInFlight: 0 } };
    expect(() => createServer(bad)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });
});

describe('the end', () => {
  it('waits for calls in flight and refuses new ones with 503', async () => {
    const { server, http, finish } = await setup();
    const usual = http.post(callTool('wait'));
    const finishUsual = finish;
    const closing = server.close({ drainTimeoutMs: 10_000 });
    const refused = http.post(callTool('echo'));
    expect([refused.status, refused.json.error]).toMatchObject([
      503,
      { data: { code: 'CONNECTION_CLOSED' } },
    ]);
    finishUsual('x');
    await closing;
    expect(usual.json.result).toMatchObject({ content: [{ text: 'x' }] });
  });

  it.each([
    ['usual', {}],
    ['other', withToken()],
  ])('answers %s calls that take longer', async (_, more) => {
    const { server, http, context } = await setup({ rpc: { deadlines: undefined } });
    const exchange = http.post(callTool('wait', {}, more));
    await server.close({ drainTimeoutMs: 0 });
    expect(exchange.json.error).toMatchObject({ code: -32603, data: { code: 'CONNECTION_CLOSED' } });
    expect(context().signal.aborted).toBe(true);
  });
});

describe('who calls', () => {
  it.each([{}, withToken()])('is known to handlers (%#)', async (more) => {
    const { server, http } = await setup();
    server.tool('who', (_, { auth, peer }) => `${auth?.principal} ${auth?.scopes} ${peer.address}`);
    const principal = { principal: 'ann', scopes: ['a', 'b'] };
    const exchange = await http.post(callTool('who', {}, more), {}, { principal }).ended();
    expect(exchange.json.result).toMatchObject({ content: [{ text: 'ann a,b 127.0.0.1' }] });
  });
});

describe('an upgrade', () => {
  function upgrade(protocols: readonly string[]) {
    const wire = new Wire();
    const outcome: { accepted?: string | null; status?: number } = {};
    const asked = {
      protocols,
      principal: { principal: 'ann', scopes: [] },
      accept(protocol: string | undefined, connected: (transport: Transport) => void) {
        outcome.accepted = protocol ?? null;
        connected(wire);
      },
      refuse(status: number) {
        outcome.status = status;
      },
    } as unknown as HttpUpgrade;
    return { asked, wire, outcome };
  }

  it.each([
    [['mcp'], 'mcp'],
    [['other', 'mcp'], 'mcp'],
    [[], null],
    [['other'], null],
  ])('that offers %j becomes a connection with the sub-protocol %j', async (offered, accepted) => {
    const { server, http } = await setup();
    server.tool('who', (_, { auth }) => `${auth?.principal}`);
    const { asked, wire, outcome } = upgrade(offered);
    http.application.onUpgrade?.(asked);
    expect(outcome).toEqual({ accepted });
    wire.deliver(callTool('who'));
    expect(wire.take()).toMatchObject([{ id: 1, result: { content: [{ text: 'ann' }] } }]);
  });

  it('is refused at the end', async () => {
    const { http } = await setup();
    await http.close();
    const { asked, outcome } = upgrade([]);
    http.application.onUpgrade?.(asked);
    expect(outcome).toEqual({ status: 503 });
  });
});

describe('what never became a request', () => {
  it.each([
    [400, -32600],
    [404, -32600],
    [431, -32600],
    [503, -32603],
  ])('is answered as JSON-RPC: %d', async (status, code) => {
    const { http } = await setup();
    const { head, body } = http.application.refusal(status, 'why');
    expect(head).toEqual(['content-type', 'application/json']);
    expect(JSON.parse(body)).toMatchObject({ jsonrpc: '2.0', id: null, error: { code, message: 'why' } });
  });
});

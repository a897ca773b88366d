/** Notifications to and from a modern client over HTTP: those it posts, and subscriptions. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { closeAll, gauge, setup } from './mcp-http-setup.js';
import { callTool, type Message, request, serveHttp } from './mcp-http-support.js';
import { meta } from './mcp-support.js';
import { turn } from './rpc-harness.js';

afterEach(closeAll);

describe('notifications', () => {
  const notification = (method: string, params?: Record<string, unknown>): Message => ({
    jsonrpc: '2.0',
    method,
    ...(params && { params }),
  });

  it.each([
    ['with _meta', { _meta: meta() }],
    ['without', undefined],
  ])('are accepted with 202 and no body, %s', async (_, params) => {
    const { server, http } = await setup();
    let seen: unknown;
    server.notification('notifications/own', (given) => {
      seen = given;
    });
    const exchange = http.post(notification('notifications/own', params));
    expect([exchange.status, exchange.text, exchange.head]).toEqual([202, '', {}]);
    expect(seen).toEqual(params);
    expect(http.post(notification('notifications/unknown', params)).status).toBe(202);
  });

  it('cancel nothing of another request', async () => {
    const { http, finish, context } = await setup();
    const exchange = http.post(callTool('wait'));
    expect(http.post(notification('notifications/cancelled', { requestId: 1 })).status).toBe(202);
    expect(context().signal.aborted).toBe(false);
    finish('x');
    await exchange.ended();
  });

  it('are refused with 400 where headers and body disagree, or the revision is not served', async () => {
    const { http } = await setup();
    const own = notification('notifications/own', { _meta: meta() });
    const refusals = [
      http.post(own, { 'mcp-method': 'notifications/other' }),
      http.post(own, { 'mcp-protocol-version': '2027-01-01' }),
      http.post(notification('notifications/own'), { 'mcp-protocol-version': '2027-01-01' }),
    ];
    expect(refusals.map(({ status, json }) => [status, (json.error as { code: number }).code])).toEqual([
      [400, -32020],
      [400, -32020],
      [400, -32022],
    ]);
  });
});

describe('subscriptions', () => {
  const listen = (notifications: object, id = 1) => request('subscriptions/listen', { notifications }, id);

  it('are acknowledged first, hear what they asked for, and end with a result', async () => {
    const { server, http } = await setup();
    const exchange = http.post(listen({ toolsListChanged: true }, 5));
    expect([exchange.head['content-type'], gauge(http, 'subscriptions')]).toEqual(['text/event-stream', 1]);
    server.tool('more', () => '').resource('a:b', { name: 'b' }, '');
    await turn();
    server.resourceUpdated('a:b');
    await server.close({ drainTimeoutMs: 1_000 });
    const _meta = { 'io.modelcontextprotocol/subscriptionId': 5 };
    expect(exchange.events).toMatchObject([
      {
        method: 'notifications/subscriptions/acknowledged',
        params: { _meta, notifications: { toolsListChanged: true } },
      },
      { method: 'notifications/tools/list_changed', params: { _meta } },
      { id: 5, result: { resultType: 'complete', _meta } },
    ]);
    expect([exchange.isEnded, gauge(http, 'subscriptions')]).toEqual([true, 0]);
  });

  it('end with their client', async () => {
    const { server, http } = await setup();
    const exchange = http.post(listen({ toolsListChanged: true }));
    expect(server.subscriberCount).toBe(1);
    exchange.abort();
    await turn();
    expect([server.subscriberCount, server.rpc.connections.size]).toEqual([0, 0]);
  });

  it('are not limited by a deadline, nor count as calls in flight', async () => {
    const { http, clock } = await setup({ http: { maxInFlight: 1 } });
    const exchange = http.post(listen({}));
    clock.advance(10_000);
    expect(exchange.isEnded).toBe(false);
    expect(http.post(callTool('echo')).status).toBe(200);
  });

  it('are kept alive by comments while nothing happens', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const { server, http } = await setup({ http: { keepAliveIntervalMs: 1_000 } });
      const exchange = http.post(listen({ toolsListChanged: true }));
      const acknowledged = exchange.text;
      vi.advanceTimersByTime(999);
      expect(exchange.text).toBe(acknowledged);
      vi.advanceTimersByTime(1_001);
      expect(exchange.text).toBe(`${acknowledged}:\n\n:\n\n`);
      await server.close({ drainTimeoutMs: 1_000 });
      const ended = exchange.text;
      vi.advanceTimersByTime(5_000);
      expect(exchange.text).toBe(ended);
    } finally {
      vi.useRealTimers();
    }
  });

  it('name the mistake in a filter that is none', async () => {
    const { http } = await setup();
    const exchange = await http.post(listen('x' as never)).ended();
    expect([exchange.head['content-type'], exchange.json.error]).toMatchObject([
      'application/json',
      { code: -32602 },
    ]);
  });

  it('are refused beyond their limit, and where events are not accepted', async () => {
    const { http } = await setup({ http: { maxSubscriptions: 1 } });
    http.post(listen({}));
    expect(http.post(listen({})).status).toBe(503);
    expect(http.post(listen({}), { accept: 'application/json' }).status).toBe(406);
  });

  it('skip notifications that wait already, for a client that does not read', async () => {
    const { server, http } = await setup();
    const exchange = http.post(listen({ toolsListChanged: true }), {}, { room: 1 });
    for (let index = 0; index < 10; index += 1) {
      server.tool(`t${index}`, () => '');
      await turn();
    }
    expect(exchange.events).toHaveLength(1);
    exchange.drain();
    await turn();
    expect(exchange.events).toHaveLength(2);
  });

  it('end with their application though the server goes on', async () => {
    const { server, http } = await setup();
    const other = await serveHttp(server);
    const [one, two] = [http, other].map(({ post }) => post(listen({})));
    await other.application.close();
    expect([one.isEnded, two.isEnded]).toEqual([false, true]);
    expect(two.events[1]).toMatchObject({ result: { resultType: 'complete' } });
  });
});

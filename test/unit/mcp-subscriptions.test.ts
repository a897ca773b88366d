/** subscriptions/listen on the wire, and Subscription on the client. */
import { afterEach, describe, expect, it } from 'vitest';
import { type ChangeEvent, createServer, type McpServer } from '../../src/mcp/index.js';
import { meta, type Served, serve } from './mcp-support.js';

let served: Served | undefined;
afterEach(async () => {
  await served?.close();
  served = undefined;
});

function demo(): McpServer {
  return createServer({ name: 'demo', version: '1' })
    .tool('a', () => '')
    .resource('r:1', {}, 'one');
}

describe('subscriptions/listen', () => {
  it('acknowledges first, tells only what was asked for, and ends with a result', async () => {
    const server = demo();
    served = await serve(server);
    const raw = await served.raw();
    const seen: [string, unknown][] = [];
    let onAck = () => {};
    const acknowledged = new Promise<void>((resolve) => {
      onAck = resolve;
    });
    raw.dispatcher.fallback((method, params) => {
      seen.push([method, params]);
      onAck();
    });
    const answer = raw.request(
      'subscriptions/listen',
      {
        notifications: { toolsListChanged: true, promptsListChanged: true, resourceSubscriptions: ['r:1'] },
        _meta: meta(),
      },
      { timeoutMs: Number.POSITIVE_INFINITY },
    );
    await acknowledged;
    server.tool('b', () => '');
    server.resource('r:2', {}, '');
    server.resourceUpdated('r:2');
    server.resourceUpdated('r:1');
    await raw.request('server/discover', { _meta: meta() });
    const closing = server.close();
    const tag = { 'io.modelcontextprotocol/subscriptionId': 1 };
    expect(await answer).toEqual({
      resultType: 'complete',
      _meta: { ...tag, 'io.modelcontextprotocol/serverInfo': { name: 'demo', version: '1' } },
    });
    await closing;
    expect(seen).toEqual([
      [
        'notifications/subscriptions/acknowledged',
        { _meta: tag, notifications: { toolsListChanged: true, resourceSubscriptions: ['r:1'] } },
      ],
      // Resource updates are sent at once; list changes once per turn.
      ...[
        ['notifications/resources/updated', { _meta: tag, uri: 'r:1' }],
        ['notifications/tools/list_changed', { _meta: tag }],
      ],
    ]);
  });

  it('may be open only so often on one connection', async () => {
    served = await serve(demo());
    const client = await served.client();
    const first = await client.listen({ toolsListChanged: true });
    await Promise.all(Array.from({ length: 63 }, () => client.listen({})));
    await expect(client.listen({})).rejects.toMatchObject({ rpcCode: -32602 });
    first.close();
    await client.ping();
    await client.listen({});
  });

  it('refuses filters that are none', async () => {
    served = await serve(demo());
    const raw = await served.raw();
    for (const notifications of [
      undefined,
      [],
      { resourceSubscriptions: 'r:1' },
      { resourceSubscriptions: [1] },
    ])
      await expect(
        raw.request('subscriptions/listen', { notifications, _meta: meta() }),
      ).rejects.toMatchObject({
        rpcCode: -32602,
      });
  });
});

describe.each(['modern', 'legacy'] as const)('client.listen in the %s era', (era) => {
  it('yields changes until it is closed', async () => {
    const server = demo();
    served = await serve(server);
    const client = await served.client({ era });
    const subscription = await client.listen({ toolsListChanged: true, resourceSubscriptions: ['r:1'] });
    expect(subscription.accepted).toEqual({ toolsListChanged: true, resourceSubscriptions: ['r:1'] });
    const events: ChangeEvent[] = [];
    server.resourceUpdated('r:1');
    for await (const event of subscription) {
      events.push(event);
      if (event.type === 'resourceUpdated') server.removeTool('a');
      else break;
    }
    expect(events).toEqual([{ type: 'resourceUpdated', uri: 'r:1' }, { type: 'toolsListChanged' }]);
    expect(subscription.ended).toBe(true);
    await client.ping();
  });

  it('ends when the client closes', async () => {
    served = await serve(demo());
    const client = await served.client({ era });
    const subscription = await client.listen({ toolsListChanged: true });
    const done = (async () => {
      for await (const _ of subscription) throw new Error('no event was due');
    })();
    await client.close();
    await done;
  });
});

describe('subscribers', () => {
  it('are forgotten with their connections', async () => {
    const server = demo();
    served = await serve(server);
    for (const era of ['modern', 'legacy'] as const) {
      const client = await served.client({ era });
      await client.listen({ toolsListChanged: true });
      await client.ping();
      expect(server.subscriberCount).toBe(1);
      const [peer] = server.rpc.connections;
      await client.close();
      await peer.closed;
      // What hangs on the end of the connection runs in the same turn.
      await new Promise((resolve) => setImmediate(resolve));
      expect(server.subscriberCount).toBe(0);
    }
  });
});

describe.each(['modern', 'legacy'] as const)('a lost connection in the %s era', (era) => {
  it('is made anew and the subscription asked for again', async () => {
    const server = demo();
    served = await serve(server);
    const client = await served.client({ era });
    const subscription = await client.listen({ toolsListChanged: true });
    const events = subscription[Symbol.asyncIterator]();
    for (const peer of server.rpc.connections) peer.destroy();
    expect((await events.next()).value).toEqual({ type: 'reconnected' });
    server.tool('b', () => '');
    expect((await events.next()).value).toEqual({ type: 'toolsListChanged' });
    subscription.close();
  });

  it('ends the subscription with the error where reconnect is off', async () => {
    const server = demo();
    served = await serve(server);
    const client = await served.client({ era, reconnect: false });
    const subscription = await client.listen({ toolsListChanged: true });
    for (const peer of server.rpc.connections) peer.destroy();
    await expect(subscription[Symbol.asyncIterator]().next()).rejects.toMatchObject({ retryable: true });
    await expect(client.callTool('a')).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
  });
});

/** The legacy era (2025-11-25 and earlier) on the wire, beside the modern one on the same server. */
import { afterEach, describe, expect, it } from 'vitest';
import { createServer, type McpServer } from '../../src/mcp/server.js';
import type { RpcClient } from '../../src/rpc/client.js';
import { meta, type Served, serve } from './mcp-support.js';

let served: Served | undefined;
afterEach(async () => {
  await served?.close();
  served = undefined;
});

function demo(): McpServer {
  return createServer({ name: 'demo', version: '1' })
    .tool('log', (_args, context) => {
      context.log('debug', 'd');
      context.log('warning', 'w');
      return `${context.era} ${context.protocolVersion} ${context.clientInfo?.name}`;
    })
    .tool('numbers', { outputSchema: { type: 'array' } }, () => [1])
    .resource('r:1', { ttlMs: 9 }, 'one');
}

async function initialize(
  raw: RpcClient,
  protocolVersion = '2025-11-25',
): Promise<{ protocolVersion: string }> {
  const result = await raw.request<{ protocolVersion: string }>('initialize', {
    protocolVersion,
    capabilities: {},
    clientInfo: { name: 'old', version: '1' },
  });
  raw.notify('notifications/initialized');
  return result;
}

describe('initialize', () => {
  it.each(['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'])('agrees on %s', async (version) => {
    served = await serve(demo());
    expect(await initialize(await served.raw(), version)).toMatchObject({
      protocolVersion: version,
      serverInfo: { name: 'demo', version: '1' },
      capabilities: { tools: { listChanged: true }, resources: { subscribe: true }, logging: {} },
    });
  });

  it('offers the newest for a version that is unknown', async () => {
    served = await serve(demo());
    expect((await initialize(await served.raw(), '2099-01-01')).protocolVersion).toBe('2025-11-25');
  });

  it('without a version is -32602', async () => {
    served = await serve(demo());
    await expect((await served.raw()).request('initialize', {})).rejects.toMatchObject({ rpcCode: -32602 });
  });

  it('at a server of the modern era alone names the versions', async () => {
    served = await serve(createServer({ name: 'new', version: '1', protocolVersions: ['2026-07-28'] }));
    await expect(initialize(await served.raw())).rejects.toMatchObject({
      message: expect.stringContaining('2026-07-28'),
      data: { supported: ['2026-07-28'] },
    });
  });

  it('may be preceded by pings, and by nothing else', async () => {
    served = await serve(demo());
    const raw = await served.raw();
    expect(await raw.request('ping')).toEqual({});
    await expect(raw.request('tools/list')).rejects.toMatchObject({ rpcCode: -32602 });
  });
});

describe('results', () => {
  it('carry nothing modern', async () => {
    served = await serve(demo());
    const raw = await served.raw();
    await initialize(raw);
    expect(await raw.request('resources/read', { uri: 'r:1' })).toEqual({
      contents: [{ uri: 'r:1', text: 'one' }],
    });
    const list = await raw.request<{ tools: object[] }>('tools/list');
    expect(Object.keys(list)).toEqual(['tools']);
    expect(list.tools[1]).not.toHaveProperty('outputSchema');
    expect(await raw.request('tools/call', { name: 'numbers' })).toEqual({
      content: [{ type: 'text', text: '[1]' }],
    });
    await expect(raw.request('resources/read', { uri: 'r:2' })).rejects.toMatchObject({ rpcCode: -32002 });
    await expect(raw.request('server/discover')).rejects.toMatchObject({ rpcCode: -32601 });
  });

  it('of both eras come from one connection', async () => {
    served = await serve(demo());
    const raw = await served.raw();
    const logs: unknown[] = [];
    raw.dispatcher.notification('notifications/message', (params) => logs.push(params));
    await initialize(raw);
    type Text = { content: { text: string }[] };
    const legacy = await raw.request<Text>('tools/call', { name: 'log' });
    expect(legacy.content[0].text).toBe('legacy 2025-11-25 old');
    expect(logs).toEqual([{ level: 'warning', data: 'w' }]);
    const modern = await raw.request<Text>('tools/call', { name: 'log', _meta: meta() });
    expect(modern.content[0].text).toBe('modern 2026-07-28 test');
    expect(logs).toHaveLength(1);
    await raw.request('logging/setLevel', { level: 'debug' });
    await raw.request('tools/call', { name: 'log' });
    expect(logs).toHaveLength(3);
    await expect(raw.request('logging/setLevel', { level: 'loud' })).rejects.toMatchObject({
      rpcCode: -32602,
    });
  });
});

describe('change notifications', () => {
  it('reach initialized sessions: every list change, and subscribed resources', async () => {
    const server = demo();
    served = await serve(server);
    const raw = await served.raw();
    const seen: string[] = [];
    let arrived = () => {};
    for (const method of ['notifications/tools/list_changed', 'notifications/resources/updated'])
      raw.dispatcher.notification(method, (params) => {
        seen.push(`${method} ${JSON.stringify(params)}`);
        arrived();
      });
    const next = () =>
      new Promise<void>((resolve) => {
        arrived = resolve;
      });
    await initialize(raw);
    await raw.request('resources/subscribe', { uri: 'r:1' });
    let wait = next();
    server.tool('later', () => '').tool('latest', () => '');
    await wait;
    wait = next();
    server.resourceUpdated('r:2');
    server.resourceUpdated('r:1');
    await wait;
    await raw.request('resources/unsubscribe', { uri: 'r:1' });
    server.resourceUpdated('r:1');
    await raw.request('ping');
    expect(seen).toEqual([
      'notifications/tools/list_changed undefined',
      'notifications/resources/updated {"uri":"r:1"}',
    ]);
  });
});

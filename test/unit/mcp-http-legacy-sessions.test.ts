/** Sessions of the legacy era over HTTP: how they begin and end, and whose they are. */
import { afterEach, describe, expect, it } from 'vitest';
import { createServer } from '../../src/mcp/index.js';
import {
  bothTypes,
  gate,
  type Message,
  post,
  request,
  type ServedLegacy,
  serveLegacy,
  toolCall,
} from './mcp-http-legacy-support.js';
import { ManualClock } from './rpc-harness.js';

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(...[options]: Parameters<typeof serveLegacy>[1][]): Promise<ServedLegacy> {
  const server = createServer({ name: 'sessions', version: '1' })
    .tool('echo', (args) => JSON.stringify(args))
    .tool('whoami', (_args, context) => String(context.auth?.principal));
  const served = await serveLegacy(server, options);
  cleanups.push(() => served.close());
  return served;
}

const initialize = (protocolVersion: unknown = '2025-11-25') =>
  request(1, 'initialize', { protocolVersion, capabilities: {}, clientInfo: { name: 't', version: '1' } });

describe('a session', () => {
  it('begins with initialize and ends with DELETE', async () => {
    const { session, endpoint } = await serve();
    const client = await session();
    expect(client.id).toMatch(/^[\x21-\x7e]{43}$/);
    expect(client.initializeResult).toMatchObject({ protocolVersion: '2025-11-25' });
    expect(endpoint.sessions).toBe(1);
    const { result } = await client.json(toolCall(7, 'echo', { a: 1 }));
    expect(result?.content).toEqual([{ type: 'text', text: '{"a":1}' }]);
    expect(await client.delete()).toBe(204);
    expect(endpoint.sessions).toBe(0);
    const after = await client.post(toolCall(8, 'echo'));
    expect(after.status).toBe(404);
    expect(await after.json()).toMatchObject({ id: 8, error: { code: -32001 } });
    expect(await client.delete()).toBe(404);
    expect((await client.get()).status).toBe(404);
  });

  it.each(['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'])('speaks %s', async (version) => {
    const { session } = await serve();
    const client = await session({ version });
    expect(client.initializeResult.protocolVersion).toBe(version);
    expect((await client.json(toolCall(1, 'echo'))).result).toBeDefined();
  });

  it('has an id that nobody guesses from another', async () => {
    const { session } = await serve();
    const ids = await Promise.all([session(), session(), session()]);
    expect(new Set(ids.map(({ id }) => id)).size).toBe(3);
  });

  it('is not opened by an initialize that fails', async () => {
    const { url, endpoint } = await serve();
    const response = await post(url, initialize(7));
    expect(response.headers.get('mcp-session-id')).toBeNull();
    expect(await response.json()).toMatchObject({ id: 1, error: { code: -32602 } });
    expect(endpoint.sessions).toBe(0);
  });

  it('is initialized once', async () => {
    const { session } = await serve();
    const client = await session();
    const response = await client.post(initialize());
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ id: 1, error: { code: -32600 } });
    expect((await client.json(toolCall(2, 'echo'))).result).toBeDefined();
  });

  it('is asked for where the id is missing, but for ping', async () => {
    const { url } = await serve();
    const response = await post(url, toolCall(3, 'echo'));
    expect(response.status).toBe(400);
    expect(((await response.json()) as Message).error?.message).toContain('Mcp-Session-Id');
    const ping = await post(url, request('p', 'ping'));
    expect(await ping.json()).toEqual({ jsonrpc: '2.0', id: 'p', result: {} });
  });
});

describe('the principal', () => {
  it('is bound to the session: nobody else can use, hear or end it', async () => {
    const { session, url } = await serve();
    const alice = await session({ principal: 'alice' });
    const stolen = { 'mcp-session-id': alice.id };
    for (const thief of [{ 'x-principal': 'mallory' }, {}] as Record<string, string>[]) {
      const fields = { ...stolen, ...thief };
      expect((await post(url, toolCall(1, 'whoami'), fields)).status).toBe(404);
      expect((await post(url, { jsonrpc: '2.0', method: 'notifications/cancelled' }, fields)).status).toBe(
        404,
      );
      expect((await fetch(url, { headers: { accept: bothTypes, ...fields } })).status).toBe(404);
      expect((await fetch(url, { method: 'DELETE', headers: fields })).status).toBe(404);
    }
    const { result } = await alice.json(toolCall(2, 'whoami'));
    expect(result?.content).toEqual([{ type: 'text', text: 'alice' }]);
  });
});

describe('header fields', () => {
  it('refuse a revision that is not served, and name those that are', async () => {
    const { session } = await serve();
    const client = await session();
    const response = await client.post(toolCall(1, 'echo'), { 'mcp-protocol-version': '1999-01-01' });
    expect(response.status).toBe(400);
    const { error } = (await response.json()) as Message;
    expect(error?.data).toMatchObject({
      requested: '1999-01-01',
      supported: expect.arrayContaining(['2025-11-25']),
    });
    expect((await client.get({ 'mcp-protocol-version': 'x' })).status).toBe(400);
    expect(await client.delete({ 'mcp-protocol-version': 'x' })).toBe(400);
  });

  it('may name another revision that is served, or none', async () => {
    const { session, url } = await serve();
    const client = await session();
    expect(
      (await client.json(toolCall(1, 'echo'), { 'mcp-protocol-version': '2025-03-26' })).result,
    ).toBeDefined();
    const without = await post(url, toolCall(2, 'echo'), { 'mcp-session-id': client.id });
    expect(without.status).toBe(200);
    await without.text();
  });

  it('must accept JSON and events', async () => {
    const { session, url, endpoint } = await serve();
    expect((await post(url, initialize(), { accept: 'application/json' })).status).toBe(406);
    expect(endpoint.sessions).toBe(0);
    const client = await session();
    expect((await client.post(toolCall(1, 'echo'), { accept: 'application/json' })).status).toBe(406);
    expect((await client.get({ accept: 'application/json' })).status).toBe(406);
    expect((await client.json(toolCall(1, 'echo'), { accept: '*/*' })).result).toBeDefined();
  });

  it('without a session make GET and DELETE unknown methods, for there are clients without sessions', async () => {
    const { url } = await serve();
    for (const method of ['GET', 'DELETE']) {
      const response = await fetch(url, { method, headers: { accept: bothTypes } });
      expect(response.status).toBe(405);
      expect(response.headers.get('allow')).toBe('POST');
      const legacy = { accept: bothTypes, 'mcp-protocol-version': '2025-11-25' };
      expect((await fetch(url, { method, headers: legacy })).status).toBe(400);
    }
  });
});

describe('the limits', () => {
  it('end a session that is idle for too long, and none that is used', async () => {
    const clock = new ManualClock();
    const { session, endpoint } = await serve({ clock, sessionTtlMs: 1_000 });
    const idle = await session();
    const used = await session();
    clock.advance(600);
    await (await used.post(toolCall(1, 'echo'))).text();
    clock.advance(600);
    expect(endpoint.sessions).toBe(1);
    expect((await idle.post(toolCall(1, 'echo'))).status).toBe(404);
    expect((await used.json(toolCall(2, 'echo'))).result).toBeDefined();
  });

  it('count an open stream as use', async () => {
    const clock = new ManualClock();
    const { session, endpoint } = await serve({ clock, sessionTtlMs: 1_000 });
    const client = await session();
    await client.listen();
    clock.advance(10_000);
    expect(endpoint.sessions).toBe(1);
  });

  it('let the longest idle session make room, never one at work', async () => {
    const clock = new ManualClock();
    const release = gate();
    const running = gate();
    const server = createServer({ name: 'cap', version: '1' })
      .tool('echo', () => 'here')
      .tool('wait', async () => {
        running.open();
        await release.opened;
        return 'done';
      });
    const served = await serveLegacy(server, { clock, maxSessions: 2 });
    cleanups.push(() => served.close());
    const busy = await served.session();
    const call = busy.post(toolCall(1, 'wait'));
    await running.opened;
    clock.advance(1);
    const idle = await served.session();
    clock.advance(1);
    const newest = await served.session();
    expect(served.endpoint.sessions).toBe(2);
    expect((await idle.post(toolCall(1, 'echo'))).status).toBe(404);
    await newest.listen();
    const refused = await post(served.url, initialize());
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(await refused.json()).toMatchObject({ id: 1, error: { data: { code: 'OVERLOADED' } } });
    release.open();
    expect(((await (await call).json()) as Message).result).toBeDefined();
  });

  it('refuse more calls of one session than may be in flight', async () => {
    const release = gate();
    const full = gate();
    let running = 0;
    const server = createServer({ name: 'flight', version: '1', rpc: { maxInFlight: 2 } }).tool(
      'wait',
      async () => {
        running += 1;
        if (running === 2) full.open();
        await release.opened;
        return 'done';
      },
    );
    const served = await serveLegacy(server);
    cleanups.push(() => served.close());
    const client = await served.session();
    const calls = [1, 2].map((id) => client.post(toolCall(id, 'wait')));
    await full.opened;
    const refused = await client.post(toolCall(3, 'wait'));
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({
      id: 3,
      error: { data: { code: 'OVERLOADED', retryable: true } },
    });
    release.open();
    for (const call of calls) expect((await call).status).toBe(200);
  });
});

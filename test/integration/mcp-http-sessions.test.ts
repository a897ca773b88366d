/** Sessions of clients of 2025-11-25 and earlier on a whole server, on both engines. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, describe, expect, it } from 'vitest';
import {
  createServer,
  lmdbEventStore,
  type McpServer,
  memoryEventStore,
  type ServerOptions,
} from '../../src/mcp/index.js';
import type { HttpOptions } from '../../src/transports/http/http-options.js';
import { EventReader, gate, post, RawSession, request, toolCall } from '../unit/mcp-http-legacy-support.js';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const text = (words: string) => ({ content: [{ type: 'text', text: words }] });

function makeServer(http: ServerOptions['http'] = {}): McpServer {
  return createServer({ name: 'sessions', version: '1', http }).tool('whoami', (_args, context) =>
    String(context.auth?.principal),
  );
}

describe.each(['uws', 'node'] as const)('sessions on engine %s', (engine) => {
  async function listen(server: McpServer, http: HttpOptions = {}): Promise<string> {
    const { url } = await server.listen('http://127.0.0.1:0/mcp', { http: { engine, ...http } });
    cleanups.push(() => server.close({ drainTimeoutMs: 0 }));
    return url;
  }

  it('belong to whom the authentication says', async () => {
    const url = await listen(makeServer(), {
      authenticate: (head) => {
        const principal = head.header('authorization').replace(/^Bearer /, '');
        return principal === '' ? { status: 401, problem: 'A token is needed.' } : { principal, scopes: [] };
      },
    });
    const token = (name: string) => ({ authorization: `Bearer ${name}` });
    const initialize = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 't', version: '1' },
    };
    const opened = await post(url, request(1, 'initialize', initialize), token('alice'));
    const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' };
    expect((await post(url, toolCall(2, 'whoami'), session)).status).toBe(401);
    expect((await post(url, toolCall(2, 'whoami'), { ...session, ...token('mallory') })).status).toBe(404);
    const answer = await post(url, toolCall(2, 'whoami'), { ...session, ...token('alice') });
    expect(await answer.json()).toMatchObject({ id: 2, result: text('alice') });
  });

  it('keep what a call says while its client is away', async () => {
    const server = makeServer({ eventStore: memoryEventStore() });
    const running = gate();
    const release = gate();
    server.tool('long', async (_args, context) => {
      running.open();
      await release.opened;
      context.log('info', 'half way');
      return context.signal.aborted ? 'aborted' : 'whole';
    });
    const client = await RawSession.open(await listen(server));
    const leave = new AbortController();
    const events = await client.events(toolCall(1, 'long'), leave.signal);
    const primed = await events.next();
    await running.opened;
    leave.abort();
    await expect(events.next()).rejects.toThrow();
    release.open();
    const rest = await client.listen(primed?.id);
    expect(await rest.message()).toMatchObject({ params: { data: 'half way' } });
    expect(await rest.message()).toMatchObject({ id: 1, result: text('whole') });
    expect(await rest.next()).toBeUndefined();
  });

  it('keep it in a file, too', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ringwire-sessions-'));
    cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
    const eventStore = await lmdbEventStore({ path: join(folder, 'events.mdb') });
    cleanups.push(() => eventStore.close());
    const server = makeServer({ eventStore }).tool('steps', async (_args, context) => {
      for (let step = 1; step <= 20; step++) {
        context.log('info', step);
        if (step % 5 === 0) context.closeStream(1);
        await new Promise((resolve) => setImmediate(resolve));
      }
      return 'done';
    });
    const url = await listen(server);
    const client = new Client({ name: 'official', version: '1' });
    const steps: unknown[] = [];
    client.setNotificationHandler(
      LoggingMessageNotificationSchema,
      ({ params }) => void steps.push(params.data),
    );
    await client.connect(
      new StreamableHTTPClientTransport(new URL(url), {
        reconnectionOptions: {
          initialReconnectionDelay: 1,
          maxReconnectionDelay: 5,
          reconnectionDelayGrowFactor: 1,
          maxRetries: 5,
        },
      }),
    );
    cleanups.push(() => client.close());
    expect((await client.callTool({ name: 'steps', arguments: {} })).content).toEqual(text('done').content);
    expect(steps).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  });

  it('end with DELETE, streams included', async () => {
    const client = await RawSession.open(await listen(makeServer()));
    const stream = await client.listen();
    expect(await client.delete()).toBe(204);
    expect(await stream.rest()).toEqual([]);
    expect((await client.post(toolCall(1, 'whoami'))).status).toBe(404);
  });

  it('are told of changes made while their client was between streams, noticed or not', async () => {
    const server = makeServer({ eventStore: memoryEventStore() });
    const client = await RawSession.open(await listen(server));
    const stream = await client.listen();
    const primed = await stream.next();
    await stream.cut();
    server.tool('more', () => '');
    const again = await client.listen(primed?.id);
    expect(await again.message()).toMatchObject({ method: 'notifications/tools/list_changed' });
  });

  it('are not opened where legacy revisions are not served', async () => {
    const server = createServer({ name: 'modern', version: '1', protocolVersions: ['2026-07-28'] });
    const url = await listen(server);
    const response = await post(url, request(1, 'initialize', { protocolVersion: '2025-11-25' }));
    expect(response.status).toBe(400);
    expect(response.headers.get('mcp-session-id')).toBeNull();
    const get = await fetch(url, { headers: { accept: 'text/event-stream' } });
    expect(get.status).toBe(405);
  });

  it('stream megabytes to a client that reads when it likes', async () => {
    const server = makeServer({ eventStore: memoryEventStore({ maxEventBytes: 64 * 1024 * 1024 }) });
    const big = 'x'.repeat(200_000);
    server.tool('flood', async (_args, context) => {
      for (let step = 0; step < 40; step++) {
        while (context.connection.notify('custom/step', { step, big }) === 'full')
          await context.connection.drained();
      }
      return 'flooded';
    });
    const client = await RawSession.open(await listen(server));
    const events = await client.events(toolCall(1, 'flood'));
    const seen: unknown[] = [];
    let last: string | undefined;
    for (let count = 0; count < 10; count++) {
      const event = await events.next();
      last = event?.id;
      if (event?.data) seen.push(JSON.parse(event.data).params.step);
    }
    await events.cut();
    const rest = new EventReader(await client.get({ 'last-event-id': last ?? '' }));
    for (let event = await rest.next(); event !== undefined; event = await rest.next()) {
      const message = JSON.parse(event.data ?? '');
      seen.push(message.params?.step ?? message.result.content[0].text);
    }
    expect(seen).toEqual([...Array.from({ length: 40 }, (_, step) => step), 'flooded']);
  });
});

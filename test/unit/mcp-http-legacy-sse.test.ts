/** HTTP+SSE of 2024-11-05: a stream that carries everything, and POSTs beside it. */
import { afterEach, describe, expect, it } from 'vitest';
import { createServer, type McpServer } from '../../src/mcp/index.js';
import {
  EventReader,
  gate,
  post,
  request,
  type ServedLegacy,
  serveLegacy,
  toolCall,
} from './mcp-http-legacy-support.js';

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(
  server: McpServer,
  options: Parameters<typeof serveLegacy>[1] = {},
): Promise<ServedLegacy> {
  const served = await serveLegacy(server, options);
  cleanups.push(() => served.close());
  return served;
}

interface OldClient {
  readonly events: EventReader;
  readonly messagesUrl: URL;
  send(message: unknown): Promise<number>;
}

async function open({ url }: ServedLegacy, fields: Record<string, string> = {}): Promise<OldClient> {
  const response = await fetch(new URL('/sse', url), { headers: { accept: 'text/event-stream', ...fields } });
  const events = new EventReader(response);
  const endpoint = await events.next();
  expect(endpoint?.event).toBe('endpoint');
  const messagesUrl = new URL(endpoint?.data ?? '', url);
  return {
    events,
    messagesUrl,
    send: async (message) => (await post(messagesUrl.href, message, fields)).status,
  };
}

async function initialized(served: ServedLegacy, capabilities: object = {}): Promise<OldClient> {
  const client = await open(served);
  const params = { protocolVersion: '2024-11-05', capabilities, clientInfo: { name: 't', version: '1' } };
  expect(await client.send(request(0, 'initialize', params))).toBe(202);
  expect(await client.events.message()).toMatchObject({ id: 0, result: { protocolVersion: '2024-11-05' } });
  await client.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
  return client;
}

const named = { name: 'sse', version: '1' };
const text = (words: string) => ({ content: [{ type: 'text', text: words }] });

describe('HTTP+SSE', () => {
  it('answers on the stream, requests of the server included', async () => {
    const server = createServer(named)
      .tool('echo', (args) => JSON.stringify(args))
      .tool('ask', async (_args, context) => (await context.listRoots()).map(({ uri }) => uri).join());
    const client = await initialized(await serve(server), { roots: {} });
    await client.send(toolCall(1, 'echo', { a: 'b' }));
    expect(await client.events.message()).toEqual({ jsonrpc: '2.0', id: 1, result: text('{"a":"b"}') });
    await client.send(toolCall(2, 'ask'));
    const asked = await client.events.message();
    expect(asked.method).toBe('roots/list');
    await client.send({ jsonrpc: '2.0', id: asked.id, result: { roots: [{ uri: 'file:///r' }] } });
    expect(await client.events.message()).toMatchObject({ id: 2, result: text('file:///r') });
    server.removeTool('ask');
    expect(await client.events.message()).toMatchObject({ method: 'notifications/tools/list_changed' });
  });

  it('keeps connections apart, and to their principals', async () => {
    const served = await serve(createServer(named).tool('echo', () => ''));
    const [alice, bob] = await Promise.all([open(served, { 'x-principal': 'alice' }), open(served)]);
    expect(alice.messagesUrl.search).not.toBe(bob.messagesUrl.search);
    expect((await post(alice.messagesUrl.href, request(1, 'ping'), { 'x-principal': 'bob' })).status).toBe(
      404,
    );
    expect((await post(alice.messagesUrl.href, request(1, 'ping'))).status).toBe(404);
    expect(await alice.send(request(1, 'ping'))).toBe(202);
    expect(await alice.events.message()).toEqual({ jsonrpc: '2.0', id: 1, result: {} });
  });

  it('ends with the stream, and its calls with it', async () => {
    const running = gate();
    const aborted = gate();
    const server = createServer(named).tool('wait', async (_args, context) => {
      context.signal.addEventListener('abort', () => aborted.open());
      running.open();
      await aborted.opened;
      return '';
    });
    const served = await serve(server);
    const client = await initialized(served);
    await client.send(toolCall(1, 'wait'));
    await running.opened;
    await client.events.cut();
    await aborted.opened;
    expect(await client.send(request(2, 'ping'))).toBe(404);
    expect(served.sse.connections).toBe(0);
  });

  it('refuses what it cannot serve', async () => {
    const served = await serve(
      createServer(named).tool('echo', () => ''),
      { maxSessions: 1 },
    );
    const client = await open(served);
    expect(await client.send('{"jsonrpc":')).toBe(400);
    expect((await post(new URL('/messages', served.url).href, request(1, 'ping'))).status).toBe(400);
    expect((await post(new URL('/messages?sessionId=x', served.url).href, request(1, 'ping'))).status).toBe(
      404,
    );
    expect((await post(new URL('/sse', served.url).href, request(1, 'ping'))).status).toBe(405);
    expect((await fetch(client.messagesUrl)).status).toBe(405);
    const plain = { 'content-type': 'text/plain' };
    expect((await post(client.messagesUrl.href, request(1, 'ping'), plain)).status).toBe(415);
    expect(
      (await fetch(new URL('/sse', served.url), { headers: { accept: 'application/json' } })).status,
    ).toBe(406);
    expect((await fetch(new URL('/sse', served.url))).status).toBe(503);
  });

  it('lets calls end when the server does', async () => {
    const release = gate();
    const running = gate();
    const server = createServer(named).tool('wait', async () => {
      running.open();
      await release.opened;
      return 'finished';
    });
    const served = await serve(server);
    const client = await initialized(served);
    await client.send(toolCall(1, 'wait'));
    await running.opened;
    const closing = served.sse.close();
    expect((await fetch(new URL('/sse', served.url))).status).toBe(503);
    release.open();
    expect(await client.events.message()).toMatchObject({ id: 1, result: text('finished') });
    await closing;
    expect(await client.events.rest()).toEqual([]);
  });
});

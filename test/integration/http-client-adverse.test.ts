/** Our client where servers, callers and connections give up at awkward moments. */
import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { type ConnectOptions, clientTransport, connect, type McpClient } from '../../src/index.js';
import { closeHttp } from './http-client-servers.js';
import { type Asked, type Handler, serveScript } from './scripted-server.js';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const json = { 'content-type': 'application/json' };
const events = { 'content-type': 'text/event-stream' };
const discovered = { supportedVersions: ['2026-07-28'], capabilities: { tools: {} }, resultType: 'complete' };
const initialized = {
  protocolVersion: '2025-11-25',
  capabilities: { tools: {} },
  serverInfo: { name: 'old', version: '1' },
};

const message = (fields: object): string => JSON.stringify({ jsonrpc: '2.0', ...fields });

function reply(response: ServerResponse, { id }: Asked, result: unknown, headers = {}): void {
  response.writeHead(200, { ...json, ...headers }).end(message({ id, result }));
}

async function serve(handler: Handler): Promise<{ url: string; asked: Asked[] }> {
  const { server, ...served } = await serveScript(handler);
  cleanups.push(() => closeHttp(server));
  return served;
}

async function client(url: string, options?: ConnectOptions): Promise<McpClient> {
  const connected = await connect(url, options);
  cleanups.push(() => connected.close());
  return connected;
}

const methods = (asked: readonly Asked[]): string[] => asked.map(({ verb, method }) => method ?? verb);
const session = { 'mcp-session-id': 'session-1' };

describe('a legacy session', () => {
  it('lives on where the server has no GET and says so with 404', async () => {
    let tellRefused = (): void => {};
    const refused = new Promise<void>((resolve) => {
      tellRefused = resolve;
    });
    const { url, asked } = await serve((each, response) => {
      if (each.method === 'initialize') reply(response, each, initialized, session);
      else if (each.method === 'notifications/initialized') response.writeHead(202).end();
      else if (each.verb === 'GET') {
        response.once('close', tellRefused);
        response.writeHead(404, { 'content-type': 'text/html' }).end('Cannot GET /mcp');
      } else void refused.then(() => setTimeout(() => reply(response, each, { content: [] }), 20));
    });
    const mcp = await client(url, { era: 'legacy' });
    expect(await mcp.callTool('any')).toEqual({ content: [] });
    expect(methods(asked).filter((method) => method === 'initialize')).toHaveLength(1);
  });

  it('keeps its id where the answer to initialize broke off and was resumed', async () => {
    const { url, asked } = await serve((each, response) => {
      if (each.method === 'initialize')
        response.writeHead(200, { ...events, ...session }).end('retry: 1\nid: 1\ndata: \n\n');
      else if (each.method === 'notifications/initialized') response.writeHead(202).end();
      else if (each.verb === 'GET' && each.headers['last-event-id'] === '1')
        response.writeHead(200, events).end(`data: ${message({ id: asked[0].id, result: initialized })}\n\n`);
      else if (each.verb === 'GET') response.writeHead(405).end();
      else reply(response, each, { content: [] });
    });
    const mcp = await client(url, { era: 'legacy' });
    await mcp.callTool('any');
    expect(asked.find(({ method }) => method === 'tools/call')?.headers).toMatchObject(session);
  });

  it('sends no call that its caller gave up before the server was ready', async () => {
    let accept = (): void => {};
    const { url, asked } = await serve((each, response) => {
      if (each.method === 'initialize') reply(response, each, initialized, session);
      else if (each.method === 'notifications/initialized') accept = () => response.writeHead(202).end();
      else if (each.verb === 'GET') response.writeHead(405).end();
      else reply(response, each, { content: [] });
    });
    const mcp = await client(url, { era: 'legacy' });
    const controller = new AbortController();
    const given = mcp.callTool('given up', {}, { signal: controller.signal });
    await new Promise((resolve) => setImmediate(resolve));
    controller.abort();
    await expect(given).rejects.toMatchObject({ code: 'CANCELLED' });
    const kept = mcp.callTool('kept');
    while (!methods(asked).includes('notifications/initialized'))
      await new Promise((resolve) => setImmediate(resolve));
    accept();
    expect(await kept).toEqual({ content: [] });
    expect(asked.filter(({ method }) => method === 'tools/call').map(({ params }) => params.name)).toEqual([
      'kept',
    ]);
    expect(methods(asked)).not.toContain('notifications/cancelled');
  });

  it.each([
    ['goes on', 'ünï-世界', true],
    ['ends, and does not ask for what cannot be named,', 'a\u0001b', false],
  ])('%s behind an event with the id %j', async (_name, id, isSendable) => {
    const { url, asked } = await serve((each, response) => {
      if (each.method === 'initialize') reply(response, each, initialized, session);
      else if (each.method === 'notifications/initialized') response.writeHead(202).end();
      else if (each.verb === 'POST') response.writeHead(200, events).end(`retry: 1\nid: ${id}\ndata: \n\n`);
      else if (each.headers['last-event-id'] === undefined) response.writeHead(405).end();
      else {
        const call = asked.find(({ method }) => method === 'tools/call');
        response
          .writeHead(200, events)
          .end(`data: ${message({ id: call?.id, result: { content: [] } })}\n\n`);
      }
    });
    const mcp = await client(url, { era: 'legacy' });
    const call = mcp.callTool('any');
    if (!isSendable) await expect(call).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
    else {
      await call;
      const given = asked.map(({ headers }) => headers['last-event-id']).find((each) => each !== undefined);
      expect(Buffer.from(String(given), 'latin1').toString()).toBe(id);
    }
  });

  it('is refused where the server names a revision that is none, and closes', async () => {
    const { url } = await serve((each, response) => {
      if (each.method === 'initialize')
        reply(response, each, { ...initialized, protocolVersion: '1\r\nx-evil: 1' }, session);
      else response.writeHead(202).end();
    });
    await expect(connect(url, { era: 'legacy' })).rejects.toMatchObject({ code: 'PROTOCOL_VERSION' });
    const transport = clientTransport(url);
    await transport.start();
    const answered = new Promise((resolve) => {
      transport.onmessage = resolve;
    });
    await transport.send({ jsonrpc: '2.0', id: 1, method: 'initialize', params: {} });
    await answered;
    await transport.close();
  });
});

it('reads tools anew within the time of the call that needs them', async () => {
  const { url, asked } = await serve((each, response) => {
    if (each.method === 'server/discover') reply(response, each, discovered);
    else if (each.method === 'tools/call') {
      response
        .writeHead(400, json)
        .end(message({ id: each.id, error: { code: -32020, message: 'missing' } }));
    } else {
      const page = { tools: [], nextCursor: `${asked.length}`, resultType: 'complete' };
      setTimeout(() => reply(response, each, page), 100);
    }
  });
  const mcp = await client(url);
  await expect(mcp.callTool('any', {}, { timeoutMs: 250 })).rejects.toBeDefined();
  expect(methods(asked).filter((method) => method === 'tools/list').length).toBeLessThanOrEqual(4);
});

it('a message that an official client sent ends when the transport closes', async () => {
  const { url } = await serve(() => {});
  const transport = clientTransport(url, { closeTimeoutMs: 20 });
  await transport.start();
  const notice = transport.send({ jsonrpc: '2.0', method: 'notifications/roots/list_changed' });
  const call = transport.send({ jsonrpc: '2.0', id: 1, method: 'tools/list' });
  const outcomes = Promise.allSettled([notice, call]);
  await transport.close();
  expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});

it.each(['{"a":}', '[1,', 'nul', '{"a":1,}', '"\\x"', '01', '\u0001'])(
  'a result that is no JSON is an error: %j',
  async (result) => {
    const { url } = await serve((each, response) => {
      if (each.method === 'server/discover') reply(response, each, discovered);
      else if (each.params.name === 'error')
        response.writeHead(400, json).end(`{"jsonrpc":"2.0","id":null,"error":${result}}`);
      else if (each.params.name === 'events')
        response.writeHead(200, events).end(`data: {"jsonrpc":"2.0","id":${each.id},"result":${result}}\n\n`);
      else response.writeHead(200, json).end(`{"jsonrpc":"2.0","id":${each.id},"result":${result}}`);
    });
    const mcp = await client(url);
    for (const name of ['error', 'events', 'json'])
      await expect(mcp.callTool(name)).rejects.toBeInstanceOf(Error);
  },
);

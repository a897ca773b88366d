/** Handlers in servers of others: node:http, Express, Fastify, Hono, fetch; bodies read before; WebSocket; SSE. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type HttpBindings, serve as serveHono } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createServer as createMcpServer, type McpServer } from '../../src/mcp/server.js';
import { createRpcServer, type RpcServer } from '../../src/rpc/server.js';
import { mountOnFetch } from '../../src/transports/http/fetch-mount.js';
import type { ServerApplication } from '../../src/transports/http/http-server.js';
import { mountOnNode } from '../../src/transports/http/node/mount.js';
import { resolveOptions } from '../../src/transports/options.js';
import { TestApplication } from './node-engine-support.js';

let rpc: RpcServer;
let closers: (() => unknown)[];

beforeEach(() => {
  rpc = createRpcServer();
  rpc.method('echo', (params) => params);
  closers = [() => rpc.close({ drainTimeoutMs: 0 })];
});

afterEach(async () => {
  for (const close of closers) await close();
});

async function bound(server: Server): Promise<string> {
  if (!server.listening) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
  closers.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const call = (params: unknown): string => JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'echo', params });

const post = (params: unknown, headers: Record<string, string> = {}) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
  body: call(params),
});

async function echoes(url: string): Promise<void> {
  for (const text of ['plain', 'Grüße \u{1f600}', 'x'.repeat(50_000)]) {
    const answer = await fetch(url, post({ text }));
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ jsonrpc: '2.0', id: 1, result: { text } });
  }
}

describe('toNodeHandler()', () => {
  test('node:http, with WebSocket by upgrade', async () => {
    const handler = rpc.toNodeHandler();
    const server = createServer(handler);
    server.on('upgrade', handler.upgrade);
    const url = await bound(server);
    await echoes(url);
    const client = new WebSocket(url.replace('http', 'ws'));
    await once(client, 'open');
    client.send(call([1]));
    const [data] = await once(client, 'message');
    expect(JSON.parse(String(data))).toEqual({ jsonrpc: '2.0', id: 1, result: [1] });
    client.terminate();
  });

  test('Express, before and behind a body parser, under a path', async () => {
    const app = express();
    const handler = rpc.toNodeHandler();
    app.use('/raw', handler);
    app.use(express.json());
    app.post('/parsed', handler);
    const url = await bound(createServer(app as unknown as RequestListener));
    await echoes(`${url}/raw`);
    await echoes(`${url}/parsed`);
  });

  test('Fastify, with the body it parsed', async () => {
    const app = fastify();
    const handler = rpc.toNodeHandler();
    app.post('/mcp', (request, reply) => {
      reply.hijack();
      handler(request.raw, reply.raw, request.body);
    });
    await app.listen({ host: '127.0.0.1', port: 0 });
    closers.push(() => app.close());
    await echoes(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}/mcp`);
  });

  test('Hono on node, by the raw request', async () => {
    const app = new Hono<{ Bindings: HttpBindings }>();
    const handler = rpc.toNodeHandler();
    app.post('/mcp', (context) => {
      handler(context.env.incoming, context.env.outgoing);
      return RESPONSE_ALREADY_SENT;
    });
    const server = serveHono({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }) as Server;
    await once(server, 'listening');
    await echoes(`${await bound(server)}/mcp`);
  });

  test('a body that is gone is an error in words, not a request that hangs', async () => {
    const handler = rpc.toNodeHandler();
    const warned = once(process, 'warning');
    const url = await bound(
      createServer((request, response) => {
        request.resume().once('end', () => handler(request, response));
      }),
    );
    const answer = await fetch(url, post({}));
    expect(answer.status).toBe(500);
    expect(String((await warned)[0])).toContain('read before it came here');
  });

  test('who may call is asked here too', async () => {
    const url = await bound(createServer(rpc.toNodeHandler()));
    const answer = await fetch(url, post({}, { origin: 'https://evil.example' }));
    expect(answer.status).toBe(403);
  });

  test('options of the server around it are refused', () => {
    expect(() => rpc.toNodeHandler({ backlog: 5 })).toThrow(/"backlog" cannot be set for a handler/);
    expect(() => rpc.toFetchHandler({ http: { engine: 'node' } })).toThrow(/"http.engine" cannot be set/);
  });
});

describe('toFetchHandler()', () => {
  test('a Request in, a Response out; in Hono too', async () => {
    const handler = rpc.toFetchHandler();
    const answer = await handler(new Request('http://localhost/mcp', post({ a: 1 })));
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ jsonrpc: '2.0', id: 1, result: { a: 1 } });
    const app = new Hono();
    app.post('/mcp', (context) => handler(context.req.raw));
    const server = serveHono({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }) as Server;
    await once(server, 'listening');
    await echoes(`${await bound(server)}/mcp`);
  });

  test('a large answer is compressed for who takes it', async () => {
    const handler = rpc.toFetchHandler();
    const request = new Request(
      'http://localhost/',
      post({ text: 'x'.repeat(10_000) }, { 'accept-encoding': 'gzip' }),
    );
    const answer = await handler(request);
    expect(answer.headers.get('content-encoding')).toBe('gzip');
    expect(Number(answer.headers.get('content-length'))).toBeLessThan(1000);
  });
});

describe('streams', () => {
  class Served extends TestApplication implements ServerApplication {
    async close(): Promise<void> {}
  }
  const limits = resolveOptions({ highWatermarkBytes: 100_000 });
  let application: Served;

  beforeEach(() => {
    application = new Served();
  });

  test('over node: parts arrive as they are written, and a client that leaves is told', async () => {
    const url = await bound(createServer(mountOnNode(application, limits)));
    const controller = new AbortController();
    const answer = await fetch(`${url}/stream`, { signal: controller.signal });
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    application.streams[0].write('data: 1\n\n');
    expect(Buffer.from((await reader.read()).value as Uint8Array).toString()).toBe('data: 1\n\n');
    controller.abort();
    await application.until(() => application.aborted.length === 1);
    expect(application.aborted).toEqual(['/stream']);
    expect(application.streams[0].write('late')).toBe('full');
  });

  test('over fetch: backpressure, end, cancellation', async () => {
    const handler = mountOnFetch(application, limits);
    const answer = await handler(new Request('http://localhost/stream'));
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    const [stream] = application.streams;
    const chunk = 'x'.repeat(30_000);
    expect(['sent', 'queued', 'queued', 'queued', 'full']).toEqual(
      Array.from({ length: 5 }, () => stream.write(chunk)),
    );
    expect(stream.bufferedBytes).toBe(120_000);
    const drained = new Promise<void>((resolve) => {
      stream.onDrain = resolve;
    });
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    let bytes = 0;
    for (let count = 0; count < 4; count++) bytes += (await reader.read()).value?.length ?? 0;
    await drained;
    stream.end();
    expect((await reader.read()).done).toBe(true);
    expect(bytes).toBe(120_000);
    expect(application.aborted).toEqual([]);
    const second = await handler(new Request('http://localhost/stream'));
    await second.body?.cancel();
    expect(application.aborted).toEqual(['/stream']);
    const controller = new AbortController();
    const waiting = handler(new Request('http://localhost/wait', { signal: controller.signal }));
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
    expect(application.aborted).toEqual(['/stream', '/wait']);
  });
});

describe('MCP', () => {
  let server: McpServer;

  test('a tool is called through Express', async () => {
    server = createMcpServer({ name: 'mounted', version: '1.0.0' }).tool('hello', () => 'hello');
    closers.push(() => server.close());
    const app = express();
    app.use(express.json());
    app.all('/mcp', server.toNodeHandler());
    const url = await bound(createServer(app as unknown as RequestListener));
    const meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    };
    const answer = await fetch(`${url}/mcp`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'tools/call',
        'mcp-name': 'hello',
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 7,
        method: 'tools/call',
        params: { name: 'hello', arguments: {}, _meta: meta },
      }),
    });
    expect(await answer.text()).toContain('"text":"hello"');
  });
});

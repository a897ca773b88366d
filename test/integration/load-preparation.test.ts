/** What a load finds out about a server before it begins, against servers of every era. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createRpcServer, createServer } from '../../src/index.js';
import { detectEra } from '../../src/workbench/load/era.js';
import { generateLoad } from '../../src/workbench/load/javascript/generator.js';
import type { LoadTarget } from '../../src/workbench/load/load-plan.js';
import { type LoadRequest, prepareLoad } from '../../src/workbench/load/prepare.js';
import { closeHttp, listenHttp, sdk1Http, sdk2Http } from './http-client-servers.js';
import { mixedServer, resultLine, serveLines } from './load-support.js';

const everything = fileURLToPath(
  new URL(
    join('..', '..', 'node_modules', '@modelcontextprotocol', 'server-everything', 'dist', 'index.js'),
    import.meta.url,
  ),
);

/** Prepared for the server that listens at the URL. */
async function prepared(
  url: string,
  request: Omit<LoadRequest, 'target'> & { readonly target?: Partial<LoadTarget> } = {},
) {
  const server = mixedServer();
  const listener = await server.listen(url);
  try {
    return await prepareLoad({ ...request, target: { url: listener.url, ...request.target } });
  } finally {
    await server.close({ drainTimeoutMs: 0 });
  }
}

describe('prepareLoad', () => {
  it('takes the mix of a modern server by itself', async () => {
    const plan = await prepared('tcp://127.0.0.1:0');
    expect(plan).toMatchObject({ era: 'modern', connections: 8, depth: 16, warmupSeconds: 1, seconds: 10 });
    expect(plan.operations).toEqual([
      { name: 'read', weight: 0.7, method: 'resources/read', params: { uri: 'bench://hello' } },
      {
        name: 'call',
        weight: 0.2,
        method: 'tools/call',
        params: { name: 'echo', arguments: { text: 'hello world' } },
      },
      {
        name: 'subscribe',
        weight: 0.1,
        method: 'subscriptions/listen',
        params: { notifications: { resourceSubscriptions: ['bench://hello'] } },
        expect: 'subscription',
      },
    ]);
  });

  it('shapes a load after its transport', async () => {
    const http = await prepared('http://127.0.0.1:0/mcp', { mix: 'echo', textBytes: 1000, text: 'utf8' });
    expect(http).toMatchObject({ connections: 32, depth: 1 });
    const { arguments: given } = http.operations[0].params as { arguments: { text: string } };
    expect(Buffer.byteLength(given.text)).toBe(1000);
    const open = await prepared('ws://127.0.0.1:0/mcp', { mix: 'list', rate: 100, connections: 3 });
    expect(open).toMatchObject({ connections: 3, rate: 100, operations: [{ method: 'tools/list' }] });
    expect(open.depth).toBeUndefined();
    const listed = await prepared('tcp://127.0.0.1:0', { mix: 'ping' });
    expect(listed.operations).toEqual([{ name: 'ping', weight: 1, method: 'server/discover', params: {} }]);
  });

  it('serves sessions of older revisions over HTTP, and names what such a server lacks', async () => {
    const server = await sdk1Http({ stateful: true });
    try {
      const target = { url: server.url };
      expect(await detectEra(target)).toMatchObject({ era: 'legacy', protocolVersion: '2025-11-25' });
      const plan = await prepareLoad({ target, mix: 'echo', connections: 1, warmupSeconds: 0, seconds: 0.1 });
      expect(await generateLoad(plan)).toMatchObject({ errors: 0 });
      await expect(prepareLoad({ target, mix: 'mcp' })).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining('offers no resources'),
      });
      // A mix that nobody asked for leaves out what the server lacks.
      expect((await prepareLoad({ target })).operations).toMatchObject([{ name: 'call' }]);
      await expect(prepareLoad({ target, mix: 'subscribe' })).rejects.toThrow('offers no subscriptions');
      await expect(prepareLoad({ target, tool: 'ecko' })).rejects.toThrow('Did you mean "echo"?');
    } finally {
      await server.close();
    }
  });

  it('knows a modern server of the official SDK', async () => {
    const server = await sdk2Http();
    try {
      expect(await detectEra({ url: server.url })).toMatchObject({
        era: 'modern',
        protocolVersion: '2026-07-28',
      });
    } finally {
      await server.close();
    }
  });

  it('loads an official server on stdio with the mix of its era', async () => {
    const target = { command: [process.execPath, everything] };
    const plan = await prepareLoad({ target, warmupSeconds: 0, seconds: 0.2 });
    expect(plan).toMatchObject({ era: 'legacy', connections: 1, depth: 64 });
    expect(plan.operations.map(({ method }) => method)).toEqual([
      'resources/read',
      'tools/call',
      'resources/subscribe',
    ]);
    const report = await generateLoad(plan);
    expect(report).toMatchObject({ transport: 'stdio', errors: 0 });
    expect(report.messages).toBeGreaterThan(10);
    if (process.platform === 'linux') expect(report.rssMb).toBeGreaterThan(20);
  });

  it('takes JSON-RPC alone for what it is', async () => {
    const server = createRpcServer().method('add', () => 2);
    const { url } = await server.listen('tcp://127.0.0.1:0');
    try {
      const target = { url };
      expect(await detectEra(target)).toEqual({ era: 'none', capabilities: {} });
      const plan = await prepareLoad({ target, method: 'add', params: { a: 1 } });
      expect(plan).toMatchObject({
        era: 'none',
        operations: [{ name: 'add', method: 'add', params: { a: 1 } }],
      });
      await expect(prepareLoad({ target, mix: 'read' })).rejects.toThrow('speaks JSON-RPC without MCP');
    } finally {
      await server.close();
    }
  });

  it('calls no tool that may change something unless it is named', async () => {
    const server = createServer({ name: 'careful', version: '1.0.0' });
    const calls: string[] = [];
    const string = { type: 'string' } as const;
    server.tool('delete_all', () => {
      calls.push('delete_all');
      return '';
    });
    const { url } = await server.listen('tcp://127.0.0.1:0');
    const target = { url };
    try {
      await expect(prepareLoad({ target, mix: 'call' })).rejects.toThrow(/offers the tools delete_all; none/);
      expect(calls).toEqual([]);
      server.tool(
        'find',
        {
          annotations: { readOnlyHint: true },
          inputSchema: {
            type: 'object',
            properties: {
              kind: { type: 'string', enum: ['a', 'b'] },
              limit: { type: 'integer', minimum: 3 },
              query: string,
              more: string,
            },
            required: ['kind', 'limit', 'query'],
          },
        },
        (args) => JSON.stringify(args),
      );
      const { operations } = await prepareLoad({ target, mix: 'call' });
      expect(operations[0].params).toEqual({
        name: 'find',
        arguments: { kind: 'a', limit: 3, query: 'hello world' },
      });
      await expect(prepareLoad({ target, tool: 'find', arguments: { kind: 'z' } })).resolves.toBeDefined();
    } finally {
      await server.close();
    }
  });

  it('finds the era of servers that end at what they do not know', async () => {
    let connections = 0;
    const server = serveLines(({ id, method }, socket) => {
      if (method === 'server/discover') {
        connections += 1;
        socket.destroy();
      } else if (method === 'initialize')
        socket.write(resultLine(id, { protocolVersion: '2024-11-05', capabilities: {} }));
    });
    const { url, close } = await server;
    try {
      expect(await detectEra({ url })).toMatchObject({ era: 'legacy', protocolVersion: '2024-11-05' });
      expect(connections).toBe(1);
    } finally {
      await close();
    }
  });

  it('says what is no server of MCP, and what wants a token', async () => {
    let status = 404;
    const { server, origin } = await listenHttp((_request, response) => {
      response.writeHead(status, { 'content-type': 'text/html' }).end('<p>No</p>');
    });
    const url = `${origin}/mcp`;
    await expect(prepareLoad({ target: { url } })).rejects.toMatchObject({
      code: 'PROTOCOL_VERSION',
      message: expect.stringContaining('neither server/discover nor initialize of MCP: HTTP 404: <p>No</p>'),
    });
    status = 401;
    await expect(prepareLoad({ target: { url } })).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
    status = 503;
    await expect(prepareLoad({ target: { url } })).rejects.toMatchObject({ code: 'HTTP_STATUS' });
    await closeHttp(server);
    await expect(prepareLoad({ target: { url } })).rejects.toMatchObject({ code: 'CONNECTION_REFUSED' });
  });
});

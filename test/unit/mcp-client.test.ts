/** How the client finds out what a server speaks, and what it makes of odd answers. */
import { afterEach, describe, expect, it } from 'vitest';
import { RpcError } from '../../src/errors.js';
import { connect, type McpClient } from '../../src/mcp/index.js';
import { createRpcServer, type RpcServer } from '../../src/rpc/server.js';

const cleanup: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const each of cleanup.splice(0).reverse()) await each();
});

let names = 0;

async function listening(server: RpcServer): Promise<string> {
  const url = `memory:client-${++names}`;
  await server.listen(url);
  cleanup.push(() => server.close({ drainTimeoutMs: 0 }));
  return url;
}

async function connected(...args: Parameters<typeof connect>): Promise<McpClient> {
  const client = await connect(...args);
  cleanup.push(() => client.close());
  return client;
}

const legacyResult = {
  protocolVersion: '2025-06-18',
  capabilities: {},
  serverInfo: { name: 'old', version: '1' },
};

function legacyServer(): RpcServer {
  return createRpcServer().method('initialize', () => legacyResult);
}

describe('the probe', () => {
  it.each([-32601, -32602, -32600, -32000, -32603, 0])(
    'takes a server that answers %i for a legacy one',
    async (code) => {
      const server = legacyServer().method('server/discover', () => {
        throw new RpcError(code, 'what?');
      });
      const client = await connected(await listening(server));
      expect([client.era, client.protocolVersion, client.serverInfo?.name]).toEqual([
        'legacy',
        '2025-06-18',
        'old',
      ]);
    },
  );

  it('takes a server that does not answer in time for a legacy one', async () => {
    const server = legacyServer().method('server/discover', () => new Promise(() => {}));
    const client = await connected(await listening(server), { probeTimeoutMs: 20 });
    expect(client.era).toBe('legacy');
  });

  it('asks a silent server that refuses initialize once more: it may have been slow to start', async () => {
    let probes = 0;
    const server = createRpcServer()
      .method('server/discover', () =>
        ++probes === 1 ? new Promise(() => {}) : { supportedVersions: ['2026-07-28'], capabilities: {} },
      )
      .method('initialize', () => {
        throw new RpcError(-32601, 'what?');
      });
    const client = await connected(await listening(server), { probeTimeoutMs: 1_000 });
    expect([client.era, probes]).toEqual(['modern', 2]);
  });

  it('takes a server that answers something else for a legacy one', async () => {
    const server = legacyServer().method('server/discover', () => ({ ok: true }));
    expect((await connected(await listening(server))).era).toBe('legacy');
  });

  it('connects again to a server that ends at the probe', async () => {
    const server = legacyServer().method('server/discover', (_params, { connection }) => {
      connection.transport.destroy();
    });
    expect((await connected(await listening(server))).era).toBe('legacy');
  });

  it('does not fall back at a modern server without a common version', async () => {
    let initialized = 0;
    const server = createRpcServer()
      .method('initialize', () => {
        initialized++;
        return legacyResult;
      })
      .method('server/discover', () => {
        throw new RpcError(-32022, 'no', { supported: ['2031-01-01'], requested: '2026-07-28' });
      });
    await expect(connect(await listening(server))).rejects.toMatchObject({
      code: 'PROTOCOL_VERSION',
      message: expect.stringContaining('2031-01-01'),
    });
    expect(initialized).toBe(0);
  });

  it('is not made where the era is given', async () => {
    let probes = 0;
    const server = legacyServer().method('server/discover', () => {
      probes++;
      return {};
    });
    const url = await listening(server);
    await connected(url, { era: 'legacy' });
    expect(probes).toBe(0);
    await expect(connect(url, { era: 'modern' })).rejects.toMatchObject({ code: 'PROTOCOL_VERSION' });
    const ended = createRpcServer().method('server/discover', (_params, { connection }) => {
      connection.transport.destroy();
    });
    await expect(connect(await listening(ended), { era: 'modern' })).rejects.toMatchObject({
      code: 'CONNECTION_CLOSED',
    });
  });

  it('does not take a legacy version that we do not speak', async () => {
    const server = createRpcServer().method('initialize', () => ({
      ...legacyResult,
      protocolVersion: '2020-01-01',
    }));
    await expect(connect(await listening(server))).rejects.toMatchObject({ code: 'PROTOCOL_VERSION' });
  });
});

function modernServer(): RpcServer {
  return createRpcServer().method('server/discover', () => ({
    resultType: 'complete',
    supportedVersions: ['2026-07-28'],
    capabilities: {},
  }));
}

describe('requests', () => {
  it('carry the metadata and accept results without a resultType', async () => {
    let meta: unknown;
    const server = modernServer().method('tools/call', (_params, context) => {
      meta = context.meta;
      return { content: [] };
    });
    const client = await connected(await listening(server), {
      clientInfo: { name: 'me', version: '2' },
      onRoots: () => [],
    });
    expect(await client.callTool('x')).toEqual({ content: [] });
    expect(meta).toEqual({
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'me', version: '2' },
      'io.modelcontextprotocol/clientCapabilities': { roots: {} },
    });
  });

  it('reject results of a type that is unknown or out of place', async () => {
    const server = modernServer()
      .method('tools/call', () => ({ resultType: 'surprise' }))
      .method('tools/list', () => ({ resultType: 'input_required', requestState: 'x' }));
    const client = await connected(await listening(server));
    await expect(client.callTool('x')).rejects.toMatchObject({ code: 'FRAME_INVALID' });
    await expect(client.listTools()).rejects.toMatchObject({ code: 'FRAME_INVALID' });
  });

  it('send the state back untouched, and none where there was none', async () => {
    const seen: unknown[] = [];
    const states = ['{"not":"ours"}', undefined];
    const server = modernServer().method<Record<string, unknown>>('tools/call', (params) => {
      const { _meta, ...rest } = params;
      seen.push(rest);
      if (seen.length > 2) return { resultType: 'complete', content: [] };
      return {
        resultType: 'input_required',
        inputRequests: { [`k${seen.length}`]: { method: 'roots/list' } },
        ...(states[seen.length - 1] !== undefined && { requestState: states[seen.length - 1] }),
      };
    });
    const client = await connected(await listening(server), { onRoots: () => [] });
    await client.callTool('x', { a: 1 });
    const base = { name: 'x', arguments: { a: 1 } };
    expect(seen).toEqual([
      base,
      { ...base, inputResponses: { k1: { roots: [] } }, requestState: states[0] },
      { ...base, inputResponses: { k2: { roots: [] } } },
    ]);
  });

  it('follow an empty cursor and stop at a repeated one', async () => {
    const cursors: unknown[] = [];
    const server = modernServer()
      .method<{ cursor?: string }>('tools/list', ({ cursor }) => {
        cursors.push(cursor);
        return { tools: [], ...(cursor === undefined && { nextCursor: '' }) };
      })
      .method('prompts/list', () => ({ prompts: [], nextCursor: 'again' }));
    const client = await connected(await listening(server));
    await client.listTools();
    expect(cursors).toEqual([undefined, '']);
    await expect(client.listPrompts()).rejects.toMatchObject({ code: 'FRAME_INVALID' });
  });

  it('fail when the connection is lost, are not repeated, and the next one connects again', async () => {
    let calls = 0;
    const server = modernServer().method('tools/call', (_params, { connection }) => {
      calls++;
      if (calls === 1) connection.transport.destroy();
      return { content: [] };
    });
    const client = await connected(await listening(server));
    await expect(client.callTool('x')).rejects.toMatchObject({ retryable: true });
    await client.closed;
    expect(calls).toBe(1);
    expect(await client.callTool('x')).toEqual({ content: [] });
  });
});

describe('answers that make no sense', () => {
  it('are errors with a code, not crashes', async () => {
    const server = modernServer()
      .method('tools/list', () => ({ tools: 'none' }))
      .method('prompts/list', () => null);
    const client = await connected(await listening(server));
    await expect(client.listTools()).rejects.toMatchObject({ code: 'FRAME_INVALID' });
    await expect(client.listPrompts()).rejects.toMatchObject({ code: 'FRAME_INVALID' });
  });

  it('to notifications do not stop the client', async () => {
    const server = modernServer();
    const client = await connected(await listening(server));
    const [peer] = server.connections;
    for (const method of [
      'notifications/subscriptions/acknowledged',
      'notifications/tools/list_changed',
      'notifications/resources/updated',
      'notifications/cancelled',
      'notifications/progress',
      'notifications/message',
    ])
      for (const params of [
        undefined,
        [],
        {},
        { _meta: null },
        { _meta: { 'io.modelcontextprotocol/subscriptionId': {} } },
      ])
        peer.notify(method, params);
    await client.discover();
  });
});

describe('the era found before', () => {
  it('is asked for again when it fails', async () => {
    const url = `memory:client-${++names}`;
    const old = legacyServer();
    await old.listen(url);
    const client = await connected(url);
    expect(client.era).toBe('legacy');
    await old.close({ drainTimeoutMs: 0 });
    await client.closed;
    const young = modernServer();
    await young.listen(url);
    cleanup.push(() => young.close({ drainTimeoutMs: 0 }));
    await client.discover();
    expect(client.era).toBe('modern');
  });
});

describe('targets', () => {
  it('are tried in order; the last error carries the others', async () => {
    const url = await listening(modernServer());
    expect((await connected(['memory:nobody-here', url])).era).toBe('modern');
    await expect(connect(['memory:nobody-here', 'memory:nor-here'])).rejects.toMatchObject({
      code: 'CONNECTION_REFUSED',
      cause: { code: 'CONNECTION_REFUSED' },
    });
    await expect(connect([])).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

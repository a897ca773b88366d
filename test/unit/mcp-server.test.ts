/** What a server is beyond its methods: listeners, interceptors, batches, and what faster layers build on. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { connect, createServer, type McpServer } from '../../src/mcp/index.js';
import { connectTransport } from '../../src/transports/open.js';
import type { Transport } from '../../src/transports/transport.js';
import { meta, type Served, serve } from './mcp-support.js';

const cleanup: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const each of cleanup.splice(0).reverse()) await each();
});

function echo(): McpServer {
  const server = createServer({ name: 'echo', version: '1' }).tool(
    'echo',
    { inputSchema: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] } },
    ({ text }) => text,
  );
  cleanup.push(() => server.close({ drainTimeoutMs: 0 }));
  return server;
}

async function served(server: McpServer): Promise<Served> {
  const result = await serve(server);
  cleanup.push(() => result.close());
  return result;
}

describe('listen', () => {
  it.each(['twin', 'auto'] as const)('serves several endpoints at once (%s)', async (implementation) => {
    const folder = await mkdtemp(join(tmpdir(), 'ringwire-'));
    cleanup.push(() => rm(folder, { recursive: true }));
    const urls = ['tcp://127.0.0.1:0', `unix:${join(folder, 's')}`, `memory:several-${implementation}`];
    const listeners = await echo().listen(urls, { implementation });
    expect(listeners).toHaveLength(3);
    for (const { url } of listeners)
      for (const era of ['modern', 'legacy'] as const) {
        const client = await connect(url, { era, transport: { implementation } });
        const calls = Array.from({ length: 50 }, (_, index) =>
          client.callTool('echo', { text: `é${index}` }),
        );
        const texts = (await Promise.all(calls)).map(({ content }) => (content[0] as { text: string }).text);
        expect(texts).toEqual(Array.from({ length: 50 }, (_, index) => `é${index}`));
        await client.close();
      }
  });

  it('closes the others where one endpoint fails', async () => {
    const server = echo();
    await expect(server.listen(['memory:half', 'tcp://256.0.0.1:1'])).rejects.toMatchObject({
      name: 'RingwireError',
    });
    await expect(connect('memory:half')).rejects.toMatchObject({ code: 'CONNECTION_REFUSED' });
  });
});

/** Sends lines as they are and collects the answers. */
async function wire(
  url: string,
): Promise<{ send(line: string): void; next(): Promise<unknown>; nextText(): Promise<string> }> {
  const transport: Transport = await connectTransport(url);
  const answers: string[] = [];
  let wake = () => {};
  transport.start({
    onFrame: (frame) => {
      answers.push(frame.toString());
      wake();
    },
    onClose: () => {},
  });
  cleanup.push(() => transport.close());
  const nextText = async () => {
    while (answers.length === 0)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    return answers.shift() as string;
  };
  return {
    send: (line) => void transport.send(line),
    nextText,
    next: async () => JSON.parse(await nextText()),
  };
}

const initialize = (protocolVersion: string) =>
  JSON.stringify({
    jsonrpc: '2.0',
    id: 'init',
    method: 'initialize',
    params: { protocolVersion, capabilities: {}, clientInfo: { name: 'b', version: '1' } },
  });

describe('batches', () => {
  const batch =
    '[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo","arguments":{"text":"x"}}}]';

  it('are served in 2025-03-26', async () => {
    const { send, next } = await wire((await served(echo())).url);
    send(initialize('2025-03-26'));
    await next();
    send(batch);
    const answers = (await next()) as { id: number }[];
    expect(answers.map(({ id }) => id).sort()).toEqual([1, 2]);
  });

  it.each(['2024-11-05', '2025-06-18', '2025-11-25'])('are refused in %s', async (version) => {
    const { send, next } = await wire((await served(echo())).url);
    send(initialize(version));
    await next();
    send(batch);
    expect(await next()).toMatchObject({ error: { code: -32600 } });
  });
});

describe('ids', () => {
  it('come back byte for byte, also as subscription ids', async () => {
    const { send, nextText } = await wire((await served(echo())).url);
    const id = '12345678901234567890';
    const params = JSON.stringify({ notifications: { toolsListChanged: true }, _meta: meta() });
    send(`{"jsonrpc":"2.0","id":${id},"method":"subscriptions/listen","params":${params}}`);
    expect(await nextText()).toContain(`"io.modelcontextprotocol/subscriptionId":${id}}`);
  });
});

describe('interceptors and plain methods', () => {
  it('stand beside MCP', async () => {
    const server = echo();
    expect(server.hasInterceptors).toBe(false);
    const seen: string[] = [];
    server
      .use((call, next) => {
        seen.push(call.method);
        const result = next(call);
        if (call.method === 'tools/call') expect(result).toMatchObject({ content: [{ text: 't' }] });
        return result;
      })
      .method<{ a: number }>('math/double', ({ a }) => a * 2);
    expect(server.hasInterceptors).toBe(true);
    const { client } = await served(server);
    const connected = await client();
    expect(await connected.callTool('echo', { text: 't' })).toMatchObject({ content: [{ text: 't' }] });
    const raw = await (await serve(server)).raw();
    expect(await raw.request('math/double', { a: 4 })).toBe(8);
    await raw.close();
    expect(seen).toEqual(['server/discover', 'tools/call', 'math/double']);
  });
});

describe('what faster layers build on', () => {
  it('preparedResources are what resources/read answers', async () => {
    const server = echo()
      .resource('a:fixed', { mimeType: 'text/plain' }, 'text')
      .resource('a:made', {}, () => 'other');
    const prepared = server.preparedResources();
    expect([...prepared.keys()]).toEqual(['a:fixed']);
    const raw = await (await served(server)).raw();
    expect(await raw.request('resources/read', { uri: 'a:fixed', _meta: meta() })).toEqual(
      JSON.parse(prepared.get('a:fixed') as string),
    );
  });
});

describe('a modern server that misbehaves', () => {
  it('gets nothing out of the client by sending requests', async () => {
    const server = echo();
    let asked = 0;
    const { client } = await served(server);
    const connected = await client({
      onRoots: () => {
        asked++;
        return [];
      },
    });
    const [peer] = server.rpc.connections;
    await expect(peer.request('roots/list', {})).rejects.toMatchObject({ rpcCode: -32601 });
    expect([connected.era, asked]).toEqual(['modern', 0]);
  });
});

/** Our client against official servers of both SDK lines over HTTP. */
import { afterEach, describe, expect, it } from 'vitest';
import { type ConnectOptions, connect, type McpClient } from '../../src/mcp/index.js';
import { type HttpServed, sdk1Http, sdk1Sse, sdk2Http, stopped } from './http-client-servers.js';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function client(served: HttpServed, options?: ConnectOptions): Promise<McpClient> {
  const connected = await connect(served.url, options);
  cleanups.push(() => connected.close());
  return connected;
}

async function serve<Served extends HttpServed>(opening: Promise<Served>): Promise<Served> {
  const served = await opening;
  cleanups.push(served.close);
  return served;
}

const said = (result: unknown): unknown => (result as { content: { text: string }[] }).content[0].text;

const servers: readonly [string, 'legacy' | 'modern', () => Promise<HttpServed>][] = [
  ['SDK 1.x with sessions', 'legacy', () => sdk1Http({ stateful: true })],
  ['SDK 1.x with sessions and JSON answers', 'legacy', () => sdk1Http({ stateful: true, json: true })],
  ['SDK 1.x with sessions that resume', 'legacy', () => sdk1Http({ stateful: true, resumable: true })],
  ['SDK 1.x without sessions', 'legacy', () => sdk1Http({ stateful: false })],
  ['SDK 1.x over HTTP+SSE', 'legacy', () => sdk1Sse()],
  ['SDK 2.x', 'modern', () => sdk2Http()],
  ['SDK 2.x that always streams', 'modern', () => sdk2Http({ responseMode: 'sse' })],
];

describe.each(servers)('%s', (name, era, open) => {
  it('is called, listed and left', async () => {
    const served = await serve(open());
    const mcp = await client(served);
    expect(mcp.era).toBe(era);
    expect(mcp.serverInfo?.name).toBe(era === 'modern' ? 'sdk2' : 'sdk1');
    expect(said(await mcp.callTool('echo', { text: 'héllo 世界' }))).toBe('héllo 世界');
    expect((await mcp.listTools()).map((tool) => tool.name)).toContain('echo');
    const many = await Promise.all(
      Array.from({ length: 20 }, (_, index) => mcp.callTool('echo', { text: String(index) })),
    );
    expect(many.map(said)).toEqual(Array.from({ length: 20 }, (_, index) => String(index)));
    await mcp.ping();
    await mcp.close();
  });

  it.skipIf(name.includes('JSON'))('reports progress', async () => {
    const mcp = await client(await serve(open()));
    const seen: number[] = [];
    const result = await mcp.callTool('count', {}, { onProgress: ({ progress }) => seen.push(progress) });
    expect(said(result)).toBe('counted');
    expect(seen).toEqual([1, 2, 3]);
  });

  it.skipIf(name.includes('without sessions') || name.includes('JSON'))('asks its client', async () => {
    const mcp = await client(await serve(open()), {
      onElicitation: ({ message }) => ({ action: 'accept', content: { name: `Ada of ${message}` } }),
    });
    expect(said(await mcp.callTool('ask'))).toBe('{"name":"Ada of Who?"}');
  });

  it.skipIf(name.includes('without sessions') || name.includes('JSON'))(
    'is told of a cancellation',
    async () => {
      const mcp = await client(await serve(open()));
      stopped.length = 0;
      const stop = new AbortController();
      const started =
        era === 'modern'
          ? new Promise<void>((resolve) => {
              void mcp
                .callTool('wait', {}, { signal: stop.signal, onProgress: () => resolve() })
                .catch((error: unknown) => outcomes.push(error));
            })
          : new Promise<void>((resolve) => {
              mcp.onLog(() => resolve());
              void mcp
                .callTool('wait', {}, { signal: stop.signal })
                .catch((error: unknown) => outcomes.push(error));
            });
      const outcomes: unknown[] = [];
      await started;
      stop.abort();
      await expect.poll(() => stopped.length).toBe(1);
      expect(outcomes).toMatchObject([{ code: 'CANCELLED' }]);
    },
  );
});

describe('changes', () => {
  it('of an SDK 2.x server come by a subscription', async () => {
    const served = await serve(sdk2Http());
    const mcp = await client(served);
    const subscription = await mcp.listen({ toolsListChanged: true });
    expect(subscription.accepted).toEqual({ toolsListChanged: true });
    served.toolsChanged();
    for await (const event of subscription) {
      expect(event).toEqual({ type: 'toolsListChanged' });
      break;
    }
  });

  it.each([
    ['sessions', () => sdk1Http({ stateful: true })],
    ['HTTP+SSE', () => sdk1Sse()],
  ])('of an SDK 1.x server with %s come by the stream of the server', async (_name, open) => {
    const mcp = await client(await serve<HttpServed>(open()));
    const subscription = await mcp.listen({ toolsListChanged: true });
    await mcp.callTool('grow');
    for await (const event of subscription) {
      expect(event).toEqual({ type: 'toolsListChanged' });
      break;
    }
  });
});

/** Our client against our server by every way that leads over HTTP: engines, WebSocket, TLS, HTTP/2; in both eras. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ConnectOptions, connect, type McpClient } from '../../src/mcp/index.js';
import type { TransportOptions } from '../../src/transports/transport.js';
import { Authority, type Pair } from './certificates.js';
import { type Fixture, httpFixture } from './http-fixture.js';

let authority: Authority;
let pair: Pair;
beforeAll(() => {
  authority = new Authority();
  pair = authority.issue('localhost', 'DNS:localhost,IP:127.0.0.1');
});
afterAll(() => authority.remove());

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Way {
  readonly url: string;
  readonly server?: TransportOptions;
  readonly client?: TransportOptions;
  /** Under TLS. */
  readonly isSecure?: boolean;
  readonly isHttp: boolean;
}

const ways: Readonly<Record<string, Way>> = {
  'http on node': { url: 'http://127.0.0.1:0/mcp', server: { http: { engine: 'node' } }, isHttp: true },
  'http on uws': { url: 'http://127.0.0.1:0/mcp', server: { http: { engine: 'uws' } }, isHttp: true },
  'ws on node': { url: 'ws://127.0.0.1:0/mcp', server: { http: { engine: 'node' } }, isHttp: false },
  'ws on uws': { url: 'ws://127.0.0.1:0/mcp', server: { http: { engine: 'uws' } }, isHttp: false },
  'https by HTTP/2': { url: 'https://127.0.0.1:0/mcp', isSecure: true, isHttp: true },
  'https by HTTP/1.1': {
    url: 'https://127.0.0.1:0/mcp',
    client: { httpClient: { http2: false } },
    isSecure: true,
    isHttp: true,
  },
  wss: { url: 'wss://127.0.0.1:0/mcp', isSecure: true, isHttp: false },
  tls: { url: 'tls://127.0.0.1:0', isSecure: true, isHttp: false },
};

interface Open extends Fixture {
  readonly url: string;
  client(options?: ConnectOptions): Promise<McpClient>;
}

async function open(way: Way): Promise<Open> {
  const fixture = httpFixture();
  const tls = way.isSecure ? { cert: pair.cert, key: pair.key } : undefined;
  const listener = await fixture.server.listen(way.url, { ...way.server, tls });
  cleanups.push(() => fixture.server.close({ drainTimeoutMs: 0 }));
  const url = listener.url;
  return {
    ...fixture,
    url,
    client: async (options) => {
      const transport = { ...way.client, ...(way.isSecure && { tls: { ca: authority.cert } }) };
      const client = await connect(url, { transport, ...options });
      cleanups.push(() => client.close());
      return client;
    },
  };
}

const said = (result: unknown): unknown => (result as { content: { text: string }[] }).content[0].text;
const eras = ['modern', 'legacy'] as const;
const cases = Object.entries(ways).flatMap(([name, way]) => eras.map((era) => [name, era, way] as const));

describe.each(cases)('%s, %s', (_name, era, way) => {
  it('calls, lists, reads and gets', async () => {
    const client = await (await open(way)).client({ era });
    expect(client.era).toBe(era);
    expect(said(await client.callTool('echo', { text: 'héllo 世界' }))).toBe('héllo 世界');
    const large = 'x'.repeat(1_000_000);
    expect(said(await client.callTool('echo', { text: large }))).toBe(large);
    expect((await client.callTool('fail')).isError).toBe(true);
    expect((await client.listTools()).length).toBeGreaterThan(5);
    expect((await client.readResource('note://by/ada')).contents[0].text).toBe('note by ada');
    expect((await client.getPrompt('greet', { who: 'Ada' })).messages[0].content).toMatchObject({
      text: 'Greet Ada.',
    });
    await expect(client.request('no/such')).rejects.toMatchObject({ code: 'RPC_ERROR', rpcCode: -32601 });
    await client.ping();
  });

  it('keeps a hundred calls apart', async () => {
    const client = await (await open(way)).client({ era });
    const texts = Array.from({ length: 100 }, (_, index) => `text ${index}`);
    expect((await Promise.all(texts.map((text) => client.callTool('echo', { text })))).map(said)).toEqual(
      texts,
    );
  });

  it('reports progress and log messages, and answers what it is asked', async () => {
    const logs: unknown[] = [];
    const client = await (await open(way)).client({
      era,
      logLevel: 'info',
      onLog: ({ data }) => logs.push(data),
      onElicitation: () => ({ action: 'accept', content: { name: 'Ada' } }),
    });
    const steps: number[] = [];
    const result = await client.callTool(
      'work',
      {},
      {
        onProgress: ({ progress }) => {
          steps.push(progress);
          if (progress === 3) void client.callTool('continue_work');
        },
      },
    );
    expect(said(result)).toBe('done');
    expect(steps.at(-1)).toBe(3);
    expect(logs).toEqual(['working']);
    expect(said(await client.callTool('ask'))).toBe('Hello Ada');
  });

  it('cancels', async () => {
    const { client, holding, cancelled } = await open(way);
    const mcp = await client({ era });
    const stop = new AbortController();
    const held = mcp.callTool('hold', {}, { signal: stop.signal });
    await holding();
    stop.abort();
    await expect(held).rejects.toMatchObject({ code: 'CANCELLED' });
    await cancelled();
    expect(said(await mcp.callTool('echo', { text: 'alive' }))).toBe('alive');
  });

  it('is told of changes until it has heard enough', async () => {
    const mcp = await (await open(way)).client({ era });
    const subscription = await mcp.listen({ toolsListChanged: true, resourceSubscriptions: ['note://one'] });
    await mcp.callTool('grow');
    const seen: string[] = [];
    for await (const event of subscription) {
      seen.push(event.type);
      if (seen.length === 2) break;
    }
    expect(seen.sort()).toEqual(['resourceUpdated', 'toolsListChanged']);
  });
});

describe('https', () => {
  it('refuses a certificate that nobody vouches for', async () => {
    const { url } = await open(ways['https by HTTP/2']);
    await expect(connect(url)).rejects.toMatchObject({ code: 'TLS_FAILED' });
    await expect(connect(url.replace('https', 'wss'))).rejects.toMatchObject({ code: 'TLS_FAILED' });
  });
});

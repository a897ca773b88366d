/** The official clients of both SDK lines over our HTTP client transport, against official servers and ours. */
import { Client as Client2 } from '@modelcontextprotocol/client';
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, describe, expect, it } from 'vitest';
import { clientTransport, createServer } from '../../src/index.js';
import {
  closeHttp,
  type HttpServed,
  listenHttp,
  sdk1Http,
  sdk1Sse,
  sdk2Http,
  stopped,
} from './http-client-servers.js';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const info = { name: 'official', version: '1' };
const capabilities = { elicitation: {} };
const accepted = { action: 'accept' as const, content: { name: 'Ada' } };

async function line1(url: string): Promise<Client1> {
  const client = new Client1(info, { capabilities });
  client.setRequestHandler(ElicitRequestSchema, async () => accepted);
  await client.connect(clientTransport(url));
  cleanups.push(() => client.close());
  return client;
}

async function line2(url: string): Promise<Client2> {
  const client = new Client2(info, { capabilities, versionNegotiation: { mode: 'auto' } });
  client.setRequestHandler('elicitation/create', async () => accepted);
  await client.connect(clientTransport(url));
  cleanups.push(() => client.close());
  return client;
}

async function serve(opening: Promise<HttpServed>): Promise<HttpServed> {
  const served = await opening;
  cleanups.push(served.close);
  return served;
}

async function ours(): Promise<HttpServed> {
  const server = createServer({ name: 'ours', version: '1' });
  server.tool('echo', {}, (args) => String(args.text));
  server.tool('count', {}, (_args, context) => {
    for (let progress = 1; progress <= 3; progress++) context.progress(progress, 3);
    return 'counted';
  });
  const listener = await server.listen('http://127.0.0.1:0/mcp', { http: { engine: 'node' } });
  return {
    url: listener.url,
    seen: [],
    forget: async () => {},
    close: () => server.close({ drainTimeoutMs: 0 }),
  };
}

const servers: readonly [string, () => Promise<HttpServed>][] = [
  ['SDK 1.x with sessions', () => sdk1Http({ stateful: true })],
  ['SDK 1.x without sessions', () => sdk1Http({ stateful: false })],
  ['SDK 1.x over HTTP+SSE', sdk1Sse],
  ['SDK 2.x', () => sdk2Http()],
  ['our server', ours],
];

const said = (result: unknown): unknown => (result as { content: { text: string }[] }).content[0].text;
const official = { 'client 1.x': line1, 'client 2.x': line2 };

describe.each(servers)('%s', (name, open) => {
  it.each(Object.entries(official))('is called by the %s', async (_line, connect) => {
    const client = await connect((await serve(open())).url);
    const call = (tool: string, args: Record<string, unknown>) =>
      client.callTool({ name: tool, arguments: args });
    expect(said(await call('echo', { text: 'héllo 世界' }))).toBe('héllo 世界');
    const { tools } = await client.listTools();
    expect(tools.map((tool) => tool.name)).toContain('echo');
    const many = await Promise.all(
      Array.from({ length: 10 }, (_, index) => call('echo', { text: `${index}` })),
    );
    expect(many.map(said)).toEqual(Array.from({ length: 10 }, (_, index) => `${index}`));
  });

  it.skipIf(name === 'our server' || name.includes('without'))('asks the client of both lines', async () => {
    const { url } = await serve(open());
    for (const connect of Object.values(official)) {
      // A 1.x client speaks to a 2.x server without sessions, where nobody can be asked.
      if (connect === line1 && name === 'SDK 2.x') continue;
      const client = await connect(url);
      expect(said(await client.callTool({ name: 'ask', arguments: {} }))).toBe('{"name":"Ada"}');
    }
  });
});

describe('a client of the 2.x line', () => {
  it('cancels by ending the answer, and mirrors arguments', async () => {
    const served = await serve(sdk2Http());
    const client = await line2(served.url);
    stopped.length = 0;
    const stop = new AbortController();
    const call = client.callTool(
      { name: 'wait', arguments: {} },
      { signal: stop.signal, onprogress: () => stop.abort() },
    );
    await expect(call).rejects.toThrow();
    await expect.poll(() => stopped).toEqual(['sdk2']);
    await client.listTools();
    expect(said(await client.callTool({ name: 'mirrored', arguments: { region: 'eu' } }))).toBe(
      'eu undefined',
    );
  });

  it('is told what HTTP says', async () => {
    const { server, origin } = await listenHttp((_request, response) => {
      response.writeHead(401, { 'www-authenticate': 'Bearer scope="tools"' }).end('who?');
    });
    cleanups.push(() => closeHttp(server));
    await expect(line2(`${origin}/mcp`)).rejects.toThrow(/401/);
    await expect(line1(`${origin}/mcp`)).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
      challenge: { scheme: 'Bearer', scope: 'tools' },
    });
  });
});

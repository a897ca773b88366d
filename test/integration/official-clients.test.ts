/** The official clients of both SDK lines against our server over HTTP, on both engines. */

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect as connectSocket, createServer as createProxy, type Socket } from 'node:net';
import {
  Client as Client2,
  StreamableHTTPClientTransport as Http2,
  SSEClientTransport as Sse2,
} from '@modelcontextprotocol/client';
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport as Sse1 } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport as Http1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { afterEach, describe, expect, it } from 'vitest';
import { memoryEventStore } from '../../src/mcp/index.js';
import { type Fixture, httpFixture } from './http-fixture.js';

const engines = ['uws', 'node'] as const;
type Engine = (typeof engines)[number];

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Served extends Fixture {
  readonly url: URL;
  readonly sseUrl: URL;
}

async function serve(engine: Engine): Promise<Served> {
  const fixture = httpFixture({ http: { eventStore: memoryEventStore(), retryMs: 10, legacySse: true } });
  const listener = await fixture.server.listen('http://127.0.0.1:0/mcp', { http: { engine } });
  cleanups.push(() => fixture.server.close({ drainTimeoutMs: 100 }));
  return { ...fixture, url: new URL(listener.url), sseUrl: new URL('/sse', listener.url) };
}

const accepted = { action: 'accept', content: { name: 'Ada' } } as const;
const answered = {
  role: 'assistant',
  model: 'none',
  content: { type: 'text', text: 'Paris' },
} as const;
const roots = [{ uri: 'file:///tmp/a' }, { uri: 'file:///tmp/b' }];
const capabilities = { elicitation: {}, sampling: {}, roots: {} };

async function sdk1(transport: Http1 | Sse1): Promise<Client1> {
  const client = new Client1({ name: 'sdk1', version: '1' }, { capabilities });
  client.setRequestHandler(ElicitRequestSchema, async () => accepted);
  client.setRequestHandler(CreateMessageRequestSchema, async () => answered);
  client.setRequestHandler(ListRootsRequestSchema, async () => ({ roots }));
  await client.connect(transport);
  cleanups.push(() => client.close());
  return client;
}

async function sdk2(transport: Http2 | Sse2, mode: 'legacy' | 'auto'): Promise<Client2> {
  const client = new Client2(
    { name: 'sdk2', version: '1' },
    { capabilities: { ...capabilities, elicitation: { form: {} } }, versionNegotiation: { mode } },
  );
  client.setRequestHandler('elicitation/create', async () => ({ ...accepted }));
  client.setRequestHandler('sampling/createMessage', async () => ({ ...answered }));
  client.setRequestHandler('roots/list', async () => ({ roots }));
  await client.connect(transport);
  cleanups.push(() => client.close());
  return client;
}

type Official = Client1 | Client2;

const clients: Readonly<Record<string, (served: Served) => Promise<Official>>> = {
  'SDK 1.x, Streamable HTTP': ({ url }) => sdk1(new Http1(url)),
  'SDK 1.x, HTTP+SSE': ({ sseUrl }) => sdk1(new Sse1(sseUrl)),
  'SDK 2.x, 2025-11-25': ({ url }) => sdk2(new Http2(url), 'legacy'),
  'SDK 2.x, HTTP+SSE': ({ sseUrl }) => sdk2(new Sse2(sseUrl), 'legacy'),
  'SDK 2.x, 2026-07-28': ({ url }) => sdk2(new Http2(url), 'auto'),
};

const each = engines.flatMap((engine) => Object.keys(clients).map((name) => [engine, name] as const));

async function start(engine: Engine, name: string): Promise<Served & { readonly client: Official }> {
  const served = await serve(engine);
  return { ...served, client: await clients[name](served) };
}

interface CallOptions {
  readonly onprogress?: (progress: { progress: number }) => void;
  readonly signal?: AbortSignal;
}

/** Calls a tool; SDK 1.x takes a schema before the options. */
async function call(
  client: Official,
  name: string,
  args: Record<string, unknown> = {},
  options: CallOptions = {},
): Promise<Record<string, unknown>> {
  const params = { name, arguments: args };
  return client instanceof Client1
    ? client.callTool(params, undefined, options)
    : client.callTool(params, options);
}

const text = (words: string) => [{ type: 'text', text: words }];

describe.each(each)('engine %s, %s', (engine, name) => {
  it('lists, calls, reads, gets and completes', async () => {
    const { client } = await start(engine, name);
    if (client instanceof Client2)
      expect(client.getProtocolEra()).toBe(name.endsWith('2026-07-28') ? 'modern' : 'legacy');
    expect(client.getServerVersion()).toMatchObject({ name: 'fixture', version: '1.0.0' });
    expect(client.getInstructions()).toBe('For tests.');
    expect((await client.listTools()).tools.map((tool) => tool.name)).toContain('echo');
    expect((await call(client, 'echo', { text: 'hé\n😀' })).content).toEqual(text('hé\n😀'));
    expect(await call(client, 'sum', { numbers: [1, 2] })).toMatchObject({ structuredContent: { sum: 3 } });
    expect(await call(client, 'fail')).toMatchObject({ isError: true });
    expect(await call(client, 'echo')).toMatchObject({ isError: true });
    await expect(call(client, 'none')).rejects.toMatchObject({ code: -32602 });
    expect((await client.listResources()).resources).toHaveLength(2);
    expect((await client.readResource({ uri: 'note://bytes' })).contents).toEqual([
      { uri: 'note://bytes', blob: 'AAH/' },
    ]);
    expect((await client.readResource({ uri: 'note://by/ada' })).contents[0]).toMatchObject({
      text: 'note by ada',
    });
    await expect(client.readResource({ uri: 'note://none' })).rejects.toThrow(/not found/i);
    expect((await client.listResourceTemplates()).resourceTemplates).toHaveLength(1);
    expect((await client.listPrompts()).prompts).toHaveLength(1);
    expect((await client.getPrompt({ name: 'greet', arguments: { who: 'Ada' } })).messages).toHaveLength(1);
    const completed = await client.complete({
      ref: { type: 'ref/resource', uri: 'note://by/{name}' },
      argument: { name: 'name', value: 'a' },
    });
    expect(completed.completion.values).toEqual(['ada']);
  });

  it('hears of progress while a call runs', async () => {
    const { client } = await start(engine, name);
    const heard: number[] = [];
    const others: Promise<unknown>[] = [];
    const done = await call(
      client,
      'work',
      {},
      {
        onprogress: ({ progress }) => {
          heard.push(progress);
          if (progress === 3) others.push(call(client, 'continue_work'));
        },
      },
    );
    await Promise.all(others);
    expect(done.content).toEqual(text('done'));
    expect(heard[0]).toBe(1);
    expect(heard.at(-1)).toBe(3);
  });

  it('is asked for input: a form, a sample, roots', async () => {
    const { client } = await start(engine, name);
    expect((await call(client, 'ask')).content).toEqual(text('Hello Ada'));
    expect((await call(client, 'think')).content).toEqual(text('Paris'));
    expect((await call(client, 'roots')).content).toEqual(text('file:///tmp/a file:///tmp/b'));
  });

  it('cancels a call, and the handler learns of it', async () => {
    const { client, holding, cancelled } = await start(engine, name);
    const abort = new AbortController();
    const held = call(client, 'hold', {}, { signal: abort.signal });
    const refused = expect(held).rejects.toThrow();
    await holding();
    abort.abort();
    await refused;
    await cancelled();
    expect((await call(client, 'echo', { text: 'still here' })).content).toEqual(text('still here'));
  });

  it('serves calls that run at once', async () => {
    const { client } = await start(engine, name);
    const calls = Array.from({ length: 20 }, (_, index) => call(client, 'echo', { text: String(index) }));
    const contents = (await Promise.all(calls)).map(({ content }) => content);
    expect(contents).toEqual(Array.from({ length: 20 }, (_, index) => text(String(index))));
  });
});

const legacy = each.filter(([, name]) => !name.includes('2026'));

describe.each(legacy)('engine %s, %s', (engine, name) => {
  it('hears of changes and updates on the session', async () => {
    const { client } = await start(engine, name);
    const changes: string[] = [];
    const heard = new Promise<void>((resolve) => {
      client.fallbackNotificationHandler = async ({ method }: { method: string }) => {
        changes.push(method);
        if (changes.length === 2) resolve();
      };
    });
    await client.subscribeResource({ uri: 'note://one' });
    await call(client, 'grow');
    await heard;
    expect(changes.sort()).toEqual(['notifications/resources/updated', 'notifications/tools/list_changed']);
  });

  it('gets log messages from the level it set', async () => {
    const { client } = await start(engine, name);
    const logs: unknown[] = [];
    const collect = ({ params }: { params: unknown }) => void logs.push(params);
    if (client instanceof Client1) client.setNotificationHandler(LoggingMessageNotificationSchema, collect);
    else client.setNotificationHandler('notifications/message', collect);
    const work = async (): Promise<void> => {
      const others: Promise<unknown>[] = [];
      const onprogress = ({ progress }: { progress: number }): void => {
        if (progress === 3) others.push(call(client, 'continue_work'));
      };
      await call(client, 'work', {}, { onprogress });
      await Promise.all(others);
    };
    await client.setLoggingLevel('error');
    await work();
    expect(logs).toEqual([]);
    await client.setLoggingLevel('info');
    await work();
    expect(logs).toEqual([{ level: 'info', data: 'working' }]);
  });
});

/** A way to the server that can be cut. */
async function breakable(to: URL): Promise<{ readonly url: URL; cut(): void }> {
  const sockets = new Set<Socket>();
  const proxy = createProxy((near) => {
    const far = connectSocket(Number(to.port), to.hostname);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket
        .on('error', () => {})
        .on('close', () => {
          sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
    }
    near.pipe(far).pipe(near);
  });
  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  cleanups.push(async () => {
    cut();
    await new Promise((resolve) => proxy.close(resolve));
  });
  const url = new URL(to);
  url.port = String((proxy.address() as AddressInfo).port);
  return { url, cut };
}

const reconnectionOptions = {
  initialReconnectionDelay: 20,
  maxReconnectionDelay: 100,
  reconnectionDelayGrowFactor: 1.5,
  maxRetries: 10,
};

describe.each(engines)('sessions on engine %s', (engine) => {
  it('resume a stream that the server cut in the middle of a call', async () => {
    const { url } = await serve(engine);
    const client = await sdk1(new Http1(url));
    expect((await call(client, 'cut')).content).toEqual(text('delivered later'));
  });

  it.each([
    ['SDK 1.x', (url: URL) => sdk1(new Http1(url, { reconnectionOptions }))],
    ['SDK 2.x', (url: URL) => sdk2(new Http2(url, { reconnectionOptions }), 'legacy')],
  ] as const)('resume a stream that the network cut in the middle of a call (%s)', async (_line, open) => {
    const { url } = await serve(engine);
    const way = await breakable(url);
    const [client, other] = await Promise.all([open(way.url), sdk1(new Http1(url))]);
    const heard: number[] = [];
    const others: Promise<unknown>[] = [];
    const done = await call(
      client,
      'work',
      {},
      {
        onprogress: ({ progress }) => {
          heard.push(progress);
          if (progress !== 3) return;
          way.cut();
          others.push(call(other, 'continue_work'));
        },
      },
    );
    await Promise.all(others);
    expect(done.content).toEqual(text('done'));
    expect(heard).toEqual([...new Set(heard)]);
  });

  it('end when the client ends them', async () => {
    const { url } = await serve(engine);
    const transport = new Http1(url);
    const client = await sdk1(transport);
    expect(transport.sessionId).toMatch(/^[\x21-\x7e]{16,}$/);
    const id = transport.sessionId ?? '';
    await transport.terminateSession();
    const late = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-session-id': id,
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
    });
    expect(late.status).toBe(404);
    await client.close();
  });

  it('are apart from each other', async () => {
    const { url } = await serve(engine);
    const [first, second] = await Promise.all([sdk1(new Http1(url)), sdk1(new Http1(url))]);
    await second.setLoggingLevel('info');
    const logs: unknown[] = [];
    first.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void logs.push(params));
    await first.setLoggingLevel('emergency');
    const others: Promise<unknown>[] = [];
    const onprogress = ({ progress }: { progress: number }): void => {
      if (progress === 3) others.push(call(second, 'continue_work'));
    };
    await call(second, 'work', {}, { onprogress });
    await Promise.all(others);
    await first.ping();
    expect(logs).toEqual([]);
  });
});

describe.each(engines)('headers of SDK 2.x, 2026-07-28, on engine %s', (engine) => {
  it.each(['eu', ' padded ', 'grüße', '', '=?base64?eA==?=', 'two\nlines'])('repeat %j', async (region) => {
    const { url } = await serve(engine);
    const sent: (string | null)[] = [];
    const observe: typeof fetch = (input, init) => {
      const headers = new Headers(init?.headers);
      if (headers.get('mcp-name') === 'place') sent.push(headers.get('mcp-param-count'));
      return fetch(input, init);
    };
    const client = await sdk2(new Http2(url, { fetch: observe }), 'auto');
    await client.listTools();
    expect((await call(client, 'place', { region, count: 42 })).content).toEqual(text(`${region} 42`));
    expect(sent).toEqual(['42']);
  });
});

describe.each(engines)('subscriptions of 2026-07-28 on engine %s', (engine) => {
  it('are acknowledged, filled, and closed by the client', async () => {
    const { url, server } = await serve(engine);
    const client = await sdk2(new Http2(url), 'auto');
    const heard = new Set<string>();
    const both = new Promise<void>((resolve) => {
      const note = (method: string) => () => {
        heard.add(method);
        if (heard.size === 2) resolve();
      };
      client.setNotificationHandler('notifications/tools/list_changed', note('tools'));
      client.setNotificationHandler('notifications/resources/updated', note('resource'));
    });
    const filter = { toolsListChanged: true, resourceSubscriptions: ['note://one'] };
    const subscription = await client.listen(filter);
    expect(subscription.honoredFilter).toEqual(filter);
    await call(client, 'grow');
    await both;
    await subscription.close();
    expect(await subscription.closed).toBe('local');
    await expect.poll(() => server.subscriberCount).toBe(0);
  });

  it('end with their final result when the server closes', async () => {
    const { url, server } = await serve(engine);
    const client = await sdk2(new Http2(url), 'auto');
    const subscription = await client.listen({ toolsListChanged: true });
    await server.close({ drainTimeoutMs: 100 });
    expect(await subscription.closed).toBe('graceful');
  });
});

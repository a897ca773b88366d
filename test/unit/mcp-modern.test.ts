/** The modern era (2026-07-28) as a peer sees it on the wire. */
import { afterEach, describe, expect, it } from 'vitest';
import { RpcError } from '../../src/errors.js';
import { createServer, type McpServer } from '../../src/mcp/server.js';
import { meta, type Served, serve } from './mcp-support.js';

let served: Served | undefined;
afterEach(async () => {
  await served?.close();
  served = undefined;
});

function demo(): McpServer {
  return createServer({ name: 'demo', version: '1.2.3', instructions: 'Be kind.' })
    .tool(
      'add',
      {
        description: 'Adds.',
        inputSchema: {
          type: 'object',
          properties: { a: { type: 'number' }, b: { type: 'number' } },
          required: ['a', 'b'],
        },
      },
      ({ a, b }) => String(a + b),
    )
    .tool('fail', () => {
      throw new Error('out of paper');
    })
    .resource('note://one', { name: 'one', mimeType: 'text/plain', ttlMs: 5, cacheScope: 'public' }, 'hello')
    .resourceTemplate('note://by/{name}', { name: 'by name' }, (_uri, { name }) => `I am ${name}`)
    .prompt('greet', { arguments: [{ name: 'who', required: true }] }, ({ who }) => `Greet ${who}.`);
}

async function failure(promise: Promise<unknown>): Promise<RpcError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RpcError);
  return error as RpcError;
}

describe('request metadata', () => {
  it('is required on every request: -32602', async () => {
    served = await serve(demo());
    const raw = await served.raw();
    expect((await failure(raw.request('tools/list', {}))).rpcCode).toBe(-32602);
    const { 'io.modelcontextprotocol/clientCapabilities': _, ...half } = meta();
    expect((await failure(raw.request('tools/list', { _meta: half }))).rpcCode).toBe(-32602);
  });

  it('with a version that is not served: -32022 and the versions that are', async () => {
    served = await serve(demo());
    const raw = await served.raw();
    const bad = meta({}, { 'io.modelcontextprotocol/protocolVersion': '1900-01-01' });
    const error = await failure(raw.request('tools/list', { _meta: bad }));
    expect(error.rpcCode).toBe(-32022);
    expect(error.data).toMatchObject({ requested: '1900-01-01' });
    expect((error.data as { supported: string[] }).supported).toContain('2026-07-28');
  });

  it('with an unknown log level: -32602', async () => {
    served = await serve(demo());
    const raw = await served.raw();
    const bad = meta({}, { 'io.modelcontextprotocol/logLevel': 'loud' });
    expect((await failure(raw.request('tools/list', { _meta: bad }))).rpcCode).toBe(-32602);
  });

  it('leaves methods of the other era unknown: -32601', async () => {
    served = await serve(demo());
    const raw = await served.raw();
    for (const method of ['ping', 'logging/setLevel', 'resources/subscribe', 'no/such'])
      expect((await failure(raw.request(method, { _meta: meta() }))).rpcCode).toBe(-32601);
  });
});

describe('results', () => {
  it('server/discover names versions, capabilities, identity and cache hints', async () => {
    served = await serve(demo());
    const result = await (await served.raw()).request('server/discover', { _meta: meta() });
    expect(result).toEqual({
      resultType: 'complete',
      supportedVersions: ['2026-07-28'],
      capabilities: {
        logging: {},
        tools: { listChanged: true },
        resources: { subscribe: true, listChanged: true },
        prompts: { listChanged: true },
      },
      instructions: 'Be kind.',
      ttlMs: 60_000,
      cacheScope: 'private',
      _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'demo', version: '1.2.3' } },
    });
  });

  it('name no server where that was switched off', async () => {
    served = await serve(
      createServer({ name: 'shy', version: '1', sendServerInfo: false }).tool('a', () => 'b'),
    );
    const result = await (await served.raw()).request('tools/call', { name: 'a', _meta: meta() });
    expect(result).toEqual({ content: [{ type: 'text', text: 'b' }], resultType: 'complete' });
  });

  it('lists come in pages whose cursors survive removals', async () => {
    const server = createServer({ name: 'many', version: '1', pageItems: 2 });
    for (const name of ['a', 'b', 'c', 'd', 'e']) server.tool(name, () => '');
    served = await serve(server);
    const raw = await served.raw();
    type List = { tools: { name: string }[]; nextCursor?: string };
    const first = await raw.request<List>('tools/list', { _meta: meta() });
    expect(first.tools.map(({ name }) => name)).toEqual(['a', 'b']);
    server.removeTool('b');
    const second = await raw.request<List>('tools/list', { cursor: first.nextCursor, _meta: meta() });
    expect(second.tools.map(({ name }) => name)).toEqual(['c', 'd']);
    const third = await raw.request<List>('tools/list', { cursor: second.nextCursor, _meta: meta() });
    expect(third.tools.map(({ name }) => name)).toEqual(['e']);
    expect(third.nextCursor).toBeUndefined();
    const bad = await failure(raw.request('tools/list', { cursor: 'bogus', _meta: meta() }));
    expect(bad.rpcCode).toBe(-32602);
    const foreign = Buffer.from('prompts/list:2').toString('base64url');
    expect((await failure(raw.request('tools/list', { cursor: foreign, _meta: meta() }))).rpcCode).toBe(
      -32602,
    );
  });

  it('what the server has none of is served by no method', async () => {
    served = await serve(createServer({ name: 'bare', version: '1' }));
    const raw = await served.raw();
    const requests: [string, object][] = [
      ['prompts/list', {}],
      ['tools/call', { name: 'x' }],
      ['resources/read', { uri: 'x:y' }],
      ['prompts/get', { name: 'x' }],
      ['completion/complete', { ref: { type: 'ref/prompt', name: 'x' }, argument: { name: 'a', value: '' } }],
    ];
    for (const [method, params] of requests)
      expect((await failure(raw.request(method, { ...params, _meta: meta() }))).rpcCode).toBe(-32601);
  });

  it('preparedReplies are what the methods answer', async () => {
    const server = demo();
    served = await serve(server);
    const raw = await served.raw();
    const replies = server.preparedReplies();
    expect([...replies.keys()]).toEqual([
      'server/discover',
      'tools/list',
      'resources/list',
      'resources/templates/list',
      'prompts/list',
    ]);
    for (const [method, text] of replies)
      expect(await raw.request(method, { _meta: meta() })).toEqual(JSON.parse(text));
    let changes = 0;
    server.onCatalogueChange(() => changes++);
    server.removeTool('fail');
    expect(changes).toBe(1);
    expect(server.preparedReplies().get('tools/list')).not.toBe(replies.get('tools/list'));
  });
});

describe('tools', () => {
  it('answer, fail as a result, and refuse bad arguments as a result', async () => {
    served = await serve(demo());
    const raw = await served.raw();
    const call = (name: string, args: unknown) =>
      raw.request<{ content: { text: string }[]; isError?: boolean }>('tools/call', {
        name,
        arguments: args,
        _meta: meta(),
      });
    expect((await call('add', { a: 1, b: 2 })).content).toEqual([{ type: 'text', text: '3' }]);
    const failed = await call('fail', {});
    expect(failed.isError).toBe(true);
    expect(failed.content[0].text).toBe('out of paper');
    const refused = await call('add', { a: 'x', b: 2 });
    expect(refused.isError).toBe(true);
    expect(refused.content[0].text).toBe('Invalid arguments for tool add: a must be number');
    expect((await failure(call('nothing', {}))).rpcCode).toBe(-32602);
    expect((await failure(call('add', [1, 2]))).rpcCode).toBe(-32602);
  });

  it('that throw an RpcError answer with it', async () => {
    served = await serve(
      createServer({ name: 'x', version: '1' }).tool('deny', () => {
        throw new RpcError(4711, 'denied', { why: 'policy' });
      }),
    );
    const error = await failure((await served.raw()).request('tools/call', { name: 'deny', _meta: meta() }));
    expect([error.rpcCode, error.message, error.data]).toEqual([4711, 'denied', { why: 'policy' }]);
  });

  it('with an outputSchema answer structured and are held to it', async () => {
    const outputSchema = { type: 'array', items: { type: 'integer' } } as const;
    served = await serve(
      createServer({ name: 'x', version: '1' })
        .tool('good', { outputSchema }, () => [1, 2])
        .tool('bad', { outputSchema }, () => ['one']),
    );
    const raw = await served.raw();
    expect(await raw.request('tools/call', { name: 'good', _meta: meta() })).toMatchObject({
      content: [{ type: 'text', text: '[1,2]' }],
      structuredContent: [1, 2],
    });
    const error = await failure(raw.request('tools/call', { name: 'bad', _meta: meta() }));
    expect(error.rpcCode).toBe(-32603);
    expect(error.message).toContain('outputSchema: 0 must be integer');
  });
});

describe('resources and prompts', () => {
  it('are read with their cache hints; an unknown resource is -32602', async () => {
    served = await serve(demo());
    const raw = await served.raw();
    expect(await raw.request('resources/read', { uri: 'note://one', _meta: meta() })).toMatchObject({
      contents: [{ uri: 'note://one', mimeType: 'text/plain', text: 'hello' }],
      ttlMs: 5,
      cacheScope: 'public',
      resultType: 'complete',
    });
    expect(await raw.request('resources/read', { uri: 'note://by/J%C3%B8', _meta: meta() })).toMatchObject({
      contents: [{ uri: 'note://by/J%C3%B8', text: 'I am Jø' }],
      ttlMs: 0,
      cacheScope: 'private',
    });
    const error = await failure(raw.request('resources/read', { uri: 'note://two', _meta: meta() }));
    expect([error.rpcCode, error.data]).toEqual([-32602, { uri: 'note://two' }]);
  });

  it('templates that list their resources add them page by page', async () => {
    const server = createServer({ name: 'x', version: '1', pageItems: 2 })
      .resource('a:1', {}, '')
      .resource('a:2', {}, '')
      .resource('a:3', {}, '')
      .resourceTemplate('t:{x}', { list: () => [{ uri: 't:1', name: 't1' }] }, () => '')
      .resourceTemplate('u:{x}', { list: async () => [{ uri: 'u:1', name: 'u1' }] }, () => '');
    served = await serve(server);
    const client = await served.client();
    const pages: string[][] = [];
    for await (const page of client.pages('resources/list')) pages.push(page.resources.map(({ uri }) => uri));
    expect(pages).toEqual([['a:1', 'a:2'], ['a:3', 't:1'], ['u:1']]);
  });

  it('prompts check their arguments', async () => {
    served = await serve(demo());
    const raw = await served.raw();
    const get = (args: unknown) =>
      raw.request('prompts/get', { name: 'greet', arguments: args, _meta: meta() });
    expect(await get({ who: 'Ada' })).toMatchObject({
      messages: [{ role: 'user', content: { type: 'text', text: 'Greet Ada.' } }],
    });
    expect((await failure(get({}))).rpcCode).toBe(-32602);
    expect((await failure(get({ who: 7 }))).rpcCode).toBe(-32602);
  });

  it('completions are cut at 100 values and told in total', async () => {
    const values = Array.from({ length: 150 }, (_, index) => `v${index}`);
    served = await serve(
      createServer({ name: 'x', version: '1' })
        .prompt('p', { arguments: [{ name: 'v', complete: () => values }, { name: 'w' }] }, () => '')
        .resourceTemplate(
          't:{x}{?y}',
          { complete: { y: (value, known) => [`${known.x}-${value}`] } },
          () => '',
        ),
    );
    const client = await served.client();
    const many = await client.complete({ type: 'ref/prompt', name: 'p' }, { name: 'v', value: '' });
    expect([many.values.length, many.total, many.hasMore]).toEqual([100, 150, true]);
    expect(
      (await client.complete({ type: 'ref/prompt', name: 'p' }, { name: 'w', value: '' })).values,
    ).toEqual([]);
    const ref = { type: 'ref/resource', uri: 't:{x}{?y}' } as const;
    expect((await client.complete(ref, { name: 'y', value: 'b' }, { x: 'a' })).values).toEqual(['a-b']);
    const unknown = client.complete({ type: 'ref/prompt', name: 'none' }, { name: 'v', value: '' });
    expect((await failure(unknown)).rpcCode).toBe(-32602);
  });
});

describe('params that make no sense', () => {
  const odd: unknown[] = [null, 7, 'x', [], {}, { toString: 1 }, { __proto__: null }];
  const methods: [string, (value: unknown) => object][] = [
    ['tools/call', (value) => ({ name: value })],
    ['tools/call', (value) => ({ name: 'add', arguments: value })],
    ['tools/call', (value) => ({ name: 'add', inputResponses: value, requestState: value })],
    ['tools/list', (value) => ({ cursor: value ?? 7 })],
    ['resources/read', (value) => ({ uri: value })],
    ['prompts/get', (value) => ({ name: value })],
    ['prompts/get', (value) => ({ name: 'greet', arguments: value })],
    ['completion/complete', (value) => ({ ref: value, argument: { name: 'a', value: '' } })],
    ['completion/complete', (value) => ({ ref: { type: 'ref/prompt', name: value }, argument: value })],
    [
      'subscriptions/listen',
      (value) => ({
        notifications: { resourceSubscriptions: Array.isArray(value) ? [value] : (value ?? 7) },
      }),
    ],
  ];

  it.each(methods)('%s answers -32602, or a result that says so', async (method, params) => {
    served = await serve(demo().resourceTemplate('c:{x}', { complete: { x: () => [] } }, () => ''));
    const raw = await served.raw();
    for (const value of odd) {
      const text = JSON.stringify({ ...params(value), _meta: meta() });
      const outcome = await raw.request<{ isError?: boolean }>(method, JSON.parse(text)).then(
        ({ isError }) => (isError ? 'refused' : 'served'),
        (error: RpcError) => error.rpcCode ?? error.code,
      );
      expect([method, value, outcome]).toEqual([
        method,
        value,
        expect.toSatisfy((seen) => seen === -32602 || seen === 'refused'),
      ]);
    }
  });

  it('capabilities of null declare nothing', async () => {
    served = await serve(
      createServer({ name: 'x', version: '1' })
        .tool(
          'form',
          async (_args, context) => (await context.elicit({ message: '', requestedSchema: {} })).action,
        )
        .tool(
          'model',
          async (_args, context) => (await context.sample({ messages: [], maxTokens: 1 })).model,
        ),
    );
    const raw = await served.raw();
    for (const name of ['form', 'model']) {
      const call = raw.request('tools/call', { name, _meta: meta({ elicitation: null, sampling: null }) });
      expect((await failure(call)).rpcCode).toBe(-32021);
    }
  });
});

describe('progress and logs', () => {
  it('go only to those who ask, rising, and end with the last value', async () => {
    served = await serve(
      createServer({ name: 'x', version: '1' }).tool('work', (_args, context) => {
        for (const step of [1, 2, 2, 1, 3]) context.progress(step, 3);
        context.log('debug', 'small');
        context.log('error', { big: true }, 'worker');
        return 'done';
      }),
    );
    const logs: unknown[] = [];
    const client = await served.client({ onLog: (message) => logs.push(message) });
    const seen: number[] = [];
    await client.callTool('work', {}, { onProgress: ({ progress }) => seen.push(progress) });
    expect(seen).toEqual([1, 3]);
    expect(logs).toEqual([]);
    await client.setLogLevel('warning');
    await client.callTool('work');
    expect(logs).toEqual([{ level: 'error', logger: 'worker', data: { big: true } }]);
  });

  it('go no more to those who asked when they connected and changed their mind', async () => {
    served = await serve(
      createServer({ name: 'x', version: '1' }).tool('work', (_args, context) => {
        context.log('error', 'big');
        return 'done';
      }),
    );
    const logs: unknown[] = [];
    const client = await served.client({ logLevel: 'info', onLog: ({ data }) => logs.push(data) });
    await client.callTool('work');
    await client.setLogLevel(undefined);
    await client.callTool('work');
    expect(logs).toEqual(['big']);
  });
});

describe('cancellation', () => {
  it('aborts the handler and sends nothing more', async () => {
    let aborted: Promise<unknown> | undefined;
    let started = () => {};
    const running = new Promise<void>((resolve) => {
      started = resolve;
    });
    served = await serve(
      createServer({ name: 'x', version: '1' }).tool('wait', (_args, { signal }) => {
        aborted = new Promise((resolve) => signal.addEventListener('abort', () => resolve(true)));
        started();
        return aborted as Promise<boolean>;
      }),
    );
    const client = await served.client();
    const stop = new AbortController();
    const call = client.callTool('wait', {}, { signal: stop.signal });
    await running;
    stop.abort();
    await expect(call).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await aborted).toBe(true);
    expect((await client.discover()).supportedVersions).toEqual(['2026-07-28']);
  });
});

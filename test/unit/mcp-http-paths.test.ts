/** The short path of HTTP and the generic one answer alike, byte for byte. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RpcError } from '../../src/errors.js';
import { createServer, inputRequired, type McpServer } from '../../src/mcp/index.js';
import { callTool, type Message, request, serveHttp, type TestServer } from './mcp-http-support.js';
import { meta } from './mcp-support.js';

const text = 'plain "quoted" \\ \u2028 é 世界 \u0000 \ud83d\ude00';
const cyclic: Record<string, unknown> = {};
cyclic.self = cyclic;

/** What tools return or throw. */
const outcomes: Record<string, () => unknown> = {
  text: () => text,
  content: () => ({ content: [{ type: 'text', text }] }),
  annotated: () => ({ content: [{ type: 'text', text, annotations: { priority: 1 } }] }),
  several: () => ({
    content: [
      { type: 'text', text: 'a' },
      { type: 'text', text: 'b' },
    ],
  }),
  failed: () => ({ content: [{ type: 'text', text }], isError: true }),
  tagged: () => ({ content: [], _meta: { a: 1 } }),
  object: () => ({ a: [1, { b: null }], c: text }),
  number: () => 42,
  nothing: () => undefined,
  nil: () => null,
  thrown: () => {
    throw new Error(text);
  },
  refused: () => {
    throw new RpcError(-7, text, { a: 1 });
  },
  unknown: () => {
    throw new RpcError(-32601, 'no such method behind me');
  },
  cyclic: () => ({ content: [{ type: 'text', text: 'a' }], _meta: cyclic }),
  bigint: () => 1n,
  input: () => inputRequired({ ask: { method: 'roots/list' } }),
  incapable: () =>
    inputRequired({ ask: { method: 'sampling/createMessage', params: { messages: [], maxTokens: 1 } } }),
};

function build(): McpServer {
  const server = createServer({
    name: 'paths',
    version: '1',
    instructions: 'é',
    requestState: { key: new Uint8Array(32) },
  });
  for (const [name, outcome] of Object.entries(outcomes))
    server.tool(name, outcome as never).tool(`${name}-later`, async () => outcome() as never);
  const inputSchema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] } as const;
  return server
    .tool('echo', (args) => JSON.stringify(args))
    .tool('checked', { inputSchema, outputSchema: inputSchema }, ({ n }) => (n === 0 ? {} : { n }))
    .tool(
      'context',
      (_, { meta, id, method, era, protocolVersion, clientInfo, clientCapabilities, auth, trace }) =>
        JSON.stringify({
          meta,
          id,
          method,
          era,
          protocolVersion,
          clientInfo,
          clientCapabilities,
          auth,
          trace,
        }),
    )
    .tool(
      'mirrored',
      {
        inputSchema: { type: 'object', properties: { a: { type: 'string', 'x-mcp-header': 'A' } } },
      },
      ({ a }) => `${a}`,
    )
    .resource('test:fixed', { name: 'fixed' }, text)
    .resource('test:read', { name: 'read' }, () => text)
    .prompt('greet', {}, () => 'hi');
}

let light: TestServer;
let generic: TestServer;

beforeAll(async () => {
  light = await serveHttp(build());
  // Interceptors want to see every call.
  generic = await serveHttp(build().use((call, next) => next(call)));
});
afterAll(async () => {
  await Promise.all([light.close(), generic.close()]);
});

async function answerOf(server: TestServer, message: Message, headers: Record<string, string> = {}) {
  const exchange = await server
    .post(message, headers, { principal: { principal: 'ann', scopes: ['s'] } })
    .ended();
  // It says when it expires.
  const text = exchange.text.replace(/"requestState":"[^"]+"/, '"requestState":""');
  return { status: exchange.status, head: exchange.head, text };
}

/** The same request with a progress token, which nobody uses, takes the generic path. */
function unusual(message: Message): Message {
  const _meta = { ...(message.params?._meta as object), progressToken: 'p' };
  return { ...message, params: { ...message.params, _meta } };
}

const messages: Message[] = [
  ...Object.keys(outcomes).flatMap((name) => [callTool(name), callTool(`${name}-later`, {})]),
  callTool('echo', { deep: { a: [1, 2.5, -0, 1e300, text, null, true] } }, { _meta: meta({ roots: {} }) }),
  callTool('echo'),
  callTool('input', {}, { _meta: meta({ roots: {} }) }),
  callTool('checked', { n: 1 }),
  callTool('checked', { n: 0 }),
  callTool('checked', { n: 'x' }),
  callTool('checked'),
  callTool('none', {}),
  callTool('echo', [1]),
  callTool(
    'context',
    {},
    { _meta: meta({ roots: {} }, { traceparent: '00-1-2-01', tracestate: 'a=b', 'é/x': text }) },
  ),
  request('server/discover'),
  request('tools/list'),
  request('resources/list'),
  request('resources/templates/list'),
  request('prompts/list'),
  request('tools/list', { cursor: 'x' }),
  request('prompts/get', { name: 'greet' }),
  request('resources/read', { uri: 'test:fixed' }),
  request('resources/read', { uri: 'test:read' }),
  request('resources/read', { uri: 'test:none' }),
  request('resources/read', { name: 'test:fixed', uri: 'test:read' }),
  request('completion/complete', {
    ref: { type: 'ref/prompt', name: 'greet' },
    argument: { name: 'a', value: '' },
  }),
  request('none'),
];

describe('one answer', () => {
  it.each(messages.map((message) => [`${message.method} ${message.params?.name ?? ''}`, message]))(
    'to %s',
    async (_, message) => {
      const answer = await answerOf(light, message);
      expect(await answerOf(generic, message)).toEqual(answer);
      expect(answer.text).not.toBe('');
      if (message.params?.name !== 'context') expect(await answerOf(light, unusual(message))).toEqual(answer);
    },
  );

  it.each(['7', '-1', '"seven"', '"\\u00e9\\"\\\\"', '12345678901234567890', '""'])(
    'to the id %s, as it was sent',
    async (id) => {
      for (const message of [
        callTool('text'),
        request('tools/list'),
        callTool('text-later'),
        request('none'),
      ]) {
        const body = JSON.stringify({ ...message, id: 'ID' }).replace('"ID"', id);
        const [one, other] = await Promise.all(
          [light, generic].map((server) => server.post(message, {}, { body }).ended()),
        );
        expect(one.text).toBe(other.text);
        expect(one.text.startsWith(`{"jsonrpc":"2.0","id":${id},`)).toBe(true);
      }
    },
  );

  it('to spellings that the short path leaves to the other', async () => {
    const body = JSON.stringify(callTool('text'))
      .replace('"tools/call"', '"tools\\/call"')
      .replace('"text"', '"\\u0074ext"');
    const answers = [light, generic].map((server) => server.post(callTool('text'), {}, { body }));
    expect(answers[0].text).toBe(answers[1].text);
    expect(answers[0].json.result).toMatchObject({ content: [{ text }] });
  });

  it('to arguments that headers repeat', async () => {
    for (const headers of [{ 'mcp-param-a': 'x' }, { 'mcp-param-a': 'y' }, {}])
      expect(
        await answerOf(light, callTool('mirrored', { a: 'x' }), headers as Record<string, string>),
      ).toEqual(await answerOf(generic, callTool('mirrored', { a: 'x' }), headers as Record<string, string>));
  });
});

describe('an answer larger than a frame may be', () => {
  it.each([
    callTool('text-long'),
    callTool('text-long', {}, { _meta: meta({}, { progressToken: 'p' }) }),
    request('resources/read', { uri: 'test:long' }),
  ])('is refused (%#)', async (message) => {
    const long = 'é'.repeat(500);
    const server = build()
      .tool('text-long', () => long)
      .resource('test:long', { name: 'long' }, long);
    const http = await serveHttp(server, { maxFrameBytes: 1_000 });
    const exchange = await http.post(message).ended();
    expect([exchange.status, exchange.json]).toMatchObject([
      200,
      { id: 1, error: { code: -32603, data: { code: 'FRAME_TOO_LARGE', retryable: false } } },
    ]);
    await http.close();
  });
});

describe('the short path', () => {
  it('follows what is registered', async () => {
    const added = build();
    const http = await serveHttp(added);
    expect(http.post(callTool('late')).json.error).toMatchObject({ code: -32602 });
    added.tool('late', () => 'first');
    expect(http.post(callTool('late')).json.result).toMatchObject({ content: [{ text: 'first' }] });
    const { tools } = http.post(request('tools/list')).json.result as { tools: { name: string }[] };
    expect(tools.map(({ name }) => name)).toContain('late');
    added.removeTool('late');
    expect(http.post(callTool('late')).json.error).toMatchObject({ code: -32602 });
    added.tool('late', () => 'second').resource('test:late', { name: 'late' }, 'third');
    expect(http.post(callTool('late')).json.result).toMatchObject({ content: [{ text: 'second' }] });
    expect(http.post(request('resources/read', { uri: 'test:late' })).json.result).toMatchObject({
      contents: [{ text: 'third' }],
    });
    await http.close();
  });

  it('makes way for interceptors, also for those that come later', async () => {
    const server = build();
    const http = await serveHttp(server);
    const seen: string[] = [];
    http.post(callTool('text'));
    server.use((call, next) => {
      seen.push(call.method);
      return next(call);
    });
    http.post(callTool('text'));
    http.post(request('tools/list'));
    expect(seen).toEqual(['tools/call', 'tools/list']);
    await http.close();
  });
});

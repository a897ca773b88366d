/**
 * The same frames to the same server over native streams and WebSocket, where calls are scanned, routed and batched, and
 * over the TypeScript twin, where every frame takes the generic path: the answers must be the same.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addon } from '../../src/binding/addon.js';
import { RpcError } from '../../src/errors.js';
import { createServer, inputRequired, type McpServer } from '../../src/mcp/index.js';
import { connectTransport } from '../../src/transports/open.js';
import type { Transport } from '../../src/transports/transport.js';

function demo(): McpServer {
  const text = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] } as const;
  return createServer({ name: 'direct', version: '1' })
    .tool('echo', { inputSchema: text }, (args) => args.text)
    .tool('later', { inputSchema: text }, async (args) => args.text)
    .tool('object', () => ({ a: [1, 'é', null], b: '\u2028"\\\n' }))
    .tool('content', () => ({ content: [{ type: 'text', text: 'own' }], _meta: { mine: 1 }, isError: false }))
    .tool('nothing', () => undefined)
    .tool('structured', { outputSchema: { type: 'array' } }, () => [1, 2])
    .tool('unfit', { outputSchema: { type: 'array' } }, () => ({}))
    .tool('throws', () => {
      throw new Error('thrown é');
    })
    .tool('rejects', async () => {
      throw new RpcError(42, 'rejected', { a: 1 });
    })
    .tool('bigint', () => ({ content: [{ type: 'text', text: 1n as unknown as string }] }))
    .tool('context', (_args, context) =>
      [
        context.era,
        context.protocolVersion,
        context.clientInfo?.name,
        context.trace?.traceparent,
        context.method,
      ].join(),
    )
    .tool('asks', async (_args, context) => {
      const answer = await context.elicit({
        message: '?',
        requestedSchema: { type: 'object', properties: { v: { type: 'string' } }, required: ['v'] },
      });
      return String(answer.content?.v);
    })
    .tool('by_hand', (_args, context) => {
      const answered = Object.keys(context.inputResponses).length;
      return answered > 0 ? String(answered) : inputRequired({ r: { method: 'roots/list' } }, { kept: 1 });
    })
    .tool('name.with-dots_1', () => 'named')
    .resource('r:fixed', { mimeType: 'text/plain' }, 'fixed é')
    .resource('r:made', { ttlMs: 7, cacheScope: 'public' }, async () => 'made')
    .resource('r:fails', {}, () => {
      throw new Error('secret');
    })
    .resourceTemplate('t:{x}', {}, (_uri, { x }) => `x=${x}`)
    .prompt('p', { arguments: [{ name: 'a', required: true }] }, ({ a }) => `p ${a}`);
}

const version = '"io.modelcontextprotocol/protocolVersion":"2026-07-28"';
const capabilities = '"io.modelcontextprotocol/clientCapabilities":{}';
const can = '"io.modelcontextprotocol/clientCapabilities":{"elicitation":{},"roots":{}}';
const metaOf = (...members: string[]) => `"_meta":{${members.join(',')}}`;
const meta = metaOf(version, capabilities);
const call = (name: string, args = '{}', rest = meta) =>
  ['tools/call', `{"name":${JSON.stringify(name)},"arguments":${args},${rest}}`] as const;

/** Method and params text. */
const requests: (readonly [string, string])[] = [
  call('echo', '{"text":"plain"}'),
  call('echo', '{"text":"é\u2028😀"}'),
  call('echo', '{"text":"\\u0000\\ud83d\\ude00\\n\\"\\\\"}'),
  call('echo', '{"text":"\\ud800"}'),
  call('echo', '{ "text" : "spaced" }'),
  call('echo', '{"text":"twice","text":"last"}'),
  call('echo', `{"text":"${'long '.repeat(20_000)}"}`),
  call('echo', '{"text":1}'),
  call('echo', '{}'),
  call('echo', '[]'),
  call('echo', 'null'),
  call('echo', '"text"'),
  ['tools/call', `{"name":"echo",${meta}}`],
  ['tools/call', `{"arguments":{"text":"order"},${meta},"name":"echo"}`],
  ['tools/call', `{${meta},"name":"\\u0065cho","arguments":{"text":"escaped name"}}`],
  ['tools/call', `{"name":"echo","name":"nothing","arguments":{"text":"x"},${meta}}`],
  ['tools/call', `{"arguments":{"text":"x"},${meta}}`],
  ['tools/call', `{"name":7,"arguments":{"text":"x"},${meta}}`],
  ['tools/call', `{"name":"echo","uri":"r:fixed","arguments":{"text":"uri too"},${meta}}`],
  ['tools/call', `{"name":"echo","arguments":{"text":"unknown member"},"extra":{"a":[1]},${meta}}`],
  call('later', '{"text":"async"}'),
  call('later', '{"text":1}'),
  ...[
    'object',
    'content',
    'nothing',
    'structured',
    'unfit',
    'throws',
    'rejects',
    'bigint',
    'name.with-dots_1',
  ].map((name) => call(name)),
  call('none'),
  call('toString'),
  call('__proto__'),
  call('context'),
  call(
    'context',
    '{}',
    metaOf(version, capabilities, '"io.modelcontextprotocol/clientInfo":{"name":"me","version":"1"}'),
  ),
  call('context', '{}', metaOf(version, capabilities, '"io.modelcontextprotocol/clientInfo":7')),
  call(
    'context',
    '{}',
    metaOf(version, capabilities, '"traceparent":"00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"'),
  ),
  call('asks'),
  call('asks', '{}', metaOf(version, can)),
  [
    'tools/call',
    `{"name":"asks","inputResponses":{"input-1":{"action":"accept","content":{"v":"yes"}}},${metaOf(version, can)}}`,
  ],
  ['tools/call', `{"name":"asks","inputResponses":{"input-1":{"action":"wrong"}},${metaOf(version, can)}}`],
  ['tools/call', `{"name":"echo","arguments":{"text":"x"},"requestState":"forged",${meta}}`],
  ['tools/call', `{"name":"echo","arguments":{"text":"x"},"inputResponses":7,${meta}}`],
  call('by_hand', '{}', metaOf(version, can)),
  ['tools/call', `{"name":"by_hand","inputResponses":{"r":{"roots":[]}},${metaOf(version, can)}}`],
  call('echo', '{"text":"x"}', '"_meta":{}'),
  call('echo', '{"text":"x"}', '"_meta":7'),
  call('echo', '{"text":"x"}', '"x":1'),
  call('echo', '{"text":"x"}', metaOf(version)),
  call('echo', '{"text":"x"}', metaOf(capabilities)),
  call('echo', '{"text":"x"}', metaOf(version, '"io.modelcontextprotocol/clientCapabilities":[]')),
  call('echo', '{"text":"x"}', metaOf(version, '"io.modelcontextprotocol/clientCapabilities":null')),
  call(
    'echo',
    '{"text":"x"}',
    metaOf('"io.modelcontextprotocol/protocolVersion":"1900-01-01"', capabilities),
  ),
  call(
    'echo',
    '{"text":"x"}',
    metaOf('"io.modelcontextprotocol/protocolVersion":"2025-11-25"', capabilities),
  ),
  call('echo', '{"text":"x"}', metaOf('"io.modelcontextprotocol/protocolVersion":7', capabilities)),
  call(
    'echo',
    '{"text":"x"}',
    metaOf('"io.modelcontextprotocol\\/protocolVersion":"2026-07-28"', capabilities),
  ),
  call('echo', '{"text":"x"}', metaOf(version, capabilities, version.replace('2026-07-28', '1900-01-01'))),
  call(
    'echo',
    '{"text":"x"}',
    metaOf(version, capabilities, '"io.modelcontextprotocol/clientCapabilities":7'),
  ),
  call('echo', '{"text":"x"}', metaOf(version, capabilities, '"io.modelcontextprotocol/logLevel":"loud"')),
  call('echo', '{"text":"x"}', metaOf(version, capabilities, '"io.modelcontextprotocol/logLevel":"info"')),
  call('echo', '{"text":"x"}', metaOf(version, capabilities, '"progressToken":"p"')),
  ...['server/discover', 'tools/list', 'resources/list', 'resources/templates/list', 'prompts/list'].flatMap(
    (method) => [
      [method, `{${meta}}`] as const,
      [method, '{}'] as const,
      [method, `{${metaOf(version)}}`] as const,
      [method, `{"cursor":"bogus",${meta}}`] as const,
      [method, `{"cursor":null,${meta}}`] as const,
      [
        method,
        `{${metaOf('"io.modelcontextprotocol/protocolVersion":"1900-01-01"', capabilities)}}`,
      ] as const,
    ],
  ),
  ...['r:fixed', 'r:made', 'r:fails', 't:1', 't:%C3%A9', 'none:1'].map(
    (uri) => ['resources/read', `{"uri":"${uri}",${meta}}`] as const,
  ),
  ['resources/read', `{"uri":"r:\\u0066ixed",${meta}}`],
  ['resources/read', `{"name":"r:made","uri":"r:fixed",${meta}}`],
  ['resources/read', '{"uri":"r:fixed"}'],
  ['resources/read', `{${meta}}`],
  ['prompts/get', `{"name":"p","arguments":{"a":"1"},${meta}}`],
  ['prompts/get', `{"name":"p",${meta}}`],
  ['ping', '{}'],
  ['ping', `{${meta}}`],
  ['no/such', `{${meta}}`],
  ['tools\\/list', `{${meta}}`],
];

const initialize =
  '{"jsonrpc":"2.0","id":"init","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"old","version":"1"}}}';

/** States are signed with a time in them; that one was given is what can be compared. */
const comparable = (text: string): unknown =>
  JSON.parse(text, (key, value) => (key === 'requestState' ? typeof value : value));

/** Sends frames in one go; the answers by id as JSON text. Frames that are no requests are answered under null. */
async function exchange(url: string, frames: readonly string[]): Promise<Map<string, unknown>> {
  const transport: Transport = await connectTransport(url, { implementation: 'twin' });
  const answers = new Map<string, unknown>();
  const refused: unknown[] = [];
  let count = 0;
  await new Promise<void>((resolve, reject) => {
    transport.start({
      onFrame(frame) {
        const answer = comparable(frame.toString()) as { id?: unknown };
        if (answer.id === undefined) return;
        if (answer.id === null) refused.push(answer);
        else answers.set(JSON.stringify(answer.id), answer);
        count += 1;
        if (count === frames.length) resolve();
      },
      onClose: () => reject(new Error(`closed after ${count} of ${frames.length} answers`)),
    });
    for (const frame of frames) transport.send(frame);
  }).finally(() => transport.close());
  return answers.set('null', refused);
}

type Served = 'native' | 'websocket' | 'twin';
const batching = ['native', 'websocket'] as const;

describe.skipIf(addon() === undefined)('native streams and WebSockets answer as the twin does', () => {
  const servers: Partial<Record<Served, { server: McpServer; url: string }>> = {};

  beforeAll(async () => {
    for (const implementation of ['native', 'twin'] as const) {
      const server = demo();
      const { url } = await server.listen('tcp://127.0.0.1:0', { implementation });
      servers[implementation] = { server, url };
    }
    const server = demo();
    servers.websocket = { server, url: (await server.listen('ws://127.0.0.1:0/mcp')).url };
  });
  afterAll(async () => {
    for (const each of Object.values(servers)) await each.server.close({ drainTimeoutMs: 0 });
  });

  const urlOf = (implementation: Served) => servers[implementation]?.url as string;

  /** Every request of the table under ids 1, 2, … behind one that every connection begins with. */
  const framesAfter = (first: string) => [
    first,
    ...requests.map(
      ([method, params], index) =>
        `{"jsonrpc":"2.0","id":${index + 1},"method":"${method}","params":${params}}`,
    ),
  ];

  it.each([
    ['in the modern era', `{"jsonrpc":"2.0","id":0,"method":"server/discover","params":{${meta}}}`],
    ['in a legacy session', initialize],
  ])('%s, all in one go', async (_era, first) => {
    const frames = framesAfter(first);
    const twin = await exchange(urlOf('twin'), frames);
    for (const name of batching) {
      const batched = await exchange(urlOf(name), frames);
      for (const [index, frame] of frames.entries())
        expect({ name, frame: frame.slice(0, 400), answer: batched.get(`${index}`) }).toEqual({
          name,
          frame: frame.slice(0, 400),
          answer: twin.get(`${index}`),
        });
      expect(batched).toEqual(twin);
    }
  });

  it('after tools came and went', async () => {
    const frames = framesAfter(initialize);
    for (const each of Object.values(servers)) {
      each.server.removeTool('echo');
      each.server.tool('none', () => 'now there');
      each.server.removeResource('r:fixed');
    }
    const twin = await exchange(urlOf('twin'), frames);
    for (const name of batching) expect(await exchange(urlOf(name), frames)).toEqual(twin);
  });

  it('with interceptors around every call', async () => {
    const seen: Record<string, string[]> = {};
    for (const [name, each] of Object.entries(servers)) {
      seen[name] = [];
      each.server.use((served, next) => {
        seen[name].push(served.method);
        return next(served);
      });
    }
    const frames = framesAfter(`{"jsonrpc":"2.0","id":0,"method":"server/discover","params":{${meta}}}`);
    const twin = await exchange(urlOf('twin'), frames);
    for (const name of batching) {
      expect(await exchange(urlOf(name), frames)).toEqual(twin);
      expect(seen[name]).toEqual(seen.twin);
    }
    expect(seen.native).toHaveLength(frames.length - (twin.get('null') as unknown[]).length);
  });
});

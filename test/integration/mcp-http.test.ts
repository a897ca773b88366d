/** MCP's modern Streamable HTTP over sockets, on both engines; and that these answer alike. */
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect as connectSocket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { connect, createServer, type McpServer, type ServerOptions } from '../../src/mcp/index.js';
import type { HttpOptions } from '../../src/transports/http/http-options.js';
import { callTool, headersFor, type Message, request } from '../unit/mcp-http-support.js';
import { meta } from '../unit/mcp-support.js';
import { deferred } from '../unit/rpc-harness.js';
import { type Answer, ask, engines } from './http-support.js';

const cleanup: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const each of cleanup.splice(0).reverse()) await each();
});

const mirrored = {
  type: 'object',
  properties: {
    region: { type: 'string', 'x-mcp-header': 'Region' },
    count: { type: 'integer', 'x-mcp-header': 'Count' },
  },
} as const;

function build(options: Partial<ServerOptions> = {}): McpServer {
  return createServer({ name: 'http', version: '1', ...options })
    .tool('echo', (args) => JSON.stringify(args))
    .tool('later', async (args) => JSON.stringify(args))
    .tool('object', { outputSchema: { type: 'object' } }, () => ({ a: 'é' }))
    .tool('fails', () => {
      throw new Error('broken');
    })
    .tool('mirrored', { inputSchema: mirrored }, (args) => JSON.stringify(args))
    .resource('test:é', { name: 'e' }, 'é')
    .resource('test:read', { name: 'read' }, () => 'read')
    .prompt('greet', {}, () => 'hi');
}

async function listen(
  server: McpServer,
  engine: (typeof engines)[number],
  http: HttpOptions = {},
): Promise<string> {
  const { url } = await server.listen('http://127.0.0.1:0/mcp', { http: { engine, ...http } });
  cleanup.push(() => server.close({ drainTimeoutMs: 0 }));
  return url;
}

function post(
  url: string,
  message: Message,
  headers: Record<string, string | undefined> = {},
): Promise<Answer> {
  return ask(url, JSON.stringify(message), headersFor(message, headers));
}

/** Begins a POST; the answer is read event by event. */
function open(
  url: string,
  message: Message,
): { outgoing: ClientRequest; incoming: Promise<IncomingMessage> } {
  const outgoing = httpRequest(url, { method: 'POST', headers: headersFor(message), agent: false });
  const incoming = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.on('response', resolve);
    outgoing.on('error', reject);
  });
  // Whoever waits for it sees the error; a request that is cut on purpose has nobody who does.
  incoming.catch(() => {});
  outgoing.end(JSON.stringify(message));
  return { outgoing, incoming };
}

async function* eventsOf(incoming: IncomingMessage): AsyncGenerator<Record<string, unknown>> {
  let text = '';
  for await (const chunk of incoming.setEncoding('utf8')) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const data = text
        .slice(0, end)
        .split('\n')
        .find((line) => line.startsWith('data: '));
      text = text.slice(end + 2);
      if (data !== undefined) yield JSON.parse(data.slice(6));
    }
  }
}

/** Sends bytes as they are and resolves with what came until the server closed the connection. */
function raw(url: string, head: readonly string[], body: string): Promise<string> {
  const { port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connectSocket(Number(port), '127.0.0.1');
    let text = '';
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
    const lines = [
      'POST /mcp HTTP/1.1',
      'Host: 127.0.0.1',
      'Connection: close',
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      ...head,
    ];
    socket.write(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'));
    socket.write(body);
  });
}

describe.each(engines)('on the engine %s', (engine) => {
  it('answers a call in one JSON answer', async () => {
    const url = await listen(build(), engine);
    for (const name of ['echo', 'later']) {
      const { status, headers, text } = await post(url, callTool(name, { a: 'é' }));
      expect([status, headers['content-type']]).toEqual([200, 'application/json']);
      expect(Number(headers['content-length'])).toBe(Buffer.byteLength(text));
      expect(JSON.parse(text)).toMatchObject({ id: 1, result: { content: [{ text: '{"a":"é"}' }] } });
    }
  });

  it('sends progress as it is made, and ends the stream behind the answer', async () => {
    const { promise, resolve } = deferred<string>();
    const server = build().tool('work', (_, context) => {
      context.progress(1, 2);
      return promise;
    });
    const url = await listen(server, engine);
    const { incoming } = open(url, callTool('work', {}, { _meta: meta({}, { progressToken: 'p' }) }));
    const answer = await incoming;
    expect([answer.headers['content-type'], answer.headers['x-accel-buffering']]).toEqual([
      'text/event-stream',
      'no',
    ]);
    const messages: unknown[] = [];
    for await (const message of eventsOf(answer)) {
      messages.push(message);
      resolve('done');
    }
    expect(messages).toMatchObject([
      { params: { progress: 1 } },
      { id: 1, result: { content: [{ text: 'done' }] } },
    ]);
  });

  it.each([
    ['a usual call', {}],
    ['a call with events', { _meta: meta({}, { progressToken: 'p' }) }],
  ])('cancels %s when its client goes away', async (_, more) => {
    const aborted = deferred();
    const begun = deferred();
    const server = build().tool('hold', async (_args, context) => {
      context.progress(1);
      context.signal.addEventListener('abort', () => aborted.resolve(context.signal.reason), { once: true });
      begun.resolve(undefined);
      await aborted.promise;
      return 'late';
    });
    const url = await listen(server, engine);
    const { outgoing } = open(url, callTool('hold', {}, more));
    await begun.promise;
    outgoing.destroy();
    expect(await aborted.promise).toMatchObject({ code: 'CONNECTION_CLOSED' });
    // The listener is as it was.
    expect((await post(url, callTool('echo'))).status).toBe(200);
  });

  it('serves subscriptions until the server ends them', async () => {
    const server = build();
    const url = await listen(server, engine);
    const message = request('subscriptions/listen', { notifications: { toolsListChanged: true } }, 's');
    const { incoming } = open(url, message);
    const methods: unknown[] = [];
    for await (const event of eventsOf(await incoming)) {
      methods.push(event.method ?? event.result);
      if (methods.length === 1) server.tool('more', () => '');
      if (methods.length === 2) void server.close({ drainTimeoutMs: 5_000 });
    }
    expect(methods).toMatchObject([
      'notifications/subscriptions/acknowledged',
      'notifications/tools/list_changed',
      { resultType: 'complete', _meta: { 'io.modelcontextprotocol/subscriptionId': 's' } },
    ]);
  });

  it('accepts notifications', async () => {
    const seen = deferred();
    const server = build().notification('notifications/own', (params) => seen.resolve(params));
    const url = await listen(server, engine);
    const message: Message = { jsonrpc: '2.0', method: 'notifications/own', params: { a: 1 } };
    const { status, text } = await post(url, message);
    expect([status, text]).toEqual([202, '']);
    expect(await seen.promise).toEqual({ a: 1 });
  });

  it.each([
    ['  echo \t', 200],
    ['=?base64?ZWNobw==?=', 200],
    ['Echo', 400],
    ['echo, echo', 400],
    ['ech\u00f6', 400],
    ['', 400],
  ])('reads the header Mcp-Name: %j as it stands on the wire', async (name, status) => {
    const url = await listen(build(), engine);
    const head = ['MCP-Protocol-Version: 2026-07-28', 'MCP-METHOD: tools/call', `mcp-NAME: ${name}`];
    const answer = await raw(url, head, JSON.stringify(callTool('echo', {})));
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    if (status !== 200) expect(answer).toContain('"code":-32020');
  });

  it('refuses a header that is there twice', async () => {
    const url = await listen(build(), engine);
    const head = [
      'MCP-Protocol-Version: 2026-07-28',
      'Mcp-Method: tools/call',
      'Mcp-Name: echo',
      'Mcp-Name: fails',
    ];
    const body = JSON.stringify(callTool('echo', {}));
    expect(await raw(url, head, body)).toContain('"code":-32020');
    expect(await raw(url, head.toReversed(), body)).toContain('"code":-32020');
  });

  it('compares arguments with their headers', async () => {
    const url = await listen(build(), engine);
    const message = callTool('mirrored', { region: 'Grüße', count: 7 });
    const region = `=?base64?${Buffer.from('Grüße').toString('base64')}?=`;
    const agreeing = { 'Mcp-Param-Region': region, 'Mcp-Param-Count': '7.0' };
    expect((await post(url, message, agreeing)).status).toBe(200);
    for (const headers of [{}, { ...agreeing, 'Mcp-Param-Count': '8' }, { 'Mcp-Param-Count': '7' }]) {
      const { status, text } = await post(url, message, headers);
      expect([status, JSON.parse(text)]).toMatchObject([400, { id: 1, error: { code: -32020 } }]);
    }
  });

  it('refuses bodies that are too large, and types and methods it does not take', async () => {
    const url = await listen(build({ protocolVersions: ['2026-07-28'] }), engine, { maxBodyBytes: 1_000 });
    const large = await post(url, callTool('echo', { text: 'x'.repeat(2_000) }));
    const typed = await post(url, callTool('echo'), { 'content-type': 'text/plain' });
    const got = await ask(url, undefined, { accept: 'text/event-stream' });
    const deleted = await ask(url, undefined, {}, 'DELETE');
    expect([large, typed, got, deleted].map(({ status }) => status)).toEqual([413, 415, 405, 405]);
    for (const { text } of [large, typed, got, deleted])
      expect(JSON.parse(text)).toMatchObject({ jsonrpc: '2.0', id: null, error: { code: -32600 } });
    expect(got.headers.allow).toBe('POST');
  });

  it('answers in order on one connection that sends ahead', async () => {
    const url = await listen(build(), engine);
    const parts = ['later', 'echo', 'later'].map((name, index) => {
      const message = { ...callTool(name, {}), id: index };
      const body = JSON.stringify(message);
      const headers = Object.entries({
        host: '127.0.0.1',
        'content-length': String(body.length),
        ...headersFor(message),
      });
      const last: [string, string][] = index === 2 ? [['connection', 'close']] : [];
      const head = [...headers, ...last].map((field) => field.join(': ')).join('\r\n');
      return `POST /mcp HTTP/1.1\r\n${head}\r\n\r\n${body}`;
    });
    const { port } = new URL(url);
    const text = await new Promise<string>((resolve, reject) => {
      const socket = connectSocket(Number(port), '127.0.0.1');
      let received = '';
      socket.on('data', (bytes) => {
        received += bytes;
        if ([...received.matchAll(/"jsonrpc"/g)].length === 3) socket.end();
      });
      socket.on('error', reject);
      socket.on('close', () => resolve(received));
      socket.write(parts.join(''));
    });
    expect([...text.matchAll(/"id":(\d)/g)].map(([, id]) => id)).toEqual(['0', '1', '2']);
  });

  it('serves WebSocket on the same path, in both eras', async () => {
    const url = await listen(build(), engine);
    for (const era of ['modern', 'legacy'] as const) {
      const client = await connect(url.replace('http:', 'ws:'), { era });
      expect((await client.callTool('later', { a: 'é' })).content).toEqual([
        { type: 'text', text: '{"a":"é"}' },
      ]);
      await client.close();
    }
  });

  it('says who called to handlers of all three ways', async () => {
    const server = build().tool('who', (_, { auth }) => `${auth?.principal}`);
    const authenticate = () => ({ principal: 'ann', scopes: ['s'] });
    const url = await listen(server, engine, { authenticate });
    const unusual = { _meta: meta({}, { progressToken: 'p' }) };
    for (const message of [callTool('who'), callTool('who', {}, unusual)])
      expect((await post(url, message)).text).toContain('"text":"ann"');
    const client = await connect(url.replace('http:', 'ws:'), { era: 'modern' });
    expect((await client.callTool('who', {})).content).toEqual([{ type: 'text', text: 'ann' }]);
    await client.close();
  });

  it('lets calls in flight end, and no connection outlives the server', async () => {
    const begun = deferred();
    const { promise, resolve } = deferred<string>();
    const server = build().tool('hold', () => {
      begun.resolve(undefined);
      return promise;
    });
    const url = await listen(server, engine);
    const answer = post(url, callTool('hold'));
    await begun.promise;
    const closing = server.close({ drainTimeoutMs: 10_000 });
    resolve('held');
    expect((await answer).text).toContain('"text":"held"');
    await closing;
    await expect(post(url, callTool('echo'))).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});

describe('both engines', () => {
  const corpus: [Message, Record<string, string | undefined>?][] = [
    [callTool('echo', { a: 'é', b: [1, null] })],
    [callTool('later', {})],
    [callTool('object')],
    [callTool('fails')],
    [callTool('none')],
    [callTool('echo'), { 'mcp-name': 'fails' }],
    [callTool('echo'), { 'mcp-method': undefined }],
    [callTool('echo'), { 'mcp-protocol-version': '2027-01-01' }],
    [callTool('echo'), { accept: 'text/html' }],
    [callTool('echo'), { accept: 'text/event-stream' }],
    [callTool('echo'), { 'content-type': 'text/plain' }],
    [callTool('echo', {}, { _meta: {} })],
    [callTool('mirrored', { region: 'x' })],
    [request('server/discover')],
    [request('tools/list')],
    [request('prompts/get', { name: 'greet' })],
    [request('resources/read', { uri: 'test:read' })],
    [request('resources/read', { uri: 'test:é' }), { 'mcp-name': '=?base64?dGVzdDrDqQ==?=' }],
    [request('initialize')],
    [request('none', {}, 'ü')],
    [{ jsonrpc: '2.0', method: 'notifications/own' }],
  ];

  it('give equal answers', async () => {
    const urls = await Promise.all(engines.map((engine) => listen(build(), engine)));
    for (const [message, headers] of corpus) {
      const [one, other] = await Promise.all(
        urls.map(async (url) => {
          const { status, text, headers: head } = await post(url, message, headers);
          const { date, connection, 'keep-alive': _, 'transfer-encoding': __, ...rest } = head;
          return { status, text, head: rest };
        }),
      );
      expect(other, JSON.stringify(message)).toEqual(one);
    }
  });
});

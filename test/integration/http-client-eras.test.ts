/** What our client makes of a server's era over HTTP, and what it sends in each. */
import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { type ConnectOptions, connect, type McpClient } from '../../src/mcp/index.js';
import { closeHttp, sdk1Http, sdk1Sse, sdk2Http } from './http-client-servers.js';
import { type Asked, type Handler, serveScript } from './scripted-server.js';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const json = { 'content-type': 'application/json' };
const events = { 'content-type': 'text/event-stream' };
const discovered = { supportedVersions: ['2026-07-28'], capabilities: { tools: {} }, resultType: 'complete' };
const initialized = {
  protocolVersion: '2025-11-25',
  capabilities: { tools: { listChanged: true } },
  serverInfo: { name: 'old', version: '1' },
};

async function serve(handler: Handler): Promise<{ url: string; asked: Asked[] }> {
  const { server, ...served } = await serveScript(handler);
  cleanups.push(() => closeHttp(server));
  return served;
}

async function client(url: string, options?: ConnectOptions): Promise<McpClient> {
  const connected = await connect(url, options);
  cleanups.push(() => connected.close());
  return connected;
}

const message = (fields: object): string => JSON.stringify({ jsonrpc: '2.0', ...fields });

function reply(response: ServerResponse, { id }: Asked, result: unknown): void {
  response.writeHead(200, json).end(message({ id, result }));
}

function refuse(response: ServerResponse, status: number, error?: object, id: unknown = null): void {
  response.writeHead(status, json).end(error === undefined ? '' : message({ id, error }));
}

const methods = (asked: readonly Asked[]): string[] => asked.map(({ verb, method }) => method ?? verb);

/** A legacy server as it should be; `handler` answers what is not the handshake's. */
function legacy(handler: Handler, session?: () => string): Handler {
  return (asked, response) => {
    if (asked.method === 'initialize')
      response
        .writeHead(200, session === undefined ? json : { ...json, 'mcp-session-id': session() })
        .end(message({ id: asked.id, result: initialized }));
    else if (asked.method === 'notifications/initialized') response.writeHead(202).end();
    else if (asked.method === 'server/discover')
      refuse(response, 400, { code: -32000, message: 'No session' });
    else handler(asked, response);
  };
}

describe('in the modern era', () => {
  it('header fields repeat what the body says', async () => {
    const { url, asked } = await serve((each, response) =>
      reply(response, each, each.method === 'server/discover' ? discovered : { content: [] }),
    );
    const mcp = await client(url);
    await mcp.callTool('wetter für 世界');
    await mcp.request('resources/read', { uri: 'file:///a b' });
    await mcp.request('prompts/get', { name: '=?base64?x?=' });
    await mcp.request('prompts/list');
    const common = {
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      'mcp-protocol-version': '2026-07-28',
    };
    expect(asked.map(({ headers }) => headers)).toMatchObject([
      { ...common, 'mcp-method': 'server/discover' },
      {
        ...common,
        'mcp-method': 'tools/call',
        'mcp-name': `=?base64?${Buffer.from('wetter für 世界').toString('base64')}?=`,
      },
      { ...common, 'mcp-method': 'resources/read', 'mcp-name': 'file:///a b' },
      { ...common, 'mcp-method': 'prompts/get', 'mcp-name': '=?base64?PT9iYXNlNjQ/eD89?=' },
      { ...common, 'mcp-method': 'prompts/list' },
    ]);
    expect(asked.at(-1)?.headers).not.toHaveProperty('mcp-name');
    expect(asked.every(({ headers }) => headers['mcp-session-id'] === undefined)).toBe(true);
  });

  it('arguments are mirrored once their tool was listed, or missed', async () => {
    const served = await sdk2Http();
    cleanups.push(served.close);
    const mcp = await client(served.url);
    const call = () => mcp.callTool('mirrored', { region: 'ü', size: 7 });
    const sent = () => served.seen.map(({ headers }) => [headers['mcp-method'], headers['mcp-param-size']]);
    // The tool is unknown: the server refuses, the list is read, the call is repeated.
    expect(await call()).toMatchObject({ content: [{ text: 'ü 7' }] });
    expect(sent().slice(1)).toEqual([
      ['tools/call', undefined],
      ['tools/list', undefined],
      ['tools/call', '7'],
    ]);
    expect(await call()).toMatchObject({ content: [{ text: 'ü 7' }] });
    expect(sent().at(-1)).toEqual(['tools/call', '7']);
    expect(served.seen.at(-1)?.headers['mcp-param-region']).toBe('=?base64?w7w=?=');
  });

  it('a call whose header fields stay wrong is repeated once', async () => {
    const { url, asked } = await serve((each, response) => {
      if (each.method === 'server/discover') reply(response, each, discovered);
      else if (each.method === 'tools/list') reply(response, each, { tools: [] });
      else refuse(response, 400, { code: -32020, message: 'mismatch' }, each.id);
    });
    const mcp = await client(url);
    await expect(mcp.callTool('any')).rejects.toMatchObject({ rpcCode: -32020 });
    expect(methods(asked)).toEqual(['server/discover', 'tools/call', 'tools/list', 'tools/call']);
    expect(new Set(asked.map(({ id }) => id)).size).toBe(4);
  });

  it('tools with invalid annotations are left out, with a warning', async () => {
    const tool = (name: string, schema: object) => ({ name, inputSchema: { type: 'object', ...schema } });
    const tools = [
      tool('good', { properties: { a: { type: 'string', 'x-mcp-header': 'A' } } }),
      tool('number', { properties: { a: { type: 'number', 'x-mcp-header': 'A' } } }),
      tool('hidden', { anyOf: [{ properties: { a: { type: 'string', 'x-mcp-header': 'A' } } }] }),
      tool('plain', {}),
    ];
    const { url } = await serve((each, response) =>
      reply(response, each, each.method === 'server/discover' ? discovered : { tools }),
    );
    const warnings: string[] = [];
    const mcp = await client(url, { onWarning: (warning) => warnings.push(warning) });
    expect((await mcp.listTools()).map(({ name }) => name)).toEqual(['good', 'plain']);
    await mcp.listTools();
    expect(warnings).toEqual([
      expect.stringMatching(/The tool "number" is left out.*"number"/),
      expect.stringMatching(/The tool "hidden" is left out/),
    ]);
  });

  it('a subscription whose stream breaks is asked for again', async () => {
    let streams = 0;
    const { url } = await serve((each, response) => {
      if (each.method === 'server/discover') {
        reply(response, each, discovered);
        return;
      }
      streams += 1;
      const meta = { 'io.modelcontextprotocol/subscriptionId': each.id };
      const event = (method: string, params: object) =>
        response.write(`data: ${message({ method, params: { _meta: meta, ...params } })}\n\n`);
      response.writeHead(200, events);
      event('notifications/subscriptions/acknowledged', { notifications: { toolsListChanged: true } });
      if (streams === 1) setImmediate(() => response.destroy());
      else event('notifications/tools/list_changed', {});
    });
    const subscription = await (await client(url)).listen({ toolsListChanged: true });
    const seen: string[] = [];
    for await (const event of subscription) {
      seen.push(event.type);
      if (seen.length === 2) break;
    }
    expect([seen.sort(), streams]).toEqual([['reconnected', 'toolsListChanged'], 2]);
  });

  it('what is safe to ask again is asked again after a broken answer, a tool never', async () => {
    const { url, asked } = await serve((each, response) => {
      if (each.method === 'server/discover') reply(response, each, discovered);
      else response.destroy();
    });
    const mcp = await client(url);
    for (const method of ['tools/list', 'resources/read', 'tools/call'])
      await expect(mcp.request(method, { name: 'a' })).rejects.toMatchObject({
        code: 'CONNECTION_RESET',
        retryable: true,
      });
    expect(methods(asked).slice(1)).toEqual([
      'tools/list',
      'tools/list',
      'resources/read',
      'resources/read',
      'tools/call',
    ]);
    expect(new Set(asked.map(({ id }) => id)).size).toBe(6);
  });
});

describe('the era', () => {
  it.each([
    ['an empty 400', (response: ServerResponse) => refuse(response, 400)],
    ['an empty 404', (response: ServerResponse) => refuse(response, 404)],
    ['a 405', (response: ServerResponse) => refuse(response, 405, { code: -32000, message: 'Not allowed' })],
    ['a page', (response: ServerResponse) => void response.writeHead(404).end('<h1>Cannot POST</h1>')],
    [
      'an error of no modern code',
      (response: ServerResponse) => refuse(response, 400, { code: -32600, message: '' }),
    ],
    ['an unknown method', (response: ServerResponse) => refuse(response, 200, { code: -32601, message: '' })],
  ])('is legacy after %s', async (_name, answer) => {
    const handler = legacy((each, response) => reply(response, each, {}));
    const { url, asked } = await serve((each, response) => {
      if (each.method === 'server/discover') answer(response);
      else if (each.verb === 'GET') response.writeHead(405).end();
      else handler(each, response);
    });
    const mcp = await client(url);
    expect(mcp.era).toBe('legacy');
    // Known by now: the next client does not ask.
    expect((await client(url)).era).toBe('legacy');
    expect(methods(asked).filter((method) => method === 'server/discover')).toHaveLength(1);
  });

  it('is asked for again when a server that was legacy is no more', async () => {
    let isModern = false;
    const old = legacy((_each, response) => void response.writeHead(405).end());
    const { url } = await serve((each, response) => {
      if (!isModern) old(each, response);
      else if (each.method === 'server/discover') reply(response, each, discovered);
      else
        refuse(response, 400, { code: -32022, message: 'no', data: { supported: ['2026-07-28'] } }, each.id);
    });
    expect((await client(url)).era).toBe('legacy');
    isModern = true;
    expect((await client(url)).era).toBe('modern');
  });

  it.each([
    [401, 'UNAUTHORIZED'],
    [403, 'UNAUTHORIZED'],
    [429, 'OVERLOADED'],
    [503, 'OVERLOADED'],
    [502, 'HTTP_STATUS'],
  ])('is not guessed from %i', async (status, code) => {
    const { url, asked } = await serve((_each, response) => refuse(response, status));
    await expect(connect(url)).rejects.toMatchObject({ code, status });
    expect(methods(asked)).toEqual(['server/discover']);
  });

  it('is modern where a modern error is in the body of a 400', async () => {
    const { url, asked } = await serve((each, response) =>
      refuse(response, 400, { code: -32021, message: 'declare sampling' }, each.id),
    );
    await expect(connect(url)).rejects.toMatchObject({ rpcCode: -32021 });
    expect(methods(asked)).toEqual(['server/discover']);
  });

  it('is asked for once more where a server refuses the revision it names', async () => {
    let refusals = 0;
    const { url, asked } = await serve((each, response) => {
      if (refusals++ === 0)
        refuse(response, 400, { code: -32022, message: 'no', data: { supported: ['2026-07-28'] } }, each.id);
      else reply(response, each, discovered);
    });
    expect((await client(url)).era).toBe('modern');
    expect(methods(asked)).toEqual(['server/discover', 'server/discover']);
  });

  it('has no common revision where the server names others', async () => {
    const { url } = await serve((each, response) =>
      refuse(response, 400, { code: -32022, message: 'no', data: { supported: ['2099-01-01'] } }, each.id),
    );
    await expect(connect(url)).rejects.toMatchObject({
      code: 'PROTOCOL_VERSION',
      message: expect.stringMatching(/2099-01-01/),
    });
  });

  it('is told to be none where nothing is served', async () => {
    const { url, asked } = await serve(
      (_each, response) => void response.writeHead(404).end('<p>nothing here</p>'),
    );
    await expect(connect(url)).rejects.toMatchObject({ code: 'HTTP_STATUS', status: 404 });
    expect(methods(asked)).toEqual(['server/discover', 'initialize', 'GET']);
  });
});

describe('in the legacy era', () => {
  it('the session and the revision go with everything after initialize, and DELETE ends it', async () => {
    const { url, asked } = await serve(
      legacy(
        (each, response) => (each.verb === 'GET' ? response.writeHead(405).end() : reply(response, each, {})),
        () => 'session-1',
      ),
    );
    const mcp = await client(url, { era: 'legacy' });
    await mcp.request('ping');
    await mcp.close();
    const [first, ...rest] = asked;
    expect(first.method).toBe('initialize');
    expect(first.headers).not.toHaveProperty('mcp-session-id');
    expect(methods(rest).sort()).toEqual(['DELETE', 'GET', 'notifications/initialized', 'ping']);
    for (const { headers } of rest)
      expect(headers).toMatchObject({ 'mcp-session-id': 'session-1', 'mcp-protocol-version': '2025-11-25' });
    expect(rest[0].method).toBe('notifications/initialized');
  });

  it('a session that the server forgot is begun anew, and the call repeated in it', async () => {
    const served = await sdk1Http({ stateful: true });
    cleanups.push(served.close);
    const mcp = await client(served.url, { era: 'legacy' });
    await mcp.callTool('echo', { text: 'before' });
    await served.forget();
    expect(await mcp.callTool('echo', { text: 'after' })).toMatchObject({ content: [{ text: 'after' }] });
  });

  it('calls in flight fail when the session ends under them', async () => {
    let sessions = 0;
    const held: ServerResponse[] = [];
    const { url, asked } = await serve(
      legacy(
        (each, response) => {
          if (each.verb === 'GET') response.writeHead(405).end();
          else if (each.params.name === 'hold') held.push(response);
          else if (each.headers['mcp-session-id'] === 'session-1')
            refuse(response, 404, { code: -32001, message: 'gone' });
          else reply(response, each, { content: [] });
        },
        () => `session-${++sessions}`,
      ),
    );
    const mcp = await client(url, { era: 'legacy' });
    const holding = mcp.callTool('hold').catch((error: unknown) => error);
    expect(await mcp.callTool('other')).toEqual({ content: [] });
    expect(await holding).toMatchObject({ code: 'CONNECTION_CLOSED', retryable: true });
    expect(methods(asked).filter((method) => method === 'initialize')).toHaveLength(2);
    expect(asked.filter(({ params }) => params.name === 'hold')).toHaveLength(1);
  });

  it('a broken answer goes on where it stopped, after the time that the server named', async () => {
    const { url, asked } = await serve(
      legacy((each, response) => {
        const answer = (id: unknown) => `id: 3\ndata: ${message({ id, result: { content: [] } })}\n\n`;
        const progress = message({
          method: 'notifications/progress',
          params: { progressToken: each.id, progress: 1 },
        });
        if (each.verb === 'POST') {
          response.writeHead(200, events).end(`retry: 1\nid: 1\ndata: \n\nid: 2\ndata: ${progress}\n\n`);
        } else if (each.headers['last-event-id'] === undefined) response.writeHead(405).end();
        else
          response
            .writeHead(200, events)
            .end(answer(asked.find(({ method }) => method === 'tools/call')?.id));
      }),
    );
    const mcp = await client(url, { era: 'legacy' });
    const seen: number[] = [];
    const result = await mcp.callTool('any', {}, { onProgress: ({ progress }) => seen.push(progress) });
    expect([result, seen]).toEqual([{ content: [] }, [1]]);
    expect(asked.at(-1)?.headers['last-event-id']).toBe('2');
    expect(methods(asked).filter((method) => method === 'tools/call')).toHaveLength(1);
  });

  it('an answer that cannot go on fails, and its tool is not called again', async () => {
    const { url, asked } = await serve(
      legacy((each, response) => {
        if (each.verb === 'POST') response.writeHead(200, events).end('retry: 1\nid: 1\ndata: \n\n');
        else response.writeHead(each.headers['last-event-id'] === undefined ? 405 : 400).end();
      }),
    );
    const mcp = await client(url, { era: 'legacy' });
    await expect(mcp.callTool('any')).rejects.toMatchObject({
      code: 'CONNECTION_CLOSED',
      retryable: true,
      message: expect.stringMatching(/the server does not resume it/),
    });
    expect(methods(asked).filter((method) => method === 'tools/call')).toHaveLength(1);
  });

  it('a tool whose answer broke off is not called again where the session ended meanwhile', async () => {
    let sessions = 0;
    const { url, asked } = await serve(
      legacy(
        (each, response) => {
          if (each.verb === 'POST') response.writeHead(200, events).end('retry: 1\nid: 1\ndata: \n\n');
          else response.writeHead(each.headers['last-event-id'] === undefined ? 405 : 404).end();
        },
        () => `session-${++sessions}`,
      ),
    );
    const mcp = await client(url, { era: 'legacy' });
    await expect(mcp.callTool('any')).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
    expect(methods(asked).filter((method) => method === 'tools/call')).toHaveLength(1);
  });

  it('official servers that cut a stream deliver the answer on the next', async () => {
    const served = await sdk1Http({ stateful: true, resumable: true });
    cleanups.push(served.close);
    const mcp = await client(served.url, { era: 'legacy' });
    expect(await mcp.callTool('break')).toMatchObject({ content: [{ text: 'after the break' }] });
  });

  it('the stream of the server is opened again where it stopped, and its requests are answered', async () => {
    let streams = 0;
    const { url, asked } = await serve(
      legacy((each, response) => {
        if (each.verb === 'POST') {
          if (each.result === undefined) reply(response, each, {});
          else response.writeHead(202).end();
          return;
        }
        streams += 1;
        response.writeHead(200, events);
        if (streams === 1) response.end('retry: 1\nid: first\ndata: \n\n');
        else response.write(`data: ${message({ id: 'ask', method: 'roots/list' })}\n\n`);
      }),
    );
    await client(url, { era: 'legacy', onRoots: () => [{ uri: 'file:///a' }] });
    await expect
      .poll(() => asked.find(({ result }) => result !== undefined))
      .toMatchObject({
        id: 'ask',
        result: { roots: [{ uri: 'file:///a' }] },
      });
    expect(asked.filter(({ verb }) => verb === 'GET').map(({ headers }) => headers['last-event-id'])).toEqual(
      [undefined, 'first'],
    );
  });

  it('the end of the stream of HTTP+SSE ends its calls, and the next call connects anew', async () => {
    const served = await sdk1Sse();
    cleanups.push(served.close);
    const mcp = await client(served.url, { era: 'legacy' });
    const waiting = new Promise<void>((resolve) => void mcp.onLog(() => resolve()));
    const held = mcp.callTool('wait').catch((error: unknown) => error);
    await waiting;
    await served.forget();
    expect(await held).toMatchObject({ code: 'CONNECTION_CLOSED', retryable: true });
    expect(await mcp.callTool('echo', { text: 'again' })).toMatchObject({ content: [{ text: 'again' }] });
  });

  it('a notification that is refused is reported', async () => {
    const { url } = await serve(
      legacy((each, response) => {
        if (each.verb === 'GET') response.writeHead(405).end();
        else refuse(response, 400, { code: -32600, message: 'not now' });
      }),
    );
    const errors: string[] = [];
    const mcp = await client(url, {
      era: 'legacy',
      rpc: { onProtocolError: ({ message }) => errors.push(message) },
    });
    await mcp.notify('notifications/roots/list_changed');
    await expect.poll(() => errors).toEqual(['not now']);
  });

  it('what was told before close() is delivered', async () => {
    const { url, asked } = await serve(
      legacy((each, response) => {
        if (each.verb === 'POST') setImmediate(() => response.writeHead(202).end());
        else response.writeHead(405).end();
      }),
    );
    const mcp = await client(url, { era: 'legacy' });
    void mcp.notify('notifications/roots/list_changed');
    await mcp.close();
    expect(methods(asked)).toContain('notifications/roots/list_changed');
  });

  it('HTTP+SSE may not name an endpoint on another server', async () => {
    const { url } = await serve((each, response) => {
      if (each.verb === 'POST') response.writeHead(405).end();
      else response.writeHead(200, events).end('event: endpoint\ndata: http://127.0.0.2:1/messages\n\n');
    });
    await expect(connect(url, { era: 'legacy' })).rejects.toMatchObject({ code: 'HTTP_STATUS', status: 405 });
  });
});

/** Our client against servers that answer wrongly, late, for ever or not at all: each ends in one clear error. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createServer as createSocketServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type ConnectOptions, connect, type McpClient } from '../../src/mcp/index.js';
import type { HeaderFields, HttpClientOptions } from '../../src/transports/http/client/client-options.js';
import { closeHttp, listenHttp } from './http-client-servers.js';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Rpc {
  readonly id: number;
  readonly method: string;
  readonly params: Record<string, unknown>;
}

type Answer = (rpc: Rpc, response: ServerResponse, request: IncomingMessage) => void;

const json = { 'content-type': 'application/json' };
const events = { 'content-type': 'text/event-stream' };
const discovered = { supportedVersions: ['2026-07-28'], capabilities: {}, resultType: 'complete' };

function reply(response: ServerResponse, id: unknown, result: unknown): void {
  response.writeHead(200, json).end(JSON.stringify({ jsonrpc: '2.0', id, result }));
}

async function bodyOf(request: IncomingMessage): Promise<Rpc> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString() || '{}') as Rpc;
}

async function listen(listener: RequestListener): Promise<string> {
  const { server, origin } = await listenHttp(listener);
  cleanups.push(() => closeHttp(server));
  return origin;
}

/** A modern server that answers server/discover well and everything else as given. */
async function hostile(answer: Answer): Promise<string> {
  const origin = await listen(async (request, response) => {
    const rpc = await bodyOf(request);
    if (rpc.method === 'server/discover') reply(response, rpc.id, discovered);
    else answer(rpc, response, request);
  });
  return `${origin}/mcp`;
}

async function client(url: string, options?: ConnectOptions): Promise<McpClient> {
  const connected = await connect(url, options);
  cleanups.push(() => connected.close());
  return connected;
}

const small: ConnectOptions = { transport: { maxFrameBytes: 10_000 } };

/** Writes until the client is gone. */
function flood(response: ServerResponse, chunk: string): void {
  const more = (): void => {
    while (!response.destroyed && response.write(chunk));
    if (!response.destroyed) response.once('drain', more);
  };
  more();
}

const cases: readonly [string, Answer, Record<string, unknown>, RegExp][] = [
  [
    'an endless line of events',
    (_rpc, response) => flood(response.writeHead(200, events), 'data: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'),
    { code: 'FRAME_TOO_LARGE' },
    /maxFrameBytes \(10000\)/,
  ],
  [
    'an event of endless lines',
    (_rpc, response) => flood(response.writeHead(200, events), `data: ${'x'.repeat(100)}\n`),
    { code: 'FRAME_TOO_LARGE' },
    /maxFrameBytes/,
  ],
  [
    'an endless JSON body',
    (_rpc, response) => flood(response.writeHead(200, json), '{"a":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'),
    { code: 'FRAME_TOO_LARGE' },
    /maxFrameBytes/,
  ],
  [
    'a body that is announced too large',
    (_rpc, response) => void response.writeHead(200, { ...json, 'content-length': 1e9 }).write('{'),
    { code: 'FRAME_TOO_LARGE' },
    /maxFrameBytes/,
  ],
  [
    'an endless error page',
    (_rpc, response) => flood(response.writeHead(500, { 'content-type': 'text/html' }), '<p>broken</p>'),
    { code: 'HTTP_STATUS', status: 500 },
    /answered 500 with text\/html: <p>broken<\/p>/,
  ],
  [
    'a page where a message should be',
    (_rpc, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Welcome</h1>'),
    { code: 'HTTP_STATUS', status: 200, retryable: false },
    /answered 200 with text\/html: <h1>Welcome/,
  ],
  [
    'JSON that is no message',
    (_rpc, response) => void response.writeHead(200, json).end('{"ok":true}'),
    { code: 'HTTP_STATUS' },
    /\{"ok":true\}/,
  ],
  [
    'an error in JSON that is no message',
    (_rpc, response) => void response.writeHead(422, json).end('{"detail":"what?"}'),
    { code: 'HTTP_STATUS', status: 422 },
    /answered 422 with application\/json: \{"detail":"what\?"\}/,
  ],
  [
    'the wrong id',
    (rpc, response) => reply(response, rpc.id + 1, {}),
    { code: 'FRAME_INVALID' },
    /with the id \d+, not \d+/,
  ],
  [
    'the wrong id in an event',
    (rpc, response) =>
      void response.writeHead(200, events).end(`data: {"jsonrpc":"2.0","id":"${rpc.id}","result":{}}\n\n`),
    { code: 'FRAME_INVALID' },
    /with the id "\d+", not \d+/,
  ],
  [
    'nothing but 202',
    (_rpc, response) => void response.writeHead(202).end(),
    { code: 'HTTP_STATUS', status: 202 },
    /with 202 and no message/,
  ],
  [
    'an empty body',
    (_rpc, response) => void response.writeHead(200, json).end(),
    { code: 'HTTP_STATUS', status: 200 },
    /with 200 and no message/,
  ],
  [
    'a body that stops',
    (rpc, response) => {
      const text = JSON.stringify({ jsonrpc: '2.0', id: rpc.id, result: {} });
      response.writeHead(200, { ...json, 'content-length': text.length + 10 });
      response.write(text, () => response.destroy());
    },
    { code: 'CONNECTION_RESET', retryable: true },
    /cut before the answer was complete/,
  ],
  [
    'events that stop before the answer',
    (_rpc, response) => void response.writeHead(200, events).end(': nothing to say\n\n'),
    { code: 'CONNECTION_CLOSED', retryable: true },
    /ended before "tools\/call" was answered/,
  ],
  [
    'a reset in the middle of events',
    (_rpc, response) => {
      response.writeHead(200, events);
      response.write(': hello\n\n', () => (response.socket as Socket).resetAndDestroy());
    },
    { code: 'CONNECTION_RESET', retryable: true },
    /was cut/,
  ],
  [
    'no UTF-8',
    (_rpc, response) => void response.writeHead(200, events).end(Buffer.from([0x64, 0xff, 0xfe, 0x0a])),
    { code: 'FRAME_INVALID' },
    /not valid UTF-8/,
  ],
  [
    'a content coding nobody asked for',
    (_rpc, response) => void response.writeHead(200, { ...json, 'content-encoding': 'br' }).end('x'),
    { code: 'FRAME_INVALID' },
    /content coding "br"/,
  ],
  [
    'a redirect to another server',
    (_rpc, response) => void response.writeHead(308, { location: 'http://127.0.0.2:9/mcp?token=x' }).end(),
    { code: 'HTTP_STATUS', status: 308 },
    /redirects \(308\) to http:\/\/127\.0\.0\.2:9\/mcp, which is not followed/,
  ],
  [
    'redirects in a circle',
    (_rpc, response, request) => void response.writeHead(307, { location: String(request.url) }).end(),
    { code: 'HTTP_STATUS', status: 307 },
    /redirects \(307\)/,
  ],
  [
    'a refused token',
    (_rpc, response) =>
      void response
        .writeHead(401, {
          'www-authenticate':
            'Bearer resource_metadata="https://a.example/.well-known/x", scope="a b", error="invalid_token"',
        })
        .end(),
    {
      code: 'UNAUTHORIZED',
      status: 401,
      challenge: {
        scheme: 'Bearer',
        resourceMetadata: 'https://a.example/.well-known/x',
        scope: 'a b',
        error: 'invalid_token',
      },
    },
    /asks for authorization \(401/,
  ],
  [
    'too many requests',
    (_rpc, response) => void response.writeHead(429, { ...json, 'retry-after': '7' }).end('{}'),
    { code: 'OVERLOADED', status: 429, retryable: true, retryAfterMs: 7_000 },
    /asks to wait 7000 ms/,
  ],
  [
    'a bad gateway',
    (_rpc, response) => void response.writeHead(502).end(),
    { code: 'HTTP_STATUS', status: 502, retryable: true },
    /answered 502 with an empty body/,
  ],
  [
    'brackets without end',
    (rpc, response) =>
      void response
        .writeHead(200, json)
        .end(`{"jsonrpc":"2.0","id":${rpc.id},"result":${'['.repeat(2_000)}${']'.repeat(2_000)}}`),
    { code: 'HTTP_STATUS' },
    /answered 200/,
  ],
];

describe('a server that answers', () => {
  it.each(cases)('%s', async (_name, answer, facts, message) => {
    const url = await hostile(answer);
    const mcp = await client(url, small);
    const error = await mcp.callTool('any').then(
      (result) => Promise.reject(new Error(`answered ${JSON.stringify(result)}`)),
      (failure: unknown) => failure,
    );
    expect(error).toMatchObject(facts);
    expect((error as Error).message).toMatch(message);
    // The client lives on.
    expect(await mcp.discover()).toMatchObject(discovered);
  });
});

describe('a server that', () => {
  it('drips is left at the deadline, however often it says something', async () => {
    const url = await hostile((rpc, response) => {
      response.writeHead(200, events);
      const token = (rpc.params._meta as { progressToken: number }).progressToken;
      let progress = 0;
      const timer = setInterval(() => {
        progress += 1;
        const params = { progressToken: token, progress };
        response.write(
          `data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params })}\n\n`,
        );
      }, 5);
      response.on('close', () => clearInterval(timer));
    });
    const mcp = await client(url);
    const options = { timeoutMs: 200, maxTimeoutMs: 400, onProgress: () => {} };
    await expect(mcp.callTool('slow', {}, options)).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });

  it('never answers is left at the deadline, and its connection with it', async () => {
    let asked = 0;
    let left = 0;
    const url = await hostile((_rpc, response) => {
      asked += 1;
      response.on('close', () => {
        left += 1;
      });
    });
    const mcp = await client(url);
    // On a busy machine a short deadline may pass before the server is reached.
    for (let timeoutMs = 50; asked === 0; timeoutMs *= 2)
      await expect(mcp.callTool('slow', {}, { timeoutMs })).rejects.toMatchObject({
        code: 'DEADLINE_EXCEEDED',
      });
    await expect.poll(() => left).toBe(asked);
  });

  it('says 1xx first is heard out', async () => {
    const url = await hostile((rpc, response) => {
      for (let count = 0; count < 3; count++) {
        response.writeProcessing();
        response.writeEarlyHints({ link: '</x>; rel=preload' });
      }
      reply(response, rpc.id, { content: [] });
    });
    expect(await (await client(url)).callTool('any')).toEqual({ content: [] });
  });

  it('redirects within itself is followed', async () => {
    const url = await hostile((rpc, response, request) => {
      if (request.url === '/mcp') response.writeHead(307, { location: '/other?x=1' }).end();
      else reply(response, rpc.id, { at: request.url });
    });
    expect(await (await client(url)).request('any')).toEqual({ at: '/other?x=1' });
  });

  it('sends a request in the modern era is not answered', async () => {
    const errors: string[] = [];
    const url = await hostile((rpc, response) => {
      response.writeHead(200, events);
      response.write('data: {"jsonrpc":"2.0","id":1,"method":"elicitation/create","params":{}}\n\n');
      response.end(`data: ${JSON.stringify({ jsonrpc: '2.0', id: rpc.id, result: { ok: true } })}\n\n`);
    });
    const mcp = await client(url, {
      onElicitation: () => Promise.reject(new Error('must not be asked')),
      rpc: { onProtocolError: ({ message }) => errors.push(message) },
    });
    expect(await mcp.request('any')).toEqual({ ok: true });
    expect(errors).toEqual([expect.stringMatching(/sent a request, which no server of 2026-07-28 may/)]);
  });

  it('speaks no HTTP is said to', async () => {
    const server = createSocketServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', () => socket.end('220 smtp.example ESMTP\r\n'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => new Promise((resolve) => server.close(resolve)));
    const { port } = server.address() as { port: number };
    await expect(connect(`http://127.0.0.1:${port}/mcp`)).rejects.toMatchObject({
      code: 'HTTP_STATUS',
      message: expect.stringMatching(/is not HTTP\/1\.1/),
    });
  });

  it('is not there is said to be missing', async () => {
    const { server, origin } = await listenHttp(() => {});
    await closeHttp(server);
    await expect(connect(`${origin}/mcp`)).rejects.toMatchObject({ code: 'CONNECTION_REFUSED' });
    await expect(connect(`${origin.replace('http', 'ws')}/mcp`)).rejects.toMatchObject({
      code: 'CONNECTION_REFUSED',
    });
  });
});

describe('header fields of the caller', () => {
  const withHeaders = (httpClient: HttpClientOptions): ConnectOptions => ({ transport: { httpClient } });

  it('go with each request, from a function asked for each', async () => {
    const seen: unknown[] = [];
    const url = await hostile((rpc, response, request) => {
      seen.push([request.headers.authorization, request.headers['mcp-method'], request.headers.host]);
      reply(response, rpc.id, {});
    });
    let count = 0;
    const headers = async () => ({ Authorization: `Bearer ${++count}`, 'Mcp-Method': 'forged' });
    const mcp = await client(url, withHeaders({ headers }));
    await mcp.request('one');
    await mcp.request('two');
    const host = new URL(url).host;
    expect(seen).toEqual([
      ['Bearer 2', 'one', host],
      ['Bearer 3', 'two', host],
    ]);
  });

  it('are refused without their values being told', async () => {
    const url = await hostile(() => {});
    const secret = 'sec\nret';
    const attempts: HeaderFields[] = [{ authorization: secret }, { host: 'other' }, { 'bad name': 'x' }];
    for (const headers of attempts) {
      const error = await connect(url, withHeaders({ headers })).catch((failure: Error) => failure);
      expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
      expect((error as Error).message).not.toContain('ret"');
    }
    const thrown = await connect(
      url,
      withHeaders({ headers: () => Promise.reject(new Error('no token')) }),
    ).catch((failure: Error) => failure);
    expect(thrown).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/headers\(\) threw/),
    });
  });
});

describe('limits', () => {
  it('refuse more requests than maxRequests', async () => {
    const held: ServerResponse[] = [];
    const url = await hostile((_rpc, response) => void held.push(response));
    const mcp = await client(url, { transport: { httpClient: { connections: 1, maxRequests: 2 } } });
    const calls = [mcp.callTool('a'), mcp.callTool('b'), mcp.callTool('c')].map((call) =>
      call.then(
        () => 'answered',
        (error: { code: string }) => error.code,
      ),
    );
    expect(await calls[2]).toBe('OVERLOADED');
    await mcp.close();
    expect(await Promise.all(calls)).toEqual(['CONNECTION_CLOSED', 'CONNECTION_CLOSED', 'OVERLOADED']);
  });
});

import { once } from 'node:events';
import { request } from 'node:http';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { RpcError } from '../../src/errors.js';
import { jsonRpcApplication } from '../../src/rpc/http/json-rpc-application.js';
import { createRpcServer, type RpcServer, type RpcServerOptions } from '../../src/rpc/server.js';
import type { HttpOptions } from '../../src/transports/http/http-options.js';
import type { HttpListener } from '../../src/transports/http/http-server.js';
import { ask, engines, rpc } from './http-support.js';

const servers: RpcServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close({ drainTimeoutMs: 0 })));
});

describe.each(engines)('JSON-RPC over HTTP, engine %s', (engine) => {
  function newServer(options?: RpcServerOptions): RpcServer {
    const server = createRpcServer(options);
    servers.push(server);
    return server
      .method<{ a: number; b: number }>('add', ({ a, b }) => a + b)
      .method<unknown[]>('sum', (numbers) => (numbers as number[]).reduce((left, right) => left + right, 0))
      .method('later', async (params) => params)
      .method('echo', (params) => params)
      .method('refuse', () => {
        throw new RpcError(4711, 'no', { why: 'because' });
      })
      .method('fail', () => {
        throw new Error('secret');
      })
      .method('rejects', () => Promise.reject(new RpcError(4712, 'later no')))
      .method('cycle', () => {
        const cycle: Record<string, unknown> = {};
        cycle.self = cycle;
        return cycle;
      })
      .method('who', (_, { peer, auth, meta, id }) => ({
        kind: peer.kind,
        address: peer.address,
        auth,
        meta,
        id,
      }));
  }

  async function listen(server: RpcServer, http: HttpOptions = {}, scheme = 'http'): Promise<HttpListener> {
    return (await server.listen(`${scheme}://127.0.0.1:0/rpc`, {
      http: { engine, ...http },
    })) as HttpListener;
  }

  it('answers a call at once, later, and with an error, always with 200', async () => {
    const { url } = await listen(newServer());
    const result = await ask(url, rpc('add', { a: 1, b: 2 }));
    expect(result).toMatchObject({ status: 200, text: '{"jsonrpc":"2.0","id":1,"result":3}' });
    expect(result.headers['content-type']).toBe('application/json');
    expect(result.headers['content-length']).toBe(String(result.body.length));
    expect(await ask(url, rpc('sum', [1, 2, 3], 'ü'))).toMatchObject({
      status: 200,
      text: '{"jsonrpc":"2.0","id":"ü","result":6}',
    });
    expect(await ask(url, rpc('later', { x: 'grün' }))).toMatchObject({
      status: 200,
      text: '{"jsonrpc":"2.0","id":1,"result":{"x":"grün"}}',
    });
    expect(await ask(url, rpc('refuse'))).toMatchObject({
      status: 200,
      text: '{"jsonrpc":"2.0","id":1,"error":{"code":4711,"message":"no","data":{"why":"because"}}}',
    });
    expect(await ask(url, rpc('rejects'))).toMatchObject({
      status: 200,
      text: '{"jsonrpc":"2.0","id":1,"error":{"code":4712,"message":"later no"}}',
    });
    expect(await ask(url, rpc('nothing'))).toMatchObject({
      status: 200,
      text: '{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found: nothing"}}',
    });
  });

  it('keeps ids as they were sent, and escapes in names', async () => {
    const { url } = await listen(newServer());
    const body =
      '{ "jsonrpc":"2.0", "method":"e\\u0063ho", "params":[12345678901234567890], "id":98765432109876543210 }';
    const { text } = await ask(url, body);
    expect(text).toBe('{"jsonrpc":"2.0","id":98765432109876543210,"result":[12345678901234567000]}');
  });

  it('hides what a handler threw, and reports it; a result that is no JSON is an error', async () => {
    const seen: string[] = [];
    const { url } = await listen(
      newServer({ onHandlerError: (error, method) => seen.push(`${method}: ${error}`) }),
    );
    const hidden = '{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"Internal error"}}';
    expect((await ask(url, rpc('fail'))).text).toBe(hidden);
    expect((await ask(url, rpc('cycle'))).text).toBe(hidden);
    expect(seen).toEqual([
      'fail: Error: secret',
      expect.stringContaining('"cycle" cannot be written as JSON'),
    ]);
  });

  it.each(['echo', 'later'])('holds the results of "%s" to maxFrameBytes', async (method) => {
    const listenWith = (maxFrameBytes: number) =>
      newServer().listen('http://127.0.0.1:0/rpc', {
        http: { engine, maxBodyBytes: 6_000_000 },
        maxFrameBytes,
      });
    const text = 'x'.repeat(5_000_000);
    const wide = await ask((await listenWith(6_000_000)).url, rpc(method, [text]));
    expect(JSON.parse(wide.text)).toEqual({ jsonrpc: '2.0', id: 1, result: [text] });
    const narrow = await ask((await listenWith(4_000)).url, rpc(method, [text.slice(0, 5_000)]));
    expect([narrow.status, JSON.parse(narrow.text)]).toMatchObject([
      200,
      { id: 1, error: { data: { code: 'FRAME_TOO_LARGE' } } },
    ]);
  });

  it('serves arrays: calls, notifications and mistakes together', async () => {
    const server = newServer();
    const told: unknown[] = [];
    server.notification('tell', (params) => void told.push(params));
    const { url } = await listen(server);
    const batch = `[${rpc('add', { a: 1, b: 2 }, 'x')},{"jsonrpc":"2.0","method":"tell","params":[7]},${rpc('later', { y: 1 }, 2)},5]`;
    const { status, text } = await ask(url, batch);
    expect(status).toBe(200);
    const answers = JSON.parse(text) as { id: unknown }[];
    expect(answers).toHaveLength(3);
    expect(answers).toEqual(
      expect.arrayContaining([
        { jsonrpc: '2.0', id: 'x', result: 3 },
        { jsonrpc: '2.0', id: 2, result: { y: 1 } },
        { jsonrpc: '2.0', id: null, error: expect.objectContaining({ code: -32600 }) },
      ]),
    );
    expect(told).toEqual([[7]]);
    const none = await ask(url, '[{"jsonrpc":"2.0","method":"tell","params":[8]}]');
    expect(none).toMatchObject({ status: 202, text: '' });
    expect(told).toEqual([[7], [8]]);
  });

  it('answers notifications with 202 and nothing', async () => {
    const server = newServer();
    const told: unknown[] = [];
    server.notification('tell', (params) => void told.push(params));
    const { url } = await listen(server);
    expect(await ask(url, '{"jsonrpc":"2.0","method":"tell","params":{"a":1}}')).toMatchObject({
      status: 202,
      text: '',
    });
    expect(told).toEqual([{ a: 1 }]);
  });

  it.each([
    ['no JSON', 'hello', -32700],
    ['nothing', '', -32700],
    ['bad UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), -32700],
    ['no version', '{"id":1,"method":"add"}', -32600],
    ['a number', '5', -32600],
    ['an empty array', '[]', -32600],
    ['a response', '{"jsonrpc":"2.0","id":1,"result":1}', -32600],
    ['an id of null', '{"jsonrpc":"2.0","id":null,"method":"add"}', -32600],
    ['params of a string', '{"jsonrpc":"2.0","id":1,"method":"add","params":"x"}', -32600],
    [
      'deep nesting',
      `{"jsonrpc":"2.0","id":1,"method":"echo","params":${'['.repeat(100)}${']'.repeat(100)}}`,
      -32600,
    ],
  ])('refuses %s with 400 and an error object', async (_, body, code) => {
    const { url } = await listen(newServer());
    const { status, headers, text } = await ask(url, body);
    expect(status).toBe(400);
    expect(headers['content-type']).toBe('application/json');
    expect(JSON.parse(text)).toMatchObject({ jsonrpc: '2.0', id: null, error: { code } });
  });

  it('refuses other methods, types and answers, saying what would be right', async () => {
    const { url } = await listen(newServer());
    const json = { 'content-type': 'application/json' };
    const get = await ask(url, undefined, {});
    expect(get).toMatchObject({ status: 405, headers: { allow: 'POST' } });
    expect(JSON.parse(get.text).error.message).toContain('POST');
    for (const method of ['PUT', 'DELETE', 'PATCH']) {
      expect((await ask(url, '{}', json, method)).status).toBe(405);
    }
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/json; charset=latin1',
    ]) {
      const refused = await ask(url, rpc('add'), { 'content-type': type });
      expect(refused.status).toBe(415);
      expect(JSON.parse(refused.text).error.message).toContain('application/json');
    }
    expect((await ask(url, rpc('add'), {})).status).toBe(415);
    for (const accept of ['text/html', 'application/json;q=0', 'text/event-stream']) {
      const refused = await ask(url, rpc('add'), { ...json, accept });
      expect(refused.status).toBe(406);
      expect(JSON.parse(refused.text).error.message).toContain('accept application/json');
    }
  });

  it.each([
    [{ 'content-type': 'Application/JSON; Charset="UTF-8"' }],
    [{ 'content-type': 'application/json', accept: 'text/html, application/*;q=0.1' }],
    [{ 'content-type': 'application/json', accept: '*/*' }],
    [{ 'content-type': 'application/json-rpc', accept: 'application/json, text/event-stream' }],
  ])('takes %j', async (headers) => {
    const { url } = await listen(newServer());
    expect((await ask(url, rpc('add', { a: 1, b: 1 }), headers)).status).toBe(200);
  });

  it('refuses a body beyond the limit, and one that is no gzip, in JSON', async () => {
    const { url } = await listen(newServer(), { maxBodyBytes: 1000 });
    const large = await ask(url, rpc('echo', ['x'.repeat(2000)]));
    expect(large.status).toBe(413);
    expect(JSON.parse(large.text)).toMatchObject({ id: null, error: { code: -32600 } });
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
    expect((await ask(url, 'no gzip', headers)).status).toBe(400);
    expect((await ask(url, gzipSync(rpc('echo', ['x'.repeat(2000)])), headers)).status).toBe(413);
    const unknown = await ask(url, rpc('echo'), {
      'content-type': 'application/json',
      'content-encoding': 'zstd',
    });
    expect(unknown.status).toBe(415);
    expect(JSON.parse(unknown.text).error.message).toContain('gzip');
    expect((await ask(url, gzipSync(rpc('echo', [1])), headers)).text).toBe(
      '{"jsonrpc":"2.0","id":1,"result":[1]}',
    );
  });

  it('compresses a large answer for those who take it', async () => {
    const { url } = await listen(newServer());
    const params = ['x'.repeat(10_000)];
    const headers = { 'content-type': 'application/json', 'accept-encoding': 'gzip' };
    const packed = await ask(url, rpc('echo', params), headers);
    expect(packed.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'accept-encoding' });
    expect(JSON.parse(gunzipSync(packed.body).toString())).toMatchObject({ result: params });
    const plain = await ask(url, rpc('echo', params));
    expect(plain.headers['content-encoding']).toBeUndefined();
    expect(JSON.parse(plain.text)).toMatchObject({ result: params });
  });

  it('tells a handler who calls and what came beside the params', async () => {
    const { url } = await listen(newServer(), {
      authenticate: () => ({ principal: 'ann', scopes: ['read'] }),
    });
    const { text } = await ask(url, rpc('who', { _meta: { a: 1 } }, 'q'));
    expect(JSON.parse(text).result).toEqual({
      kind: 'http',
      address: '127.0.0.1',
      auth: { principal: 'ann', scopes: ['read'] },
      meta: { a: 1 },
      id: '"q"',
    });
  });

  it('aborts the handler of a caller that leaves', async () => {
    const server = newServer();
    let started: () => void = () => {};
    const running = new Promise<void>((resolve) => {
      started = resolve;
    });
    const aborted = new Promise<string>((resolve) => {
      server.method('hang', (_, { signal }) => {
        started();
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            resolve(signal.reason.code as string);
            reject(signal.reason);
          });
        });
      });
    });
    const { url } = await listen(server);
    const outgoing = request(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      agent: false,
    });
    outgoing.on('error', () => {});
    outgoing.end(rpc('hang'));
    await running;
    outgoing.destroy();
    expect(await aborted).toBe('CONNECTION_CLOSED');
  });

  it('answers a call that misses its deadline', async () => {
    const server = newServer({ servedTimeoutMs: 20 });
    server.method('hang', () => new Promise(() => {}));
    const { url } = await listen(server);
    const { status, text } = await ask(url, rpc('hang'));
    expect(status).toBe(200);
    expect(JSON.parse(text).error.data).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });

  it('refuses calls beyond those that may be at work, until one has ended', async () => {
    const server = newServer({ maxHttpInFlight: 2 });
    const ends: (() => void)[] = [];
    let begun: () => void = () => {};
    const both = new Promise<void>((resolve) => {
      begun = () => ends.length === 2 && resolve();
    });
    server.method('slow', () => {
      const end = new Promise<string>((resolve) => ends.push(() => resolve('done')));
      begun();
      return end;
    });
    const { url } = await listen(server);
    const answers = [ask(url, rpc('slow')), ask(url, rpc('slow'))];
    await both;
    const refused = await ask(url, rpc('add', { a: 1, b: 2 }));
    expect(refused).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
    expect(JSON.parse(refused.text).error.data).toEqual({ code: 'OVERLOADED', retryable: true });
    for (const end of ends) end();
    for (const answer of answers) expect((await answer).text).toContain('"done"');
    expect((await ask(url, rpc('add', { a: 1, b: 2 }))).status).toBe(200);
    expect(() => createRpcServer({ maxHttpInFlight: 0 })).toThrow('"maxHttpInFlight" must be an integer');
  });

  it('lets calls at work end when the server closes', async () => {
    const server = newServer();
    let finish: (value: string) => void = () => {};
    const begun = new Promise<void>((resolve) => {
      server.method('slow', () => {
        resolve();
        return new Promise<string>((end) => {
          finish = end;
        });
      });
    });
    const { url } = await listen(server);
    const answer = ask(url, rpc('slow'));
    await begun;
    const closed = server.close();
    finish('done');
    expect((await answer).text).toBe('{"jsonrpc":"2.0","id":1,"result":"done"}');
    await closed;
    await expect(ask(url, rpc('add'))).rejects.toThrow();
  });

  it('closes an application that was still being made when the server closed', async () => {
    let closed = 0;
    let make: () => void = () => {};
    let onAsked: () => void = () => {};
    const asked = new Promise<void>((resolve) => {
      onAsked = resolve;
    });
    const server = newServer({
      httpApplication: async (of, options) => {
        onAsked();
        await new Promise<void>((resolve) => {
          make = resolve;
        });
        const application = jsonRpcApplication(of, options);
        application.close = async () => {
          closed += 1;
        };
        return application;
      },
    });
    const outcome = listen(server).catch((error: unknown) => error);
    await asked;
    await server.close();
    make();
    expect(await outcome).toMatchObject({ code: 'CONNECTION_CLOSED' });
    expect(closed).toBe(1);
  });

  it('carries JSON-RPC both ways on a WebSocket of the same address, arrays too', async () => {
    const server = newServer();
    server.method('ask back', async (_, { connection }) => `got ${await connection.request('name')}`);
    const listener = await listen(server, { authenticate: () => ({ principal: 'bea', scopes: [] }) });
    const socket = new WebSocket(listener.webSocketUrl, ['other', 'jsonrpc']);
    await once(socket, 'open');
    expect(socket.protocol).toBe('jsonrpc');
    const exchange = async (text: string): Promise<unknown> => {
      socket.send(text);
      const [data] = (await once(socket, 'message')) as [Buffer];
      return JSON.parse(data.toString());
    };
    expect(await exchange(rpc('add', { a: 2, b: 2 }))).toEqual({ jsonrpc: '2.0', id: 1, result: 4 });
    expect(await exchange(`[${rpc('add', { a: 2, b: 2 }, 7)}]`)).toEqual([
      { jsonrpc: '2.0', id: 7, result: 4 },
    ]);
    expect(await exchange(rpc('who'))).toMatchObject({ result: { kind: 'ws', auth: { principal: 'bea' } } });
    const question = (await exchange(rpc('ask back'))) as { id: unknown; method: string };
    expect(question.method).toBe('name');
    expect(await exchange(JSON.stringify({ jsonrpc: '2.0', id: question.id, result: 'cy' }))).toMatchObject({
      result: 'got cy',
    });
    const gone = once(socket, 'close');
    await server.close();
    expect((await gone)[0]).toBe(1001);
  });

  it('serves WebSocket alone on a ws endpoint', async () => {
    const listener = await listen(newServer(), {}, 'ws');
    expect(listener.url.startsWith('ws://')).toBe(true);
    const refused = await ask(listener.url.replace('ws:', 'http:'), rpc('add'));
    expect(refused).toMatchObject({ status: 426, headers: { upgrade: 'websocket' } });
    expect(JSON.parse(refused.text).error.message).toContain('WebSocket');
    const socket = new WebSocket(listener.url);
    await once(socket, 'open');
    socket.send(rpc('add', { a: 3, b: 4 }));
    const [data] = (await once(socket, 'message')) as [Buffer];
    expect(data.toString()).toBe('{"jsonrpc":"2.0","id":1,"result":7}');
    socket.close();
    await once(socket, 'close');
  });
});

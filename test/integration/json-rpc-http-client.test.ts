import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { RpcError } from '../../src/errors.js';
import { connectRpc, type RpcClient } from '../../src/rpc/client.js';
import { createRpcServer, type RpcServer } from '../../src/rpc/server.js';
import { engines } from './http-support.js';

const servers: RpcServer[] = [];
const clients: RpcClient[] = [];
const bare: Server[] = [];
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close({ drainTimeoutMs: 0 })));
  await Promise.all(servers.splice(0).map((server) => server.close({ drainTimeoutMs: 0 })));
  for (const server of bare.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function connected(url: string, headers?: Record<string, string>): Promise<RpcClient> {
  const client = await connectRpc(url, { transport: { httpClient: { headers } } });
  clients.push(client);
  return client;
}

/** A server of other make. */
async function foreign(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  bare.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

it('connectRpc over HTTP cuts a stream that goes on behind the reply', async () => {
  const url = await foreign(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { id } = JSON.parse(body);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`data: {"jsonrpc":"2.0","id":${id},"result":${id}}\n\n`);
  });
  const client = await connectRpc(url, { transport: { httpClient: { connections: 1 } } });
  clients.push(client);
  for (const result of [1, 2, 3]) expect(await client.request('any', {}, { timeoutMs: 5_000 })).toBe(result);
});

describe.each(engines)('connectRpc over HTTP, engine %s', (engine) => {
  async function listen(server: RpcServer, http = {}): Promise<string> {
    servers.push(server);
    return (await server.listen('http://127.0.0.1:0/rpc', { http: { engine, ...http } })).url;
  }

  it('calls, many at once, and gets results and errors', async () => {
    const client = await connected(
      await listen(
        createRpcServer()
          .method<{ text: string }>('echo', async ({ text }) => text)
          .method('refuse', () => {
            throw new RpcError(7, 'no', { a: 1 });
          }),
      ),
    );
    expect(client.peer.transport.kind).toBe('http');
    const results = Promise.all(
      Array.from({ length: 50 }, (_, index) => client.request('echo', { text: `grün ${index}` })),
    );
    expect(await results).toEqual(Array.from({ length: 50 }, (_, index) => `grün ${index}`));
    await expect(client.request('refuse')).rejects.toMatchObject({
      rpcCode: 7,
      message: 'no',
      data: { a: 1 },
    });
    await expect(client.request('nothing')).rejects.toMatchObject({ rpcCode: -32601 });
  });

  it('sends its headers, and says when they are not enough', async () => {
    const url = await listen(
      createRpcServer().method('who', (_, { auth }) => auth?.principal),
      {
        authenticate: (head: { header(name: string): string }) =>
          head.header('authorization') === 'Bearer good'
            ? { principal: 'ann', scopes: [] }
            : { status: 401, problem: 'Send a token.' },
      },
    );
    expect(await (await connected(url, { authorization: 'Bearer good' })).request('who')).toBe('ann');
    await expect((await connected(url)).request('who')).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
      status: 401,
    });
  });

  it('cancels a call by cutting its exchange, and leaves the others alone', async () => {
    const server = createRpcServer().method('echo', (params) => params);
    const begun = new Promise<void>((resolve) => {
      server.method('hang', () => {
        resolve();
        return new Promise(() => {});
      });
    });
    const ended = new Promise<string>((resolve) => {
      server.use((call, next) => {
        if (call.method === 'hang')
          call.context.signal.addEventListener('abort', () => resolve(call.context.signal.reason.code));
        return next(call);
      });
    });
    const client = await connected(await listen(server));
    const controller = new AbortController();
    const hanging = client.request('hang', undefined, { signal: controller.signal });
    await begun;
    controller.abort();
    await expect(hanging).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await ended).toBe('CONNECTION_CLOSED');
    expect(await client.request('echo', [1])).toEqual([1]);
  });

  it('lets notifications leave before it closes', async () => {
    const told: unknown[] = [];
    const client = await connected(
      await listen(createRpcServer().notification('tell', (params) => void told.push(params))),
    );
    client.notify('tell', [1]);
    client.notify('tell', [2]);
    await client.close();
    expect(told).toEqual(expect.arrayContaining([[1], [2]]));
    await expect(client.request('echo')).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
  });

  it('tells why a message was not taken', async () => {
    const client = await connected(
      await listen(
        createRpcServer().method('echo', (params) => params),
        { maxBodyBytes: 100 },
      ),
    );
    await expect(client.request('echo', ['x'.repeat(200)])).rejects.toMatchObject({
      code: 'RPC_ERROR',
      rpcCode: -32600,
    });
    expect(await client.request('echo', ['x'])).toEqual(['x']);
  });
});

describe('connectRpc over HTTP, to servers of other make', () => {
  it.each([
    ['another id', 200, 'application/json', '{"jsonrpc":"2.0","id":99,"result":1}', 'FRAME_INVALID'],
    ['no message', 200, 'application/json', '{"hello":1}', 'FRAME_INVALID'],
    ['nothing', 200, 'application/json', '', 'HTTP_STATUS'],
    ['204', 204, 'application/json', '', 'HTTP_STATUS'],
    ['a page', 502, 'text/html', '<h1>Bad gateway</h1>', 'HTTP_STATUS'],
    [
      'an error without id',
      400,
      'application/json',
      '{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"bad"}}',
      'RPC_ERROR',
    ],
  ])('answers with %s', async (_, status, type, body, code) => {
    const url = await foreign((request, response) => {
      request.resume();
      response.writeHead(status, { 'content-type': type });
      response.end(body);
    });
    await expect((await connected(url)).request('x')).rejects.toMatchObject({ code });
  });

  it('a request fails where nobody listens, and the client lives on', async () => {
    const url = await foreign(() => {});
    const [server] = bare.splice(0);
    await new Promise((resolve) => server.close(resolve));
    const client = await connected(url);
    await expect(client.request('x')).rejects.toMatchObject({ code: 'CONNECTION_REFUSED' });
    expect(client.peer.isOpen).toBe(true);
  });
});

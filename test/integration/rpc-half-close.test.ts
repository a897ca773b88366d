/**
 * A peer that sends its requests and then its end, as `printf … | server` and `nc` do, gets every answer. Handlers
 * wait for what the end itself brings about, never for time.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { connect as connectSocket, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createServer } from '../../src/mcp/index.js';
import { connectRpc } from '../../src/rpc/client.js';
import { createRpcServer, type RpcServer } from '../../src/rpc/server.js';

const tcp = () => 'tcp://127.0.0.1:0';
const unix = (folder: string) => `unix:${join(folder, 'end.sock')}`;
const endpoints = [
  ['tcp', 'native', tcp],
  ['tcp', 'twin', tcp],
  ['unix', 'native', unix],
  ['unix', 'twin', unix],
] as const;

let directory: string;
let cleanups: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ringwire-end-'));
});

afterEach(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
  cleanups = [];
  await rm(directory, { recursive: true, force: true });
});

/** `after-end` returns once the caller's end made a request to the caller fail. */
function serve(): RpcServer {
  const server = createRpcServer()
    .method('now', () => 'now')
    .method('soon', async () => 'soon')
    .method('large', async () => 'x'.repeat(3_000_000))
    .method('after-end', async (_params, { connection }) => {
      const failure = await connection
        .request('never-answered')
        .catch((error: { code: string }) => error.code);
      return `after ${failure}`;
    });
  cleanups.push(() => server.close({ drainTimeoutMs: 0 }));
  return server;
}

function open(url: string): Socket {
  const socket = url.startsWith('unix:')
    ? connectSocket({ path: url.slice('unix:'.length), allowHalfOpen: true })
    : connectSocket({ port: Number(new URL(url).port), host: '127.0.0.1', allowHalfOpen: true });
  cleanups.push(async () => socket.destroy());
  return socket;
}

const request = (id: number, method: string) => `{"jsonrpc":"2.0","id":${id},"method":"${method}"}\n`;

interface Message {
  readonly id: number;
  readonly method?: string;
  readonly result?: unknown;
}

async function replies(socket: Socket): Promise<Map<number, unknown>> {
  const messages = (await text(socket))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Message);
  return new Map(messages.filter(({ method }) => method === undefined).map(({ id, result }) => [id, result]));
}

describe.each(endpoints)('half-close over %s, %s', (_name, implementation, url) => {
  it('lets calls at work finish, sends their answers, then closes', async () => {
    const server = serve();
    const listener = await server.listen(url(directory), { implementation });
    const socket = open(listener.url);
    socket.end(['now', 'soon', 'after-end', 'large'].map((method, id) => request(id, method)).join(''));
    const answers = await replies(socket);
    expect([answers.get(0), answers.get(1), answers.get(2)]).toEqual([
      'now',
      'soon',
      'after CONNECTION_CLOSED',
    ]);
    expect((answers.get(3) as string).length).toBe(3_000_000);
    await Promise.all([...server.connections].map(({ closed }) => closed));
    expect(server.connections.size).toBe(0);
  });

  it('answers an asynchronous tool of an MCP server', async () => {
    const server = createServer({ name: 'half', version: '1.0.0' }).tool(
      'late',
      async (_args, { signal }) => {
        await new Promise((resolve) => setImmediate(resolve));
        return `late, ${signal.aborted}`;
      },
    );
    cleanups.push(() => server.close({ drainTimeoutMs: 0 }));
    const listener = await server.listen(url(directory), { implementation });
    const socket = open(listener.url);
    const meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'nc', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    };
    const params = { name: 'late', arguments: {}, _meta: meta };
    socket.end(`${JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'tools/call', params })}\n`);
    expect((await replies(socket)).get(7)).toMatchObject({ content: [{ text: 'late, false' }] });
  });

  it('a client that closes tells the server, whose handlers then stop', async () => {
    const server = serve();
    const reason = new Promise<unknown>((resolve) => {
      server.method('hang', (_params, { signal, connection }) => {
        signal.addEventListener('abort', () => resolve(signal.reason));
        connection.notify('hanging');
        return new Promise(() => {});
      });
    });
    const listener = await server.listen(url(directory), { implementation });
    const client = await connectRpc(listener.url, { transport: { implementation } });
    const hanging = new Promise((resolve) => client.dispatcher.notification('hanging', resolve));
    const failed = expect(client.request('hang')).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
    await hanging;
    await client.close();
    await failed;
    expect(await reason).toMatchObject({ code: 'CANCELLED' });
  });
});

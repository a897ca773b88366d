/** JSON-RPC between real ends: what the unit tests decide message by message, over every transport. */
import { mkdtemp, rm } from 'node:fs/promises';
import { connect as connectSocket, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RingwireError, RpcError } from '../../src/errors.js';
import { type ConnectRpcOptions, connectRpc, type RpcClient } from '../../src/rpc/client.js';
import { createRpcServer, type RpcServer, type RpcServerOptions } from '../../src/rpc/server.js';
import type { TransportOptions } from '../../src/transports/transport.js';

type Implementation = NonNullable<TransportOptions['implementation']>;

const tcp = () => 'tcp://127.0.0.1:0';
const unix = (folder: string) => `unix:${join(folder, 'rpc.sock')}`;
const endpoints: [name: string, implementation: Implementation, url: (folder: string) => string][] = [
  ['memory', 'twin', () => 'memory:rpc-test'],
  ['tcp', 'native', tcp],
  ['tcp', 'twin', tcp],
  ['unix', 'native', unix],
  ['unix', 'twin', unix],
];

let directory: string;
let cleanups: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ringwire-rpc-'));
});

afterEach(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
  cleanups = [];
  await rm(directory, { recursive: true, force: true });
});

function serve(options?: RpcServerOptions): RpcServer {
  const server = createRpcServer(options)
    .method('echo', (params) => params ?? null)
    .method<[number, number]>('subtract', ([left, right]) => left - right)
    .method('later', async (params) => params)
    .method('fail', () => {
      throw new RpcError(-32602, 'no', { why: 'because' });
    })
    .method('ask-back', async (_params, { connection }) => connection.request('name'))
    .method<{ steps: number }>('steps', async ({ steps }, context) => {
      for (let step = 1; step <= steps; step += 1) context.progress(step, steps);
      return steps;
    });
  cleanups.push(() => server.close({ drainTimeoutMs: 0 }));
  return server;
}

async function client(url: string, options?: ConnectRpcOptions): Promise<RpcClient> {
  const connected = await connectRpc(url, options);
  cleanups.push(() => connected.close({ drainTimeoutMs: 0 }));
  return connected;
}

async function pair(
  url: string,
  implementation: Implementation,
  options: RpcServerOptions & { listen?: TransportOptions; connect?: ConnectRpcOptions } = {},
) {
  const { listen, connect, ...serverOptions } = options;
  const server = serve(serverOptions);
  const listener = await server.listen(url, { implementation, ...listen });
  const rpc = await client(listener.url, {
    ...connect,
    transport: { implementation, ...connect?.transport },
  });
  return { server, listener, rpc };
}

describe.each(endpoints)('JSON-RPC over %s, %s', (_name, implementation, url) => {
  it('calls, notifies, fails and calls back', async () => {
    const heard: unknown[] = [];
    const { server, rpc } = await pair(url(directory), implementation);
    server.notification('heard', (params) => heard.push(params));
    rpc.dispatcher.method('name', () => 'client');
    expect(await rpc.request('subtract', [42, 23])).toBe(19);
    expect(await rpc.request('later', { text: 'é𝄞\n\u2028' })).toEqual({ text: 'é𝄞\n\u2028' });
    expect(await rpc.request('ask-back')).toBe('client');
    await expect(rpc.request('fail')).rejects.toMatchObject({ rpcCode: -32602, data: { why: 'because' } });
    await expect(rpc.request('none')).rejects.toMatchObject({ rpcCode: -32601 });
    rpc.notify('heard', { n: 1 });
    await rpc.request('echo');
    expect(heard).toEqual([{ n: 1 }]);
  });

  it('keeps 500 calls apart that are in flight at once', async () => {
    const { rpc } = await pair(url(directory), implementation);
    const answers = Array.from({ length: 500 }, (_, n) => rpc.request(n % 2 ? 'echo' : 'later', { n }));
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 500 }, (_, n) => ({ n })));
    expect(rpc.peer.counters.unknownReplies).toBe(0);
  });

  it('reports progress in order before the result', async () => {
    const { rpc } = await pair(url(directory), implementation);
    const seen: number[] = [];
    const result = await rpc.request(
      'steps',
      { steps: 5 },
      { onProgress: ({ progress }) => seen.push(progress) },
    );
    expect(result).toBe(5);
    expect(seen).toEqual([1, 2, 3, 4, 5]);
  });

  it('cancels at the server and answers nothing more', async () => {
    const { server, rpc } = await pair(url(directory), implementation);
    const aborted = new Promise((resolve) => {
      server.method('hang', (_params, { signal }) => {
        signal.addEventListener('abort', () => resolve(signal.reason));
        rpcStarted();
        return new Promise(() => {});
      });
    });
    let rpcStarted = () => {};
    const started = new Promise<void>((resolve) => {
      rpcStarted = resolve;
    });
    const controller = new AbortController();
    const answer = rpc.request('hang', {}, { signal: controller.signal });
    const rejected = expect(answer).rejects.toMatchObject({ code: 'CANCELLED' });
    await started;
    controller.abort('changed my mind');
    await rejected;
    await expect(aborted).resolves.toMatchObject({
      code: 'CANCELLED',
      message: expect.stringContaining('changed my mind'),
    });
    expect(await rpc.request('echo', { still: 'alive' })).toEqual({ still: 'alive' });
    expect(rpc.peer.counters.unknownReplies).toBe(0);
  });

  it('drains: finishes what is in flight, refuses what is new, then closes', async () => {
    const { server, rpc } = await pair(url(directory), implementation);
    let finish = (_value: string) => {};
    const started = new Promise<void>((resolve) => {
      server.method('slow', () => {
        resolve();
        return new Promise((settle) => {
          finish = settle;
        });
      });
    });
    const slow = rpc.request('slow');
    await started;
    const closing = server.close();
    await expect(rpc.request('echo')).rejects.toMatchObject({ data: { code: 'CONNECTION_CLOSED' } });
    finish('finished');
    expect(await slow).toBe('finished');
    await closing;
    await rpc.closed;
    expect(server.connections.size).toBe(0);
    await expect(rpc.request('echo')).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
    await expect(server.listen('tcp://127.0.0.1:0')).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
  });

  it('rejects what is pending when the server is gone, once', async () => {
    const { server, rpc } = await pair(url(directory), implementation);
    const started = new Promise<void>((resolve) => {
      server.method('hang', () => {
        resolve();
        return new Promise(() => {});
      });
    });
    const outcomes: string[] = [];
    const answers = [rpc.request('hang'), rpc.request('hang')].map((answer) =>
      answer.catch((error: RingwireError) => outcomes.push(error.code)),
    );
    await started;
    for (const peer of server.connections) peer.destroy();
    await Promise.all(answers);
    expect(outcomes).toEqual(['CONNECTION_CLOSED', 'CONNECTION_CLOSED']);
  });

  it('loses nothing when replies are larger than the transport holds', async () => {
    const watermarks = { highWatermarkBytes: 64 * 1024, lowWatermarkBytes: 16 * 1024 };
    const { server, rpc } = await pair(url(directory), implementation, {
      listen: watermarks,
      connect: { transport: watermarks },
    });
    const text = 'x'.repeat(20_000);
    server.method<[number]>('large', ([n]) => `${n} ${text}`);
    server.method<[number]>('large-later', async ([n]) => `${n} ${text}`);
    const answers = Array.from({ length: 300 }, (_, n) =>
      rpc.request<string>(n % 2 ? 'large' : 'large-later', [n, text]),
    );
    const results = await Promise.all(answers);
    expect(results.map((result) => Number.parseInt(result, 10))).toEqual(Array.from(results.keys()));
    expect(new Set(results.map((result) => result.length - `${Number.parseInt(result, 10)}`.length))).toEqual(
      new Set([text.length + 1]),
    );
  });
});

describe('JSON-RPC from a bare socket', () => {
  async function socketTo(
    options?: RpcServerOptions,
  ): Promise<{ socket: Socket; lines: () => Promise<string> }> {
    const server = serve(options);
    const listener = await server.listen('tcp://127.0.0.1:0');
    const socket = connectSocket(Number(new URL(listener.url).port), '127.0.0.1');
    const iterator = (async function* () {
      let rest = '';
      for await (const chunk of socket.setEncoding('utf8')) {
        const parts = (rest + chunk).split('\n');
        rest = parts.pop() as string;
        yield* parts;
      }
    })();
    cleanups.push(async () => socket.destroy());
    return { socket, lines: async () => (await iterator.next()).value as string };
  }

  it('answers each line, malformed ones with id null, and lives on', async () => {
    const { socket, lines } = await socketTo();
    socket.write('nonsense\n{"jsonrpc":"2.0","id":12345678901234567890,"method":"echo","params":[1]}\n');
    // JSON-RPC promises no order.
    const answers = [await lines(), await lines()].sort();
    expect(answers[0]).toBe('{"jsonrpc":"2.0","id":12345678901234567890,"result":[1]}');
    expect(JSON.parse(answers[1])).toMatchObject({ id: null, error: { code: -32700 } });
  });

  it('answers a batch in one line', async () => {
    const { socket, lines } = await socketTo({ batches: true });
    socket.write(
      '[{"jsonrpc":"2.0","id":1,"method":"echo","params":[1]},{"jsonrpc":"2.0","id":"b","method":"later","params":[2]}]\n',
    );
    expect(JSON.parse(await lines())).toEqual([
      { jsonrpc: '2.0', id: 1, result: [1] },
      { jsonrpc: '2.0', id: 'b', result: [2] },
    ]);
  });
});

describe('connectRpc', () => {
  it('takes the first target that answers', async () => {
    const server = serve();
    const listener = await server.listen('memory:second');
    const rpc = await connectRpc([`unix:${join(directory, 'nobody.sock')}`, listener.url, 'memory:third']);
    cleanups.push(() => rpc.close());
    expect(rpc.target).toBe('memory:second');
    expect(await rpc.request('echo', [1])).toEqual([1]);
  });

  it('tells of every target when none answers', async () => {
    const error = await connectRpc(['memory:a', 'memory:b']).catch((reason) => reason);
    expect(error).toBeInstanceOf(RingwireError);
    expect(error).toMatchObject({ code: 'CONNECTION_REFUSED', retryable: true });
    expect(error.message).toMatch(/2 targets.*memory:a.*memory:b/s);
    expect(error.cause.errors).toHaveLength(2);
    await expect(connectRpc('memory:a')).rejects.toMatchObject({ code: 'CONNECTION_REFUSED' });
    await expect(connectRpc([])).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('refuses a bad option before it connects', async () => {
    await expect(connectRpc('memory:a', { defaultTimeoutMs: 0 })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('defaultTimeoutMs'),
    });
    expect(() => createRpcServer({ maxInFlight: -1 })).toThrow('maxInFlight');
  });
});

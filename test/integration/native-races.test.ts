/** What may happen between a request and its answer, on native connections; the twin as the measure. */
import { setImmediate as immediate } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { Peer } from '../../src/rpc/peer.js';
import { createRpcServer } from '../../src/rpc/server.js';
import type { CallContext } from '../../src/rpc/types.js';
import { cleanUp, client, onCleanUp, serve } from './native-support.js';

afterEach(cleanUp);

const request = (id: number | string, method: string, params?: unknown): string =>
  `${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`;
const cancel = (id: number | string): string =>
  `${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } })}\n`;

interface Hanging {
  readonly contexts: CallContext[];
  /** Ends all that hang. */
  release(): void;
  /** Resolves when that many hang. */
  count(wanted: number): Promise<void>;
}

/** Adds `hang`, whose calls stay open until they are released or aborted. */
function addHang(server: ReturnType<typeof createRpcServer>): Hanging {
  const contexts: CallContext[] = [];
  let releases: (() => void)[] = [];
  let waiters: { wanted: number; resolve: () => void }[] = [];
  server.method('hang', (_params, context) => {
    contexts.push(context);
    waiters = waiters.filter(({ wanted, resolve }) => contexts.length < wanted || resolve());
    return new Promise((resolve) => {
      releases.push(() => resolve('released'));
    });
  });
  return {
    contexts,
    release: () => {
      for (const release of releases) release();
      releases = [];
    },
    count: (wanted) =>
      new Promise((resolve) => {
        if (contexts.length >= wanted) resolve();
        else waiters.push({ wanted, resolve });
      }),
  };
}

async function aborted({ signal }: CallContext): Promise<string> {
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  }
  return (signal.reason as { code: string }).code;
}

/** Resolves when the server's native engine has no call open; turns of the loop, not time, are waited for. */
async function noCallsInFlight(server: ReturnType<typeof createRpcServer>): Promise<void> {
  while (server.nativeCounters !== undefined && server.nativeCounters.callsInFlight > 0) await immediate();
}

describe.each(['native', 'twin'] as const)('calls under way, %s', (implementation) => {
  test('a request and its cancellation in one write: nothing is answered', async () => {
    const { server, url } = await serve(implementation);
    const hanging = addHang(server);
    const socket = await client(url);
    socket.write(request(1, 'hang') + cancel(1) + request(2, 'echo'));
    expect(await socket.first(1)).toEqual(['{"jsonrpc":"2.0","id":2,"result":null}']);
    expect(await aborted(hanging.contexts[0])).toBe('CANCELLED');
    hanging.release();
    socket.write(request(3, 'echo'));
    expect((await socket.first(2))[1]).toBe('{"jsonrpc":"2.0","id":3,"result":null}');
    await noCallsInFlight(server);
  });

  test('many cancelled among many: each open one is answered once', async () => {
    const { server, url } = await serve(implementation);
    const hanging = addHang(server);
    const socket = await client(url);
    let text = '';
    for (let id = 0; id < 500; id += 1) text += request(id, 'hang') + (id % 2 === 0 ? cancel(id) : '');
    socket.write(text);
    await hanging.count(500);
    socket.write(request('mark', 'echo'));
    await socket.first(1);
    hanging.release();
    const lines = await socket.first(251);
    const ids = lines.map((line) => JSON.parse(line).id as number | string);
    expect(ids.slice(1).toSorted((a, b) => Number(a) - Number(b))).toEqual(
      Array.from({ length: 250 }, (_, index) => 2 * index + 1),
    );
    await noCallsInFlight(server);
  });

  test('a call that meets its deadline is answered then, and not again', async () => {
    const { server, url } = await serve(implementation, { servedTimeoutMs: 20 });
    const hanging = addHang(server);
    const socket = await client(url);
    socket.write(request(1, 'hang'));
    expect(JSON.parse((await socket.first(1))[0])).toMatchObject({
      id: 1,
      error: { code: -32603, data: { code: 'DEADLINE_EXCEEDED', retryable: true } },
    });
    expect(hanging.contexts[0].signal.aborted).toBe(true);
    hanging.release();
    socket.write(request(2, 'echo'));
    expect((await socket.first(2))[1]).toBe('{"jsonrpc":"2.0","id":2,"result":null}');
    await noCallsInFlight(server);
  });

  test('no more handlers run at once than maxInFlight, also within one write', async () => {
    const { server, url } = await serve(implementation, { maxInFlight: 3 });
    const hanging = addHang(server);
    const socket = await client(url);
    socket.write(Array.from({ length: 10 }, (_, id) => request(id, 'hang')).join(''));
    const refused = await socket.first(7);
    expect(hanging.contexts.length).toBe(3);
    for (const line of refused) {
      expect(JSON.parse(line).error.data).toEqual({ code: 'OVERLOADED', retryable: true });
    }
    hanging.release();
    await socket.first(10);
    await noCallsInFlight(server);
  });

  test('a connection that is cut takes its calls with it', async () => {
    const { server, url } = await serve(implementation);
    const hanging = addHang(server);
    const other = await client(url);
    const socket = await client(url);
    other.write(request('stays', 'hang'));
    await hanging.count(1);
    socket.write(Array.from({ length: 300 }, (_, id) => request(id, 'hang')).join(''));
    await hanging.count(301);
    socket.socket.resetAndDestroy();
    for (const context of hanging.contexts.slice(1)) expect(await aborted(context)).toBe('CONNECTION_CLOSED');
    expect(hanging.contexts[0].signal.aborted).toBe(false);
    if (implementation === 'native') expect(server.nativeCounters?.callsInFlight).toBe(1);
    hanging.release();
    expect(await other.first(1)).toEqual(['{"jsonrpc":"2.0","id":"stays","result":"released"}']);
    await noCallsInFlight(server);
  });

  test('a handler that cuts its own connection aborts the calls before and after it', async () => {
    const { server, url } = await serve(implementation);
    const hanging = addHang(server);
    server.method('cut', (_params, { connection }) => {
      connection.transport.destroy();
      return 'nobody hears this';
    });
    server.method('cut-then-hang', (_params, context) => {
      context.connection.transport.destroy();
      return new Promise(() => hanging.contexts.push(context));
    });
    server.method('cut-peer', (_params, { connection }) => (connection as Peer).destroy());
    for (const method of ['cut', 'cut-then-hang', 'cut-peer']) {
      const socket = await client(url);
      socket.write(request(1, 'hang') + request(2, method) + request(3, 'hang'));
      await socket.closed;
      expect(socket.lines).toEqual([]);
    }
    for (const context of hanging.contexts) expect(await aborted(context)).toBe('CONNECTION_CLOSED');
    await noCallsInFlight(server);
  });

  test('a drain answers what is at work and refuses what comes later', async () => {
    const { server, url } = await serve(implementation);
    const hanging = addHang(server);
    const sockets = await Promise.all([client(url), client(url), client(url)]);
    for (const socket of sockets) {
      socket.write(Array.from({ length: 200 }, (_, id) => request(id, 'hang')).join(''));
    }
    await hanging.count(600);
    const closing = server.close({ drainTimeoutMs: 20_000 });
    for (const socket of sockets) socket.write(request('late', 'echo'));
    for (const socket of sockets) {
      expect(JSON.parse((await socket.first(1))[0])).toMatchObject({
        id: 'late',
        error: { data: { code: 'CONNECTION_CLOSED', retryable: true } },
      });
    }
    hanging.release();
    for (const socket of sockets) {
      const answers = (await socket.first(201)).slice(1);
      expect(new Set(answers).size).toBe(200);
      for (const answer of answers) expect(answer).toContain('"result":"released"');
    }
    await closing;
    for (const socket of sockets) await socket.closed;
  });

  test('a client that says its last word gets its answers before the end', async () => {
    const { url } = await serve(implementation);
    const methods = ['echo', 'later', 'much-later', 'fail', 'fail-later', 'unknown'];
    const socket = await client(url);
    socket.socket.end(methods.map((method, id) => request(id, method)).join(''));
    await socket.closed;
    const ids = socket.lines.map((line) => (JSON.parse(line) as { id: number }).id);
    expect(ids.toSorted()).toEqual(methods.map((_, id) => id));
  });

  test('a handler that adds methods while requests flow', async () => {
    const { server, url } = await serve(implementation);
    server.method<{ name: string }>('add', ({ name }) => {
      server.method(name, () => `${name} is here`);
      return name;
    });
    const socket = await client(url);
    let text = '';
    for (let id = 0; id < 50; id += 1) text += request(id, 'add', { name: `m${id}` });
    socket.write(text);
    await socket.first(50);
    text = '';
    for (let id = 0; id < 50; id += 1) text += request(id, `m${id}`);
    socket.write(text);
    const lines = (await socket.first(100)).slice(50);
    expect(lines).toEqual(
      Array.from({ length: 50 }, (_, id) => `{"jsonrpc":"2.0","id":${id},"result":"m${id} is here"}`),
    );
  });

  test('two servers in one process keep their methods apart', async () => {
    const first = await serve(implementation);
    const second = await serve(implementation);
    first.server.method('who', () => 'first').method('only-first', () => 1);
    second.server.method('who', () => 'second');
    const [one, two] = [await client(first.url), await client(second.url)];
    for (let id = 0; id < 200; id += 1) {
      one.write(request(id, 'who') + request(`${id}`, 'only-first'));
      two.write(request(id, 'who') + request(`${id}`, 'only-first'));
    }
    const [ofOne, ofTwo] = [await one.first(400), await two.first(400)];
    expect(ofOne.filter((line) => line.includes('"result":"first"')).length).toBe(200);
    expect(ofOne.filter((line) => line.endsWith('"result":1}')).length).toBe(200);
    expect(ofTwo.filter((line) => line.includes('"result":"second"')).length).toBe(200);
    expect(ofTwo.filter((line) => line.includes('-32601')).length).toBe(200);
  });

  test('a server on the port of one that was closed', async () => {
    const first = await serve(implementation);
    const socket = await client(first.url);
    socket.write(request(1, 'echo'));
    await socket.first(1);
    await socket.close();
    await first.server.close();
    const second = createRpcServer().method('echo', () => 'second');
    onCleanUp(() => second.close({ drainTimeoutMs: 0 }));
    await second.listen(first.url, { implementation });
    const again = await client(first.url);
    again.write(request(1, 'echo'));
    expect(await again.first(1)).toEqual(['{"jsonrpc":"2.0","id":1,"result":"second"}']);
  });

  test('frames that are counted by length are answered by length', async () => {
    const { server, url } = await serve(implementation, {}, { framing: 'length' });
    server.method('soon', async () => immediate('soon'));
    const sized = (text: string): Buffer => {
      const frame = Buffer.alloc(4 + Buffer.byteLength(text));
      frame.writeUInt32BE(frame.length - 4);
      frame.write(text, 4);
      return frame;
    };
    const socket = await client(url);
    const sent = [request(1, 'echo', { text: 'a\nb' }), request(2, 'unknown'), request(3, 'soon')];
    for (const text of sent) socket.write(sized(text.trimEnd()));
    const bytes = await new Promise<Buffer>((resolve) => {
      const chunks: Buffer[] = [];
      socket.socket.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        const all = Buffer.concat(chunks);
        if (all.includes('"soon"}')) resolve(all);
      });
    });
    const answers: string[] = [];
    for (let at = 0; at < bytes.length; ) {
      const length = bytes.readUInt32BE(at);
      answers.push(bytes.toString('utf8', at + 4, at + 4 + length));
      at += 4 + length;
    }
    expect(answers.length).toBe(3);
    expect(answers).toContain('{"jsonrpc":"2.0","id":1,"result":{"text":"a\\nb"}}');
    expect(answers).toContain('{"jsonrpc":"2.0","id":3,"result":"soon"}');
    expect(answers.some((answer) => answer.includes('-32601'))).toBe(true);
  });
});

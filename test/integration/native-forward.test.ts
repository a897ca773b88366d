/** Forward routes: requests pass from caller to upstream inside the engine, under ids of its own. */
import { createServer, type Server, type Socket } from 'node:net';
import { setImmediate as immediate } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { ConnectionFlag, RouteCode } from '../../src/binding/constants.generated.js';
import type { StreamEngineCounters } from '../../src/binding/native.js';
import { connectNative } from '../../src/transports/native/connect.js';
import type { NativeConnection } from '../../src/transports/native/connection.js';
import { NativeEngine } from '../../src/transports/native/engine.js';
import { listenTransport } from '../../src/transports/open.js';
import { resolveOptions } from '../../src/transports/options.js';
import type { Transport, TransportOptions } from '../../src/transports/transport.js';
import { LineSocket } from './line-socket.js';
import { cleanUp, onCleanUp } from './native-support.js';

afterEach(cleanUp);

/** A server on bare sockets: what it was sent, and its one connection to answer on. */
interface Upstream {
  readonly lines: string[];
  readonly socket: Socket;
  /** Resolves with the first `count` lines. */
  first(count: number): Promise<readonly string[]>;
  /** The id under which the request with this marker in its text arrived. */
  idOf(marker: string): string;
}

interface Gateway {
  readonly engine: NativeEngine;
  readonly url: string;
  /** Frames that were left to JavaScript: of callers, of upstreams. */
  readonly generic: { readonly callers: string[]; readonly upstreams: string[] };
  counters(): StreamEngineCounters;
  /** Connects to an upstream and routes the methods to it. */
  addUpstream(methods: readonly string[], options?: TransportOptions): Promise<Upstream>;
  caller(): Promise<LineSocket>;
}

function upstreamOf(socket: Socket): Upstream {
  const lines: string[] = [];
  let rest = '';
  let waiters: { count: number; resolve: () => void }[] = [];
  socket.setEncoding('utf8');
  socket.on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop()!;
    lines.push(...parts);
    waiters = waiters.filter(({ count, resolve }) => lines.length < count || resolve());
  });
  socket.on('error', () => {});
  return {
    lines,
    socket,
    first: (count) =>
      new Promise((resolve) => {
        const done = (): void => resolve(lines.slice(0, count));
        if (lines.length >= count) done();
        else waiters.push({ count, resolve: done });
      }),
    idOf: (marker) => /"id":(\d+)/.exec(lines.find((line) => line.includes(marker))!)![1],
  };
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onCleanUp(async () => void server.close());
  return (server.address() as { port: number }).port;
}

async function gateway(): Promise<Gateway> {
  const engine = new NativeEngine();
  engine.native.setProfiles(Int32Array.of(0, 0, 0, 0));
  onCleanUp(async () => engine.close());
  const generic = { callers: [] as string[], upstreams: [] as string[] };
  const start = (transport: Transport, flags: number, frames: string[]): void => {
    (transport as NativeConnection).flags = flags;
    transport.start({ onFrame: (frame) => frames.push(frame.toString()), onClose: () => {} });
  };
  const listener = await listenTransport(
    'tcp://127.0.0.1:0',
    { implementation: 'native' },
    (transport) => start(transport, ConnectionFlag.Dispatch, generic.callers),
    () => engine,
  );
  return {
    engine,
    url: listener.url,
    generic,
    counters: () => engine.native.counters(),
    addUpstream: async (methods, options) => {
      const server = createServer({ allowHalfOpen: true });
      const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
      const port = await listening(server);
      const endpoint = { kind: 'tcp', host: '127.0.0.1', port } as const;
      const connection = (await connectNative(engine, endpoint, resolveOptions(options))) as NativeConnection;
      start(connection, ConnectionFlag.Upstream, generic.upstreams);
      const { index, generation } = connection;
      for (const method of methods) {
        engine.native.setRoute(method, '', RouteCode.Forward, 1, index, generation, false, false, '');
      }
      const socket = await accepted;
      onCleanUp(async () => void socket.destroy());
      return upstreamOf(socket);
    },
    caller: async () => {
      const socket = await LineSocket.connect(listener.url);
      onCleanUp(() => socket.close());
      return socket;
    },
  };
}

/** Turns of the loop until the condition holds. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await immediate();
}

const gone =
  '"error":{"code":-32603,"message":"The upstream connection closed before it answered",' +
  '"data":{"code":"CONNECTION_CLOSED","retryable":true}}}';

describe('forwarded requests', () => {
  test('every byte but the id passes untouched, both ways', async () => {
    const { addUpstream, caller, counters } = await gateway();
    const upstream = await addUpstream(['work']);
    const socket = await caller();
    const ids = ['7', '"7"', '-0', '123456789012345678901234567890', '"\\u00e9\\"é 😀"', '""'];
    for (const [index, id] of ids.entries()) {
      const request = ` { "params" : { "n" : 1.0e2 , "é" : [ ${index} ] } , "id" : ${id} , "method" : "work" , "jsonrpc" : "2.0" } `;
      socket.write(`${request}\n`);
      const got = (await upstream.first(index + 1))[index];
      const [before, after] = request.split(`"id" : ${id}`);
      expect(got.startsWith(`${before}"id" : `)).toBe(true);
      expect(got.endsWith(after)).toBe(true);
      const ours = got.slice(before.length + '"id" : '.length, got.length - after.length);
      expect(ours).toMatch(/^[1-9]\d*$/);
      const reply = (name: string): string =>
        index % 2 === 0
          ? `{ "result" : { "x" : 1.0 } , "jsonrpc":"2.0", "id"\t: ${name} }`
          : `{"jsonrpc":"2.0","id":${name},"error":{"code":-1,"message":"ü"}}`;
      upstream.socket.write(`${reply(ours)}\n`);
      expect((await socket.first(index + 1))[index]).toBe(reply(id));
    }
    expect(counters()).toMatchObject({ forwardsInFlight: 0, unknownReplies: 0 });
  });

  test('equal ids of two callers do not cross', async () => {
    const { addUpstream, caller, counters } = await gateway();
    const upstream = await addUpstream(['work']);
    const callers = [await caller(), await caller(), await caller()];
    for (let id = 0; id < 100; id += 1) {
      for (const [number, socket] of callers.entries()) {
        socket.write(`{"jsonrpc":"2.0","id":${id},"method":"work","params":{"from":${number}}}\n`);
      }
    }
    const requests = await upstream.first(300);
    expect(counters().forwardsInFlight).toBe(300);
    const replies = requests.map((line) => {
      const { id, params } = JSON.parse(line) as { id: number; params: { from: number } };
      return `{"jsonrpc":"2.0","id":${id},"result":${params.from}}\n`;
    });
    upstream.socket.write(replies.reverse().join(''));
    for (const [number, socket] of callers.entries()) {
      const lines = await socket.first(100);
      expect(lines.toSorted()).toEqual(
        Array.from({ length: 100 }, (_, id) => `{"jsonrpc":"2.0","id":${id},"result":${number}}`).sort(),
      );
    }
    expect(counters()).toMatchObject({ forwardsInFlight: 0, unknownReplies: 0 });
  });

  test('late, double, invented and foreign replies reach nobody and are counted', async () => {
    const { addUpstream, caller, counters, generic } = await gateway();
    const upstream = await addUpstream(['work']);
    const other = await addUpstream(['other']);
    const socket = await caller();
    socket.write('{"jsonrpc":"2.0","id":1,"method":"work"}\n');
    await upstream.first(1);
    const id = upstream.idOf('work');
    const reply = `{"jsonrpc":"2.0","id":${id},"result":"right"}\n`;
    other.socket.write(reply);
    await until(() => counters().unknownReplies === 1);
    expect(counters().forwardsInFlight).toBe(1);
    upstream.socket.write(
      reply +
        reply +
        ['4711', `"${id}"`, '-1', '99999999999999999999999', '0', 'null']
          .map((name) => `{"jsonrpc":"2.0","id":${name},"error":{"code":1,"message":"m"}}\n`)
          .join(''),
    );
    await until(() => counters().unknownReplies === 8);
    expect(await socket.first(1)).toEqual(['{"jsonrpc":"2.0","id":1,"result":"right"}']);
    expect(socket.lines.length).toBe(1);
    // What is no reply is JavaScript's.
    upstream.socket.write(
      '{"jsonrpc":"2.0","method":"notifications/x"}\n{"jsonrpc":"2.0","id":5,"method":"ping"}\nnoise\n',
    );
    await until(() => generic.upstreams.length === 3);
    expect(generic.upstreams.at(-1)).toBe('noise');
  });

  test.each(['end', 'reset'] as const)(
    'an upstream that goes (%s) fails what it owes at once',
    async (how) => {
      const { addUpstream, caller, counters, generic } = await gateway();
      const upstream = await addUpstream(['work']);
      const survivor = await addUpstream(['other']);
      const callers = [await caller(), await caller()];
      for (const socket of callers) {
        socket.write(
          '{"jsonrpc":"2.0","id":"a","method":"work"}\n{"jsonrpc":"2.0","id":2,"method":"work"}\n',
        );
        socket.write('{"jsonrpc":"2.0","id":"kept","method":"other"}\n');
      }
      await upstream.first(4);
      await survivor.first(2);
      if (how === 'end') upstream.socket.end();
      else upstream.socket.resetAndDestroy();
      for (const socket of callers) {
        expect((await socket.first(2)).toSorted()).toEqual([
          `{"jsonrpc":"2.0","id":"a",${gone}`,
          `{"jsonrpc":"2.0","id":2,${gone}`,
        ]);
      }
      expect(counters()).toMatchObject({ forwardsInFlight: 2, unknownReplies: 0 });
      // The route leads nowhere: JavaScript decides.
      callers[0].write('{"jsonrpc":"2.0","id":3,"method":"work"}\n');
      await until(() => generic.callers.length === 1);
    },
  );

  test('the reply to a caller that left is dropped, also when another took its place', async () => {
    const { addUpstream, caller, counters } = await gateway();
    const upstream = await addUpstream(['work']);
    const leaving = await caller();
    leaving.write('{"jsonrpc":"2.0","id":1,"method":"work","params":{"from":"leaving"}}\n');
    await upstream.first(1);
    const before = counters().connections;
    leaving.socket.resetAndDestroy();
    await until(() => counters().connections === before - 1);
    const next = await caller();
    next.write('{"jsonrpc":"2.0","id":1,"method":"work","params":{"from":"next"}}\n');
    await upstream.first(2);
    upstream.socket.write(
      `{"jsonrpc":"2.0","id":${upstream.idOf('leaving')},"result":"of the one that left"}\n` +
        `{"jsonrpc":"2.0","id":${upstream.idOf('next')},"result":"of the next"}\n`,
    );
    expect(await next.first(1)).toEqual(['{"jsonrpc":"2.0","id":1,"result":"of the next"}']);
    expect(next.lines.length).toBe(1);
    expect(counters()).toMatchObject({ forwardsInFlight: 0, unknownReplies: 0 });
  });

  test('replies of any size are sent on', async () => {
    const { addUpstream, caller, counters, generic } = await gateway();
    const upstream = await addUpstream(['work']);
    const socket = await caller();
    const sizes = [60_000, 65_536, 70_000, 200_000, 1_000_000, 3_000_000];
    for (const [index, size] of sizes.entries()) {
      socket.write(`{"jsonrpc":"2.0","id":${index},"method":"work","params":{"m":"m${index}"}}\n`);
      await upstream.first(index + 1);
      const result = 'é'.repeat(size / 2);
      upstream.socket.write(`{"jsonrpc":"2.0","id":${upstream.idOf(`"m${index}"`)},"result":"${result}"}\n`);
      const line = (await socket.first(index + 1))[index];
      expect(line === `{"jsonrpc":"2.0","id":${index},"result":"${result}"}`).toBe(true);
    }
    expect(generic.upstreams).toEqual([]);
    expect(counters()).toMatchObject({ forwardsInFlight: 0, unknownReplies: 0 });
  });

  test('an upstream that does not read is spared: requests beyond its watermark are left to JavaScript', async () => {
    const { addUpstream, caller, counters, generic } = await gateway();
    const upstream = await addUpstream(['work'], { highWatermarkBytes: 64 * 1024, lowWatermarkBytes: 1024 });
    upstream.socket.pause();
    const socket = await caller();
    const text = 'x'.repeat(30_000);
    let sent = 0;
    while (generic.callers.length === 0) {
      await socket.writeAll(`{"jsonrpc":"2.0","id":${sent},"method":"work","params":["${text}"]}\n`);
      sent += 1;
      await immediate();
    }
    await until(() => counters().forwardsInFlight + generic.callers.length === sent);
    const forwarded = counters().forwardsInFlight;
    upstream.socket.resume();
    const lines = await upstream.first(forwarded);
    for (const line of lines) JSON.parse(line);
    upstream.socket.write(
      lines.map((line) => `{"jsonrpc":"2.0","id":${JSON.parse(line).id},"result":0}\n`).join(''),
    );
    await socket.first(forwarded);
    expect(counters().forwardsInFlight).toBe(0);
  });

  test('an upstream that is told no more: requests are left to JavaScript, its last words arrive', async () => {
    const { addUpstream, caller, engine, generic } = await gateway();
    const upstream = await addUpstream(['work']);
    const socket = await caller();
    socket.write('{"jsonrpc":"2.0","id":1,"method":"work"}\n');
    await upstream.first(1);
    engine.connections.find((connection) => connection?.flags === ConnectionFlag.Upstream)!.endOutput();
    socket.write('{"jsonrpc":"2.0","id":2,"method":"work"}\n');
    await until(() => generic.callers.length === 1);
    upstream.socket.write(`{"jsonrpc":"2.0","id":${upstream.idOf('work')},"result":"last words"}\n`);
    expect(await socket.first(1)).toEqual(['{"jsonrpc":"2.0","id":1,"result":"last words"}']);
    expect(upstream.lines.length).toBe(1);
  });

  test('an upstream that counts its frames by length', async () => {
    const { addUpstream, caller } = await gateway();
    const { socket: upstream } = await addUpstream(['work'], { framing: 'length' });
    const arrived = new Promise<string>((resolve) => upstream.once('data', resolve));
    const socket = await caller();
    socket.write('{"jsonrpc":"2.0","id":"x","method":"work"}\n');
    const request = await arrived;
    expect(request.charCodeAt(3)).toBe(request.length - 4);
    const { id } = JSON.parse(request.slice(4)) as { id: number };
    const reply = `{"jsonrpc":"2.0","id":${id},"result":"a"}`;
    upstream.write(`\0\0\0${String.fromCharCode(reply.length)}${reply}`, 'latin1');
    expect(await socket.first(1)).toEqual(['{"jsonrpc":"2.0","id":"x","result":"a"}']);
  });
});

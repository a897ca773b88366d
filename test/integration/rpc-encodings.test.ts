/** JSON-RPC between ringwire peers that agreed on MessagePack, and next to peers that did not. */
import { mkdtemp, rm } from 'node:fs/promises';
import { connect as connectSocket, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConnectionFlag } from '../../src/binding/constants.generated.js';
import { connect, createServer } from '../../src/mcp/index.js';
import { connectRpc, type RpcClient } from '../../src/rpc/client.js';
import { createRpcServer, type RpcServer, type RpcServerOptions } from '../../src/rpc/server.js';
import { type NegotiatedTransport, nativeConnectionOf } from '../../src/transports/upgrade.js';

const endpoints = [
  ['memory', 'twin', () => 'memory:encodings-test'],
  ['tcp', 'native', () => 'tcp://127.0.0.1:0'],
  ['tcp', 'twin', () => 'tcp://127.0.0.1:0'],
  ['unix', 'native', (folder: string) => `unix:${join(folder, 'enc.sock')}`],
] as const;

let directory: string;
let cleanups: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ringwire-encodings-'));
});

afterEach(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
  cleanups = [];
  await rm(directory, { recursive: true, force: true });
});

function serve(options?: RpcServerOptions): RpcServer {
  const server = createRpcServer(options)
    .method('echo', (params) => params ?? null)
    .method('later', async (params) => params)
    .method('cannot', () => ({ big: 1n }))
    .method('ask-back', async (_params, { connection }) => connection.request('name'));
  cleanups.push(() => server.close({ drainTimeoutMs: 0 }));
  return server;
}

function encodingOf(client: RpcClient): string {
  return (client.peer.transport as NegotiatedTransport).encoding;
}

describe.each(endpoints)('encodings over %s, %s', (_name, implementation, url) => {
  const open = async (address: string, encodings?: readonly ('msgpack' | 'json')[]): Promise<RpcClient> => {
    const client = await connectRpc(address, { encodings, transport: { implementation } });
    cleanups.push(() => client.close({ drainTimeoutMs: 0 }));
    return client;
  };

  it('serves clients that ask and clients that do not at the same time', async () => {
    const server = serve({ encodings: ['msgpack'] });
    const listener = await server.listen(url(directory), { implementation });
    const [packed, plain] = [await open(listener.url, ['msgpack']), await open(listener.url)];
    expect(encodingOf(packed)).toBe('msgpack');
    for (const client of [packed, plain]) {
      client.dispatcher.method('name', () => 'client');
      const values = [{ text: 'é𝄞\n', n: [1, -1.5, null, true] }, { big: '1'.repeat(70_000) }];
      for (const value of values) expect(await client.request('echo', value)).toEqual(value);
      const calls = Array.from({ length: 200 }, (_, n) => client.request(n % 2 ? 'echo' : 'later', { n }));
      expect(await Promise.all(calls)).toEqual(Array.from({ length: 200 }, (_, n) => ({ n })));
      expect(await client.request('ask-back')).toBe('client');
      await expect(client.request('none')).rejects.toMatchObject({ rpcCode: -32601 });
    }
    const spoken = [...server.connections].map(
      ({ transport }) => (transport as NegotiatedTransport).encoding,
    );
    expect(spoken).toEqual(['msgpack', 'json']);
  });

  it('refuses what JSON cannot carry as JSON does, in both directions', async () => {
    const listener = await serve({ encodings: ['msgpack'] }).listen(url(directory), { implementation });
    const client = await open(listener.url, ['msgpack']);
    await expect(client.request('echo', { big: 1n })).rejects.toMatchObject({ code: 'FRAME_INVALID' });
    await expect(client.request('cannot')).rejects.toMatchObject({ rpcCode: -32603 });
    expect(await client.request('echo', { date: new Date(0), none: undefined })).toEqual({
      date: '1970-01-01T00:00:00.000Z',
    });
  });

  it('goes on in JSON where the server offers nothing, and asking is an unknown method there', async () => {
    const server = serve();
    const listener = await server.listen(url(directory), { implementation });
    const client = await open(listener.url, ['msgpack', 'json']);
    expect(encodingOf(client)).toBe('json');
    expect(await client.request('echo', [1])).toEqual([1]);
    await expect(client.request('ringwire/encoding', {})).rejects.toMatchObject({ rpcCode: -32601 });
  });
});

/** A socket that reads by framing: lines, and once told so, length-prefixed frames. */
class RawPeer {
  readonly socket: Socket;
  #bytes = Buffer.alloc(0);
  #waiting: (() => void) | undefined;

  constructor(url: string) {
    this.socket = connectSocket(Number(new URL(url).port), '127.0.0.1');
    this.socket.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#waiting?.();
    });
    cleanups.push(async () => this.socket.destroy());
  }

  async line(): Promise<string> {
    const end = await this.#until(() => this.#bytes.indexOf('\n') + 1);
    return this.#take(end).toString();
  }

  async frame(): Promise<Buffer> {
    await this.#until(() => (this.#bytes.length >= 4 ? 4 : 0));
    const end = 4 + this.#bytes.readUInt32BE(0);
    await this.#until(() => (this.#bytes.length >= end ? end : 0));
    return this.#take(end).subarray(4);
  }

  write(...frames: Buffer[]): void {
    for (const frame of frames) {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(frame.length);
      this.socket.write(Buffer.concat([length, frame]));
    }
  }

  #take(end: number): Buffer {
    const taken = this.#bytes.subarray(0, end);
    this.#bytes = this.#bytes.subarray(end);
    return taken;
  }

  async #until(found: () => number): Promise<number> {
    for (;;) {
      const at = found();
      if (at > 0) return at;
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
  }
}

describe.each(['native', 'twin'] as const)('a server that offers encodings, %s', (implementation) => {
  const ask =
    '{"jsonrpc":"2.0","id":"ringwire/encoding","method":"ringwire/encoding","params":{"version":1,"encodings":["msgpack"]}}\n';
  const echo = (id: number) => `{"jsonrpc":"2.0","id":${id},"method":"echo","params":[${id}]}`;

  async function open(): Promise<{ server: RpcServer; peer: RawPeer }> {
    const server = serve({ encodings: ['msgpack'] });
    const listener = await server.listen('tcp://127.0.0.1:0', { implementation });
    return { server, peer: new RawPeer(listener.url) };
  }

  it('is to a foreign peer what every server is', async () => {
    const { server, peer } = await open();
    peer.socket.write(`${echo(1)}\n`);
    expect(await peer.line()).toBe('{"jsonrpc":"2.0","id":1,"result":[1]}\n');
    // Not the first message any more: an unknown method like any other.
    peer.socket.write(`${ask}${echo(2)}\n`);
    const answers = [await peer.line(), await peer.line()].map((line) => JSON.parse(line)).sort();
    expect(answers).toContainEqual({ jsonrpc: '2.0', id: 2, result: [2] });
    expect(answers.find(({ id }) => id === 'ringwire/encoding')).toMatchObject({ error: { code: -32601 } });
    expect(server.connections.size).toBe(1);
  });

  it('switches in the middle of what was sent in one go', async () => {
    const { peer } = await open();
    const frame = Buffer.from(echo(7));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(frame.length);
    peer.socket.write(Buffer.concat([Buffer.from(ask), length, frame, length, frame]));
    expect(JSON.parse(await peer.line())).toMatchObject({ result: { encoding: 'msgpack' } });
    // {"jsonrpc": …} as MessagePack: a map, its number of members in 16 bits.
    expect((await peer.frame())[0]).toBe(0xde);
    expect((await peer.frame())[0]).toBe(0xde);
  });

  it.each([
    ['an extension type', Uint8Array.of(0x81, 0xa1, 0x61, 0xd4, 0x72, 0x40)],
    ['a map that announces 2^32-1 members', Uint8Array.of(0xdf, 0xff, 0xff, 0xff, 0xff)],
    ['65 levels', Uint8Array.from([...Array(65).fill(0x91), 0xc0])],
    ['a byte that means nothing', Uint8Array.of(0xc1)],
    ['half a string', Uint8Array.of(0xdb, 0, 0, 1, 0, 0x61)],
    ['a key that is no string', Uint8Array.of(0x81, 0x01, 0x01)],
  ])('refuses %s and lives on', async (_what, bytes) => {
    const { peer } = await open();
    peer.socket.write(ask);
    await peer.line();
    peer.write(Buffer.from(bytes), Buffer.from(echo(3)));
    const packed = [await peer.frame(), await peer.frame()].map((frame) => frame.toString('latin1'));
    expect(packed.some((text) => text.includes('error'))).toBe(true);
    expect(packed.some((text) => text.includes('result'))).toBe(true);
  });
});

describe('encodings and MCP', () => {
  it('are spoken only where both sides were told to', async () => {
    const server = createServer({ name: 'packed', version: '1.0.0', rpc: { encodings: ['msgpack'] } });
    server.tool('echo', ({ text }) => String(text));
    cleanups.push(() => server.close());
    const listener = await server.listen('tcp://127.0.0.1:0', { implementation: 'native' });
    const spoken: string[] = [];
    const answeredNatively: (boolean | undefined)[] = [];
    for (const rpc of [{ encodings: ['msgpack'] as const }, {}]) {
      const client = await connect(listener.url, { rpc });
      expect((await client.callTool('echo', { text: 'x' })).content).toEqual([{ type: 'text', text: 'x' }]);
      spoken.push(
        ...[...server.rpc.connections].map((peer) => (peer.transport as NegotiatedTransport).encoding),
      );
      expect((await client.listTools()).map(({ name }) => name)).toEqual(['echo']);
      const { nativeReplies = 0 } = server.rpc.nativeCounters ?? {};
      answeredNatively.push(nativeReplies > 0);
      await client.close();
      await Promise.all([...server.rpc.connections].map(({ closed }) => closed));
    }
    expect(spoken).toEqual(['msgpack', 'json']);
    // The engine reads JSON alone, and dispatches it as ever.
    expect(answeredNatively).toEqual([false, true]);
  });

  it('a legacy client of a server that offers them is dispatched natively, too', async () => {
    const server = createServer({ name: 'packed', version: '1.0.0', rpc: { encodings: ['msgpack'] } });
    server.tool('echo', ({ text }) => String(text));
    cleanups.push(() => server.close());
    const listener = await server.listen('tcp://127.0.0.1:0', { implementation: 'native' });
    const client = await connect(listener.url, { era: 'legacy' });
    cleanups.push(() => client.close());
    expect((await client.callTool('echo', { text: 'x' })).content).toEqual([{ type: 'text', text: 'x' }]);
    const [peer] = server.rpc.connections;
    const dispatched = ConnectionFlag.Dispatch | ConnectionFlag.Legacy;
    expect((nativeConnectionOf(peer.transport)?.flags ?? 0) & dispatched).toBe(dispatched);
  });

  it('an encoding that is unknown is refused before anything is connected', async () => {
    const encodings = ['cbor'] as unknown as ['json'];
    expect(() => createRpcServer({ encodings })).toThrow(/"encodings" must be a list/);
    await expect(connectRpc('memory:nobody', { encodings })).rejects.toThrow(/"encodings" must be a list/);
  });

  it('an abort ends the wait for the answer', async () => {
    const silent = serve({ encodings: ['json'], onOpen: () => controller.abort() });
    const controller = new AbortController();
    const listener = await silent.listen('memory:silent-encodings');
    const asked = connectRpc(listener.url, {
      encodings: ['msgpack'],
      transport: { signal: controller.signal },
    });
    await expect(asked).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

it.each(['uws', 'node'] as const)('goes on with JSON on a WebSocket by %s', async (engine) => {
  const server = serve({ encodings: ['msgpack'] });
  const { url } = await server.listen('ws://127.0.0.1:0', { http: { engine } });
  const client = await connectRpc(url, { encodings: ['msgpack'] });
  cleanups.push(() => client.close({ drainTimeoutMs: 0 }));
  expect(await client.request('echo', ['ü'])).toEqual(['ü']);
  expect(encodingOf(client)).toBe('json');
});

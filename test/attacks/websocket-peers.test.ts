/** What well-known WebSocket clients get from both engines, plain and compressed, many at once. */
import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { connect, createServer } from '../../src/mcp/index.js';
import { connectRpc } from '../../src/rpc/client.js';
import { close, Opcode, pong, text } from './websocket-frames.js';
import { RawWebSocket } from './websocket-raw.js';
import { callText, engines, resultText, webSocketServer } from './websocket-server.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(...given: Parameters<typeof webSocketServer>) {
  const server = await webSocketServer(...given);
  cleanups.push(() => server.close());
  return server;
}

const connections = 50;
const callsEach = 200;
const forms = engines.flatMap((engine) => [false, true].map((deflate) => [engine, deflate] as const));

describe.each(forms)('on the engine %s, deflate %s', (engine, deflate) => {
  it('ws gets every answer in order, on 50 connections', async () => {
    const server = await start(engine, { deflate });
    const counts = await Promise.all(
      Array.from({ length: connections }, (_, index) => talk(server.url, index, deflate)),
    );
    expect(counts).toEqual(new Array(connections).fill(callsEach));
    expect(server.calls.size).toBe(connections);
    expect([...server.calls.values()]).toEqual(new Array(connections).fill(callsEach));
    await expect.poll(() => server.listener.connections).toBe(0);
    expect(server.troubles).toEqual([]);
  });

  it('ours gets every answer', async () => {
    const server = await start(engine, { deflate });
    const clients = await Promise.all(Array.from({ length: connections }, () => connectRpc(server.url)));
    const answers = await Promise.all(
      clients.flatMap((client, index) =>
        Array.from({ length: callsEach }, (_, number) =>
          client.request('echo', [`${index} ${number} é€😀${'x'.repeat(number * 10)}`]),
        ),
      ),
    );
    expect(answers).toEqual(
      clients.flatMap((_, index) =>
        Array.from({ length: callsEach }, (_, number) => `${index} ${number} é€😀${'x'.repeat(number * 10)}`),
      ),
    );
    await Promise.all(clients.map((client) => client.close()));
    await expect.poll(() => server.listener.connections).toBe(0);
  });
});

/** Resolves with how many answers were right and in order. */
function talk(url: string, index: number, perMessageDeflate: boolean): Promise<number> {
  const mark = String(index).padStart(8, '0');
  const suffix = 'é€😀'.repeat(index * 20);
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, 'jsonrpc', { perMessageDeflate });
    let good = 0;
    socket.on('open', () => {
      if (socket.protocol !== 'jsonrpc') reject(new Error('The server did not choose the sub-protocol.'));
      if ((socket.extensions !== '') !== perMessageDeflate)
        reject(new Error(`Agreed on "${socket.extensions}".`));
      for (let id = 1; id <= callsEach; id++) socket.send(callText(id, mark + suffix));
    });
    socket.on('message', (data) => {
      if (String(data) !== resultText(good + 1, mark + suffix)) reject(new Error(`Answered ${String(data)}`));
      else if (++good === callsEach) socket.close(1000);
    });
    socket.on('close', (code) => (code === 1000 ? resolve(good) : reject(new Error(`Closed with ${code}.`))));
    socket.on('error', reject);
  });
}

describe.each(engines)('on the engine %s', (engine) => {
  it('our MCP client lists and calls tools', async () => {
    const server = createServer({ name: 'attacked', version: '1' }).tool(
      'twice',
      ({ text: given }) => `${given}${given}`,
    );
    const listener = await server.listen('ws://127.0.0.1:0/mcp', { http: { engine } });
    const client = await connect(listener.url);
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) => client.callTool('twice', { text: `${index}` })),
    );
    expect(answers.map(({ content }) => content)).toEqual(
      answers.map((_, index) => [{ type: 'text', text: `${index}${index}` }]),
    );
    await client.close();
    await server.close();
  });

  it('a listener that closes tells everybody that it goes away (1001)', async () => {
    const server = await start(engine);
    const raw = await RawWebSocket.open(server.port);
    const ours = await connectRpc(server.url);
    const ws = new WebSocket(server.url);
    const closed = new Promise((resolve) => ws.on('close', resolve));
    await new Promise((resolve) => ws.on('open', resolve));
    await server.listener.close();
    await raw.until(() => raw.isClosed);
    expect(raw.closeCode).toBe(1001);
    expect(await closed).toBe(1001);
    await expect(ours.request('echo', [1])).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
  });

  it('pings a silent peer, keeps one that answers, and cuts one that does not', async () => {
    const server = await start(engine, { pingIntervalMs: 60 });
    const deaf = await RawWebSocket.open(server.port);
    const alive = await RawWebSocket.open(server.port);
    let answered = 0;
    const answer = (): boolean => {
      const pings = alive.frames.filter(({ opcode }) => opcode === Opcode.ping);
      for (const { payload } of pings.slice(answered)) alive.socket.write(pong(payload));
      answered = pings.length;
      return answered >= 10;
    };
    await alive.until(answer);
    // Ten intervals have passed.
    expect([deaf.isClosed, alive.isClosed]).toEqual([true, false]);
    expect(deaf.frames.some(({ opcode }) => opcode === Opcode.ping)).toBe(true);
    alive.send(callText(1, 'alive'));
    await alive.until(() => alive.texts.length === 1);
    expect(alive.texts).toEqual([resultText(1, 'alive')]);
    alive.socket.write(close(1000));
    await alive.until(() => alive.isClosed);
  });

  it('a peer that sends byte by byte for ever stays one connection', async () => {
    const server = await start(engine);
    const client = await RawWebSocket.open(server.port);
    const bytes = text(callText(1, 'slowly'));
    for (const byte of bytes.subarray(0, -1)) await client.step(Buffer.of(byte));
    expect(await server.serves()).toBe(true);
    await client.step(bytes.subarray(-1));
    await client.until(() => client.texts.length === 1);
    expect(client.texts).toEqual([resultText(1, 'slowly')]);
    await client.leave();
  });
});

/** A Python that has websockets: Debian's, where another one stands before it on the path. */
const python = ['python3', '/usr/bin/python3'].find(
  (each) => spawnSync(each, ['-c', 'import websockets']).status === 0,
);
const whyNot =
  python === undefined ? ' (skipped: no python3 with the module websockets; Debian: python3-websockets)' : '';

describe.skipIf(python === undefined)(`websockets of Python${whyNot}`, () => {
  it.each(
    engines.flatMap((engine) =>
      ['none', 'deflate'].flatMap((compression) =>
        ['client', 'server'].map((closes) => [engine, compression, closes] as const),
      ),
    ),
  )('on the engine %s, compression %s, closed by the %s', async (engine, compression, closes) => {
    const server = await start(engine, { deflate: true });
    const child = spawn(
      python as string,
      [fileURLToPath(new URL('peers/websockets-client.py', import.meta.url)), server.url, '500', compression],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    let output = '';
    child.stdout.on('data', (bytes) => {
      output += bytes;
    });
    const exited = new Promise((resolve) => child.on('close', resolve));
    if (closes === 'client') child.stdin.end();
    else {
      await new Promise((resolve) => child.stdout.once('data', resolve));
      child.stdin.end('wait\n');
      await server.listener.close();
    }
    expect(await exited).toBe(0);
    expect(JSON.parse(output.trim().split('\n').at(-1) as string)).toEqual({
      good: 500,
      fragmented: 'fragments',
      extensions: compression === 'none' ? [] : ['permessage-deflate'],
      code: closes === 'client' ? 1000 : 1001,
    });
  });
});

/** WebSocket peers that send and do not read, measured in the memory of a server's own process. */
import type { Socket } from 'node:net';
import { constants, deflateRawSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import type { WebSocketOptions } from '../../src/transports/http/http-options.js';
import { MemoryServer } from './memory-server.js';
import { ping, text } from './websocket-frames.js';
import { RawWebSocket } from './websocket-raw.js';
import { callText, engines, resultText } from './websocket-server.js';

const mebibyte = 1024 * 1024;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(engine: string, options: WebSocketOptions = {}): Promise<MemoryServer> {
  const server = await MemoryServer.start('websocket-server.mjs', [engine, JSON.stringify(options)]);
  cleanups.push(() => server.stop());
  const client = await open(server);
  client.send(callText(1, 'warm'));
  await client.until(() => client.texts.length === 1);
  await client.leave();
  return server;
}

async function open(server: MemoryServer, parts = {}): Promise<RawWebSocket> {
  const client = await RawWebSocket.open(server.port, parts);
  cleanups.push(() => client.socket.destroy());
  return client;
}

/** Writes until so many bytes are gone, the server ends the connection, or it has not read on for a while. */
async function flood(
  server: MemoryServer,
  client: RawWebSocket,
  chunk: Buffer,
  bytes: number,
): Promise<void> {
  const { socket } = client;
  for (let written = 0; written < bytes && !socket.destroyed; written += chunk.length) {
    if (socket.write(chunk) || (await drained(socket))) continue;
    // It may have been at work all the time: it has another chance once it has answered.
    await server.usage();
    if (!(await drained(socket))) return;
  }
}

/** Whether the socket took on what was written, or ended, within a time that is long for a server that reads. */
function drained(socket: Socket): Promise<boolean> {
  if (!socket.writableNeedDrain || socket.destroyed) return Promise.resolve(true);
  return new Promise((resolve) => {
    const settle = (has: boolean): void => {
      clearTimeout(timer);
      socket.off('drain', onDrain);
      socket.off('close', onDrain);
      resolve(has);
    };
    const onDrain = (): void => settle(true);
    const timer = setTimeout(() => settle(false), 300);
    socket.on('drain', onDrain);
    socket.on('close', onDrain);
  });
}

/** A client that asks for 10 GB and reads nothing of it. */
async function callsUnread(server: MemoryServer): Promise<RawWebSocket> {
  const client = await open(server);
  client.socket.pause();
  const call = text('{"jsonrpc":"2.0","id":1,"method":"large","params":[100000]}');
  await flood(server, client, Buffer.concat(new Array(100).fill(call)), 100_000 * call.length);
  return client;
}

describe.each(engines)('the engine %s', (engine) => {
  it('holds little for a client that calls and does not read', async () => {
    const server = await start(engine);
    const before = await server.usage();
    const { socket } = await callsUnread(server);
    const after = await server.usage();
    expect([after.connections, socket.destroyed]).toEqual([1, false]);
    expect(after.heldBytes - before.heldBytes).toBeLessThan(64 * mebibyte);
  });

  it('cuts a client that calls and does not read', async () => {
    const server = await start(engine, { pingIntervalMs: 100 });
    await callsUnread(server);
    await expect.poll(async () => (await server.usage()).connections, { timeout: 10_000 }).toBe(0);
  });

  it('cuts a client that pings and does not read', async () => {
    const server = await start(engine);
    const before = await server.usage();
    const client = await open(server);
    client.socket.pause();
    const pings = Buffer.concat(new Array(500).fill(ping('p'.repeat(125))));
    await flood(server, client, pings, 128 * mebibyte);
    const after = await server.usage();
    expect(after.connections).toBe(0);
    expect(after.heldBytes - before.heldBytes).toBeLessThan(32 * mebibyte);
  });

  it('holds little for a client that sends the smallest messages and does not read', async () => {
    const server = await start(engine);
    const before = await server.usage();
    const client = await open(server);
    client.socket.pause();
    await flood(server, client, Buffer.concat(new Array(1_000).fill(text('x'))), 2 * mebibyte);
    // uWebSockets.js cannot stop reading: what comes is held up to a limit.
    const left = engine === 'uws' ? 0 : 1;
    await expect.poll(async () => (await server.usage()).connections, { timeout: 10_000 }).toBe(left);
    const after = await server.usage();
    expect(after.heldBytes - before.heldBytes).toBeLessThan(64 * mebibyte);
  });

  it('holds little for clients that announce messages and send nothing of them', async () => {
    const server = await start(engine);
    const before = await server.usage();
    for (let count = 0; count < 200; count++) {
      const client = await open(server);
      await client.step(text('x', { saysLength: 1_000_000n, lengthBits: 64 }));
    }
    const after = await server.usage();
    expect(after.connections).toBe(200);
    expect(after.heldBytes - before.heldBytes).toBeLessThan(32 * mebibyte);
  });

  it('holds little for compressed bombs', async () => {
    const server = await start(engine, { deflate: true });
    const before = await server.usage();
    const bomb = deflateRawSync(Buffer.alloc(256 * mebibyte, ' '), { finishFlush: constants.Z_SYNC_FLUSH });
    const frame = text(bomb.subarray(0, -4), { rsv: 4 });
    const fields = { 'Sec-WebSocket-Extensions': 'permessage-deflate' };
    for (let count = 0; count < 8; count++) {
      const client = await open(server, { fields });
      client.socket.write(frame);
      await client.until(() => client.isClosed);
    }
    const after = await server.usage();
    expect(after.heldBytes - before.heldBytes).toBeLessThan(64 * mebibyte);
    const client = await open(server, { fields });
    client.send(callText(1, 'good'));
    await client.until(() => client.texts.length === 1);
    expect(client.texts).toEqual([resultText(1, 'good')]);
  });
});

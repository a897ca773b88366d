/** What is particular to sockets: files, options, and connecting to what does not answer. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { connectTransport, listenTransport } from '../../src/transports/open.js';
import { echo, Recorder } from './peers.js';

const directory = mkdtempSync(join(tmpdir(), 'ringwire-sockets-'));
afterAll(() => rmSync(directory, { recursive: true }));

let serial = 0;
const freshPath = (): string => join(directory, `${serial++}.sock`);

/** Runs a script in a child and resolves with the first line it prints. */
async function run(script: string, ...args: string[]): Promise<{ child: ChildProcess; line: string }> {
  const child = spawn(process.execPath, ['-e', script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const line = await new Promise<string>((resolve) => {
    child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()));
  });
  return { child, line };
}

function ended(child: ChildProcess): Promise<unknown> {
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  return exit;
}

describe.each(['twin', 'native'] as const)('Unix sockets, %s', (implementation) => {
  test('only the owner may connect, and the file goes with the listener', async () => {
    const path = freshPath();
    const before = process.umask();
    const listener = await listenTransport(`unix:${path}`, { implementation }, echo);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(process.umask()).toBe(before);
    await listener.close();
    expect(existsSync(path)).toBe(false);
  });

  test('the file a killed server left is replaced', async () => {
    const path = freshPath();
    const script = 'require("net").createServer().listen(process.argv[1], () => console.log("on"))';
    const { child } = await run(script, path);
    onTestFinished(() => void child.kill('SIGKILL'));
    await expect(listenTransport(`unix:${path}`, { implementation }, echo)).rejects.toMatchObject({
      code: 'ADDRESS_IN_USE',
      message: expect.stringContaining(path),
    });
    await ended(child);
    expect(existsSync(path)).toBe(true);
    const listener = await listenTransport(`unix:${path}`, { implementation }, echo);
    const client = new Recorder(await connectTransport(listener.url, { implementation }));
    await client.sendAll(['alive']);
    await client.count(1);
    await client.transport.close();
    await listener.close();
  });

  test('a file that is no socket is left alone', async () => {
    const path = freshPath();
    writeFileSync(path, 'precious');
    await expect(listenTransport(`unix:${path}`, { implementation }, echo)).rejects.toMatchObject({
      code: 'ADDRESS_INVALID',
      message: expect.stringContaining('not a socket'),
    });
    expect(statSync(path).size).toBe('precious'.length);
  });

  test('no file, no directory', async () => {
    await expect(connectTransport(`unix:${freshPath()}`, { implementation })).rejects.toMatchObject({
      code: 'CONNECTION_REFUSED',
      message: expect.stringContaining('There is no socket'),
    });
    const nowhere = `unix:${join(directory, 'missing', 'x.sock')}`;
    await expect(listenTransport(nowhere, { implementation }, echo)).rejects.toMatchObject({
      code: 'ADDRESS_INVALID',
      message: expect.stringContaining('does not exist'),
    });
  });
});

describe.each(['twin', 'native'] as const)('TCP, %s', (implementation) => {
  test('nothing listens there', async () => {
    const listener = await listenTransport('tcp://127.0.0.1:0', { implementation }, echo);
    await listener.close();
    await expect(connectTransport(listener.url, { implementation })).rejects.toMatchObject({
      code: 'CONNECTION_REFUSED',
      retryable: true,
      message: expect.stringContaining(`Nothing listens at ${listener.url}`),
    });
  });

  test('an address of another machine cannot be listened on', async () => {
    await expect(listenTransport('tcp://192.0.2.1:0', { implementation }, echo)).rejects.toMatchObject({
      code: 'ADDRESS_INVALID',
      message: expect.stringContaining('not an address of this machine'),
    });
  });

  test('an IPv6 listener names itself in brackets', async () => {
    const listener = await listenTransport('tcp://[::1]:0', { implementation }, echo);
    expect(listener.url).toMatch(/^tcp:\/\/\[::1\]:\d+$/);
    const client = new Recorder(await connectTransport(listener.url, { implementation }));
    await client.sendAll(['six']);
    await client.count(1);
    expect(client.transport.peer).toMatchObject({ kind: 'tcp', address: '::1' });
    await client.transport.close();
    await listener.close();
  });

  test('a host name is resolved', async () => {
    const listener = await listenTransport('tcp://127.0.0.1:0', { implementation }, echo);
    const port = listener.url.split(':').at(-1);
    const client = new Recorder(await connectTransport(`tcp://localhost:${port}`, { implementation }));
    await client.sendAll(['named']);
    await client.count(1);
    await client.transport.close();
    await listener.close();
  });

  test('a server that accepts nobody: connectTimeoutMs, and an abort before it', async () => {
    // The kernel completes as many connections as the backlog holds and then lets further ones wait.
    const script = `const server = require("net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
      require("fs").writeSync(1, String(server.address().port) + "\\n");
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    })`;
    const { child, line } = await run(script);
    onTestFinished(() => void child.kill('SIGKILL'));
    const fillers = Array.from({ length: 4 }, () => connect(Number(line), '127.0.0.1').on('error', () => {}));
    onTestFinished(() => {
      for (const filler of fillers) filler.destroy();
    });
    await Promise.all(
      fillers.slice(0, 2).map((filler) => new Promise((resolve) => filler.once('connect', resolve))),
    );
    const url = `tcp://127.0.0.1:${line}`;
    await expect(connectTransport(url, { implementation, connectTimeoutMs: 50 })).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      message: expect.stringContaining('connectTimeoutMs (50)'),
    });
    const controller = new AbortController();
    const connecting = connectTransport(url, { implementation, signal: controller.signal });
    controller.abort();
    await expect(connecting).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

test('the twin says which socket options it could not set', async () => {
  const socket = {
    noDelay: false,
    keepAlive: true,
    keepAliveIdleSeconds: 5,
    quickAck: true,
    userTimeoutMs: 1000,
  };
  const options = { implementation: 'twin', socket } as const;
  const listener = await listenTransport('tcp://127.0.0.1:0', options, echo);
  const client = await connectTransport(listener.url, options);
  expect(client.notGranted).toEqual(['quickAck', 'userTimeoutMs']);
  await client.close();
  const plain = await connectTransport(listener.url, { implementation: 'twin' });
  expect(plain.notGranted).toEqual([]);
  await plain.close();
  const tuned = await connectTransport(listener.url, { implementation: 'twin', profile: 'low' });
  expect(tuned.notGranted).toEqual([
    'keepAliveIntervalSeconds',
    'keepAliveProbes',
    'sendBufferBytes',
    'receiveBufferBytes',
  ]);
  await tuned.close();
  await listener.close();
});

/** HTTP/2 on stdin and stdout of a child process: one session, a clean wire, an end in order. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { importRingwire, temporaryModule } from '../process/run.js';

const child = `
${importRingwire}
const server = ringwire.createRpcServer();
server.method('echo', (params) => params);
const listener = await server.listen('stdio+h2:');
console.log('chatter', listener.url, listener.connections);
process.once('beforeExit', () => console.log('over', listener.connections));
`;

let running: ChildProcessWithoutNullStreams;
let pipes: Duplex;
let session: ClientHttp2Session;
let stderr: Promise<string>;

beforeEach(async () => {
  running = spawn(process.execPath, [await temporaryModule(child)]);
  stderr = text(running.stderr);
  pipes = Duplex.from({ readable: running.stdout, writable: running.stdin });
  session = connect('http://localhost', { createConnection: () => pipes });
  session.on('error', () => {});
});

afterEach(async () => {
  // Not the session: node fails an assertion where that comes while a write is under way.
  pipes.destroy();
  if (running.exitCode !== null) return;
  running.kill('SIGKILL');
  await once(running, 'exit');
});

async function call(params: unknown): Promise<unknown> {
  const stream = session.request({
    ':method': 'POST',
    ':path': '/',
    'content-type': 'application/json',
  });
  stream.end(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'echo', params }));
  return JSON.parse(await text(stream));
}

test('calls are answered, many at once', async () => {
  const large = { text: 'x'.repeat(300_000) };
  const all = await Promise.all([large, ...Array.from({ length: 50 }, (_, index) => ({ index }))].map(call));
  expect(all[0]).toEqual({ jsonrpc: '2.0', id: 1, result: large });
  expect(all[50]).toEqual({ jsonrpc: '2.0', id: 1, result: { index: 49 } });
});

test('the end of stdin ends the session and the process; what is printed goes to stderr until then', async () => {
  await call({});
  const exited = once(running, 'exit');
  running.stdin.end();
  expect((await exited)[0]).toBe(0);
  expect(await stderr).toBe('chatter stdio+h2: 1\n');
});

test('a client that closes its session ends it too', async () => {
  await call({});
  const exited = once(running, 'exit');
  session.close();
  expect((await exited)[0]).toBe(0);
});

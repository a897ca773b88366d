/** How processes end: after a drain, with connections open, and with their parent. */
import { once } from 'node:events';
import { connect as connectSocket, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { connect } from '../../src/index.js';
import { cli, demo, importRingwire, Running, root, serveModule, temporaryModule } from './run.js';

const ping = '{"jsonrpc":"2.0","id":1,"method":"ping"}\n';
const sockets: Socket[] = [];

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

/** A tool that answers when the process receives SIGUSR2, so that nothing here depends on time. */
const holding = `
let release;
const released = new Promise((resolve) => { release = resolve; });
process.on('SIGUSR2', () => release());
export default ringwire.createServer({ name: 'hold', version: '1.0.0' })
  .tool('echo', ({ text }) => text)
  .tool('hold', async () => { process.stderr.write('entered\\n'); await released; return 'released'; })
  .tool('never', () => { process.stderr.write('entered\\n'); return new Promise(() => {}); });
setInterval(() => {}, 1000);
`;

/** A connection the server has answered on: one that only waits to be accepted would be reset. */
async function openSocket(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connectSocket(Number(port), hostname);
  sockets.push(socket);
  socket.write(ping);
  await once(socket, 'data');
  return socket;
}

/** Resolves when connecting is refused: the server has stopped to accept. */
async function refused(url: string): Promise<void> {
  const { hostname, port } = new URL(url);
  for (;;) {
    const socket = connectSocket(Number(port), hostname);
    const outcome = await new Promise<string>((resolve) => {
      socket
        .once('connect', () => resolve('open'))
        .once('error', (error) => resolve((error as NodeJS.ErrnoException).code ?? ''));
    });
    socket.destroy();
    if (outcome === 'ECONNREFUSED') return;
  }
}

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  it('stops accepting, answers the call in flight, and ends with 0', async () => {
    const { child, url } = await serveModule(holding);
    const client = await connect(url, { reconnect: false });
    const call = client.callTool('hold');
    await child.match('stderr', /entered/);
    child.process.kill(signal);
    await refused(url);
    await expect(client.callTool('echo', { text: 'late' })).rejects.toThrow();
    child.process.kill('SIGUSR2');
    expect((await call).content).toEqual([{ type: 'text', text: 'released' }]);
    expect((await child.ended).code).toBe(0);
    await client.close();
  });

  it('ends with 0 while connections are open and idle', async () => {
    const { child, url } = await serveModule(holding);
    const open = await Promise.all(Array.from({ length: 20 }, () => openSocket(url)));
    const closed = Promise.all(open.map((socket) => once(socket.resume(), 'close')));
    child.process.kill(signal);
    expect((await child.ended).code).toBe(0);
    await closed;
  });
});

describe('a call that does not end', () => {
  it('is cut off after --drain-timeout', async () => {
    const path = await temporaryModule(`${importRingwire}\n${holding}`);
    const child = new Running([
      cli,
      'serve',
      path,
      '-l',
      'tcp://127.0.0.1:0',
      '--json',
      '--drain-timeout',
      '50',
    ]);
    const [url] = (JSON.parse(await child.line(0)) as { listening: string[] }).listening;
    const client = await connect(url, { reconnect: false });
    const call = client.callTool('never');
    const outcome = expect(call).rejects.toThrow();
    await child.match('stderr', /entered/);
    child.process.kill('SIGTERM');
    expect((await child.ended).code).toBe(0);
    await outcome;
    await client.close();
  });

  it('is cut off by a second signal', async () => {
    const { child, url } = await serveModule(holding);
    const client = await connect(url, { reconnect: false });
    const outcome = expect(client.callTool('never')).rejects.toThrow();
    await child.match('stderr', /entered/);
    child.process.kill('SIGTERM');
    await refused(url);
    child.process.kill('SIGTERM');
    expect((await child.ended).code).toBe(143);
    await outcome;
    await client.close();
  });
});

describe('the demo', () => {
  it('answers a running task after SIGTERM and ends with 0', async () => {
    const child = new Running([demo, '--port', '0']);
    const [, tcp] = await child.match('stdout', /^ {2}(tcp:\S+)$/m);
    const client = await connect(tcp, { reconnect: false });
    let started = (): void => {};
    const running = new Promise<void>((resolve) => {
      started = resolve;
    });
    const call = client.callTool('long_task', { steps: 5, stepMs: 50 }, { onProgress: () => started() });
    await running;
    child.process.kill('SIGTERM');
    expect((await call).content).toEqual([{ type: 'text', text: 'Done in 5 steps.' }]);
    expect((await child.ended).code).toBe(0);
    await client.close();
  });
});

describe('stdio', () => {
  it.each([
    ['the demo', [demo, '--stdio']],
    ['ringwire serve', [cli, 'serve', 'MODULE', '--stdio']],
  ])('%s answers what was asked and ends with 0 when its input ends', async (_name, args) => {
    const path = await temporaryModule(`${importRingwire}\n${holding}`);
    const child = new Running(args.map((arg) => (arg === 'MODULE' ? path : arg)));
    child.process.stdin.end(ping);
    const { code, stdout } = await child.ended;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ id: 1 });
  });

  it('keeps what a tool prints off the wire', async () => {
    const path = await temporaryModule(`${importRingwire}
      export default ringwire.createServer({ name: 'a', version: '1' })
        .tool('loud', () => { console.log('not for the wire'); return 'quiet'; });`);
    const client = await connect(
      { command: process.execPath, args: [cli, 'serve', path, '--stdio'] },
      { transport: { stderr: 'ignore' } },
    );
    expect((await client.callTool('loud')).content).toEqual([{ type: 'text', text: 'quiet' }]);
    await client.close();
  });

  it('a child ends when its parent is killed', async () => {
    const path = await temporaryModule(`${importRingwire}\n${holding}`);
    const parent = new Running(
      [
        '--input-type=module',
        '-e',
        `${importRingwire}
      const client = await ringwire.connectRpc({ command: process.execPath, args: ${JSON.stringify([cli, 'serve', path, '--stdio'])} });
      await client.request('ping');
      const { peer } = client.peer.transport;
      process.stdout.write(peer.pid + '\\n');
      setInterval(() => {}, 1000);`,
      ],
      { cwd: root },
    );
    const pid = Number(await parent.line(0));
    expect(process.kill(pid, 0)).toBe(true);
    parent.process.kill('SIGKILL');
    await parent.ended;
    await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('a program that uses the library', () => {
  it('ends by itself once its server and client are closed', async () => {
    const child = new Running(
      [
        '--input-type=module',
        '-e',
        `${importRingwire}
      const server = ringwire.createServer({ name: 'a', version: '1' }).tool('hi', () => 'there');
      const listener = await server.listen('tcp://127.0.0.1:0');
      const clients = await Promise.all([1, 2, 3].map(() => ringwire.connect(listener.url)));
      for (const client of clients) await client.callTool('hi');
      await Promise.all(clients.map((client) => client.close()));
      await server.close();
      process.stdout.write('closed\\n');`,
      ],
      { cwd: root },
    );
    expect(await child.ended).toEqual({ code: 0, stdout: 'closed\n', stderr: '' });
  });

  it('exits in good order with connections and calls open', async () => {
    const child = new Running(
      [
        '--input-type=module',
        '-e',
        `${importRingwire}
      const server = ringwire.createServer({ name: 'a', version: '1' }).tool('never', () => new Promise(() => {}));
      const listener = await server.listen('tcp://127.0.0.1:0');
      const client = await ringwire.connect(listener.url);
      client.callTool('never').catch(() => {});
      await client.ping();
      process.exit(3);`,
      ],
      { cwd: root },
    );
    expect(await child.ended).toEqual({ code: 3, stdout: '', stderr: '' });
  });
});

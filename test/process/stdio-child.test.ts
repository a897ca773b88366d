/** How children end: killed, stubborn, leaving descendants, or orphaned. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { connectTransport } from '../../src/transports/open.js';
import type { TransportOptions } from '../../src/transports/transport.js';
import { deferred, Recorder } from '../contract/peers.js';

const fixture = fileURLToPath(new URL('../contract/fixtures/stdio-peer.mjs', import.meta.url));

/** A zombie counts as gone: it holds nothing, and whoever inherits it reaps it. */
function alive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

async function untilGone(pid: number): Promise<void> {
  while (alive(pid)) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Past the exit event: the process is not even a zombie any more. */
async function untilReaped(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe.each(['twin', 'native'] as const)('stdio client, %s', (implementation) => {
  const env = { ...process.env, RINGWIRE_TEST_IMPLEMENTATION: implementation };

  async function start(mode: string, options: TransportOptions = {}): Promise<Recorder> {
    const target = { command: process.execPath, args: [fixture, mode] };
    return new Recorder(await connectTransport(target, { implementation, stderr: 'ignore', ...options }));
  }

  test('a killed child is reported with its signal', async () => {
    const client = await start('echo');
    await client.sendAll(['one']);
    await client.count(1);
    process.kill(client.transport.peer.pid as number, 'SIGKILL');
    const error = await client.closed;
    expect(error?.code).toBe('CHILD_EXITED');
    expect(error?.message).toContain('was ended by SIGKILL');
    expect(error?.message).toContain('It wrote nothing to stderr');
    expect(client.transport.send('late')).toBe('full');
  });

  test('a child that ignores the end of stdin and SIGTERM is killed', async () => {
    const lines: string[] = [];
    const client = await start('stubborn', { childExitGraceMs: 300, stderr: (line) => lines.push(line) });
    await client.sendAll(['one']);
    await client.count(1);
    await client.transport.close();
    expect(lines).toEqual(['SIGTERM ignored']);
    expect(client.closes).toEqual([undefined]);
    expect(alive(client.transport.peer.pid as number)).toBe(false);
  });

  test('a grandchild that holds the pipe is killed with the group', async () => {
    const script = 'sleep 600 & echo $!; echo gone >&2; exit 3';
    const client = new Recorder(
      await connectTransport(
        { command: '/bin/sh', args: ['-c', script] },
        { implementation, stderr: 'ignore' },
      ),
    );
    await client.count(1);
    const grandchild = Number(client.frames[0]);
    expect(alive(grandchild)).toBe(true);
    const error = await client.closed;
    expect(error?.message).toMatch(/exited with code 3.*\ngone$/);
    await untilGone(grandchild);
  });

  test('frames a child wrote before it exited are delivered, however late we start or resume', async () => {
    const target = { command: '/bin/sh', args: ['-c', 'for i in 1 2 3 4 5; do echo $i; done'] };
    const options = { implementation, stderr: 'ignore' } as const;
    const unstarted = await connectTransport(target, options);
    await untilReaped(unstarted.peer.pid as number);
    const late = new Recorder(unstarted);
    expect((await late.closed)?.code).toBe('CHILD_EXITED');
    expect(late.frames).toEqual(['1', '2', '3', '4', '5']);

    const paused = await connectTransport(target, options);
    paused.pause();
    const client = new Recorder(paused);
    await untilReaped(paused.peer.pid as number);
    expect(client.frames).toEqual([]);
    paused.resume();
    expect((await client.closed)?.code).toBe('CHILD_EXITED');
    expect(client.frames).toEqual(['1', '2', '3', '4', '5']);
  });

  test('a parent that is killed leaves no child behind', async () => {
    const parent = spawn(process.execPath, [fixture, 'parent'], { stdio: ['pipe', 'pipe', 'ignore'], env });
    const lines = createInterface({ input: parent.stdout });
    const pid = deferred<number>();
    lines.on('line', (line) => pid.resolve(Number(line)));
    parent.stdin.write('pid?\n');
    const child = await pid.promise;
    expect(alive(child)).toBe(true);
    parent.kill('SIGKILL');
    await untilGone(child);
  });

  test('a parent that exits without closing kills even a stubborn child', async () => {
    const parent = spawn(process.execPath, [fixture, 'parent', '{}', 'stubborn'], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env,
    });
    const lines = createInterface({ input: parent.stdout });
    const pid = deferred<number>();
    lines.on('line', (line) => pid.resolve(Number(line)));
    parent.stdin.write('pid?\n');
    const child = await pid.promise;
    expect(alive(child)).toBe(true);
    parent.stdin.end();
    await untilGone(child);
  });

  test('a flood on stderr is drained and cannot fill our memory', async () => {
    const script =
      'i=0; while [ $i -lt 20 ]; do head -c 1000000 /dev/zero | tr "\\0" x; i=$((i+1)); done >&2; echo >&2; echo last words >&2; cat';
    const lines: number[] = [];
    const client = new Recorder(
      await connectTransport(
        { command: '/bin/sh', args: ['-c', script] },
        { implementation, stderr: (line) => lines.push(line.length) },
      ),
    );
    await client.sendAll(['through']);
    await client.count(1);
    await client.transport.close();
    expect(lines).toEqual(['last words'.length]);
  });

  test('a child gets a minimal environment and what it is given', async () => {
    process.env.RINGWIRE_TEST_SECRET = 'do not pass';
    const client = new Recorder(
      await connectTransport(
        { command: process.execPath, args: [fixture, 'environment'], env: { GIVEN: 'yes' } },
        { implementation, stderr: 'ignore' },
      ),
    );
    delete process.env.RINGWIRE_TEST_SECRET;
    await client.sendAll(['environment?']);
    await client.count(1);
    const environment = JSON.parse(client.frames[0]) as Record<string, string>;
    expect(environment.GIVEN).toBe('yes');
    expect(environment.PATH).toBe(process.env.PATH);
    const allowed = ['PATH', 'HOME', 'USER', 'LANG', 'TERM', 'SHELL', 'TMPDIR', 'LOGNAME', 'GIVEN'];
    expect(Object.keys(environment).filter((name) => !allowed.includes(name))).toEqual([]);
    await client.transport.close();
  });

  test.each([
    [{ command: 'no-such-command-here' }, /"no-such-command-here" was not found on PATH/],
    [{ command: '/no/such/file' }, /"\/no\/such\/file" does not exist/],
    [{ command: '/etc/passwd' }, /"\/etc\/passwd" is not executable/],
    [{ command: 'cat', cwd: '/no/such/directory' }, /working directory "\/no\/such\/directory"/],
  ])('%j cannot be started, and the error says why', async (target, reason) => {
    await expect(connectTransport(target, { implementation })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(reason),
    });
  });

  test('a command that cannot be started leaves no descriptor', async () => {
    const before = readdirSync('/proc/self/fd').length;
    for (const command of ['no-such-command-here', '/etc/passwd', 'nul\0byte'])
      await expect(connectTransport({ command }, { implementation })).rejects.toThrow();
    // An aborted start, too.
    const signal = AbortSignal.abort();
    await expect(connectTransport({ command: 'cat' }, { implementation, signal })).rejects.toThrow();
    // Handles are closed in the turn after; a descriptor that is never closed fails the test by its time limit.
    while (readdirSync('/proc/self/fd').length > before)
      await new Promise((resolve) => setImmediate(resolve));
  });

  test.each([
    ['stdin', 'exec <&-; echo closed; exec sleep 600'],
    ['stdout', 'echo closed; exec >&-; exec sleep 600'],
  ])('a child that closes its %s is ended, and what it said before is delivered', async (_which, script) => {
    const target = { command: '/bin/sh', args: ['-c', script] };
    const options = { implementation, stderr: 'ignore', childExitGraceMs: 50 } as const;
    const client = new Recorder(await connectTransport(target, options));
    await client.count(1);
    client.transport.send('nobody reads this');
    const error = await client.closed;
    expect(client.frames).toEqual(['closed']);
    expect(error?.code).toBe('CHILD_EXITED');
    expect(error?.message).toContain('was ended by SIGTERM');
    expect(client.transport.send('late')).toBe('full');
    expect(client.transport.bufferedBytes).toBe(0);
  });

  test('close() before start(), and while paused, ends the child in order', async () => {
    const target = { command: '/bin/sh', args: ['-c', 'echo unread; cat >/dev/null; echo last >&2'] };
    for (const begin of [false, true]) {
      const lines: string[] = [];
      const transport = await connectTransport(target, {
        implementation,
        stderr: (line) => lines.push(line),
      });
      let frames = 0;
      const handlers = { onFrame: () => frames++, onClose: (error?: Error) => lines.push(`closed ${error}`) };
      transport.pause();
      if (begin) transport.start(handlers);
      await transport.close();
      if (!begin) transport.start(handlers);
      await new Promise((resolve) => setImmediate(resolve));
      expect(lines).toEqual(['last', 'closed undefined']);
      expect(frames).toBe(0);
    }
  });

  test('close() gives up on a child that does not read, and says how much it dropped', async () => {
    const target = { command: '/bin/sh', args: ['-c', 'exec sleep 600'] };
    const options = { implementation, stderr: 'ignore', closeTimeoutMs: 50 } as const;
    const client = new Recorder(await connectTransport(target, options));
    client.transport.send('x'.repeat(2_000_000));
    await client.transport.close();
    expect(client.closes[0]?.message).toMatch(/close\(\) dropped \d+ bytes/);
    expect(alive(client.transport.peer.pid as number)).toBe(false);
  });
});

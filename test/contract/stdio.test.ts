/** The stdio client and server, each other's peer across a process boundary. */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { connectTransport } from '../../src/transports/open.js';
import type { TransportOptions } from '../../src/transports/transport.js';
import { deferred, numbered, Recorder } from './peers.js';

const fixture = fileURLToPath(new URL('fixtures/stdio-peer.mjs', import.meta.url));

/** Implementations of the client side and of the server side. */
const cases = [
  { name: 'stdio twin', client: 'twin', server: 'twin' },
  { name: 'stdio native', client: 'native', server: 'native' },
  { name: 'stdio native client', client: 'native', server: 'twin' },
  { name: 'stdio native server', client: 'twin', server: 'native' },
] as const;

for (const subject of cases) {
  const start = (mode: string, options: TransportOptions = {}, serverOptions: TransportOptions = {}) =>
    connectTransport(
      {
        command: process.execPath,
        args: [fixture, mode, JSON.stringify(serverOptions)],
        env: { RINGWIRE_TEST_IMPLEMENTATION: subject.server },
      },
      { stderr: 'ignore', ...options, implementation: subject.client },
    );

  describe(subject.name, () => {
    test('10,000 frames come back in order; close() ends the child in order', async () => {
      const client = new Recorder(await start('echo'));
      expect(client.transport).toMatchObject({ kind: 'stdio', implementation: subject.client });
      const frames = numbered(10_000);
      await client.sendAll(frames);
      await client.count(frames.length);
      expect(client.frames).toEqual(frames);
      await client.transport.close();
      expect(client.closes).toEqual([undefined]);
      expect(() => process.kill(client.transport.peer.pid as number, 0)).toThrow(/ESRCH/);
    });

    test('the largest frame passes, one byte more is refused, in both directions', async () => {
      const maxFrameBytes = 300_000;
      const client = new Recorder(await start('echo', { maxFrameBytes }, { maxFrameBytes }));
      const largest = 'x'.repeat(maxFrameBytes);
      await client.sendAll([largest, `${largest}y`, 'after']);
      await client.count(3);
      expect(client.frames.map((frame) => frame.slice(0, 30))).toEqual([
        largest.slice(0, 30),
        'refused FRAME_TOO_LARGE',
        'after',
      ]);
      await client.transport.close();
      const narrow = new Recorder(await start('echo', { maxFrameBytes: 10 }));
      await narrow.sendAll(['eleven bytes', 'ten bytes.']);
      await narrow.count(1);
      expect(narrow.frames).toEqual(['ten bytes.']);
      expect(narrow.frameErrors.map((error) => error.code)).toEqual(['FRAME_TOO_LARGE']);
      await narrow.transport.close();
    });

    test('a child that does not read: bounded memory, then nothing is lost', async () => {
      const highWatermarkBytes = 256 * 1024;
      const frameBytes = 64 * 1024;
      const ready = deferred();
      const client = new Recorder(
        await start('slow-reader', { highWatermarkBytes, stderr: () => ready.resolve() }),
      );
      await ready.promise;
      const frames = numbered(200, frameBytes);
      let sent = 0;
      for (let refusals = 0; refusals < 20; ) {
        if (client.transport.send(frames[sent]) === 'full') {
          refusals++;
          await new Promise((resolve) => setImmediate(resolve));
        } else sent++;
        expect(client.transport.bufferedBytes).toBeLessThanOrEqual(highWatermarkBytes + frameBytes + 4);
      }
      process.kill(client.transport.peer.pid as number, 'SIGUSR2');
      await client.sendAll(frames.slice(sent));
      await client.count(frames.length);
      expect(client.frames).toEqual(frames);
      await client.transport.close();
    });

    test('close() while writing delivers everything; the child sees an end in order', async () => {
      const lines: string[] = [];
      const client = new Recorder(await start('echo', { stderr: (line) => lines.push(line) }));
      for (const frame of numbered(10, 64 * 1024)) expect(client.transport.send(frame)).not.toBe('full');
      await client.transport.close();
      expect(lines).toEqual(['closed in order']);
      expect(client.closes).toEqual([undefined]);
    });

    test('a child that ends by itself: its last frames, then its exit code and last words', async () => {
      const client = new Recorder(await start('exit-7'));
      await client.sendAll(['last']);
      const error = await client.closed;
      expect(client.frames).toEqual(['last']);
      expect(error?.code).toBe('CHILD_EXITED');
      expect(error?.retryable).toBe(true);
      expect(error?.message).toMatch(/exited with code 7\. .*\nout of luck$/);
      expect(error?.cause).toEqual({ exitCode: 7, signal: null, stderr: 'out of luck' });
      expect(client.closes.length).toBe(1);
    });

    test('destroy() and close() twice; no descriptor is left', async () => {
      const before = readdirSync('/proc/self/fd').length;
      const client = new Recorder(await start('echo'));
      await client.sendAll(['one']);
      await client.count(1);
      client.transport.destroy();
      client.transport.destroy();
      await Promise.all([client.transport.close(), client.transport.close()]);
      expect(client.closes).toEqual([undefined]);
      expect(readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(before);
    });
  });

  test(`${subject.name} server: every split of its input gives the same frames`, async () => {
    const frames = ['{"a":1}', 'é漢', 'x'];
    const bytes = Buffer.from(`\n${frames.join('\n\n')}\n`);
    const child = spawn(process.execPath, [fixture, 'echo'], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { ...process.env, RINGWIRE_TEST_IMPLEMENTATION: subject.server },
    });
    let output = '';
    let expected = '';
    let reached = deferred();
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString('latin1');
      if (output.length >= expected.length) reached.resolve();
    });
    for (let at = 0; at <= bytes.length; at++) {
      expected += Buffer.from(`${frames.join('\n')}\n`).toString('latin1');
      reached = deferred();
      await new Promise((resolve) => child.stdin.write(bytes.subarray(0, at), resolve));
      child.stdin.write(bytes.subarray(at));
      await reached.promise;
      expect(output, `cut at ${at}`).toBe(expected);
    }
    child.stdin.end();
    const [code] = await new Promise<unknown[]>((resolve) => child.once('exit', (...exit) => resolve(exit)));
    expect(code).toBe(0);
  });
}

/** RingBuffer between processes: descriptors passed by stdio, sleeping on both sides, peers that die inside. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { addon } from '../../src/binding/addon.js';
import { RingBuffer } from '../../src/buffers/ring-buffer.js';
// @ts-expect-error plain JavaScript, shared with the threads and processes of these tests
import { fillFrame, frameSizes, verifyFrame } from './ring-frames.mjs';

const script = fileURLToPath(new URL('./ring-peer.mjs', import.meta.url));
const supported = process.platform === 'linux' && addon() !== undefined;
const children: ChildProcess[] = [];
const rings: RingBuffer[] = [];
afterEach(async () => {
  for (const ring of rings.splice(0)) ring.close();
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
});

function pair(kind: 'spsc' | 'mpsc' = 'spsc'): { writes: RingBuffer; reads: RingBuffer } {
  const writes = RingBuffer.createShared({ capacityBytes: 65536, kind, role: 'writer' });
  const reads = RingBuffer.createShared({ capacityBytes: 65536, kind, role: 'reader' });
  rings.push(writes, reads);
  return { writes, reads };
}

function run(behaviour: string, { writes, reads }: ReturnType<typeof pair>): ChildProcess {
  const descriptors = [writes, reads].flatMap(({ descriptors: of }) => [
    of!.fd,
    of!.readableFd,
    of!.writableFd,
  ]);
  const stdio = ['ignore', 'inherit', 'inherit', ...descriptors, 'ipc'] as const;
  const child = spawn(process.execPath, [script, behaviour], { stdio: [...stdio] });
  children.push(child);
  return child;
}

describe.skipIf(!supported)('a ring between processes', () => {
  it.each(['echo', 'blockingEcho'])('carries frames there and back, %s', async (behaviour) => {
    const both = pair();
    const child = run(behaviour, both);
    const exited = once(child, 'exit');
    const { writes, reads } = both;
    const frames = 50_000;
    const buffer = Buffer.alloc(writes.maxFrameBytes);
    const sizeOf = frameSizes(4096, 0);
    const expected = [0];
    const send = async () => {
      for (let number = 0; number < frames; number++) {
        const frame = fillFrame(buffer.subarray(0, sizeOf(number)), 0, number);
        while (!writes.tryWrite(frame)) expect(await writes.waitWritable(frame.length, Infinity)).toBe(true);
      }
    };
    const receive = async () => {
      while (expected[0] < frames) {
        expect(await reads.waitReadable(Infinity)).toBe(true);
        reads.readBatch((frame) => verifyFrame(frame, expected));
      }
    };
    await Promise.all([send(), receive()]);
    writes.close();
    expect(await exited).toEqual([0, null]);
    expect(reads.closed).toBe(true);
    expect(reads.peerGone).toBe(false);
  });

  it.each(['spsc', 'mpsc'] as const)('is left when its peer is killed, %s', async (kind) => {
    const both = pair(kind);
    const child = run('hold', both);
    expect(await once(child, 'message')).toEqual(['holding', undefined]);
    const { writes, reads } = both;
    while (writes.tryWrite(Buffer.alloc(16_000)));
    expect(reads.tryRead()?.toString()).toBe('last');
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
    expect(await Promise.all([reads.waitReadable(Infinity), writes.waitWritable(16_000, Infinity)])).toEqual([
      false,
      false,
    ]);
    expect([reads.peerGone, writes.peerGone, reads.closed]).toEqual([true, true, true]);
    expect(() => writes.tryWrite(Buffer.alloc(1))).toThrow(expect.objectContaining({ code: 'RING_CLOSED' }));
  });

  it('is left by a blocked reader too', async () => {
    const both = pair();
    const child = run('hold', both);
    await once(child, 'message');
    both.reads.tryRead();
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
    expect(both.reads.waitReadableSync(Infinity)).toBe(false);
    expect(both.reads.peerGone).toBe(true);
  });

  it('has one living process per role', async () => {
    const both = pair();
    const first = run('hold', both);
    await once(first, 'message');
    const second = run('steal', both);
    expect(await once(second, 'message')).toEqual(['RING_BUSY', undefined]);
  });

  it('is written by several threads of one process', async () => {
    const reads = RingBuffer.createShared({ capacityBytes: 65536, kind: 'mpsc', role: 'reader' });
    rings.push(reads);
    const frames = 20_000;
    const threads = [0, 1, 2].map((producer) => {
      const workerData = { role: 'write', descriptors: reads.descriptors, frames, producer };
      return once(new Worker(new URL('./ring-worker.mjs', import.meta.url), { workerData }), 'exit');
    });
    const expected = [0, 0, 0];
    while (expected.some((count) => count < frames)) {
      expect(await reads.waitReadable(Infinity)).toBe(true);
      reads.readBatch((frame) => verifyFrame(frame, expected));
    }
    expect(await Promise.all(threads)).toEqual([[0], [0], [0]]);
  });

  it('closes its descriptors, and leaves none when it cannot attach', () => {
    const open = () => readdirSync('/proc/self/fd').length;
    const before = open();
    const ring = RingBuffer.createShared({ capacityBytes: 4096, role: 'reader' });
    const descriptors = ring.descriptors!;
    expect(open()).toBe(before + 3);
    expect(fstatSync(descriptors.fd).mode & 0o777).toBe(0o600);
    ring.close();
    expect(ring.descriptors).toBeUndefined();
    expect(open()).toBe(before);
    expect(() => RingBuffer.createShared({ capacityBytes: 4096, role: 'both' as 'reader' })).toThrow(
      `"role" must be 'reader' or 'writer'; got both`,
    );
    expect(open()).toBe(before);
  });

  it('refuses a file that its owner could cut short, and what is no descriptor', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ringwire-ring-'));
    const path = join(folder, 'file');
    writeFileSync(path, Buffer.alloc(65536));
    const fd = openSync(path, 'r+');
    const attach = (value: number) => () =>
      RingBuffer.attachShared({ fd: value, readableFd: fd, writableFd: fd, role: 'reader' });
    expect(attach(fd)).toThrow(expect.objectContaining({ code: 'RING_CORRUPT' }));
    expect(attach(fd)).toThrow(`Mapping descriptor ${fd}: not a sealed memory file`);
    closeSync(fd);
    rmSync(folder, { recursive: true });
    expect(attach(fd)).toThrow(expect.objectContaining({ code: 'IO_ERROR' }));
    expect(attach(fd)).toThrow('EBADF');
    expect(attach(-1)).toThrow('"fd" must be a file descriptor; got -1');
  });

  it('lets a thread that awaits it be terminated', async () => {
    const { reads } = pair();
    const { descriptors } = reads;
    const source = `
      const { parentPort, workerData } = require('node:worker_threads');
      import(workerData.module).then(({ RingBuffer }) => {
        const ring = RingBuffer.attachShared({ ...workerData.descriptors, role: 'reader' });
        ring.waitReadable(Infinity);
        parentPort.postMessage('waiting');
      });`;
    const module = new URL('../../dist/buffers/ring-buffer.js', import.meta.url).href;
    for (let turn = 0; turn < 5; turn++) {
      const worker = new Worker(source, { eval: true, workerData: { module, descriptors } });
      await once(worker, 'message');
      expect(await worker.terminate()).toBe(1);
    }
    expect(reads.closed).toBe(false);
  });
});

describe.skipIf(supported)('a ring between processes', () => {
  it('says that it needs the addon and Linux', () => {
    expect(() => RingBuffer.createShared({ capacityBytes: 4096, role: 'reader' })).toThrow(
      expect.objectContaining({ code: addon() === undefined ? 'ADDON_UNAVAILABLE' : 'IO_ERROR' }),
    );
  });
});

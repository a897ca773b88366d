/** RingBuffer between worker threads: native and TypeScript on either side, sleeping, closing, termination. */
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { addon } from '../../src/binding/addon.js';
import { RingField } from '../../src/binding/constants.generated.js';
import { RingBuffer } from '../../src/buffers/ring-buffer.js';
import type { RingBufferKind } from '../../src/buffers/ring-memory.js';

type Engine = 'native' | 'typescript';
const script = new URL('./ring-worker.mjs', import.meta.url);
const workers: Worker[] = [];
afterEach(() => Promise.all(workers.splice(0).map((worker) => worker.terminate())));

interface Job {
  role: 'write' | 'read' | 'sleep';
  memory: RingBuffer['memory'];
  engine?: Engine;
  frames?: number;
  producer?: number;
  producers?: number;
  style?: 'sync' | 'writer' | 'async';
}

function start(workerData: Job, env = process.env): { worker: Worker; done: Promise<unknown> } {
  const worker = new Worker(script, { workerData, env });
  workers.push(worker);
  const done = new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`the worker exited with ${code} before it was done`)));
  });
  return { worker, done };
}

/** Waits, turn by turn of the loop, until a thread has announced that it sleeps. */
async function asleep(ring: RingBuffer, field: number): Promise<void> {
  const words = new Int32Array(ring.memory);
  while (Atomics.load(words, field) === 0) await new Promise(setImmediate);
}

async function exchange(
  kind: RingBufferKind,
  writers: readonly Engine[],
  reader: Engine,
  frames: number,
): Promise<void> {
  const memory = RingBuffer.create({ capacityBytes: 16384, kind }).memory;
  const producers = writers.length;
  const jobs = writers.map(
    (engine, producer) => start({ role: 'write', memory, engine, frames, producer }).done,
  );
  const read = start({ role: 'read', memory, engine: reader, frames: frames * producers, producers }).done;
  // Together, so that a thread that fails ends the test and not only the patience of the others.
  const everyFrame = writers.map(() => frames);
  expect(await Promise.all([read, ...jobs])).toEqual([everyFrame, ...everyFrame]);
}

describe('between threads', () => {
  it(
    'a million frames of random size arrive whole and in order, TypeScript on both sides',
    () => exchange('spsc', ['typescript'], 'typescript', 1_000_000),
    120_000,
  );

  it(
    'three TypeScript writers share an MPSC ring',
    () => exchange('mpsc', ['typescript', 'typescript', 'typescript'], 'typescript', 60_000),
    120_000,
  );
});

describe.skipIf(addon() === undefined)('native and TypeScript on one ring', () => {
  it(
    'a million frames from TypeScript to native',
    () => exchange('spsc', ['typescript'], 'native', 1_000_000),
    120_000,
  );

  it(
    'a million frames from native to TypeScript',
    () => exchange('spsc', ['native'], 'typescript', 1_000_000),
    120_000,
  );

  it('three writers of both kinds into one reader of either', async () => {
    await exchange('mpsc', ['native', 'typescript', 'native'], 'typescript', 50_000);
    await exchange('mpsc', ['typescript', 'native', 'typescript'], 'native', 50_000);
  }, 120_000);
});

const withoutAddon = { ...process.env, RINGWIRE_NO_ADDON: '1' };
const styles: [string, Job['style'], NodeJS.ProcessEnv][] = [
  ['blocked', 'sync', process.env],
  ['blocked without the addon', 'sync', withoutAddon],
  ['awaiting', 'async', process.env],
];

describe('a sleeping thread', () => {
  it.each(styles)('%s, wakes by a frame', async (_name, style, env) => {
    const ring = RingBuffer.create({ capacityBytes: 64 });
    const { done } = start({ role: 'sleep', memory: ring.memory, style }, env);
    await asleep(ring, RingField.ReadableSleepers);
    ring.tryWrite(Buffer.from('wake'));
    expect(await done).toBe(true);
  });

  it.each(styles)('%s, wakes by close()', async (_name, style, env) => {
    const ring = RingBuffer.create({ capacityBytes: 64 });
    const { done } = start({ role: 'sleep', memory: ring.memory, style }, env);
    await asleep(ring, RingField.ReadableSleepers);
    ring.close();
    expect(await done).toBe(false);
  });

  it.each(styles)('%s, can be terminated, and the ring goes on', async (_name, style, env) => {
    const ring = RingBuffer.create({ capacityBytes: 64 });
    const { worker, done } = start({ role: 'sleep', memory: ring.memory, style }, env);
    const failed = expect(done).rejects.toThrow('before it was done');
    await asleep(ring, RingField.ReadableSleepers);
    await worker.terminate();
    await failed;
    expect(ring.tryWrite(Buffer.from('still'))).toBe(true);
    expect(ring.tryRead()?.toString()).toBe('still');
  });

  it('that writes wakes by room', async () => {
    const ring = RingBuffer.create({ capacityBytes: 64 });
    while (ring.tryWrite(Buffer.alloc(8)));
    const { done } = start({ role: 'sleep', memory: ring.memory, style: 'writer' });
    await asleep(ring, RingField.WritableSleepers);
    ring.readBatch(() => {});
    expect(await done).toBe(true);
  });
});

/**
 * A ring buffer between threads: a worker hashes what the main thread writes into shared memory, without a message
 * through the event loop for each frame.
 *
 *     node examples/ring-threads.mjs
 */
import { createHash } from 'node:crypto';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { RingBuffer } from 'ringwire';

const frames = 200_000;

async function write(ring) {
  const frame = Buffer.alloc(270, 'x');
  for (let count = 0; count < frames; count += 1) {
    frame.writeUInt32LE(count, 0);
    // No room: false is an answer and no failure; wait until the reader has made some.
    while (!ring.tryWrite(frame)) await ring.waitWritable(frame.length, 1000);
  }
  ring.close();
}

/** A worker may block; the main thread would use waitReadable(), which does not. */
function read(ring) {
  const hash = createHash('sha256');
  let count = 0;
  while (ring.waitReadableSync(5000)) {
    // A visited frame is borrowed: it is hashed before the visit ends.
    count += ring.readBatch((frame) => hash.update(frame));
  }
  console.log(`worker: ${count} frames, sha256 ${hash.digest('hex').slice(0, 16)}…`);
}

if (isMainThread) {
  const ring = RingBuffer.create({ capacityBytes: 1024 * 1024 });
  const worker = new Worker(new URL(import.meta.url), { workerData: ring.memory });
  const start = performance.now();
  await write(ring);
  await new Promise((resolve) => worker.once('exit', resolve));
  const seconds = (performance.now() - start) / 1000;
  console.log(`${Math.round(frames / seconds).toLocaleString('en')} frames/s of 270 bytes`);
} else {
  read(RingBuffer.attach(workerData));
}

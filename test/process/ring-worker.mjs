// A thread of the ring tests: workerData says what it does; it posts one message when it is done.
import { parentPort, workerData } from 'node:worker_threads';
import { requireAddon } from '../../dist/binding/addon.js';
import { RingField, RingFormat, RingSleeper, RingStatus } from '../../dist/binding/constants.generated.js';
import { RingBuffer } from '../../dist/buffers/ring-buffer.js';
import { fillFrame, frameSizes, verifyFrame } from './ring-frames.mjs';

const { role, engine, memory, descriptors, frames, producer = 0, producers = 1, style } = workerData;
const ring = descriptors
  ? RingBuffer.attachShared({ ...descriptors, role: 'writer', ownsDescriptors: false })
  : RingBuffer.attach(memory);
const addon = engine === 'native' ? requireAddon() : undefined;
const native = addon ? new addon.NativeRing(new Uint8Array(memory)) : undefined;

/** Repeats a native operation until its outcome is not `notNow`; sleeps as a thread in C++ would. */
function nativeUntil(notNow, side, operation) {
  const words = new Int32Array(memory, 0, RingFormat.HeaderBytes / 4);
  const [sleepers, signal] =
    side === 0
      ? [RingField.ReadableSleepers, RingField.ReadableSignal]
      : [RingField.WritableSleepers, RingField.WritableSignal];
  for (;;) {
    const ticket = Atomics.load(words, signal);
    for (let look = 0; look < 2; look++) {
      const outcome = operation();
      if (outcome !== notNow) return outcome;
      Atomics.or(words, sleepers, RingSleeper.Futex);
    }
    addon.ringSleep(words, side, ticket, 100);
  }
}

function write(frame) {
  if (native) {
    const status = nativeUntil(RingStatus.Full, 1, () => native.tryWrite(frame));
    if (status !== RingStatus.Ok) throw new Error(`status ${status}`);
  } else while (!ring.tryWrite(frame)) ring.waitWritableSync(frame.length, 60_000);
}

function writeAll() {
  const buffer = Buffer.alloc(ring.maxFrameBytes);
  const sizeOf = frameSizes(ring.maxFrameBytes, producer);
  for (let number = 0; number < frames; number++)
    write(fillFrame(buffer.subarray(0, sizeOf(number)), producer, number));
  return frames;
}

function readAll() {
  const expected = new Array(producers).fill(0);
  let left = frames;
  const take = (frame) => {
    verifyFrame(frame, expected);
    left--;
  };
  while (left > 0) {
    if (native) take(nativeUntil(RingStatus.Empty, 0, () => native.tryRead()));
    else if (ring.readBatch(take, 64) === 0) ring.waitReadableSync(60_000);
  }
  return expected;
}

/** Waits until the ring is closed, in the style asked for. */
async function sleep() {
  if (style === 'async') return await ring.waitReadable(Infinity);
  if (style === 'writer') return ring.waitWritableSync(8, Infinity);
  return ring.waitReadableSync(Infinity);
}

const roles = { write: writeAll, read: readAll, sleep };
parentPort.postMessage(await roles[role]());

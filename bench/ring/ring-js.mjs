// Rates and latencies of RingBuffer between two JavaScript threads, beside a MessagePort that does the same.
// Prints one JSON line per contender and round.
//   node bench/ring/ring-js.mjs [--seconds S] [--rounds N] [--bytes B] [--capacity BYTES]
import { parseArgs } from 'node:util';
import { isMainThread, MessageChannel, Worker, workerData } from 'node:worker_threads';
import { RingBuffer } from '../../dist/buffers/ring-buffer.js';

const burst = 64;

/**
 * Numbered frames as fast as they go in, until the ring is closed. Both sides sleep when they cannot go on: with
 * fewer idle cores than threads, spinning measures the scheduler.
 */
function produce(ring, bytes) {
  const frame = Buffer.alloc(bytes, 0x5a);
  let number = 0;
  while (!ring.closed) {
    for (let count = 0; count < burst; count++) {
      frame.writeUInt32LE(number, 0);
      while (!ring.tryWrite(frame)) ring.waitWritableSync(bytes, 1_000);
      number = (number + 1) >>> 0;
    }
  }
}

/** Sends every frame back, until the ring is closed. */
function echo(there, back, sleeps) {
  for (;;) {
    const frame = there.tryRead();
    if (frame !== undefined) back.tryWrite(frame);
    else if (there.closed) return;
    else if (sleeps) there.waitReadableSync(1_000);
  }
}

function postFrames(port, bytes) {
  const frame = Buffer.alloc(bytes, 0x5a);
  // The reader grants credit, as a ring does by its capacity.
  port.on('message', (credit) => {
    if (credit === 0) port.close();
    for (let count = 0; count < credit; count++) port.postMessage(frame);
  });
}

function work({ role, memory, back, sleeps, port, bytes }) {
  if (role === 'post') return postFrames(port, bytes);
  // A writer whose ring is closed under it is done.
  try {
    if (role === 'produce') produce(RingBuffer.attach(memory), bytes);
    else echo(RingBuffer.attach(memory), RingBuffer.attach(back), sleeps);
  } catch (error) {
    if (error.code !== 'RING_CLOSED') throw error;
  }
}

const readers = {
  copy(ring, check) {
    for (let count = 0; count < 1024; count++) {
      const frame = ring.tryRead();
      if (frame === undefined) return count;
      check(frame);
    }
    return 1024;
  },
  batch: (ring, check) => ring.readBatch(check, 1024),
};

function line(record) {
  console.log(JSON.stringify({ scenario: 'ring', ...record }));
}

async function started(data, transferList) {
  const worker = new Worker(new URL(import.meta.url), { workerData: data, transferList });
  const exited = new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject));
  await new Promise((resolve) => worker.once('online', resolve));
  return exited;
}

async function oneWay(contender, kind, read, options, round) {
  const ring = RingBuffer.create({ capacityBytes: options.capacity, kind });
  const exited = started({ role: 'produce', memory: ring.memory, bytes: options.bytes });
  let expected = 0;
  let outOfOrder = 0;
  const check = (frame) => {
    const number = (frame[0] | (frame[1] << 8) | (frame[2] << 16) | (frame[3] << 24)) >>> 0;
    if (number !== expected) outOfOrder++;
    expected = (number + 1) >>> 0;
  };
  // The first frames arrive while both threads are still compiling.
  for (let warm = 0; warm < 200_000; ) {
    warm += read(ring, check);
    if (ring.readableBytes === 0) await new Promise(setImmediate);
  }
  const cpu = process.cpuUsage();
  const start = performance.now();
  let messages = 0;
  while (performance.now() - start < options.seconds * 1000)
    for (let turn = 0; turn < 64; turn++) {
      const count = read(ring, check);
      if (count === 0) ring.waitReadableSync(1_000);
      messages += count;
    }
  const elapsed = (performance.now() - start) / 1000;
  const used = process.cpuUsage(cpu);
  ring.close();
  await exited;
  const rate = Math.round(messages / elapsed);
  const cpuUsPerMsg = Number(((used.user + used.system) / messages).toFixed(4));
  line({ contender, round, messageBytes: options.bytes, messages, outOfOrder, rate, cpuUsPerMsg });
}

async function roundTrip(contender, sleeps, options, round) {
  const there = RingBuffer.create({ capacityBytes: options.capacity });
  const back = RingBuffer.create({ capacityBytes: options.capacity });
  const exited = started({ role: 'echo', memory: there.memory, back: back.memory, sleeps });
  const frame = Buffer.alloc(options.bytes, 1);
  const trip = () => {
    there.tryWrite(frame);
    if (sleeps) back.waitReadableSync(1_000);
    let answer = back.tryRead();
    while (answer === undefined) answer = back.tryRead();
  };
  await exitedOrReady(exited, there);
  for (let warm = 0; warm < 5_000; warm++) trip();
  const micros = [];
  const start = performance.now();
  for (let before = start; before - start < options.seconds * 1000; ) {
    trip();
    const after = performance.now();
    micros.push((after - before) * 1000);
    before = after;
  }
  there.close();
  await exited;
  micros.sort((a, b) => a - b);
  const at = (share) => Number(micros[Math.floor(share * (micros.length - 1))].toFixed(2));
  const rate = Math.round(micros.length / options.seconds);
  line({ contender, round, messageBytes: options.bytes, rate, p50us: at(0.5), p99us: at(0.99) });
}

/** A first frame that the other thread has taken shows that it runs. */
async function exitedOrReady(exited, ring) {
  ring.tryWrite(Buffer.alloc(8));
  let gone = false;
  exited.then(() => {
    gone = true;
  });
  while (ring.readableBytes > 0 && !gone) await new Promise(setImmediate);
}

async function messagePort(contender, options, round) {
  const { port1, port2 } = new MessageChannel();
  const exited = started({ role: 'post', port: port2, bytes: options.bytes }, [port2]);
  let messages = 0;
  const window = 256;
  const start = performance.now();
  await new Promise((resolve) => {
    port1.on('message', () => {
      messages++;
      if (messages % (window / 2) !== 0) return;
      if (performance.now() - start < options.seconds * 1000) return port1.postMessage(window / 2);
      port1.postMessage(0);
      port1.once('close', resolve);
    });
    port1.postMessage(window);
  });
  const rate = Math.round(messages / ((performance.now() - start) / 1000));
  await exited;
  line({ contender, round, messageBytes: options.bytes, messages, rate });
}

async function main() {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '1' },
      rounds: { type: 'string', default: '3' },
      bytes: { type: 'string', default: '270' },
      capacity: { type: 'string', default: '1048576' },
    },
  });
  const options = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value)]));
  for (let round = 1; round <= options.rounds; round++) {
    await oneWay('ring-js-spsc-copy', 'spsc', readers.copy, options, round);
    await oneWay('ring-js-spsc-batch', 'spsc', readers.batch, options, round);
    await oneWay('ring-js-mpsc-batch', 'mpsc', readers.batch, options, round);
    await roundTrip('ring-js-roundtrip-spin', false, options, round);
    await roundTrip('ring-js-roundtrip-sleep', true, options, round);
    await messagePort('message-port', options, round);
  }
}

if (isMainThread) await main();
else work(workerData);

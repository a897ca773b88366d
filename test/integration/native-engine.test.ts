/** What the native engine must survive between two ticks, where only the order of events brings it about. */
import { setImmediate as immediate } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { addon } from '../../src/binding/addon.js';
import { BatchKind } from '../../src/binding/constants.generated.js';
import { NativeEngine } from '../../src/transports/native/engine.js';
import { connectTransport, listenTransport } from '../../src/transports/open.js';
import type { Transport } from '../../src/transports/transport.js';
import { LineSocket } from './line-socket.js';
import { cleanUp, onCleanUp } from './native-support.js';

afterEach(cleanUp);

/** A listener whose next connection is the test's. */
async function accepting(): Promise<{ url: string; accepted: Promise<Transport> }> {
  let resolve!: (transport: Transport) => void;
  const accepted = new Promise<Transport>((settle) => {
    resolve = settle;
  });
  const listener = await listenTransport('tcp://127.0.0.1:0', { implementation: 'native' }, resolve);
  onCleanUp(() => listener.close());
  return { url: listener.url, accepted };
}

const sized = (text: string): Buffer => {
  const frame = Buffer.alloc(4 + text.length);
  frame.writeUInt32BE(text.length);
  frame.write(text, 4);
  return frame;
};

/** More frames than one batch has records, so that it is delivered while a read is being cut. */
const records = 4096;

/** Frames up to 'end', with the framing changed at 'switch'. */
async function framesWithSwitch(
  bytes: Uint8Array,
  onFirst: (transport: Transport) => void,
): Promise<string[]> {
  const { url, accepted } = await accepting();
  const socket = await LineSocket.connect(url);
  onCleanUp(() => socket.close());
  const transport = await accepted;
  // All of it waits in the kernel before the first read.
  await socket.writeAll(bytes);
  const frames: string[] = [];
  await new Promise<void>((resolve) => {
    transport.start({
      onFrame: (frame) => {
        frames.push(frame.toString('latin1'));
        if (frames.length === 1) onFirst(transport);
        if (frames.at(-1) === 'switch') transport.setFraming?.('length');
        if (frames.at(-1) === 'end') resolve();
      },
      onClose: () => {},
    });
  });
  transport.destroy();
  return frames;
}

test('the framing changes in a batch that is delivered while the next frame is at hand', async () => {
  const lines = Array.from({ length: records - 1 }, () => 'a');
  // Its length prefix ends with a newline, so that the old framing would cut a frame there.
  const bytes = Buffer.concat([
    Buffer.from(`${lines.join('\n')}\nswitch\n`),
    sized('0123456789'),
    sized('end'),
  ]);
  const frames = await framesWithSwitch(bytes, () => {});
  expect(frames.slice(records - 1)).toEqual(['switch', '0123456789', 'end']);
});

test('input that is held back before the loop polls does not wait for another event', async () => {
  const lines = Array.from({ length: records + 1 }, () => 'a');
  const bytes = Buffer.concat([Buffer.from(`${lines.join('\n')}\nswitch\n`), sized('x\ny'), sized('end')]);
  const frames = await framesWithSwitch(bytes, (transport) => {
    // Stops the cutting in the middle of the read; what is left is taken up before the next poll.
    transport.pause();
    setImmediate(() => transport.resume());
  });
  expect(frames.slice(records + 1)).toEqual(['switch', 'x\ny', 'end']);
});

test('a connection that is sent on and closed outside of a tick', async () => {
  const closed: number[] = [];
  const engine = new NativeEngine();
  onCleanUp(async () => engine.close());
  const { native } = engine;
  for (let round = 0; round < 50; round += 1) {
    const [ours, theirs] = addon()!.socketPair() as [number, number];
    const options = Int32Array.of(0, 1024, 1024, 0);
    const [left, right] = [native.openFds(ours, ours, options), native.openFds(theirs, theirs, options)];
    const generations = [native.generation(left), native.generation(right)];
    // In the check phase: the handle is closed and freed before the engine flushes again.
    await immediate();
    expect(native.send(left, generations[0], `round ${round}`)).toBe(0);
    native.close(left, generations[0]);
    await immediate();
    // Through the watermark: the direct flush comes first, then the end.
    for (let frame = 0; frame < 4; frame += 1) native.send(right, generations[1], 'x'.repeat(600));
    native.destroy(right, generations[1], 0);
    await immediate();
    closed.push(left);
  }
  while (native.counters().connections > 0) await immediate();
  expect(closed.length).toBe(50);
});

test('an engine that is shut down by a handler delivers nothing more, and says so', async () => {
  const kinds: number[] = [];
  const { StreamEngine } = addon()!;
  const native = new StreamEngine(
    (count) => {
      const fields = new Int32Array(native.records);
      for (let record = 0; record < count; record += 1)
        kinds.push(fields[record * (fields.length / records)]);
      if (kinds.includes(BatchKind.Accepted)) native.shutDown();
    },
    () => {},
    64,
  );
  const options = Int32Array.of(0, 1024, 1024, 0);
  const listener = native.listenTcp('127.0.0.1', 0, 16, false, 10, options);
  const [port] = native.listenerInfo(listener)!;
  const socket = await LineSocket.connect(`tcp://127.0.0.1:${port}`);
  await socket.closed;
  expect(kinds).toEqual([BatchKind.Accepted]);
  expect(() => native.counters()).toThrow('The stream engine is closed');
  expect(() => native.send(0, 1, 'late')).toThrow('The stream engine is closed');
  native.shutDown();
});

test('methods of a stream engine refuse other objects, and indexes of others', async () => {
  const { StreamEngine } = addon()!;
  const native = new StreamEngine(
    () => {},
    () => {},
    64,
  );
  expect(() => Reflect.apply(native.counters, {}, [])).toThrow(TypeError);
  expect(() => Reflect.construct(StreamEngine, [])).toThrow(TypeError);
  for (const index of [-1, 0, 1, 2 ** 31, Number.NaN]) {
    expect(native.generation(index)).toBe(0);
    expect(native.send(index, 1, 'x')).toBe(2);
    expect(native.pendingBytes(index, 1)).toBe(0);
    expect(native.connectionFd(index, 1)).toBe(-1);
    expect(native.listenerInfo(index)).toBeUndefined();
    expect(native.takeLargeFrame(index)).toBeUndefined();
    native.destroy(index, 1, 0);
    native.closeListener(index);
  }
  expect(() => native.reply('', 1_000_000)).toThrow(TypeError);
  expect(() => native.reply(7 as unknown as string, 1)).toThrow(TypeError);
  expect(() => native.setProfiles(Int32Array.of(1, 2, 3))).toThrow(TypeError);
  // Slots that nobody holds, kinds that do not exist, more units than text.
  new Int32Array(native.replies).fill(2 ** 30);
  native.reply('abc', 4096);
  native.shutDown();
});

test('a caller that goes while its large frame is delivered', async () => {
  const { url, accepted } = await accepting();
  const client = await connectTransport(url, { implementation: 'native', maxFrameBytes: 8 * 1024 * 1024 });
  client.start({ onFrame: () => {}, onClose: () => {} });
  const transport = await accepted;
  const text = 'é'.repeat(1_500_000);
  const got = new Promise<string>((resolve) => {
    transport.start({
      onFrame: (frame) => {
        transport.destroy();
        resolve(frame.toString());
      },
      onClose: () => {},
    });
  });
  client.send(text);
  expect((await got) === text).toBe(true);
});

/** From Node 21 on; nothing marks a buffer so that it refuses. */
const { transfer } = ArrayBuffer.prototype as { transfer?: (this: ArrayBuffer) => ArrayBuffer };

test.runIf(transfer !== undefined)(
  'a large frame whose memory a handler moved elsewhere stays readable',
  async () => {
    const { url, accepted } = await accepting();
    const client = await connectTransport(url, { implementation: 'native' });
    client.start({ onFrame: () => {}, onClose: () => {} });
    const transport = await accepted;
    const text = 'x'.repeat(1_000_000);
    const got = new Promise<ArrayBuffer>((resolve) => {
      transport.start({
        onFrame: (frame) => resolve(transfer!.call(frame.buffer as ArrayBuffer)),
        onClose: () => {},
      });
    });
    client.send(text);
    const kept = await got;
    for (let turn = 0; turn < 10; turn += 1) await immediate();
    expect(Buffer.from(kept).toString() === text).toBe(true);
    client.destroy();
    transport.destroy();
  },
);

// The other process of a ring pair: descriptors 3-5 are the ring it reads, 6-8 the ring it writes.
import { RingBuffer } from '../../dist/buffers/ring-buffer.js';

const [fd3, fd6] = [3, 6].map((fd) => ({ fd, readableFd: fd + 1, writableFd: fd + 2 }));
const behaviours = {
  /** Sends every frame back until the other side closes, sleeping without blocking. */
  async echo() {
    const reads = RingBuffer.attachShared({ ...fd3, role: 'reader' });
    const writes = RingBuffer.attachShared({ ...fd6, role: 'writer' });
    while (await reads.waitReadable(Infinity)) {
      for (let frame = reads.tryRead(); frame !== undefined; frame = reads.tryRead())
        while (!writes.tryWrite(frame)) await writes.waitWritable(frame.length, Infinity);
    }
    reads.close();
    writes.close();
  },
  /** Blocks until the other side closes. */
  blockingEcho() {
    const reads = RingBuffer.attachShared({ ...fd3, role: 'reader' });
    const writes = RingBuffer.attachShared({ ...fd6, role: 'writer' });
    while (reads.waitReadableSync(Infinity)) {
      reads.readBatch((frame) => {
        while (!writes.tryWrite(frame)) writes.waitWritableSync(frame.length, Infinity);
      });
    }
    reads.close();
    writes.close();
  },
  /** Holds both sides, one frame written and one claimed, until it is killed. */
  async hold() {
    RingBuffer.attachShared({ ...fd3, role: 'reader' });
    const writes = RingBuffer.attachShared({ ...fd6, role: 'writer' });
    writes.tryWrite(Buffer.from('last'));
    writes.tryClaim(100);
    process.send('holding');
    await writes.waitWritable(writes.maxFrameBytes, Infinity);
    setInterval(() => {}, 1_000);
  },
  /** Ends at once, as if it had never read; a second process that asks for the same role. */
  steal() {
    try {
      RingBuffer.attachShared({ ...fd3, role: 'reader' });
    } catch (error) {
      process.send(error.code);
    }
  },
};
await behaviours[process.argv[2]]();
if (process.connected) process.disconnect();

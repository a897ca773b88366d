/** RingBuffer in one thread: every frame once, whole, in order; wrong use and wrong memory refused by name. */
import { describe, expect, it } from 'vitest';
import { addon } from '../../src/binding/addon.js';
import { RingField, RingFormat, RingStatus } from '../../src/binding/constants.generated.js';
import { RingBuffer } from '../../src/buffers/ring-buffer.js';
import type { RingBufferKind } from '../../src/buffers/ring-memory.js';

const kinds: RingBufferKind[] = ['spsc', 'mpsc'];
const wordsOf = (ring: RingBuffer) => new Int32Array(ring.memory);
const dataOf = (ring: RingBuffer) => new Int32Array(ring.memory, RingFormat.HeaderBytes);

/** xorshift: the same numbers in every run. */
function random(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

describe('options', () => {
  it.each([0, 32, 63, 96, 1000, 64.5, 2 ** 31, -64, Number.NaN])(
    'refuse %s as capacityBytes',
    (capacityBytes) => {
      expect(() => RingBuffer.create({ capacityBytes })).toThrow(
        new TypeError(
          `"capacityBytes" must be a power of two between 64 and 1073741824; got ${String(capacityBytes)}`,
        ),
      );
    },
  );

  it('refuse an unknown kind, and memory that is not shared', () => {
    const kind = 'mpmc' as RingBufferKind;
    expect(() => RingBuffer.create({ capacityBytes: 64, kind })).toThrow(
      `"kind" must be 'spsc' or 'mpsc'; got mpmc`,
    );
    const memory = new ArrayBuffer(1024) as unknown as SharedArrayBuffer;
    expect(() => RingBuffer.attach(memory)).toThrow(
      '"memory" must be the SharedArrayBuffer of another RingBuffer',
    );
  });

  it('give SharedArrayBuffer memory unless asked otherwise', () => {
    expect(RingBuffer.create({ capacityBytes: 64 }).memory).toBeInstanceOf(SharedArrayBuffer);
    const local = RingBuffer.create({ capacityBytes: 64, shared: false });
    expect(local.memory).toBeInstanceOf(ArrayBuffer);
    local.tryWrite(Buffer.from('here'));
    expect(local.tryRead()?.toString()).toBe('here');
  });

  it('are checked on every call', () => {
    const ring = RingBuffer.create({ capacityBytes: 64 });
    expect(() => ring.tryWrite('text' as unknown as Uint8Array)).toThrow('"frame" must be a Uint8Array');
    expect(() => ring.tryClaim(-1)).toThrow('"length" must be a non-negative integer; got -1');
    expect(() => ring.readBatch(() => {}, 0)).toThrow('"max" must be a positive integer; got 0');
    expect(() => ring.readBatch(undefined as never)).toThrow('"visit" must be a function');
    expect(() => ring.waitReadableSync(-1)).toThrow('"timeoutMs" must be a non-negative number');
    expect(() => ring.commit()).toThrow('Nothing is claimed');
    expect(() => ring.abort()).toThrow('Nothing is claimed');
  });
});

describe.each(kinds)('%s', (kind) => {
  it('keeps frames whole wherever the end of the ring falls', () => {
    for (let length = 0; length <= 120; length++) {
      const ring = RingBuffer.create({ capacityBytes: 256, kind });
      const frame = Buffer.alloc(length, length);
      // 32 units: 70 turns start at every offset that frames of this length reach.
      for (let turn = 0; turn < 70; turn++) {
        expect(ring.tryWrite(frame)).toBe(true);
        const read = ring.tryRead();
        if (read === undefined || !read.equals(frame)) expect(read).toEqual(frame);
      }
      expect(ring.tryRead()).toBeUndefined();
    }
  });

  it('follows a queue through random operations', () => {
    for (let seed = 1; seed <= 8; seed++) {
      const next = random(seed * 7919);
      const ring = RingBuffer.create({ capacityBytes: 64 << next(6), kind });
      const model: Buffer[] = [];
      const expectNext = (frame: Uint8Array) => {
        const wanted = model.shift();
        if (!wanted?.equals(frame)) expect(Buffer.from(frame)).toEqual(wanted);
      };
      for (let step = 0; step < 5_000; step++) {
        const length = next(next(8) === 0 ? ring.maxFrameBytes + 1 : (ring.maxFrameBytes >> 2) + 1);
        const choice = next(10);
        if (choice < 3) {
          const frame = Buffer.alloc(length, next(256));
          if (ring.tryWrite(frame)) model.push(frame);
        } else if (choice < 5) {
          const view = ring.tryClaim(length);
          if (view === undefined) continue;
          view.fill(step);
          if (choice === 3) ring.abort();
          else {
            model.push(Buffer.from(view));
            ring.commit();
          }
        } else if (choice < 7) {
          expect(ring.peekLength()).toBe(model[0]?.length);
          const frame = ring.tryRead();
          if (frame !== undefined) expectNext(frame);
          else expect(model).toEqual([]);
        } else {
          const max = 1 + next(4);
          const read = ring.readBatch(expectNext, max);
          expect(read === max || model.length === 0).toBe(true);
        }
      }
    }
  });

  it('is full as a result, and never for the largest frame in an empty ring', () => {
    const ring = RingBuffer.create({ capacityBytes: 128, kind });
    expect(ring.maxFrameBytes).toBe(56);
    const largest = Buffer.alloc(56);
    expect([ring.tryWrite(largest), ring.tryWrite(largest), ring.tryWrite(Buffer.alloc(0))]).toEqual([
      true,
      true,
      false,
    ]);
    expect(ring.readableBytes).toBe(128);
    expect(ring.tryClaim(1)).toBeUndefined();
    ring.readBatch(() => {});
    for (let turn = 0; turn < 40; turn++) {
      expect(ring.tryWrite(Buffer.alloc(turn % 9))).toBe(true);
      ring.tryRead();
      expect(ring.tryWrite(largest)).toBe(true);
      expect(ring.tryRead()).toHaveLength(56);
    }
    const large = (): unknown => ring.tryWrite(Buffer.alloc(57));
    expect(large).toThrow(expect.objectContaining({ code: 'RING_FRAME_TOO_LARGE' }));
    expect(large).toThrow('A frame of 57 bytes is larger than 56');
  });

  it('lets positions wrap at 2^32 units', () => {
    const created = RingBuffer.create({ capacityBytes: 128, kind });
    const words = wordsOf(created);
    words[RingField.Tail] = -4;
    words[RingField.Head] = -4;
    const ring = RingBuffer.attach(created.memory as SharedArrayBuffer);
    for (let turn = 0; turn < 30; turn++) {
      expect(ring.tryWrite(Buffer.from(`frame ${turn}`))).toBe(true);
      expect(ring.tryRead()?.toString()).toBe(`frame ${turn}`);
    }
    expect(wordsOf(ring)[RingField.Head]).toBeGreaterThan(0);
  });

  it('delivers what was written before a close, then nothing, and refuses writes', async () => {
    const ring = RingBuffer.create({ capacityBytes: 128, kind });
    ring.tryWrite(Buffer.from('last'));
    ring.close();
    ring.close();
    expect(ring.closed).toBe(true);
    expect(ring.peerGone).toBe(false);
    expect(() => ring.tryWrite(Buffer.from('more'))).toThrow(
      expect.objectContaining({ code: 'RING_CLOSED' }),
    );
    expect(() => ring.tryClaim(4)).toThrow(expect.objectContaining({ code: 'RING_CLOSED' }));
    expect(ring.waitReadableSync(Infinity)).toBe(true);
    expect(ring.tryRead()?.toString()).toBe('last');
    expect(ring.waitReadableSync(Infinity)).toBe(false);
    expect(await ring.waitReadable(Infinity)).toBe(false);
    expect(await ring.waitWritable(1, Infinity)).toBe(false);
    expect(ring.tryRead()).toBeUndefined();
  });

  it('releases a batch whose visitor throws, and allows no reading inside of it', () => {
    const ring = RingBuffer.create({ capacityBytes: 128, kind });
    for (const text of ['a', 'b', 'c']) ring.tryWrite(Buffer.from(text));
    const failure = new Error('visitor');
    expect(() =>
      ring.readBatch((frame) => {
        if (frame[0] === 0x62) throw failure;
      }),
    ).toThrow(failure);
    expect(() => ring.readBatch(() => ring.tryRead())).toThrow('A batch is being read');
    expect(ring.readableBytes).toBe(0);
  });

  it('allows one claim at a time', () => {
    const ring = RingBuffer.create({ capacityBytes: 128, kind });
    ring.tryClaim(3)?.set([1, 2, 3]);
    expect(() => ring.tryWrite(Buffer.from('x'))).toThrow('A claim is open');
    expect(ring.tryRead()).toBeUndefined();
    ring.commit();
    expect(ring.tryRead()).toEqual(Buffer.from([1, 2, 3]));
  });

  it('refuses records that break the layout', () => {
    // A kind that is none, a negative one, one past the tail, a skip past the end.
    for (const mark of [3, -1, -2147483648, 2147483647, 17 * 4 + 1, 300 * 4 + 2]) {
      const ring = RingBuffer.create({ capacityBytes: 256, kind });
      wordsOf(ring)[RingField.Tail] = 3;
      dataOf(ring)[0] = mark;
      for (const read of [() => ring.tryRead(), () => ring.readBatch(() => {}), () => ring.peekLength()])
        expect(read).toThrow(expect.objectContaining({ code: 'RING_CORRUPT' }));
    }
    const ring = RingBuffer.create({ capacityBytes: 256, kind });
    wordsOf(ring)[RingField.Tail] = 100;
    expect(() => ring.tryRead()).toThrow('The ring buffer is damaged: 800 bytes are in use');
    if (kind === 'mpsc') expect(() => ring.tryWrite(Buffer.alloc(1))).toThrow('800 bytes are in use');
    expect(() => ring.readableBytes).toThrow('head and tail lie 800 bytes apart');
  });
});

describe('attach', () => {
  const memory = () => RingBuffer.create({ capacityBytes: 256 }).memory as SharedArrayBuffer;

  it.each([
    [RingField.Magic, 0, 'the magic number is missing'],
    [RingField.Version, 2, 'its layout has version 2, ours is 1'],
    [RingField.Kind, 9, 'its kind is 9'],
    [RingField.CapacityBytes, 100, 'its capacity is 100 bytes'],
    [RingField.CapacityBytes, -256, 'its capacity is -256 bytes'],
    [RingField.CapacityBytes, 512, 'it claims 512 bytes of capacity in 768 bytes of memory'],
  ])('refuses a header whose word %i is %i', (field, value, problem) => {
    const spoilt = memory();
    new Int32Array(spoilt)[field] = value;
    expect(() => RingBuffer.attach(spoilt)).toThrow(expect.objectContaining({ code: 'RING_CORRUPT' }));
    expect(() => RingBuffer.attach(spoilt)).toThrow(`This memory is not a ring buffer: ${problem}`);
  });

  it('refuses memory smaller than a header, and impossible positions', () => {
    expect(() => RingBuffer.attach(new SharedArrayBuffer(100))).toThrow(
      'it has 100 bytes, less than a header',
    );
    const spoilt = memory();
    new Int32Array(spoilt)[RingField.Head] = 40;
    expect(() => RingBuffer.attach(spoilt)).toThrow('head and tail lie -320 bytes apart');
  });
});

describe('waiting in one thread', () => {
  it.each([true, false])('without blocking, shared: %s', async (shared) => {
    const ring = RingBuffer.create({ capacityBytes: 64, shared });
    expect(await ring.waitReadable(5)).toBe(false);
    const readable = ring.waitReadable(Infinity);
    ring.tryWrite(Buffer.alloc(24));
    expect(await readable).toBe(true);
    ring.tryWrite(Buffer.alloc(24));
    const writable = ring.waitWritable(24, Infinity);
    ring.readBatch(() => {});
    expect(await writable).toBe(true);
    const closed = ring.waitReadable(Infinity);
    ring.close();
    expect(await closed).toBe(false);
  });

  it('blocking ends by time, and is refused where nothing could end it', () => {
    expect(RingBuffer.create({ capacityBytes: 64 }).waitReadableSync(3)).toBe(false);
    expect(() => RingBuffer.create({ capacityBytes: 64, shared: false }).waitReadableSync(3)).toThrow(
      'No other thread can wake this one',
    );
  });
});

describe.skipIf(addon() === undefined)('the native ring', () => {
  it.each(kinds)('reads what RingBuffer writes, and the reverse, %s', (kind) => {
    const [there, back] = [0, 1].map(() => RingBuffer.create({ capacityBytes: 512, kind }));
    const { NativeRing } = addon()!;
    const [nativeThere, nativeBack] = [there, back].map(
      (ring) => new NativeRing(new Uint8Array(ring.memory)),
    );
    const next = random(42);
    for (let turn = 0; turn < 2_000; turn++) {
      const frame = Buffer.alloc(next(there.maxFrameBytes + 1), turn);
      expect(there.tryWrite(frame)).toBe(true);
      const read = nativeThere.tryRead();
      if (!(read instanceof Buffer) || !read.equals(frame)) expect(read).toEqual(frame);
      expect(nativeBack.tryWrite(read as Buffer)).toBe(RingStatus.Ok);
      const returned = back.tryRead();
      if (!returned?.equals(frame)) expect(returned).toEqual(frame);
    }
  });

  it('says Full, TooLarge, Empty, Closed', () => {
    const ring = RingBuffer.create({ capacityBytes: 64 });
    const native = new (addon()!.NativeRing)(new Uint8Array(ring.memory));
    expect(native.tryRead()).toBe(RingStatus.Empty);
    expect(native.tryWrite(Buffer.alloc(25))).toBe(RingStatus.TooLarge);
    expect(native.tryWrite(Buffer.alloc(24))).toBe(RingStatus.Ok);
    expect(native.tryWrite(Buffer.alloc(24))).toBe(RingStatus.Ok);
    expect(native.tryWrite(Buffer.alloc(0))).toBe(RingStatus.Full);
    ring.close();
    expect(native.tryWrite(Buffer.alloc(0))).toBe(RingStatus.Closed);
    expect([native.tryRead(), native.tryRead(), native.tryRead()]).toEqual([
      Buffer.alloc(24),
      Buffer.alloc(24),
      RingStatus.Closed,
    ]);
  });

  it('refuses what is no ring, what is no array, and a foreign receiver', () => {
    const { NativeRing } = addon()!;
    expect(() => new NativeRing(new Uint8Array(1024))).toThrow('"memory" does not hold a ring buffer');
    expect(() => new NativeRing(new Float32Array(1024) as unknown as Uint8Array)).toThrow(
      'must be a Uint8Array',
    );
    const native = new NativeRing(new Uint8Array(RingBuffer.create({ capacityBytes: 64 }).memory));
    expect(() => native.tryWrite({} as Uint8Array)).toThrow('"frame" must be a Uint8Array');
    expect(() => NativeRing.prototype.tryRead.call({})).toThrow(TypeError);
    expect(() => addon()!.ringSleep(new Int32Array(4), 0, 0, 1)).toThrow(`"words" must be the Int32Array`);
  });
});

import { describe, expect, test } from 'vitest';
import type { RingwireError } from '../../src/errors.js';
import { FrameDecoder, type FramingKind } from '../../src/serialization/framing.js';

interface Outcome {
  readonly frames: string[];
  readonly errors: string[];
  readonly decoder: FrameDecoder;
}

function decode(framing: FramingKind, chunks: readonly Uint8Array[], maxFrameBytes = 1000): Outcome {
  const frames: string[] = [];
  const errors: string[] = [];
  const decoder = new FrameDecoder(framing, maxFrameBytes, {
    onFrame: (frame) => frames.push(frame.toString('latin1')),
    onFrameError: (error: RingwireError, fatal) => errors.push(`${error.code}${fatal ? ' fatal' : ''}`),
  });
  for (const chunk of chunks) decoder.write(Buffer.from(chunk));
  return { frames, errors, decoder };
}

function encode(framing: FramingKind, frames: readonly string[]): Buffer {
  if (framing === 'newline') return Buffer.from(frames.map((frame) => `${frame}\n`).join(''), 'latin1');
  return Buffer.concat(
    frames.flatMap((frame) => {
      const prefix = Buffer.alloc(4);
      prefix.writeUInt32BE(frame.length);
      return [prefix, Buffer.from(frame, 'latin1')];
    }),
  );
}

/** A linear congruential generator: the same numbers in every run. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state % below;
  };
}

describe.each(['newline', 'length'] as const)('%s framing', (framing) => {
  const frames = ['a', '', 'bc', '\r', '{"x":[1,2]}', 'x'.repeat(300)];
  const wanted = frames.filter((frame) => frame !== '');
  const bytes = encode(framing, frames);

  test('one byte at a time', () => {
    const outcome = decode(
      framing,
      Array.from(bytes, (byte) => Uint8Array.of(byte)),
    );
    expect(outcome.frames).toEqual(wanted);
    expect(outcome.decoder.heldBytes).toBe(0);
  });

  test('every cut in two, every cut in three', () => {
    const short = encode(framing, ['a', '', 'bc', '{"x":[1]}']);
    for (let first = 0; first <= short.length; first++) {
      for (let second = first; second <= short.length; second++) {
        const parts = [short.subarray(0, first), short.subarray(first, second), short.subarray(second)];
        const outcome = decode(framing, parts);
        expect(outcome.frames, `cut at ${first} and ${second}`).toEqual(['a', 'bc', '{"x":[1]}']);
      }
    }
  });

  test('500 frames of random sizes in chunks of random sizes', () => {
    const random = randomNumbers(42);
    const many = Array.from({ length: 500 }, (_, index) => `${index}:`.padEnd(1 + random(900), 'y'));
    const stream = encode(framing, many);
    for (const largest of [2, 7, 100, 4096]) {
      const chunks: Buffer[] = [];
      for (let at = 0; at < stream.length; ) {
        const size = 1 + random(largest);
        chunks.push(stream.subarray(at, at + size));
        at += size;
      }
      expect(decode(framing, chunks).frames).toEqual(many);
    }
  });

  test('a frame inside one chunk is a view of it, not a copy', () => {
    const chunk = encode(framing, ['whole', 'frames']);
    const decoder = new FrameDecoder(framing, 100, {
      onFrame: (frame) => expect(frame.buffer).toBe(chunk.buffer),
      onFrameError: (error) => {
        throw error;
      },
    });
    decoder.write(chunk);
    expect.assertions(2);
  });

  test('the largest frame passes in any number of chunks', () => {
    const largest = encode(framing, ['z'.repeat(1000)]);
    for (const cut of [1, 3, 4, 5, 500, 1000, 1003]) {
      const outcome = decode(framing, [largest.subarray(0, cut), largest.subarray(cut)]);
      expect(outcome.frames.map((frame) => frame.length)).toEqual([1000]);
      expect(outcome.errors).toEqual([]);
    }
  });

  test('stop() holds frames back, also those of the same chunk; proceed() goes on', () => {
    const seen: string[] = [];
    const decoder: FrameDecoder = new FrameDecoder(framing, 100, {
      onFrame: (frame) => {
        seen.push(frame.toString());
        decoder.stop();
      },
      onFrameError: () => {},
    });
    decoder.write(encode(framing, ['1', '2']));
    decoder.write(encode(framing, ['3']));
    expect(seen).toEqual(['1']);
    expect(decoder.hasRest).toBe(true);
    decoder.proceed();
    expect(seen).toEqual(['1', '2']);
    decoder.proceed();
    decoder.proceed();
    expect(seen).toEqual(['1', '2', '3']);
    expect(decoder.hasRest).toBe(false);
  });

  test('the end inside a frame is an error, between frames it is not', () => {
    const cut = decode(framing, [bytes.subarray(0, bytes.length - 2)]);
    cut.decoder.end();
    cut.decoder.end();
    expect(cut.errors).toEqual(['FRAME_INVALID']);
    const whole = decode(framing, [bytes]);
    whole.decoder.end();
    expect(whole.errors).toEqual([]);
  });

  test('the framing changes only between frames', () => {
    const other = framing === 'newline' ? 'length' : 'newline';
    const seen: string[] = [];
    const decoder: FrameDecoder = new FrameDecoder(framing, 100, {
      onFrame: (frame) => {
        seen.push(frame.toString());
        decoder.setFraming(other);
      },
      onFrameError: () => {},
    });
    const switched = Buffer.concat([encode(framing, ['first']), encode(other, ['second'])]);
    for (const byte of switched) decoder.write(Buffer.of(byte));
    expect(seen).toEqual(['first', 'second']);
    decoder.write(Buffer.from('a'));
    expect(() => decoder.setFraming(framing)).toThrow(/between frames only/);
  });
});

describe('limits', () => {
  test('an oversize line is reported once, skipped to its newline, and holds no memory', () => {
    const outcome = decode('newline', [
      Buffer.from('before\n'),
      ...Array.from({ length: 100 }, () => Buffer.alloc(500, 'x')),
      Buffer.from('x\nafter\n'),
    ]);
    expect(outcome.frames).toEqual(['before', 'after']);
    expect(outcome.errors).toEqual(['FRAME_TOO_LARGE']);
    expect(outcome.decoder.heldBytes).toBe(0);
  });

  test('two oversize lines are two errors', () => {
    const line = `${'x'.repeat(1001)}\n`;
    expect(decode('newline', [Buffer.from(line + line)]).errors).toEqual([
      'FRAME_TOO_LARGE',
      'FRAME_TOO_LARGE',
    ]);
  });

  test('an oversize length is fatal: nothing behind it is delivered', () => {
    const stream = Buffer.concat([
      encode('length', ['ok']),
      Buffer.from([0xff, 0xff, 0xff, 0xff]),
      encode('length', ['no']),
    ]);
    const outcome = decode('length', [stream, encode('length', ['no'])]);
    expect(outcome.frames).toEqual(['ok']);
    expect(outcome.errors).toEqual(['FRAME_TOO_LARGE fatal']);
  });

  test('an announced length reserves no memory before its bytes come', () => {
    const prefix = Buffer.alloc(4);
    prefix.writeUInt32BE(200 * 1024 * 1024);
    const outcome = decode('length', [prefix, Buffer.from('abc')], 256 * 1024 * 1024);
    expect(outcome.decoder.heldBytes).toBe(3);
    expect(outcome.decoder.capacityBytes).toBeLessThan(64 * 1024);
  });

  test('work is linear: each byte is copied less than three times, however small the chunks', () => {
    const frame = Buffer.alloc(1024 * 1024, 'x');
    const decoder = new FrameDecoder('newline', 2 * frame.length, {
      onFrame: () => {},
      onFrameError: () => {},
    });
    let grown = 0;
    for (let at = 0; at < frame.length; at += 100) {
      const before = decoder.capacityBytes;
      decoder.write(frame.subarray(at, at + 100));
      if (decoder.capacityBytes !== before) grown += before;
    }
    expect(grown).toBeLessThan(2 * frame.length);
  });
});

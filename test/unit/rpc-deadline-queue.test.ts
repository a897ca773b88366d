import { describe, expect, it } from 'vitest';
import { type DeadlineEntry, DeadlineQueue } from '../../src/rpc/deadline-queue.js';
import { ManualClock, seededRandom } from './rpc-harness.js';

function entry(onExpire: () => void): DeadlineEntry {
  return { expiresAt: 0, heapIndex: -1, expire: onExpire };
}

describe('DeadlineQueue', () => {
  it('expires in order of time whatever is scheduled, moved and removed', () => {
    const random = seededRandom(7);
    for (let round = 0; round < 50; round += 1) {
      const clock = new ManualClock();
      const queue = new DeadlineQueue(clock);
      const expired: number[] = [];
      const wanted = new Map<number, number>();
      const entries = Array.from({ length: 200 }, (_, index) =>
        entry(() => {
          expect(clock.now()).toBeGreaterThanOrEqual(wanted.get(index) as number);
          expired.push(index);
        }),
      );
      for (let step = 0; step < 600; step += 1) {
        const index = Math.floor(random() * entries.length);
        if (random() < 0.3) {
          queue.remove(entries[index]);
          wanted.delete(index);
        } else {
          const at = clock.now() + 1 + Math.floor(random() * 5_000);
          queue.schedule(entries[index], at);
          wanted.set(index, at);
        }
      }
      expect(queue.size).toBe(wanted.size);
      clock.advance(6_000);
      expect(queue.size).toBe(0);
      expect([...expired].sort((a, b) => a - b)).toEqual([...wanted.keys()].sort((a, b) => a - b));
      const times = expired.map((index) => wanted.get(index) as number);
      expect(times).toEqual([...times].sort((a, b) => a - b));
    }
  });

  it('keeps one timer for many entries, and none once it is idle', () => {
    const clock = new ManualClock();
    const queue = new DeadlineQueue(clock);
    for (let index = 0; index < 1_000; index += 1) {
      const each = entry(() => {});
      queue.schedule(each, clock.now() + 30_000);
      queue.remove(each);
      clock.advance(1);
    }
    expect(clock.timersSet).toBe(1);
    clock.advance(60_000);
    expect(clock.timers).toBe(0);
  });

  it('takes an entry out for Infinity', () => {
    const clock = new ManualClock();
    const queue = new DeadlineQueue(clock);
    let count = 0;
    const each = entry(() => {
      count += 1;
    });
    queue.schedule(each, clock.now() + 10);
    queue.schedule(each, Number.POSITIVE_INFINITY);
    clock.advance(1e9);
    expect(count).toBe(0);
    expect(queue.size).toBe(0);
  });

  it('lets an entry schedule itself and others while it expires', () => {
    const clock = new ManualClock();
    const queue = new DeadlineQueue(clock);
    const times: number[] = [];
    const start = clock.now();
    const again = entry(() => {
      times.push(clock.now() - start);
      if (times.length < 3) queue.schedule(again, clock.now() + 10);
    });
    queue.schedule(again, start + 10);
    clock.advance(100);
    expect(times).toEqual([10, 20, 30]);
  });

  it('reaches deadlines further away than a timer can', () => {
    const clock = new ManualClock();
    const queue = new DeadlineQueue(clock);
    let expired = false;
    queue.schedule(
      entry(() => {
        expired = true;
      }),
      clock.now() + 2 ** 33,
    );
    clock.advance(2 ** 33 - 1);
    expect(expired).toBe(false);
    clock.advance(1);
    expect(expired).toBe(true);
  });
});

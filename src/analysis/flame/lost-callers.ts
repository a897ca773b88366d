/**
 * Stacks that code without frame pointers cut short. Where all whole stacks of a thread begin in the same way (an event
 * loop, at work) the others can but begin so too: they are put there, above a frame that says what is missing.
 */
import type { FoldedStack, Frame } from './frame.js';

/** Stands for the callers that the recording does not know. */
export const lostCallers: Frame = { name: '(callers lost)', kind: 'native' };

/** Samples of whole stacks that a thread must have before they speak for the others. */
const leastWhole = 100;

/** Where the system starts a thread. */
const threadStart = /^(?:_start|__libc_start\w*|start_thread|_*clone\d?)$/;

function isWhole({ frames }: FoldedStack): boolean {
  return frames[0].kind === 'native' && threadStart.test(frames[0].name);
}

/** Frames are the same where they are the same object. */
function commonStart(stacks: readonly FoldedStack[]): readonly Frame[] {
  const [first, ...others] = stacks.map(({ frames }) => frames);
  let length = first.length;
  for (const frames of others) {
    let same = 0;
    while (same < length && frames[same] === first[same]) same++;
    length = same;
  }
  return first.slice(0, length);
}

/** Of one thread. */
export function attachCutStacks(stacks: readonly FoldedStack[]): readonly FoldedStack[] {
  const whole = stacks.filter(isWhole);
  if (whole.reduce((sum, { count }) => sum + count, 0) < leastWhole) return stacks;
  const start = commonStart(whole);
  if (start.length === 0) return stacks;
  return stacks.map((stack) =>
    isWhole(stack) ? stack : { frames: [...start, lostCallers, ...stack.frames], count: stack.count },
  );
}

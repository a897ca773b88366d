/**
 * Stacks that code without frame pointers cut short. Where the whole stacks of a thread begin in the same way (an event
 * loop, at work) the others do so too: they are put there, above a frame that says what is missing.
 */
import type { FoldedStack, Frame } from './frame.js';

/** Stands for the callers that the recording does not know. */
export const lostCallers: Frame = { name: '(callers lost)', kind: 'native' };

/** Samples of whole stacks that a thread must have before they speak for the others. */
const leastWhole = 100;

/** Of them must begin alike: one whose innermost caller was skipped must not undo the rest. */
const leastShare = 0.99;

/** Where the system starts a thread. */
const threadStart = /^(?:_start|__libc_start\w*|start_thread|_*clone\d?)$/;

function samplesOf(stacks: readonly FoldedStack[]): number {
  return stacks.reduce((sum, { count }) => sum + count, 0);
}

function isWhole({ frames }: FoldedStack): boolean {
  return frames[0].kind === 'native' && threadStart.test(frames[0].name);
}

/** What the stacks begin with, but for a few. Frames are the same where they are the same object. */
function commonStart(stacks: readonly FoldedStack[]): readonly Frame[] {
  const least = samplesOf(stacks) * leastShare;
  const start: Frame[] = [];
  let alike = stacks;
  for (;;) {
    const depth = start.length;
    const counts = new Map<Frame, number>();
    for (const { frames, count } of alike)
      if (depth < frames.length) counts.set(frames[depth], (counts.get(frames[depth]) ?? 0) + count);
    const next = [...counts].find(([, count]) => count >= least)?.[0];
    if (next === undefined) return start;
    start.push(next);
    alike = alike.filter(({ frames }) => frames[depth] === next);
  }
}

/** Of one thread. */
export function attachCutStacks(stacks: readonly FoldedStack[]): readonly FoldedStack[] {
  const whole = stacks.filter(isWhole);
  if (samplesOf(whole) < leastWhole) return stacks;
  const start = commonStart(whole);
  if (start.length === 0) return stacks;
  return stacks.map((stack) =>
    isWhole(stack) ? stack : { frames: [...start, lostCallers, ...stack.frames], count: stack.count },
  );
}

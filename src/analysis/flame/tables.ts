/** Who cost most: frames by their own time and by that of everything they called. */
import type { Layer } from '../sample.js';
import { type Frame, frameTitle, type Recording } from './frame.js';
import { enter, isIdle, type Place, totalOf } from './layers.js';

export interface FrameRow {
  /** Function and place. */
  readonly title: string;
  readonly layer: Layer;
  /** Samples or bytes. */
  readonly count: number;
  /** Of 1. */
  readonly share: number;
}

/**
 * 'self': samples in which the frame was the innermost one; 'inclusive': samples in which it was there, once each, however
 * often it called itself. A function is one row in whatever tier of V8 it ran. The largest first.
 */
export function topFrames(recording: Recording, by: 'self' | 'inclusive', rows = 20): readonly FrameRow[] {
  const total = totalOf(recording);
  const found = new Map<string, { count: number; layers: Map<Layer, number> }>();
  const titles = new WeakMap<Frame, string>();
  const titleOf = (frame: Frame): string => {
    let title = titles.get(frame);
    if (title === undefined) {
      title = frameTitle(frame);
      titles.set(frame, title);
    }
    return title;
  };
  for (const stack of recording.stacks) {
    if (isIdle(stack)) continue;
    const seen = new Map<string, Layer>();
    let place: Place = {};
    stack.frames.forEach((frame, index) => {
      place = enter(place, frame);
      if (by === 'inclusive' || index === stack.frames.length - 1)
        seen.set(titleOf(frame), place.layer ?? 'other');
    });
    for (const [title, layer] of seen) {
      const row = found.get(title) ?? { count: 0, layers: new Map<Layer, number>() };
      row.count += stack.count;
      row.layers.set(layer, (row.layers.get(layer) ?? 0) + stack.count);
      found.set(title, row);
    }
  }
  return [...found]
    .sort(([a, { count }], [b, { count: other }]) => other - count || (a < b ? -1 : 1))
    .slice(0, rows)
    .map(([title, { count, layers }]) => ({
      title,
      // A frame such as memcpy works for several: the one it works for most.
      layer: [...layers].reduce((most, entry) => (entry[1] > most[1] ? entry : most))[0],
      count,
      share: count / total,
    }));
}

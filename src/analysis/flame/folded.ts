/** The folded format: a line for each stack, `outermost;…;innermost COUNT`. Every flamegraph tool reads it. */
import { RingwireError } from '../../errors.js';
import { type FoldedStack, type Frame, frameLabel, parseLabel, type Recording } from './frame.js';

/** Adds up stacks that are the same. */
export class StackCounter {
  readonly #byKey = new Map<string, { frames: readonly Frame[]; count: number }>();
  readonly #labels = new WeakMap<Frame, string>();

  add(frames: readonly Frame[], count = 1): void {
    if (frames.length === 0 || count <= 0) return;
    const key = frames.map((frame) => this.#label(frame)).join(';');
    const known = this.#byKey.get(key);
    if (known === undefined) this.#byKey.set(key, { frames, count });
    else known.count += count;
  }

  get stacks(): readonly FoldedStack[] {
    return [...this.#byKey.values()];
  }

  #label(frame: Frame): string {
    let label = this.#labels.get(frame);
    if (label === undefined) {
      label = frameLabel(frame);
      this.#labels.set(frame, label);
    }
    return label;
  }
}

/** The most frequent stack first. */
export function printFolded({ stacks }: Recording): string {
  return [...stacks]
    .sort((a, b) => b.count - a.count)
    .map(({ frames, count }) => `${frames.map(frameLabel).join(';')} ${count}\n`)
    .join('');
}

/** Throws CONFIG_INVALID with the line that is no folded stack. */
export function parseFolded(text: string, unit: Recording['unit'] = 'samples'): Recording {
  const counter = new StackCounter();
  const frames = new Map<string, Frame>();
  const frameOf = (label: string): Frame => {
    let frame = frames.get(label);
    if (frame === undefined) {
      frame = parseLabel(label);
      frames.set(label, frame);
    }
    return frame;
  };
  text.split(/\r?\n/).forEach((line, index) => {
    if (line.trim() === '') return;
    const match = /^(.+?) (\d+(?:\.\d+)?)$/s.exec(line.trimEnd());
    if (match === null)
      throw new RingwireError(
        'CONFIG_INVALID',
        `Line ${index + 1} is no folded stack: ${JSON.stringify(line.slice(0, 60))}; it should be frames with ";" between them, a space and a count.`,
      );
    counter.add(
      match[1]
        .split(';')
        .filter((label) => label !== '')
        .map(frameOf),
      Number(match[2]),
    );
  });
  return { unit, stacks: counter.stacks };
}

/** As one: of several threads, or of several runs. */
export function mergeRecordings(recordings: readonly Recording[]): Recording {
  const counter = new StackCounter();
  for (const { stacks } of recordings) for (const { frames, count } of stacks) counter.add(frames, count);
  return { unit: recordings[0]?.unit ?? 'samples', stacks: counter.stacks };
}

/** Drains a child's stderr, passes it on, and remembers its last lines for the error that reports the child's end. */
import type { Readable } from 'node:stream';
import { FrameDecoder } from '../serialization/framing.js';

const rememberedLines = 10;
const rememberedLineChars = 500;

/** A longer line is dropped; stderr is for people. */
const maxLineBytes = 64 * 1024;

export class ChildStderr {
  readonly #lines: string[] = [];

  constructor(source: Readable, target: 'inherit' | 'ignore' | ((line: string) => void)) {
    const decoder = new FrameDecoder('newline', maxLineBytes, {
      onFrame: (line) => this.#take(line.toString('utf8'), target),
      onFrameError: () => {},
    });
    source.on('data', (chunk: Buffer) => {
      decoder.write(chunk);
      // A stderr of ours that does not keep up holds the child back instead of filling our memory.
      if (target === 'inherit' && !process.stderr.write(chunk)) {
        source.pause();
        process.stderr.once('drain', () => source.resume());
      }
    });
    source.on('error', () => {});
  }

  /** The last lines, joined; empty if there were none. */
  get tail(): string {
    return this.#lines.join('\n');
  }

  #take(line: string, target: 'inherit' | 'ignore' | ((line: string) => void)): void {
    if (this.#lines.length === rememberedLines) this.#lines.shift();
    this.#lines.push(line.slice(0, rememberedLineChars));
    if (typeof target === 'function') target(line);
  }
}

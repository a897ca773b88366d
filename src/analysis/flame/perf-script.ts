/** Stacks from the text that `perf script` prints. */
import { StackCounter } from './folded.js';
import { type Frame, nativeKind, type Recording, symbolOfScript } from './frame.js';
import { attachCutStacks } from './lost-callers.js';

const unknown = '[unknown]';

/** `address symbol (binary)`. Symbols and binaries may both hold parentheses; a binary is a path or in brackets, mostly. */
const frameLine = /^\s+([0-9a-f]+) (.+?) \(([/[].*)\)\s*$/;
const otherFrameLine = /^\s+([0-9a-f]+) (.+) \(([^()]*)\)\s*$/;

/** `program thread time: …`. Names of programs can hold spaces. */
const headLine = /^\s*\S.*?\s(\d+)(?:\/\d+)?\s+(?:\[\d+\]\s+)?\d+\.\d+:\s/;

/** What perf gives for the binary of code that a process made. */
const perfMapPath = /^\/tmp\/perf-\d+\.map$/;

function binaryName(path: string): string {
  return path.replace(/ \(deleted\)$/, '').replace(/^.*[\\/]/, '');
}

function frameOf(address: string, name: string, binary: string): Frame {
  // Kernel and its modules are in brackets; so are memory areas of the process, which are no code of the kernel.
  const inKernel =
    /^\[(?!unknown|vdso|vsyscall|heap|stack|anon|JIT)/.test(binary) || /^ffff[89a-f]/.test(address);
  if (inKernel) return { name, kind: 'kernel' };
  const script = symbolOfScript(name);
  if (script !== undefined) return script;
  const known = binary !== unknown && !perfMapPath.test(binary) && !binary.startsWith('//anon');
  return { name, kind: nativeKind(name), ...(known ? { file: binaryName(binary) } : {}) };
}

/**
 * Where code without frame pointers is on the stack, what perf takes for callers is chance: such frames are nameless, and
 * those outside of everything with a name are left out.
 */
function withoutChance(frames: readonly Frame[]): readonly Frame[] {
  const first = frames.findIndex(({ name, file }) => name !== unknown || file !== undefined);
  return first < 0 ? frames.slice(-1) : frames.slice(first);
}

/** The name of code that a process made, by the path of the map perf read and the address; undefined: as perf names it. */
export type MappedName = (map: string, address: number) => string | undefined;

/** Line by line: the text of a long recording is larger than a string may be. */
export class PerfScriptParser {
  readonly #mappedName: MappedName | undefined;
  readonly #threads = new Map<string, StackCounter>();
  readonly #frames = new Map<string, Frame>();
  #thread = '';
  #stack: Frame[] = [];

  constructor(mappedName?: MappedName) {
    this.#mappedName = mappedName;
  }

  /** Lines that are neither a sample's head nor a frame are passed over. */
  line(text: string): void {
    const match = frameLine.exec(text) ?? otherFrameLine.exec(text);
    if (match === null) {
      this.#endStack();
      this.#thread = headLine.exec(text)?.[1] ?? this.#thread;
      return;
    }
    const [, address, perfSymbol, binary] = match;
    const mapped = perfMapPath.test(binary)
      ? this.#mappedName?.(binary, Number.parseInt(address, 16))
      : undefined;
    const symbol = mapped ?? perfSymbol.replace(/\+0x[0-9a-f]+$/, '');
    const key = `${symbol} ${binary}`;
    let frame = this.#frames.get(key);
    if (frame === undefined) {
      frame = frameOf(address, symbol, binary);
      this.#frames.set(key, frame);
    }
    this.#stack.push(frame);
  }

  /** One sample is one count. */
  finish(): Recording {
    this.#endStack();
    const all = new StackCounter();
    for (const thread of this.#threads.values())
      for (const { frames, count } of attachCutStacks(thread.stacks)) all.add(frames, count);
    return { unit: 'samples', stacks: all.stacks };
  }

  #endStack(): void {
    if (this.#stack.length === 0) return;
    let counter = this.#threads.get(this.#thread);
    if (counter === undefined) {
      counter = new StackCounter();
      this.#threads.set(this.#thread, counter);
    }
    counter.add(withoutChance(this.#stack.reverse()));
    this.#stack = [];
  }
}

export function fromPerfScript(text: string): Recording {
  const parser = new PerfScriptParser();
  for (const line of text.split('\n')) parser.line(line);
  return parser.finish();
}

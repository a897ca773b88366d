/** Stacks from the text that `perf script` prints. */
import { StackCounter } from './folded.js';
import { type Frame, nativeKind, type Recording, symbolOfScript } from './frame.js';

const unknown = '[unknown]';

function binaryName(path: string): string {
  return path.replace(/ \(deleted\)$/, '').replace(/^.*[\\/]/, '');
}

/** `address symbol+offset (binary)`. */
function frameOf(address: string, symbol: string, binary: string): Frame {
  const name = symbol.replace(/\+0x[0-9a-f]+$/, '');
  // Kernel and its modules are in brackets; so are memory areas of the process, which are no code of the kernel.
  const inKernel =
    /^\[(?!unknown|vdso|vsyscall|heap|stack|anon|JIT)/.test(binary) || /^ffff[89a-f]/.test(address);
  if (inKernel) return { name, kind: 'kernel' };
  const script = symbolOfScript(name);
  if (script !== undefined) return script;
  const known = binary !== unknown && !/^\/tmp\/perf-\d+\.map$/.test(binary) && !binary.startsWith('//anon');
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

/** One sample is one count. Lines that are neither a sample's head nor a frame are passed over. */
export function fromPerfScript(text: string): Recording {
  const counter = new StackCounter();
  const frames = new Map<string, Frame>();
  let stack: Frame[] = [];
  const finish = (): void => {
    counter.add(withoutChance(stack.reverse()));
    stack = [];
  };
  for (const line of text.split('\n')) {
    const match = /^\s+([0-9a-f]+) (.+) \(((?:[^()]|\(deleted\))*)\)\s*$/.exec(line);
    if (match === null) {
      if (stack.length > 0) finish();
      continue;
    }
    const [, address, symbol, binary] = match;
    const key = `${symbol.replace(/\+0x[0-9a-f]+$/, '')} ${binary}`;
    let frame = frames.get(key);
    if (frame === undefined) {
      frame = frameOf(address, symbol, binary);
      frames.set(key, frame);
    }
    stack.push(frame);
  }
  finish();
  return { unit: 'samples', stacks: counter.stacks };
}

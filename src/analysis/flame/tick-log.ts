/** Stacks from V8's tick log (--prof), which is what 0x collects, once `node --prof-process --preprocess` made it JSON. */
import { RingwireError } from '../../errors.js';
import { StackCounter } from './folded.js';
import { type Frame, type FrameKind, nativeKind, type Recording, scriptFrame } from './frame.js';

/** A piece of code in the log. */
interface Code {
  readonly name: string;
  /** 'JS', 'CODE', 'CPP', 'SHARED_LIB'. */
  readonly type?: string;
  readonly kind?: string;
}

interface Tick {
  /** Microseconds since the log began. */
  readonly tm: number;
  /** What the engine was doing. */
  readonly vm: number;
  /** Number of the code and offset in it, by turns; the innermost function first. Negative: not known. */
  readonly s: readonly number[];
}

interface TickLog {
  readonly code: readonly Code[];
  readonly ticks: readonly Tick[];
}

const tiers: Readonly<Record<string, FrameKind>> = {
  Unopt: 'interpreted',
  Sparkplug: 'baseline',
  Baseline: 'baseline',
  Maglev: 'optimised',
  Opt: 'optimised',
};

/** Of V8's StateTag. */
const collecting = 1;
const idle = 8;

/** The same names as perf gives, so that recordings of both can be compared. */
function frameOf({ name, type, kind = '' }: Code): Frame {
  if (type === 'JS') return scriptFrame(name, tiers[kind] ?? 'javascript');
  if (type === 'CODE') return { name: kind === 'Builtin' ? `Builtins_${name}` : name, kind: 'builtin' };
  if (type === 'SHARED_LIB') return { name: '[unknown]', kind: 'native', file: name.replace(/^.*[\\/]/, '') };
  const plain = name.replace(/ \[clone [^\]]*\]$/, '').replace(/\([^()]*\)(?: const)?$/, '');
  return { name: plain || name, kind: nativeKind(plain || name) };
}

function isTickLog(value: unknown): value is TickLog {
  const log = value as Partial<TickLog> | null;
  return typeof log === 'object' && log !== null && Array.isArray(log.code) && Array.isArray(log.ticks);
}

/** What of a log is wanted. */
export interface TickWindow {
  /** The last microseconds of it. Default: all. */
  readonly lastUs?: number;
  /** A frame that stands for the end: what comes from it on is left out. */
  readonly isEnd?: (frame: Frame) => boolean;
}

/** Throws CONFIG_INVALID for what is no such log. */
export function fromTickLog(
  log: unknown,
  { lastUs = Number.POSITIVE_INFINITY, isEnd }: TickWindow = {},
): Recording {
  if (!isTickLog(log))
    throw new RingwireError('CONFIG_INVALID', 'This is no preprocessed V8 log: it has no code and ticks.');
  const frames = new Map<number, Frame>();
  const frameAt = (index: number): Frame | undefined => {
    const code = log.code[index];
    if (code === undefined) return undefined;
    let frame = frames.get(index);
    if (frame === undefined) {
      frame = frameOf(code);
      frames.set(index, frame);
    }
    return frame;
  };
  const counter = new StackCounter();
  const states: Readonly<Record<number, Frame>> = {
    [collecting]: { name: '(garbage collector)', kind: 'gc' },
    [idle]: { name: '(idle)', kind: 'idle' },
  };
  const stackOf = ({ s }: Tick): Frame[] =>
    s.flatMap((value, position) => (position % 2 === 0 ? (frameAt(value) ?? []) : [])).reverse();
  const end = isEnd === undefined ? -1 : log.ticks.findIndex((tick) => stackOf(tick).some(isEnd));
  const ticks = end < 0 ? log.ticks : log.ticks.slice(0, end);
  const last = ticks.reduce((latest, { tm }) => Math.max(latest, tm), 0);
  for (const tick of ticks) {
    const { tm, vm } = tick;
    if (tm < last - lastUs) continue;
    const stack = stackOf(tick);
    const state = states[vm];
    if (vm === idle) counter.add([state]);
    else if (state !== undefined) counter.add([...stack, state]);
    else counter.add(stack.length > 0 ? stack : [{ name: '(program)', kind: 'program' }]);
  }
  return { unit: 'samples', stacks: counter.stacks };
}

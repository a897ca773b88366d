/** Stacks from what V8's sampling profilers give: .cpuprofile and .heapprofile, or the inspector's answers. */
import { RingwireError } from '../../errors.js';
import { StackCounter } from './folded.js';
import { type Frame, nativeKind, type Recording } from './frame.js';

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
  readonly columnNumber: number;
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: CallFrame;
  readonly hitCount?: number;
  readonly children?: readonly number[];
}

export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  /** Microseconds of the monotonic clock. */
  readonly startTime: number;
  readonly endTime: number;
  readonly samples?: readonly number[];
  readonly timeDeltas?: readonly number[];
}

interface HeapNode {
  readonly callFrame: CallFrame;
  readonly selfSize: number;
  readonly children: readonly HeapNode[];
}

export interface HeapProfile {
  readonly head: HeapNode;
}

function invalid(what: string, why: string): RingwireError {
  return new RingwireError('CONFIG_INVALID', `This is no ${what}: ${why}.`);
}

function frameOf({ functionName, url, lineNumber, columnNumber }: CallFrame): Frame {
  // Functions without a script are the engine's, or its states: (idle), (garbage collector), (program).
  if (url === '' && functionName !== '') return { name: functionName, kind: nativeKind(functionName) };
  return {
    name: functionName || '(anonymous)',
    kind: 'javascript',
    ...(url === '' ? {} : { file: url }),
    ...(lineNumber < 0 ? {} : { line: lineNumber + 1, column: columnNumber + 1 }),
  };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

export function isCpuProfile(value: unknown): value is CpuProfile {
  return (
    isRecord(value) &&
    Array.isArray(value.nodes) &&
    value.nodes.every(
      (node) =>
        isRecord(node) &&
        isCallFrame(node.callFrame) &&
        (node.children === undefined || isNumbers(node.children)),
    ) &&
    [value.samples, value.timeDeltas].every((list) => list === undefined || isNumbers(list))
  );
}

function isCallFrame(value: unknown): value is CallFrame {
  return (
    isRecord(value) &&
    [value.functionName, value.url].every((text) => typeof text === 'string') &&
    [value.lineNumber, value.columnNumber].every((place) => typeof place === 'number')
  );
}

function isNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'number');
}

function isHeapNode(value: unknown): value is HeapNode {
  return (
    isRecord(value) &&
    isCallFrame(value.callFrame) &&
    typeof value.selfSize === 'number' &&
    Array.isArray(value.children)
  );
}

/** How often each node was seen; in the window where one is given and the profile tells times. */
function hits(
  profile: CpuProfile,
  window: { readonly fromUs?: number; readonly untilUs?: number },
): Map<number, number> {
  const counts = new Map<number, number>();
  const { samples, timeDeltas } = profile;
  if (samples === undefined) {
    for (const { id, hitCount = 0 } of profile.nodes) counts.set(id, hitCount);
    return counts;
  }
  const { fromUs = Number.NEGATIVE_INFINITY, untilUs = Number.POSITIVE_INFINITY } = window;
  let atUs = profile.startTime;
  samples.forEach((id, index) => {
    atUs += timeDeltas?.[index] ?? 0;
    if (atUs >= fromUs && atUs <= untilUs) counts.set(id, (counts.get(id) ?? 0) + 1);
  });
  return counts;
}

/**
 * `window`, in microseconds of the clock that process.hrtime() reads, leaves out the samples before and behind it. Throws
 * CONFIG_INVALID for what is no profile.
 */
export function fromCpuProfile(
  profile: unknown,
  window: { readonly fromUs?: number; readonly untilUs?: number } = {},
): Recording {
  if (!isCpuProfile(profile))
    throw invalid('.cpuprofile', 'it has no nodes with a callFrame, or its lists hold something else');
  const counts = hits(profile, window);
  const byId = new Map(profile.nodes.map((node) => [node.id, node]));
  const callerOf = new Map<number, number>();
  for (const { id, children = [] } of profile.nodes) for (const child of children) callerOf.set(child, id);
  const frames = new Map<number, Frame>();
  const counter = new StackCounter();
  for (const [id, count] of counts) {
    const stack: Frame[] = [];
    const passed = new Set<number>();
    for (let at: number | undefined = id; at !== undefined; at = callerOf.get(at)) {
      const node = byId.get(at);
      if (node === undefined || passed.has(at))
        throw invalid('.cpuprofile', `node ${at} is missing or calls itself`);
      passed.add(at);
      let frame = frames.get(at);
      if (frame === undefined) {
        frame = frameOf(node.callFrame);
        frames.set(at, frame);
      }
      if (frame.name !== '(root)') stack.push(frame);
    }
    counter.add(stack.reverse(), count);
  }
  return { unit: 'samples', stacks: counter.stacks };
}

const noHeapNode = 'each node must have a callFrame, a selfSize and children';

/** Bytes by the functions that allocated them. Throws CONFIG_INVALID for what is no profile. */
export function fromHeapProfile(profile: unknown): Recording {
  if (!isRecord(profile) || !isHeapNode(profile.head)) throw invalid('.heapprofile', noHeapNode);
  const counter = new StackCounter();
  const open: { node: HeapNode; callers: readonly Frame[] }[] = [{ node: profile.head, callers: [] }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, callers } = next;
    const frame = frameOf(node.callFrame);
    const frames = frame.name === '(root)' ? callers : [...callers, frame];
    counter.add(frames, node.selfSize);
    for (const child of node.children) {
      if (!isHeapNode(child)) throw invalid('.heapprofile', noHeapNode);
      open.push({ node: child, callers: frames });
    }
  }
  return { unit: 'bytes', stacks: counter.stacks };
}

/** Frames of a recorded stack, whoever recorded it, and how they are written in the folded format. */

/**
 * How the code of a frame came to run. 'interpreted', 'baseline' and 'optimised' are V8's tiers; 'javascript' is a function
 * whose tier the recording does not tell. 'builtin' is what V8 brings along for the language, 'program' native code that a
 * recording without native frames cannot name.
 */
export type FrameKind =
  | 'interpreted'
  | 'baseline'
  | 'optimised'
  | 'javascript'
  | 'builtin'
  | 'native'
  | 'kernel'
  | 'gc'
  | 'idle'
  | 'program';

export interface Frame {
  /** Of the function; '(anonymous)' where it has none. */
  readonly name: string;
  readonly kind: FrameKind;
  /** JavaScript: URL or path of the script. Native code: the name of its binary, 'libc.so.6'. Not of the kernel. */
  readonly file?: string;
  /** From 1, of JavaScript alone. */
  readonly line?: number;
  readonly column?: number;
}

/** What was seen `count` times. */
export interface FoldedStack {
  /** The outermost caller first. */
  readonly frames: readonly Frame[];
  readonly count: number;
}

export interface Recording {
  /** What is counted: samples of the processor, or bytes that were allocated. */
  readonly unit: 'samples' | 'bytes';
  readonly stacks: readonly FoldedStack[];
}

const tierOfMark: Readonly<Record<string, FrameKind>> = {
  '~': 'interpreted',
  '^': 'baseline',
  '+': 'optimised',
  '*': 'optimised',
};
const markOfTier: Partial<Record<FrameKind, string>> = { interpreted: '~', baseline: '^', optimised: '*' };

const special: Readonly<Record<string, FrameKind>> = {
  '(garbage collector)': 'gc',
  '(idle)': 'idle',
  '(program)': 'program',
};

/** Of V8's collector. The allocation that merely asks for memory is none of it. */
const collecting =
  /^(?:void |bool )?v8::internal::(?:\(anonymous namespace\)::)?(?:Scaveng|MarkCompact|MinorMark|MinorGC|Marking|ConcurrentMark|IncrementalMark|MainMark|YoungGeneration|Sweep|ConcurrentSweep|Evacuat|PointersUpdating|RememberedSetUpdating|GCTracer|Heap::(?:CollectGarbage|CollectAllGarbage|PerformGarbageCollection|Scavenge|MarkCompact|MinorMark|StartIncrementalMarking|FinalizeIncrementalMarking|ReduceNewSpaceSize)|ArrayBufferSweeper|CollectionBarrier|CppHeap::|cppgc::)|^cppgc::internal::(?:Mark|Sweep|Concurrent)/;

/** Of a function of a binary. */
export function nativeKind(name: string): FrameKind {
  if (Object.hasOwn(special, name)) return special[name];
  if (/^Builtins?_|^(?:Builtin|BytecodeHandler|RegExp|Stub):/.test(name)) return 'builtin';
  return collecting.test(name) ? 'gc' : 'native';
}

/** `name file:line:column`, as V8 writes functions for perf and into its log. The name, and the file, can hold spaces. */
const located =
  /^(.*?) ?((?:file:|node:|https?:|data:|wasm:|evalmachine|ringwire\/|node_modules\/|\/|[A-Za-z]:[\\/])[^;]*?|[^ ;]*?):(\d+)(?::(\d+))?$/;

/** A JavaScript function from V8's text of it. */
export function scriptFrame(text: string, kind: FrameKind): Frame {
  const match = located.exec(text);
  if (match === null) return { name: text.trim() || '(anonymous)', kind };
  const [, name, file, line, column] = match;
  return {
    name: name.trim() || '(anonymous)',
    kind,
    ...(file === '' ? {} : { file }),
    line: Number(line),
    ...(column === undefined ? {} : { column: Number(column) }),
  };
}

/** A symbol as V8 names its code for perf, `JS:*call file:///app.js:3:5`; undefined where it is none of JavaScript's. */
export function symbolOfScript(symbol: string): Frame | undefined {
  const match = /^(?:JS|LazyCompile|Function|Script|Eval):([*~^+]?)'?(.*)$/s.exec(symbol);
  if (match === null) return undefined;
  return scriptFrame(match[2], tierOfMark[match[1]] ?? 'javascript');
}

/** `file:line:column`, as far as it is known. */
export function frameLocation({ file, line, column }: Frame): string {
  if (file === undefined && line === undefined) return '';
  return [file ?? '', ...(line === undefined ? [] : [line]), ...(column === undefined ? [] : [column])].join(
    ':',
  );
}

/** For people: the function and where it is, without the tier. */
export function frameTitle(frame: Frame): string {
  const where = frameLocation(frame);
  if (where === '') return frame.name;
  return isScript(frame) ? `${frame.name} ${where}` : `${frame.name} [${where}]`;
}

export function isScript({ kind }: Frame): boolean {
  return kind === 'interpreted' || kind === 'baseline' || kind === 'optimised' || kind === 'javascript';
}

/** Semicolons separate frames, and a line is a stack. */
const clean = (text: string) => text.replace(/;/g, ':').replace(/\p{Cc}/gu, ' ');

/**
 * Of the folded format: `*name file:line` for a function V8 optimised, `^` for its baseline tier, `~` for the interpreter,
 * `_[j]` behind a function whose tier is unknown, `_[k]` behind one of the kernel, `name [binary]` for native code.
 */
export function frameLabel(frame: Frame): string {
  const title = clean(frameTitle(frame));
  const mark = markOfTier[frame.kind];
  if (mark !== undefined) return `${mark}${title}`;
  if (frame.kind === 'javascript') return `${title}_[j]`;
  return frame.kind === 'kernel' ? `${title}_[k]` : title;
}

/** The frame of a label, ours or one that other tools write. */
export function parseLabel(label: string): Frame {
  const script = symbolOfScript(label);
  if (script !== undefined) return script;
  const suffix = /^(.*)_\[([jikw])\]$/s.exec(label);
  if (suffix?.[2] === 'k') return { name: suffix[1], kind: 'kernel' };
  const text = suffix?.[1] ?? label;
  const tier = tierOfMark[text[0]];
  if (tier !== undefined && text.length > 1) return scriptFrame(text.slice(1), tier);
  if (suffix?.[2] === 'j') return scriptFrame(text, 'javascript');
  const binary = /^(.+) \[([^[\]]+)\]$/s.exec(text);
  if (binary !== null) return { name: binary[1], kind: nativeKind(binary[1]), file: binary[2] };
  return { name: text, kind: nativeKind(text) };
}

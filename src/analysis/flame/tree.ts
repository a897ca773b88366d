/** Stacks merged into a tree: what a flamegraph draws. */
import type { Layer } from '../sample.js';
import { type Frame, type FrameKind, frameTitle, type Recording } from './frame.js';
import { enter, isIdle, type Place } from './layers.js';

export interface FlameNode {
  readonly name: string;
  readonly layer: Layer;
  /** Undefined at the root. */
  readonly kind?: FrameKind;
  /** Of the node and everything below it. */
  readonly value: number;
  /** Where two recordings are compared: what was added (negative: taken away) of the share, as a share of 1. */
  readonly delta?: number;
  readonly children: readonly FlameNode[];
}

interface Growing {
  readonly name: string;
  readonly layer: Layer;
  readonly kind?: FrameKind;
  value: number;
  readonly children: Map<string, Growing>;
}

export interface TreeOptions {
  /** Frames left out; those they called stand in their place. */
  readonly hide?: (frame: Frame) => boolean;
  /** Nodes below this share of the whole are left out. Default 0.0005. */
  readonly minShare?: number;
}

function finished(node: Growing, least: number): FlameNode {
  const { name, layer, kind, value } = node;
  const children = [...node.children.values()]
    .filter((child) => child.value >= least)
    .sort((a, b) => b.value - a.value || (a.name < b.name ? -1 : 1))
    .map((child) => finished(child, least));
  return { name, layer, ...(kind === undefined ? {} : { kind }), value, children };
}

/** The root is named 'all' and counts what was recorded without idle time. */
export function flameTree(recording: Recording, { hide, minShare = 0.0005 }: TreeOptions = {}): FlameNode {
  const root: Growing = { name: 'all', layer: 'other', value: 0, children: new Map() };
  for (const stack of recording.stacks) {
    if (isIdle(stack)) continue;
    root.value += stack.count;
    let node = root;
    let place: Place = {};
    for (const frame of stack.frames) {
      place = enter(place, frame);
      if (hide?.(frame) === true) continue;
      const name = frameTitle(frame);
      const layer = place.layer ?? 'other';
      const key = `${layer} ${name}`;
      let child = node.children.get(key);
      if (child === undefined) {
        child = { name, layer, kind: frame.kind, value: 0, children: new Map() };
        node.children.set(key, child);
      }
      child.value += stack.count;
      node = child;
    }
  }
  return finished(root, root.value * minShare);
}

const machinery =
  /^(?:_start$|main$|__libc_start|node::(?:Start|NodeMainInstance|SpinEventLoop|InternalMakeCallback|MakeCallback|InternalCallbackScope)|v8::internal::\(anonymous namespace\)::(?:Invoke|HandleApiCall)|v8::internal::(?:Execution::|Builtin_HandleApiCall|FunctionCallbackArguments)|v8::(?:Function|Object)::Call|Builtins_(?:JSEntry|CEntry|CallApiCallback|CallFunction|Call_|InterpreterEntry|ArgumentsAdaptor|JSConstruct|JSBuiltinsConstruct)|v8impl::|napi_(?:make_callback|call_function)|entry_SYSCALL|do_syscall|asm_|\[unknown\]$)/;

/** What every stack passes through and nobody looks for: process start, V8's way into a function and out of it. */
export function isMachinery({ name, kind, file }: Frame): boolean {
  if (kind !== 'native' && kind !== 'builtin' && kind !== 'kernel') return false;
  return machinery.test(name) && !(name === '[unknown]' && file !== undefined);
}

/** Two recordings compared: where the second one spends a larger or smaller share of its time than the first. */
import type { Layer } from '../sample.js';
import { type Frame, frameTitle, isScript, type Recording } from './frame.js';
import { enter, isIdle, layerOrder, type Place, profileLayers, totalOf } from './layers.js';
import { topFrames } from './tables.js';
import type { FlameNode } from './tree.js';

export interface FrameChange {
  readonly title: string;
  readonly layer: Layer;
  /** Shares of 1: the frame's own, of both recordings. */
  readonly before: number;
  readonly after: number;
  /** after - before. */
  readonly change: number;
}

export interface LayerChange {
  readonly layer: Layer;
  readonly before: number;
  readonly after: number;
}

export interface Difference {
  /** Values are shares of the second recording in millionths, deltas against the first. */
  readonly tree: FlameNode;
  readonly layers: readonly LayerChange[];
  /** Own time, the largest change first. */
  readonly frames: readonly FrameChange[];
}

/** A function keeps its name when lines move and when V8 optimises it or not; those without a name keep their place. */
function identity(frame: Frame): string {
  if (!isScript(frame) || frame.name === '(anonymous)') return frameTitle(frame);
  return frameTitle({
    name: frame.name,
    kind: frame.kind,
    ...(frame.file === undefined ? {} : { file: frame.file }),
  });
}

interface Growing {
  readonly name: string;
  readonly frame?: Frame;
  layer: Layer;
  before: number;
  after: number;
  readonly children: Map<string, Growing>;
}

function grow(root: Growing, recording: Recording, side: 'before' | 'after'): void {
  const total = totalOf(recording);
  if (total === 0) return;
  for (const stack of recording.stacks) {
    if (isIdle(stack)) continue;
    const share = stack.count / total;
    root[side] += share;
    let node = root;
    let place: Place = {};
    for (const frame of stack.frames) {
      place = enter(place, frame);
      const name = identity(frame);
      let child = node.children.get(name);
      if (child === undefined) {
        child = { name, frame, layer: place.layer ?? 'other', before: 0, after: 0, children: new Map() };
        node.children.set(name, child);
      }
      child[side] += share;
      node = child;
    }
  }
}

/** What is gone has no width of its own in a flamegraph of the second recording: the width is the larger of both. */
function finished(node: Growing, least: number): FlameNode {
  const children = [...node.children.values()]
    .filter(({ before, after }) => Math.max(before, after) >= least)
    .map((child) => finished(child, least))
    .sort((a, b) => b.value - a.value || (a.name < b.name ? -1 : 1));
  const below = children.reduce((sum, { value }) => sum + value, 0);
  return {
    name: node.name,
    layer: node.layer,
    ...(node.frame === undefined ? {} : { kind: node.frame.kind }),
    value: Math.max(below, Math.round(Math.max(node.before, node.after) * 1e6)),
    delta: node.after - node.before,
    children,
  };
}

function withoutLines(recording: Recording): Recording {
  const renamed = new WeakMap<Frame, Frame>();
  const rename = (frame: Frame): Frame => {
    let other = renamed.get(frame);
    if (other === undefined) {
      const { line: _line, column: _column, ...rest } = frame;
      other = isScript(frame) && frame.name !== '(anonymous)' ? rest : frame;
      renamed.set(frame, other);
    }
    return other;
  };
  return {
    unit: recording.unit,
    stacks: recording.stacks.map(({ frames, count }) => ({ frames: frames.map(rename), count })),
  };
}

/** Both are taken as shares of their own total, so that they may be of different length. */
export function difference(before: Recording, after: Recording, minShare = 0.0005): Difference {
  const root: Growing = { name: 'all', layer: 'other', before: 0, after: 0, children: new Map() };
  grow(root, before, 'before');
  grow(root, after, 'after');
  const [first, second] = [before, after].map((recording) => profileLayers(recording));
  const rows = (recording: Recording) =>
    new Map(
      topFrames(withoutLines(recording), 'self', Number.POSITIVE_INFINITY).map((row) => [row.title, row]),
    );
  const [old, now] = [rows(before), rows(after)];
  const frames = [...new Set([...old.keys(), ...now.keys()])].map((title): FrameChange => {
    const [was, is] = [old.get(title), now.get(title)];
    const [share, other] = [was?.share ?? 0, is?.share ?? 0];
    return {
      title,
      layer: (is ?? was)?.layer ?? 'other',
      before: share,
      after: other,
      change: other - share,
    };
  });
  return {
    tree: finished(root, minShare),
    layers: layerOrder.flatMap((layer) => {
      const [was, is] = [first[layer] ?? 0, second[layer] ?? 0];
      return was === 0 && is === 0 ? [] : [{ layer, before: was, after: is }];
    }),
    frames: frames.sort((a, b) => Math.abs(b.change) - Math.abs(a.change) || (a.title < b.title ? -1 : 1)),
  };
}

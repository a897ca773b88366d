/** What a flamegraph's page carries for its script. */
import type { Layer } from '../sample.js';
import type { Recording } from './frame.js';
import type { FlameNode } from './tree.js';

/** One node as the page carries it; the names are those d3-flame-graph looks for. */
export interface PageNode {
  readonly n: string;
  readonly v: number;
  /** Layer. */
  readonly l: Layer;
  readonly k?: string;
  /** Change of the share. */
  readonly d?: number;
  readonly c?: readonly PageNode[];
}

/** What the script of the page reads. */
export interface FlamegraphData {
  readonly tree: PageNode;
  readonly unit: Recording['unit'] | 'change';
  readonly colours: Readonly<Record<Layer, string>>;
  /** The change that takes the full colour; of differences alone. */
  readonly largest?: number;
}

export function pageNode({ name, value, layer, kind, delta, children }: FlameNode): PageNode {
  return {
    n: name,
    v: value,
    l: layer,
    ...(kind === undefined ? {} : { k: kind }),
    ...(delta === undefined ? {} : { d: Number(delta.toFixed(6)) }),
    ...(children.length === 0 ? {} : { c: children.map(pageNode) }),
  };
}

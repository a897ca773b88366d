/** The part of d3-flame-graph that is used here; the package has no types of its own. */
declare module 'd3-flame-graph' {
  import type { Selection } from 'd3-selection';

  export interface Placed<Datum> {
    readonly data: Datum;
    readonly x0: number;
    readonly x1: number;
    readonly highlight?: boolean;
  }

  export interface Tooltip<Datum> {
    (selection: unknown): void;
    show(event: MouseEvent, frame: Placed<Datum>): void;
    hide(): void;
  }

  export interface FlameGraph<Datum> {
    (selection: Selection<HTMLElement, Datum, null, undefined>): void;
    width(pixels: number): this;
    cellHeight(pixels: number): this;
    transitionDuration(milliseconds: number): this;
    minFrameSize(pixels: number): this;
    tooltip(tooltip: Tooltip<Datum>): this;
    setColorMapper(colour: (frame: Placed<Datum>) => string): this;
    setLabelHandler(label: (frame: Placed<Datum>) => string): this;
    setDetailsHandler(details: (label: string | null) => void): this;
    setSearchHandler(found: (frames: readonly Placed<Datum>[], sum: number, total: number) => void): this;
    setSearchMatch(matches: (frame: Placed<Datum>, term: string) => boolean): this;
    search(term: string): void;
    clear(): void;
    resetZoom(): void;
    update(): this;
  }

  export default function flamegraph<Datum>(): FlameGraph<Datum>;
}

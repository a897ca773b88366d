/** The colours of layers and of changes, for pages and pictures: dark text reads on all of them. */
import type { Layer } from '../sample.js';

export const layerColours: Readonly<Record<Layer, string>> = {
  transport: '#8ab8e8',
  framing: '#74d0c6',
  scan: '#a3d67f',
  dispatch: '#f0d264',
  handler: '#f5a25f',
  serialise: '#c7a5ea',
  write: '#ea93ad',
  gc: '#e06a62',
  kernel: '#b5bcc6',
  node: '#d9c9a3',
  other: '#e4e6e9',
};

/** Red for more, blue for less, the deeper the larger; `largest` is the change that takes the full colour. Shares of 1. */
export function changeColour(change: number, largest: number): string {
  const depth = largest <= 0 ? 0 : Math.min(1, Math.sqrt(Math.abs(change) / largest));
  const faint = Math.round(238 - 150 * depth);
  const [red, green, blue] =
    change > 0 ? [245, faint, faint - 8] : [faint - 8, Math.min(238, faint + 12), 250];
  return depth < 0.02 ? '#e8e8e8' : `rgb(${red},${green},${blue})`;
}

/** A flamegraph as one still picture, for documents. */
import { escapeHtml } from '../report/html-document.js';
import type { Layer } from '../sample.js';
import { layerColours } from './colours.js';
import type { Recording } from './frame.js';
import { layerOrder, profileLayers } from './layers.js';
import { type FlameNode, flameTree, isMachinery } from './tree.js';

const width = 1200;
const row = 17;
const margin = 10;
const characterWidth = 6.6;
/** Frames narrower than this are left out. */
const leastPixels = 2;

export interface SvgText {
  readonly title: string;
  readonly subtitle?: string;
}

function depthOf({ children }: FlameNode): number {
  return 1 + children.reduce((most, child) => Math.max(most, depthOf(child)), 0);
}

function cut(text: string, pixels: number): string {
  const fits = Math.floor((pixels - 6) / characterWidth);
  if (text.length <= fits) return text;
  return fits < 4 ? '' : `${text.slice(0, fits - 1)}…`;
}

const at = (pixels: number): string => String(Number(pixels.toFixed(1)));

/** Functions without V8's namespaces, their arguments' types and places: what a label has room for. */
function short(name: string): string {
  return name
    .replace(/ \[[^\]]*\]$/, '')
    .replace(/^(?:void |bool )?v8::(?:internal::)?(?:\(anonymous namespace\)::)?(?=\w)/, '')
    .replace(/:\d+(?::\d+)?$/, '')
    .replace(/^(\S.*?) (?:ringwire|node_modules)\/(?:.*\/)?/, '$1 ');
}

function draw(root: FlameNode, bottom: number): string[] {
  const parts: string[] = [];
  const visit = (node: FlameNode, x: number, level: number): void => {
    const pixels = (node.value / root.value) * (width - 2 * margin);
    if (pixels < leastPixels) return;
    const y = bottom - (level + 1) * row;
    const label = cut(short(node.name), pixels);
    const share = `${((node.value / root.value) * 100).toFixed(1)} %`;
    const text = label === '' ? '' : `<text x="${at(x + 3)}" y="${at(y + 12.5)}">${escapeHtml(label)}</text>`;
    parts.push(
      `<g><title>${escapeHtml(node.name)}, ${share}, ${node.layer}</title><rect x="${at(x)}" y="${at(y)}" width="${at(Math.max(0.5, pixels - 0.5))}" height="${row - 1}" fill="${layerColours[node.layer]}"/>${text}</g>`,
    );
    let left = x;
    for (const child of node.children) {
      visit(child, left, level + 1);
      left += (child.value / root.value) * (width - 2 * margin);
    }
  };
  visit(root, margin, 0);
  return parts;
}

function legend(shares: Partial<Record<Layer, number>>, y: number): string {
  let x = margin;
  return layerOrder
    .flatMap((layer) => {
      const share = shares[layer];
      if (share === undefined) return [];
      const text = `${layer} ${(share * 100).toFixed(1)} %`;
      const part = `<rect x="${at(x)}" y="${y - 10}" width="11" height="11" fill="${layerColours[layer]}"/><text x="${at(x + 15)}" y="${y}">${text}</text>`;
      x += 15 + text.length * characterWidth + 14;
      return [part];
    })
    .join('');
}

/**
 * SVG text of a fixed width with the shares of the layers above the flames. The start of the process and V8's ways into
 * functions, which every stack passes through, are left out.
 */
export function flamegraphSvg(recording: Recording, { title, subtitle = '' }: SvgText): string {
  const tree = flameTree(recording, { hide: isMachinery, minShare: leastPixels / (width - 2 * margin) });
  const head = 78;
  const height = head + depthOf(tree) * row + margin;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="11" fill="#14171b">
<title>${escapeHtml(title)}</title>
<rect width="${width}" height="${height}" fill="#ffffff"/>
<text x="${margin}" y="22" font-size="15" font-weight="600">${escapeHtml(title)}</text>
<text x="${margin}" y="40" fill="#57606a">${escapeHtml(subtitle)}</text>
${legend(profileLayers(recording), 62)}
${draw(tree, height - margin).join('\n')}
</svg>
`;
}

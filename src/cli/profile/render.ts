/** Profiles as text for a terminal. */
import { amount, percent, signedPercent } from '../../analysis/flame/amounts.js';
import type { Difference } from '../../analysis/flame/difference.js';
import { layerMeaning, layerOrder } from '../../analysis/flame/layers.js';
import type { FrameRow } from '../../analysis/flame/tables.js';
import type { KeptProfile } from '../../workbench/profile/sessions.js';
import { columns, paint } from '../terminal.js';

const shownRows = 12;
const titleCharacters = 100;

function right(cells: readonly string[]): readonly string[] {
  const width = Math.max(0, ...cells.map((cell) => cell.length));
  return cells.map((cell) => cell.padStart(width));
}

function cut(text: string): string {
  return text.length <= titleCharacters ? text : `${text.slice(0, titleCharacters - 1)}…`;
}

function frames(rows: readonly FrameRow[]): string {
  const shown = rows.slice(0, shownRows);
  const shares = right(shown.map(({ share }) => percent(share)));
  return columns(shown.map(({ layer, title }, index) => [`  ${shares[index]}`, layer, cut(title)]));
}

export function renderProfile(profile: KeptProfile): string {
  const { layers, self, inclusive, unit, total, engine, seconds, what, load, folder } = profile;
  const seen = layerOrder
    .filter((layer) => layers[layer] !== undefined)
    .sort((a, b) => (layers[b] ?? 0) - (layers[a] ?? 0));
  const shares = right(seen.map((layer) => percent(layers[layer] ?? 0)));
  const recorded = unit === 'samples' ? `${amount(total, unit)} samples` : amount(total, unit);
  const parts = [
    `${what}: ${recorded} in ${seconds.toFixed(1)} s with ${engine}${profile.wasInterrupted ? ', interrupted' : ''}`,
  ];
  if (load !== undefined)
    parts[0] += `\n${load.mode} loop, ${Math.round(load.rate).toLocaleString('en')} requests/s, p99 ${(load.p99us / 1000).toFixed(2)} ms, ${load.errors} errors${load.firstError === undefined ? '' : ` (${load.firstError})`}`;
  if (load?.saturation !== undefined) parts.push(load.saturation);
  parts.push(
    `${paint('Layers', 'bold')}\n${columns(seen.map((layer, index) => [`  ${shares[index]}`, layer, layerMeaning[layer]]))}`,
    `${paint('Top frames, their own', 'bold')}\n${frames(self)}`,
    `${paint('Top frames, with all they called', 'bold')}\n${frames(inclusive)}`,
  );
  const notes = [...profile.reasons.map((reason) => `Not used: ${reason}.`), ...profile.notes];
  if (notes.length > 0) parts.push(notes.join('\n'));
  parts.push(`${folder}/flame.html`);
  return parts.join('\n\n');
}

export function renderList(profiles: readonly KeptProfile[]): string {
  if (profiles.length === 0) return 'No profiles are kept. ringwire profile SCENARIO records one.';
  return columns([
    ['ID', 'WHAT', 'ENGINE', 'RECORDED', 'SECONDS'],
    ...profiles.map(({ id, what, engine, total, unit, seconds, subject }) => [
      id,
      subject === 'cpu' ? what : `${what} (${subject})`,
      engine,
      unit === 'samples' ? `${amount(total, unit)} samples` : amount(total, unit),
      seconds.toFixed(1),
    ]),
  ]);
}

export function renderChanges({ layers, frames: changed }: Difference): string {
  const sorted = [...layers].sort((a, b) => Math.abs(b.after - b.before) - Math.abs(a.after - a.before));
  const rows = changed.slice(0, shownRows);
  return [
    `${paint('Layers', 'bold')}\n${columns([
      ['  CHANGE', 'BEFORE', 'AFTER', 'LAYER'],
      ...sorted.map(({ layer, before, after }) => [
        `  ${signedPercent(after - before)}`,
        percent(before),
        percent(after),
        layer,
      ]),
    ])}`,
    `${paint('Frames whose own share changed most', 'bold')}\n${columns([
      ['  CHANGE', 'BEFORE', 'AFTER', 'LAYER', 'FRAME'],
      ...rows.map(({ change, before, after, layer, title }) => [
        `  ${signedPercent(change)}`,
        percent(before),
        percent(after),
        layer,
        cut(title),
      ]),
    ])}`,
  ].join('\n\n');
}

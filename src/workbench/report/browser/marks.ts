/** Lines across a chart: limits, targets, what somebody else measured. */
import type uPlot from 'uplot';
import type { Chart } from '../../../analysis/report/page.js';
import type { Palette } from './palette.js';
import type { Scale } from './scales.js';

const fontPixels = 12;

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const overlap = (a: Box, b: Box) =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

/** Where the words of a line at height `y` find room: above or below it, at one end or at the other. */
function placeWords(plot: uPlot, y: number, width: number, startsLeft: boolean, taken: readonly Box[]): Box {
  const { left, top, width: whole, height: tall } = plot.bbox;
  const unit = devicePixelRatio;
  const height = (fontPixels + 4) * unit;
  const ends = [left + 4 * unit, left + whole - width - 4 * unit];
  const sides = startsLeft ? ends : ends.reverse();
  const places = sides.flatMap((x) => [y - height, y + unit].map((at) => ({ x, y: at, width, height })));
  const inside = places.filter((box) => box.y >= top && box.y + height <= top + tall);
  return inside.find((box) => !taken.some((other) => overlap(box, other))) ?? inside[0] ?? places[0];
}

/** A hook that draws over the curves. A mark beyond the axis stands at its end, with an arrow. */
export function drawMarks(chart: Chart, scale: Scale, colours: Palette): (plot: uPlot) => void {
  return (plot) => {
    const { ctx, bbox } = plot;
    const unit = devicePixelRatio;
    const taken: Box[] = [];
    ctx.save();
    ctx.font = `${fontPixels * unit}px system-ui, sans-serif`;
    ctx.textAlign = 'left';
    ctx.textBaseline = 'middle';
    for (const mark of chart.marks ?? []) {
      const position = scale.position(mark.y);
      if (position === null) continue;
      const wanted = plot.valToPos(position, 'y', true);
      const y = Math.min(Math.max(wanted, bbox.top), bbox.top + bbox.height);
      if (wanted === y) {
        ctx.setLineDash([6 * unit, 4 * unit]);
        ctx.lineWidth = unit;
        ctx.strokeStyle = colours.mark;
        ctx.beginPath();
        ctx.moveTo(bbox.left, y);
        ctx.lineTo(bbox.left + bbox.width, y);
        ctx.stroke();
      }
      const words = `${wanted < y ? '↑ ' : wanted > y ? '↓ ' : ''}${mark.label}`;
      // Latencies rise to the right: there is more room at the left.
      const startsLeft = chart.x.scale === 'percentile';
      const box = placeWords(plot, y, ctx.measureText(words).width, startsLeft, taken);
      taken.push(box);
      const at = [box.x, box.y + box.height / 2] as const;
      // A halo keeps the words readable above curves.
      ctx.setLineDash([]);
      ctx.lineWidth = 4 * unit;
      ctx.strokeStyle = colours.ground;
      ctx.strokeText(words, ...at);
      ctx.fillStyle = colours.mark;
      ctx.fillText(words, ...at);
    }
    ctx.restore();
  };
}

/** Lines across a chart: limits, targets, what somebody else measured. */
import type uPlot from 'uplot';
import type { Chart } from '../../../analysis/report/page.js';
import type { Palette } from './palette.js';
import type { Scale } from './scales.js';

/** A hook that draws over the curves. A mark beyond the axis stands at its end, with an arrow. */
export function drawMarks(chart: Chart, scale: Scale, colours: Palette): (plot: uPlot) => void {
  return (plot) => {
    const { ctx, bbox } = plot;
    const unit = devicePixelRatio;
    ctx.save();
    ctx.font = `${12 * unit}px system-ui, sans-serif`;
    // Where curves seldom are: latencies rise to the right.
    const isLeft = chart.x.scale === 'percentile';
    ctx.textAlign = isLeft ? 'left' : 'right';
    for (const mark of chart.marks ?? []) {
      const position = scale.position(mark.y);
      if (position === null) continue;
      const wanted = plot.valToPos(position, 'y', true);
      const y = Math.min(Math.max(wanted, bbox.top), bbox.top + bbox.height);
      if (wanted === y) {
        ctx.setLineDash([6 * unit, 4 * unit]);
        ctx.lineWidth = 1.5 * unit;
        ctx.strokeStyle = colours.mark;
        ctx.beginPath();
        ctx.moveTo(bbox.left, y);
        ctx.lineTo(bbox.left + bbox.width, y);
        ctx.stroke();
      }
      const arrow = wanted < y ? '↑ ' : wanted > y ? '↓ ' : '';
      const isLow = y - bbox.top < 18 * unit;
      ctx.textBaseline = isLow ? 'top' : 'bottom';
      const x = isLeft ? bbox.left + 4 * unit : bbox.left + bbox.width - 4 * unit;
      const at = [x, y + (isLow ? 4 : -4) * unit] as const;
      // A halo keeps the words readable above curves.
      ctx.setLineDash([]);
      ctx.lineWidth = 4 * unit;
      ctx.strokeStyle = colours.ground;
      ctx.strokeText(`${arrow}${mark.label}`, ...at);
      ctx.fillStyle = colours.mark;
      ctx.fillText(`${arrow}${mark.label}`, ...at);
    }
    ctx.restore();
  };
}

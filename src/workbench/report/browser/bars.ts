/** Bars of several series beside each other, which uPlot leaves to its users. */
import type uPlot from 'uplot';

/** Share of the room between two neighbours that their bars fill. */
const filled = 0.75;
const maxGroupPixels = 120;

/** The least distance between two neighbours, in canvas pixels; the whole width where there is only one. */
function pitch(plot: uPlot): number {
  const positions = Array.from(plot.data[0], (x) => plot.valToPos(x, 'x', true));
  let least = plot.bbox.width;
  for (let index = 1; index < positions.length; index++)
    least = Math.min(least, positions[index] - positions[index - 1]);
  return least;
}

/** Draws series number `index` of `count` (from 0). */
export function groupedBars(index: number, count: number): uPlot.Series.PathBuilder {
  return (plot, seriesIndex, from, to) => {
    const group = Math.min(pitch(plot) * filled, maxGroupPixels * devicePixelRatio * Math.sqrt(count));
    const width = Math.max(1, group / count);
    const space = width > 6 ? devicePixelRatio : 0;
    // An axis that does not reach zero, a logarithmic one for instance, has its bars stand on its end.
    const { min = 0, max = 0 } = plot.scales.y;
    const base = plot.valToPos(Math.min(Math.max(0, min ?? 0), max ?? 0), 'y', true);
    const fill = new Path2D();
    for (let row = from; row <= to; row++) {
      const value = plot.data[seriesIndex][row];
      if (value === null || value === undefined) continue;
      const left = plot.valToPos(plot.data[0][row], 'x', true) - group / 2 + index * width;
      const top = plot.valToPos(value, 'y', true);
      fill.rect(left, Math.min(top, base), width - space, Math.abs(base - top));
    }
    return { stroke: null, fill } as uPlot.Series.Paths;
  };
}

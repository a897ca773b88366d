/** The page's colours, as its style sheet has them for the reader's theme. */

export interface Palette {
  readonly text: string;
  readonly quiet: string;
  readonly ground: string;
  readonly grid: string;
  readonly line: string;
  readonly mark: string;
  series(index: number): string;
}

const seriesColours = 8;

export function palette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    text: colour('text'),
    quiet: colour('quiet'),
    ground: colour('ground'),
    grid: colour('grid'),
    line: colour('line'),
    mark: colour('mark'),
    series: (index) => colour(`series-${(index % seriesColours) + 1}`),
  };
}

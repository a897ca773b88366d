/** A report as data: what every page of ours is made of. render-page.ts makes it HTML, Markdown is made of the same. */

export interface ChartSeries {
  readonly name: string;
  /** Where it is drawn otherwise than the chart: what was measured as points, the curve through them as a line. */
  readonly kind?: 'line' | 'points';
  /** Milliseconds since the epoch where the axis is 'time'. Rising. */
  readonly x: readonly number[];
  /** null leaves a gap. As many as x. */
  readonly y: readonly (number | null)[];
}

export interface Axis {
  /** With its unit: 'latency, ms'. */
  readonly label: string;
  /** 'percentile': x is a share of 1, drawn so that each further nine (0.9, 0.99, 0.999) is as wide as the one before. */
  readonly scale?: 'linear' | 'log' | 'time' | 'percentile';
  /** Of an x axis with a linear scale: the names of x = 0, 1, 2…, for bars over things rather than figures. */
  readonly categories?: readonly string[];
  /** Of a linear y axis: whether it may begin above zero, because changes matter more than sizes. Default: for points. */
  readonly tight?: boolean;
}

export interface Chart {
  /** Unique in its page; a letter first. Its element has the id `chart-…`. */
  readonly id: string;
  readonly title: string;
  readonly kind: 'line' | 'bars' | 'points';
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly ChartSeries[];
  /** Lines across, at a value of y: limits, targets, the seed's figure. */
  readonly marks?: readonly { readonly y: number; readonly label: string }[];
}

export interface Table {
  readonly columns: readonly string[];
  /** Plain text; cells are right-aligned where all of a column are numbers. */
  readonly rows: readonly (readonly string[])[];
}

export interface ReportSection {
  readonly title: string;
  /** 'ok', 'low', 'medium', 'high' or 'critical' colours the title. */
  readonly tone?: 'ok' | 'low' | 'medium' | 'high' | 'critical';
  readonly paragraphs?: readonly string[];
  readonly tables?: readonly Table[];
  readonly charts?: readonly Chart[];
}

export interface ReportPage {
  readonly title: string;
  /** One line below it: command, machine, commit, date. */
  readonly subtitle?: string;
  readonly sections: readonly ReportSection[];
}

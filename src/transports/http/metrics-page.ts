/** A page of metrics: https://prometheus.io/docs/instrumenting/exposition_formats/ */
import type { Histogram } from '../../observability/histogram.js';

/** Upper ends, in seconds. */
const buckets = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

export class MetricsPage {
  text = '';

  /** Nothing where the value is not known. */
  add(type: 'counter' | 'gauge', name: string, help: string, value: number | undefined): void {
    if (value === undefined) return;
    this.#head(type, name, help);
    this.text += `${name} ${value}\n`;
  }

  addClasses(name: string, help: string, counts: readonly number[]): void {
    this.#head('counter', name, help);
    for (const [index, count] of counts.entries()) this.text += `${name}{class="${index + 1}xx"} ${count}\n`;
  }

  /** `nanoseconds` become seconds. */
  addHistogram(name: string, help: string, nanoseconds: Histogram): void {
    this.#head('histogram', name, help);
    const counts = buckets.map(() => 0);
    for (const [value, count] of nanoseconds) {
      const index = buckets.findIndex((end) => value <= end * 1e9);
      if (index >= 0) counts[index] += count;
    }
    let below = 0;
    for (const [index, end] of buckets.entries()) {
      below += counts[index];
      this.text += `${name}_bucket{le="${end}"} ${below}\n`;
    }
    this.text += `${name}_bucket{le="+Inf"} ${nanoseconds.total}\n`;
    this.text += `${name}_sum ${(nanoseconds.mean * nanoseconds.total) / 1e9}\n`;
    this.text += `${name}_count ${nanoseconds.total}\n`;
  }

  #head(type: string, name: string, help: string): void {
    const line = help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
    this.text += `# HELP ${name} ${line}\n# TYPE ${name} ${type}\n`;
  }
}

/**
 * Log-linear histogram: 128 linear steps per power of two, so that a recorded value is off by less than 0.8 %, whatever
 * its size. Recording is one increment; nothing is sampled or dropped. bench/loadgen has the same layout, so that counts
 * of both can be added.
 */

const stepBits = 7;
const steps = 1 << stepBits;
/** Values are whole numbers below 2^53. */
const groups = 53 - stepBits + 1;

/** Sparse counts, for JSON: `[index, count]` of every step that is not empty, rising. */
export interface HistogramJson {
  readonly counts: readonly (readonly [index: number, count: number])[];
  readonly sum: number;
  readonly max: number;
}

function indexOf(value: number): number {
  if (value < steps) return value;
  // Math.clz32 sees 32 bits: values above are looked at by their upper half.
  const bits = value < 2 ** 32 ? 31 - Math.clz32(value) : 63 - Math.clz32(Math.floor(value / 2 ** 32));
  const shift = bits - stepBits;
  return (shift + 1) * steps + (Math.floor(value / 2 ** shift) - steps);
}

/** The middle of the step, so that rounding does not lean to one side. */
function middleOf(index: number): number {
  if (index < steps) return index;
  const shift = Math.floor(index / steps) - 1;
  return ((index % steps) + steps) * 2 ** shift + Math.floor(2 ** shift / 2);
}

/** Counts of whole values from 0 to 2^53 - 1, in whatever unit; ours are nanoseconds. */
export class Histogram {
  readonly #counts = new Float64Array(groups * steps);
  #total = 0;
  #sum = 0;
  #max = 0;

  /** Fractions are cut off, negative values count as 0. */
  record(value: number, count = 1): void {
    const whole = value > 0 ? Math.min(Math.floor(value), Number.MAX_SAFE_INTEGER) : 0;
    this.#counts[indexOf(whole)] += count;
    this.#total += count;
    this.#sum += whole * count;
    if (whole > this.#max) this.#max = whole;
  }

  get total(): number {
    return this.#total;
  }

  get max(): number {
    return this.#max;
  }

  /** 0 when nothing was recorded. */
  get mean(): number {
    return this.#total === 0 ? 0 : this.#sum / this.#total;
  }

  /** The smallest step below which `fraction` (0 to 1) of all values lie; 0 when nothing was recorded. */
  percentile(fraction: number): number {
    if (this.#total === 0) return 0;
    const wanted = Math.min(Math.floor(fraction * this.#total), this.#total - 1);
    let seen = 0;
    for (let index = 0; index < this.#counts.length; index += 1) {
      seen += this.#counts[index];
      if (seen > wanted) return Math.min(middleOf(index), this.#max);
    }
    return this.#max;
  }

  add(other: Histogram): void {
    for (let index = 0; index < this.#counts.length; index += 1) this.#counts[index] += other.#counts[index];
    this.#total += other.#total;
    this.#sum += other.#sum;
    this.#max = Math.max(this.#max, other.#max);
  }

  reset(): void {
    this.#counts.fill(0);
    this.#total = 0;
    this.#sum = 0;
    this.#max = 0;
  }

  toJSON(): HistogramJson {
    const counts: [number, number][] = [];
    for (const [index, count] of this.#counts.entries()) if (count > 0) counts.push([index, count]);
    return { counts, sum: this.#sum, max: this.#max };
  }

  /** Throws RangeError where a step lies outside. */
  static fromJSON({ counts, sum, max }: HistogramJson): Histogram {
    const histogram = new Histogram();
    for (const [index, count] of counts) {
      if (!(Number.isInteger(index) && index >= 0 && index < histogram.#counts.length && count >= 0))
        throw new RangeError(
          `[${index}, ${count}] is no step of a histogram of ${histogram.#counts.length} steps`,
        );
      histogram.#counts[index] += count;
      histogram.#total += count;
    }
    histogram.#sum = sum;
    histogram.#max = max;
    return histogram;
  }

  /** Every step that is not empty as its middle value and its count, rising: for charts. */
  *[Symbol.iterator](): Generator<readonly [value: number, count: number]> {
    for (const [index, count] of this.#counts.entries()) if (count > 0) yield [middleOf(index), count];
  }
}

/** Draws by weight, the same in every run. */
import { seededRandom } from '../../../analysis/random.js';

/** Draws indices in proportion to weights, of which at least one is above 0. */
export class WeightedDraw {
  readonly #sums: readonly number[];
  readonly #total: number;
  readonly #random: () => number;

  constructor(weights: readonly number[], seed: number) {
    let total = 0;
    this.#sums = weights.map((weight) => {
      total += weight;
      return total;
    });
    this.#total = total;
    this.#random = seededRandom(seed);
  }

  next(): number {
    if (this.#sums.length === 1) return 0;
    const at = this.#random() * this.#total;
    for (let index = 0; index < this.#sums.length - 1; index += 1) if (at < this.#sums[index]) return index;
    return this.#sums.length - 1;
  }
}

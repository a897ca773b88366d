/** Random numbers that come out the same each time: a verdict must not change when it is looked at again. */

/** Numbers from 0 to below 1, 32 bits of them (splitmix32: https://gee.cs.oswego.edu/dl/papers/oopsla14.pdf). */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

/** Puts `values` in random order, in place (Fisher and Yates). */
export function shuffle(values: Float64Array | number[], random: () => number): void {
  for (let last = values.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    const value = values[last];
    values[last] = values[other];
    values[other] = value;
  }
}

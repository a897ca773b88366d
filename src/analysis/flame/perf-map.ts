/**
 * Names of code that a process made while it ran, from the file it writes them to for perf. perf itself takes an older
 * entry where V8 has used an address again, and misses code whose entry overlaps with another: here the later entry wins.
 */
export class PerfMap {
  /** Of stretches that do not overlap, ascending. */
  readonly #starts: readonly number[];
  readonly #ends: readonly number[];
  readonly #names: readonly string[];

  /** Lines of `start size name`, both in hexadecimal digits; others (the last one may be half written) are passed over. */
  constructor(text: string) {
    const entries: Entry[] = [];
    for (const line of text.split('\n')) {
      const match = /^([0-9a-f]+) ([0-9a-f]+) (.+)$/i.exec(line);
      if (match === null) continue;
      const start = Number.parseInt(match[1], 16);
      const end = start + Number.parseInt(match[2], 16);
      if (end > start) entries.push({ start, end, name: match[3] });
    }
    const starts: number[] = [];
    const ends: number[] = [];
    const names: string[] = [];
    for (const { start, end, name } of withoutOverlaps(entries)) {
      starts.push(start);
      ends.push(end);
      names.push(name);
    }
    this.#starts = starts;
    this.#ends = ends;
    this.#names = names;
  }

  /** undefined where there is no code. */
  nameAt(address: number): string | undefined {
    const at = firstAbove(this.#starts, address) - 1;
    return at >= 0 && address < this.#ends[at] ? this.#names[at] : undefined;
  }
}

interface Entry {
  readonly start: number;
  readonly end: number;
  readonly name: string;
}

/** How many of the ascending numbers are `limit` or less. */
function firstAbove(numbers: readonly number[], limit: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (numbers[middle] <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Pieces of the entries, ascending: of overlapping ones the last in the list. The memory falls into cells at all starts
 * and ends; from the last entry to the first each takes what is free of its cells, and taken ones are jumped over.
 */
function withoutOverlaps(entries: readonly Entry[]): Entry[] {
  const borders = [...new Set(entries.flatMap(({ start, end }) => [start, end]))].sort((a, b) => a - b);
  const indexOf = new Map(borders.map((border, index) => [border, index]));
  const owners = new Int32Array(borders.length).fill(-1);
  const nextFree = Int32Array.from(borders, (_, index) => index);
  const free = (cell: number): number => {
    let found = cell;
    while (nextFree[found] !== found) {
      nextFree[found] = nextFree[nextFree[found]];
      found = nextFree[found];
    }
    return found;
  };
  for (let owner = entries.length - 1; owner >= 0; owner--) {
    const end = indexOf.get(entries[owner].end) ?? 0;
    // The cell behind the last border is never taken: no entry ends behind it.
    for (let cell = free(indexOf.get(entries[owner].start) ?? 0); cell < end; cell = free(cell)) {
      owners[cell] = owner;
      nextFree[cell] = cell + 1;
    }
  }
  return [...owners.keys()].flatMap((cell) => {
    const owner = owners[cell];
    return owner < 0 ? [] : [{ start: borders[cell], end: borders[cell + 1], name: entries[owner].name }];
  });
}

/** What a server offers, in the order it was registered, cut into pages with cursors that survive changes. */
import { RingwireError, RpcError, RpcErrorCode } from '../errors.js';

interface Slot<Entry> {
  readonly sequence: number;
  readonly entry: Entry;
}

/**
 * A cursor names the last item of the page before by its place in the order of registration, so that additions and
 * removals between two pages neither repeat nor skip an item.
 */
export class Registry<Entry> {
  readonly #slots = new Map<string, Slot<Entry>>();
  readonly #what: string;
  readonly #onChange: () => void;
  #sequence = 0;

  constructor(what: string, onChange: () => void) {
    this.#what = what;
    this.#onChange = onChange;
  }

  get size(): number {
    return this.#slots.size;
  }

  /** Throws CONFIG_INVALID where the key is taken. */
  add(key: string, entry: Entry): void {
    if (this.#slots.has(key))
      throw new RingwireError('CONFIG_INVALID', `${this.#what} ${JSON.stringify(key)} is registered already`);
    this.#slots.set(key, { sequence: ++this.#sequence, entry });
    this.#onChange();
  }

  remove(key: string): boolean {
    const removed = this.#slots.delete(key);
    if (removed) this.#onChange();
    return removed;
  }

  get(key: string): Entry | undefined {
    return this.#slots.get(key)?.entry;
  }

  *[Symbol.iterator](): Generator<Entry> {
    for (const { entry } of this.#slots.values()) yield entry;
  }

  /** The entries after a cursor, at most `limit`; next is the cursor of the following page. */
  page(
    after: number,
    limit: number,
  ): { readonly entries: readonly Entry[]; readonly next: number | undefined } {
    const entries: Entry[] = [];
    let last = after;
    for (const { sequence, entry } of this.#slots.values()) {
      if (sequence <= after) continue;
      if (entries.length === limit) return { entries, next: last };
      entries.push(entry);
      last = sequence;
    }
    return { entries, next: undefined };
  }
}

/** Cursors are opaque to clients; the prefix keeps those of one list from being used with another. */
export function encodeCursor(list: string, position: number): string {
  return Buffer.from(`${list}:${position}`).toString('base64url');
}

/** Throws -32602 for a cursor that is not one of this list. */
export function decodeCursor(list: string, cursor: unknown): number {
  const text = typeof cursor === 'string' ? Buffer.from(cursor, 'base64url').toString() : '';
  const match = /^(.+):(\d{1,15})$/.exec(text);
  if (match === null || match[1] !== list)
    throw new RpcError(RpcErrorCode.InvalidParams, `params.cursor is not a cursor of ${list}`);
  return Number(match[2]);
}

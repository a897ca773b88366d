/** What a check found. `change` is the exact command, or the exact thing, that improves it. */
export interface Finding {
  readonly name: string;
  readonly status: 'ok' | 'could be better' | 'broken';
  readonly found: string;
  readonly change?: string;
}

export function ok(name: string, found: string): Finding {
  return { name, status: 'ok', found };
}

export function couldBeBetter(name: string, found: string, change: string): Finding {
  return { name, status: 'could be better', found, change };
}

export function broken(name: string, found: string, change: string): Finding {
  return { name, status: 'broken', found, change };
}

import { closestName } from '../transports/option-checks.js';

/** A command line that cannot be run. `hint` says what would be right. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

/** "Did you mean …?" where a known word is near to the mistyped one, else what `otherwise` says. */
export function suggestion(word: string, known: readonly string[], otherwise: string, prefix = ''): string {
  const near = closestName(word, known);
  return near === undefined ? otherwise : `Did you mean ${prefix}${near}?`;
}

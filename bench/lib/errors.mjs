/** A failure the user can act on: printed without a stack, exit code 1 (2 for wrong usage). */
export class BenchError extends Error {
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** The line of a program's dying words that says why, rather than where. */
export function lastWords(text) {
  const lines = text.trim().split('\n');
  return lines.findLast((line) => /^\w*Error\b/.test(line.trim()))?.trim() ?? lines.at(-1);
}

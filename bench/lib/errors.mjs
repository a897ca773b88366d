/** A failure the user can act on: printed without a stack, exit code 1 (2 for wrong usage). */
export class BenchError extends Error {
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

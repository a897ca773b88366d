/**
 * Runs a callback of the owner. What it throws is an uncaught exception of the owner, as with event listeners, and
 * does not break the connection that happened to call it.
 */
export function guarded(callback: () => void): void {
  try {
    callback();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

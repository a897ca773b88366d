/** What asks a process to end, and may be answered. */
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** Whoever sends SIGTERM sends it once: what does not end in order is ended after this. */
const graceMs = 30_000;

/**
 * Ctrl-C, or another signal that asks for the end, while something is under way: it is aborted in order first (calls are
 * cancelled at the peer, what was started or opened is ended), a second signal ends at once.
 */
export function interruptible(): { readonly signal: AbortSignal; done(): void } {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
    setTimeout(() => process.exit(130), graceMs).unref();
  };
  for (const name of signals) process.on(name, onSignal);
  return {
    signal: controller.signal,
    done: () => {
      for (const name of signals) process.off(name, onSignal);
    },
  };
}

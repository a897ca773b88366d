/** Processes that were started for a measurement and would go on without us: nobody else knows of them. */

const processes = new Set<number>();

function killAll(): void {
  for (const pid of processes)
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It is gone already.
    }
}

/**
 * Kills the process (a negative number: its group) where this one ends before the returned function is called. Not where
 * this one is killed itself.
 */
export function killAtExit(pid: number): () => void {
  if (processes.size === 0) process.on('exit', killAll);
  processes.add(pid);
  return () => {
    processes.delete(pid);
    if (processes.size === 0) process.off('exit', killAll);
  };
}

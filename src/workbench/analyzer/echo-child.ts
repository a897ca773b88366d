/**
 * An echo server in a process or a worker of its own. Its assignment is argument 2 as JSON, or the worker's data. Ends
 * with its parent; SIGTERM (a message "shutdown" to a worker) ends it in good order.
 */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import type { EchoAssignment, FromEcho } from './echo-protocol.js';
import { listenSink } from './echo-sink.js';
import { echoServer } from './echo-subjects.js';

const assignment = (isMainThread ? JSON.parse(process.argv[2] ?? '') : workerData) as EchoAssignment;
const onStdio = assignment.url === 'stdio:';
/** Calls in flight are given this long by a shutdown in good order. */
const drainTimeoutMs = 1_000;

function tell(message: FromEcho): void {
  if (isMainThread) process.send?.(message);
  else parentPort?.postMessage(message);
}

async function serve(): Promise<{ readonly url: string; close(): Promise<void> }> {
  if (assignment.role === 'sink') {
    const sink = await listenSink(assignment);
    return { url: sink.url, close: () => sink.close() };
  }
  const server = echoServer();
  const { url } = await server.listen(assignment.url, { implementation: assignment.implementation });
  return { url, close: () => server.close({ drainTimeoutMs }) };
}

try {
  const { url, close } = await serve();
  const shutdown = (): void => void close().finally(() => process.exit(0));
  if (isMainThread) {
    process.on('SIGTERM', shutdown);
    // Ctrl-C goes to the parent as well, which ends us when it is done.
    process.on('SIGINT', () => {});
    if (!onStdio) process.on('disconnect', () => process.exit(0));
  } else parentPort?.on('message', shutdown);
  tell({ kind: 'ready', url });
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  if (onStdio) process.stderr.write(`ringwire-analyzer: ${message}\n`);
  else tell({ kind: 'failed', message });
  process.exitCode = 1;
  if (isMainThread && !onStdio) process.disconnect?.();
}

/** Serving on our own stdin and stdout with the native engine. */
import { fstatSync } from 'node:fs';
import type { StdioEndpoint } from '../endpoint.js';
import type { ResolvedOptions } from '../options.js';
import { listenStdio, occupyStdio, stdioListener } from '../stdio-server.js';
import { guardStdout } from '../stdout-guard.js';
import { aborted } from '../system-errors.js';
import type { Listener, Transport } from '../transport.js';
import { NativeConnection } from './connection.js';
import { NativeEngine } from './engine.js';
import { packOptions } from './pack-options.js';
import { listenFailure } from './status.js';

/** Whether the event loop can wait for the descriptor; files and terminals are left to the twin. */
function isPipe(fd: number): boolean {
  try {
    const stats = fstatSync(fd);
    return stats.isFIFO() || stats.isSocket();
  } catch {
    return false;
  }
}

/** As listenStdio() of the twin, which serves where stdin or stdout is no pipe. */
export async function listenNativeStdio(
  endpoint: StdioEndpoint,
  options: ResolvedOptions,
  onConnection: (transport: Transport) => void,
  engine: NativeEngine = NativeEngine.shared(),
): Promise<Listener> {
  if (!isPipe(0) || !isPipe(1)) return listenStdio(endpoint, options, onConnection);
  if (options.signal?.aborted) throw aborted('Listening on stdio:', options.signal);
  const giveBack = occupyStdio();
  const guard = guardStdout(process.stdout, process.stderr);
  const index = engine.native.openFds(0, 1, packOptions(options));
  const release = (): void => {
    guard.restore();
    giveBack();
  };
  if (index < 0) {
    release();
    throw listenFailure(index, 'stdio:');
  }
  const transport = new NativeConnection({
    engine,
    index,
    generation: engine.native.generation(index),
    kind: 'stdio',
    url: 'stdio:',
    options,
    peer: { kind: 'stdio', pid: process.ppid },
    onGone: release,
  });
  // Not before the caller holds the listener.
  process.nextTick(onConnection, transport);
  return stdioListener();
}

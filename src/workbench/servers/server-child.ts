/** A measured server, in a process of its own. Its argument is a ServerAssignment as JSON. Ends with its parent. */
import { rmSync } from 'node:fs';
import { addon } from '../../binding/addon.js';
import { RingwireError } from '../../errors.js';
import type { HttpOptions } from '../../transports/http/http-options.js';
import type { Implementation } from '../../transports/transport.js';
import { type FromServer, measuredFrameBytes, type ServerAssignment, type ToServer } from './protocol.js';
import { measuredSubjects } from './subjects.js';
import { UsageMeter } from './usage-meter.js';

const assignment = JSON.parse(process.argv[2] ?? '') as ServerAssignment;
const onStdio = assignment.url === 'stdio:';

function tell(message: FromServer): void {
  if (process.send !== undefined) process.send(message);
  else if (!onStdio) process.stdout.write(`${JSON.stringify(message)}\n`);
}

function end(code = 0): never {
  if (assignment.folder !== undefined) rmSync(assignment.folder, { recursive: true, force: true });
  process.exit(code);
}

/** What serves the connections in fact. */
let used: Implementation | undefined;
let engine: 'uws' | 'node' | undefined;

function httpOptions(): { readonly http?: HttpOptions } {
  if (!/^(http|ws):/.test(assignment.url)) return {};
  return { http: { engine: assignment.engine, ...(assignment.http2 === true ? { http2: true } : {}) } };
}

async function serve(): Promise<string> {
  const server = measuredSubjects(({ transport }) => {
    used ??= transport.implementation;
  }, assignment.encodings);
  const listener = await server.warmUp().listen(assignment.url, {
    implementation: assignment.implementation,
    profile: assignment.profile,
    // Who measures decides how many and how large: the limits of production are not what is measured.
    maxConnections: 100_000,
    maxFrameBytes: measuredFrameBytes,
    ...httpOptions(),
  });
  if ('engine' in listener) engine = listener.engine as 'uws' | 'node';
  return listener.url;
}

// Ctrl-C goes to the parent as well, which still wants to ask and to report; it ends us when it is done.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => end());
if (!onStdio) process.on('disconnect', () => end());
// The parent ended while this module was being loaded.
if (process.connected === false) end();

try {
  const meter = onStdio ? undefined : new UsageMeter();
  process.on('message', ({ id }: ToServer) => {
    if (meter === undefined) return;
    const isNative = used === 'native' || (used === undefined && assignment.implementation !== 'twin');
    const simd = isNative ? addon()?.buildInfo().simd : undefined;
    tell({ kind: 'usage', id, usage: { ...meter.read(), implementation: used, engine, simd } });
  });
  tell({ kind: 'ready', url: await serve() });
} catch (error) {
  const code = error instanceof RingwireError ? error.code : 'INTERNAL';
  const message = error instanceof Error ? error.message : String(error);
  if (onStdio) process.stderr.write(`ringwire-bench: ${message} (${code})\n`);
  else tell({ kind: 'failed', code, message });
  // Gives the message the time to leave.
  if (process.send === undefined) end(1);
  else process.disconnect();
}

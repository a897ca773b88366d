/** What this process uses. */
import type { ServerUsage } from '../servers/protocol.js';
import { UsageMeter } from '../servers/usage-meter.js';

/** Of the server's process, and which one it is. */
export interface EchoUsage extends ServerUsage {
  readonly pid: number;
}

/** One of a process: in memory, servers come and go within it. Made when it is first asked for. */
let meter: UsageMeter | undefined;

export function ownUsage(): EchoUsage {
  meter ??= new UsageMeter();
  return { ...meter.read(), pid: process.pid };
}

/**
 * A probe of another Node.js process from inside of it: SIGUSR1 has Node.js open its inspector on the loopback, through
 * which a sampler is put into the process; both are taken away again in the end.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { RingwireError } from '../../errors.js';
import { type ProcessTotals, readingBetween } from '../../observability/process-totals.js';
import {
  injectedSampler,
  removeSampler,
  type TakenSample,
  TakenTotals,
  takeSample,
} from './injected-sampler.js';
import { Inspector, type InspectorTarget, listTargets } from './inspector.js';
import type { Probe, Reading } from './probe.js';
import { noProcess, procProbe, procTotals } from './process-probes.js';

const openTimeoutMs = 5_000;
const closeTimeoutMs = 2_000;
const pollMs = 25;
/** Where Node.js opens it unless --inspect-port says otherwise. */
const defaultPort = 9229;
/** SIGUSR1 is number 10 wherever /proc is: bit 9 of the mask. */
const sigusr1 = 1n << 9n;

export function attachProbe(pid: number): Probe {
  const outside = procProbe(pid);
  const inside = new TakenTotals();
  let inspector: Inspector | undefined;
  let wasOpen = false;
  let port = 0;
  let last: ProcessTotals | undefined;
  const take = async (): Promise<ProcessTotals | undefined> => {
    const found = procTotals(pid);
    if (found === undefined || inspector === undefined) return undefined;
    const taken = (await inspector.evaluate(takeSample)) as TakenSample | undefined;
    return taken === undefined ? undefined : { ...found, ...inside.add(taken) };
  };
  return {
    name: outside.name,
    async start() {
      await outside.start();
      const opened = await openInspector(pid);
      wasOpen = opened.wasOpen;
      port = opened.port;
      inspector = await Inspector.connect(opened.target.webSocketDebuggerUrl);
      await inspector.evaluate(injectedSampler);
      last = await take();
    },
    async read(): Promise<Reading | undefined> {
      const before = last;
      const after = await take().catch((error: unknown) => {
        if (procTotals(pid) === undefined || isEnding(error)) return undefined;
        throw error;
      });
      if (before === undefined || after === undefined) return undefined;
      last = after;
      return { process: readingBetween(before, after) };
    },
    async stop() {
      const open = inspector;
      inspector = undefined;
      if (open === undefined) return;
      // Where the process has ended there is nothing to take away.
      await open.evaluate(removeSampler(!wasOpen)).catch(() => undefined);
      await open.close();
      if (!wasOpen) await closed(pid, port);
    },
  };
}

/** It wants to end, and waits for us to let go of it: there is nothing left that could be evaluated in. */
function isEnding(error: unknown): boolean {
  return error instanceof RingwireError && /Cannot find (?:default execution )?context/.test(error.message);
}

export async function openInspector(
  pid: number,
): Promise<{ readonly target: InspectorTarget; readonly port: number; readonly wasOpen: boolean }> {
  checkNode(pid);
  const ports = listeningPorts(pid);
  const already = await targetAt(ports.filter((port) => port === defaultPort));
  if (already !== undefined) return { ...already, wasOpen: true };
  process.kill(pid, 'SIGUSR1');
  for (let waited = 0; waited < openTimeoutMs; waited += pollMs) {
    await delay(pollMs);
    // Its other ports belong to what it serves, which is not to be asked for an inspector.
    const found = await targetAt(listeningPorts(pid).filter((port) => !ports.includes(port)));
    if (found !== undefined) return { ...found, wasOpen: false };
  }
  throw new RingwireError(
    'DEADLINE_EXCEEDED',
    `Process ${pid} opened no inspector within ${openTimeoutMs / 1_000} s of SIGUSR1: its event loop is blocked, or port ${defaultPort} is taken by another process.`,
  );
}

/** So that whoever attaches next does not take the one that is about to close. */
async function closed(pid: number, port: number): Promise<void> {
  for (let waited = 0; waited < closeTimeoutMs && listeningPorts(pid).includes(port); waited += pollMs)
    await delay(pollMs);
}

async function targetAt(
  ports: readonly number[],
): Promise<{ readonly target: InspectorTarget; readonly port: number } | undefined> {
  for (const port of ports) {
    const [target] = await listTargets(port);
    if (target !== undefined) return { target, port };
  }
  return undefined;
}

/** SIGUSR1 ends a process that does not expect it. */
function checkNode(pid: number): void {
  let caught = 0n;
  let program = '';
  try {
    program = readlinkSync(`/proc/${pid}/exe`);
    const mask = /^SigCgt:\s+([0-9a-f]+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
    caught = BigInt(`0x${mask ?? '0'}`);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EACCES') throw noProcess(pid);
    throw new RingwireError('CONFIG_INVALID', `Process ${pid} belongs to another user.`, { cause });
  }
  if ((caught & sigusr1) === 0n)
    throw new RingwireError(
      'CONFIG_INVALID',
      `Process ${pid} (${program}) is no Node.js process that can be attached to: SIGUSR1 would end it.`,
    );
}

/** Of the process itself: the inspector's need not be 9229. */
function listeningPorts(pid: number): readonly number[] {
  const sockets = new Set<string>();
  const ports = new Set<number>();
  try {
    for (const name of readdirSync(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${name}`))?.[1];
      if (inode !== undefined) sockets.add(inode);
    }
    for (const family of ['tcp', 'tcp6']) {
      const lines = readFileSync(`/proc/${pid}/net/${family}`, 'latin1').trim().split('\n').slice(1);
      for (const line of lines) {
        const fields = line.trim().split(/\s+/);
        const isListening = fields[3] === '0A';
        if (isListening && sockets.has(fields[9])) ports.add(Number.parseInt(fields[1].split(':')[1], 16));
      }
    }
  } catch {
    // It ended meanwhile, or is another user's: checkNode() says so.
  }
  return [...ports];
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

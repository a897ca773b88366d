/** Starts what is recorded in the way its engine wants. */
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { RingwireError } from '../../errors.js';
import type { LoadTarget } from '../load/load-plan.js';
import { allowedCores } from '../machine.js';
import {
  type MeasuredServerOptions,
  measuredServerCommand,
  startMeasuredServer,
} from '../servers/measured-server.js';
import type { Engine } from './engine.js';
import { StartedProcess, startServerUnder } from './started-process.js';

export interface Launched {
  /** Undefined where somebody else starts the process. */
  readonly pid: number | undefined;
  /** Where the process writes its pid then, once it is started. */
  readonly pidFile?: string;
  /** What can be loaded. */
  readonly target: LoadTarget | undefined;
  /** The same without the engine, for what is asked before the load: each asking starts a process. Of stdio alone. */
  readonly asked?: LoadTarget;
  /** The core the generator may have for itself. */
  readonly generatorCore?: number;
  /** Resolves when the process ended by itself. */
  readonly ended: Promise<void>;
  /** Ends what was started. */
  stop(): Promise<void>;
}

const never = new Promise<never>(() => {});
const readyTimeoutMs = 10_000;

/** Whoever starts this has node in its place, and its pid in the file. */
function tellingPid(file: string, command: readonly string[]): readonly string[] {
  if (process.platform === 'win32') return command;
  return ['/bin/sh', '-c', 'echo $$ > "$0" && exec "$@"', file, ...command];
}

export async function launchServer(
  options: MeasuredServerOptions,
  engine: Engine,
  folder: string,
): Promise<Launched> {
  const { nodeFlags } = engine;
  const [serverCore, generatorCore] = allowedCores();
  if (options.transport === 'stdio') {
    const { command } = await measuredServerCommand({ ...options, nodeFlags });
    const pidFile = join(folder, 'pid');
    return {
      pid: undefined,
      pidFile,
      target: { command: tellingPid(pidFile, command) },
      asked: { command: (await measuredServerCommand(options)).command },
      ended: never,
      stop: () => rm(pidFile, { force: true }),
    };
  }
  if (engine.runner !== undefined) {
    const server = await startServerUnder(
      engine.runner,
      await measuredServerCommand({ ...options, nodeFlags }),
    );
    const http2 = options.transport === 'http2' ? { http2: true } : {};
    return { pid: undefined, target: { url: server.url, ...http2 }, ended: never, stop: () => server.stop() };
  }
  const core = generatorCore === undefined ? undefined : serverCore;
  const { target, pid, stop } = await startMeasuredServer({ ...options, nodeFlags, core });
  return { pid, target, ended: never, stop, ...(core === undefined ? {} : { generatorCore }) };
}

export async function launchCommand(
  command: readonly [string, ...string[]],
  engine: Engine,
  target: LoadTarget | undefined,
): Promise<Launched> {
  const [program, ...args] = command;
  const runner = engine.runner ?? [];
  const words = [...runner, program, ...engine.nodeFlags, ...args] as [string, ...string[]];
  const started = new StartedProcess({ command: words, isGroup: runner.length > 0, signal: 'SIGINT' });
  try {
    const pid = await started.started();
    // The pid of a runner is not that of the process.
    if (runner.length === 0) await nodeReady(pid, started);
    const known = runner.length === 0 ? pid : undefined;
    return { pid: known, target, ended: started.exited, stop: async () => void (await started.stop()) };
  } catch (error) {
    await started.stop();
    throw error;
  }
}

/** Whether the words are a command of Node.js, which takes flags behind its name. */
export function isNodeCommand([program]: readonly string[]): boolean {
  return (
    program !== undefined &&
    (program === process.execPath || /^node(?:js)?(?:\.exe)?$/.test(basename(program)))
  );
}

/** SIGUSR1 ends a process in which Node.js has not come so far as to expect it. /proc says when it has. */
async function nodeReady(pid: number, started: StartedProcess): Promise<void> {
  if (process.platform !== 'linux') return;
  for (let waited = 0; waited < readyTimeoutMs && started.isRunning; waited += 10) {
    try {
      const caught = /^SigCgt:\s+([0-9a-f]+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
      if ((BigInt(`0x${caught ?? '0'}`) & (1n << 9n)) !== 0n) return;
    } catch {
      // It is gone; the recording says so.
      return;
    }
    await delay(10);
  }
  if (started.isRunning)
    throw new RingwireError(
      'CONFIG_INVALID',
      `Process ${pid} did not become a Node.js process within ${readyTimeoutMs / 1_000} s.`,
    );
}

/** A process that is started to be recorded, and ended when that is done. */
import { type ChildProcess, spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { RingwireError } from '../../errors.js';
import { killAtExit } from '../kill-at-exit.js';
import type { ServerCommand } from '../servers/measured-server.js';
import type { FromServer } from '../servers/protocol.js';

/** A process that wanted to end and did not is killed after this: its profile is lost then. */
const exitGraceMs = 20_000;

export interface ProcessStart {
  readonly command: readonly [string, ...string[]];
  /** The first word is a profiler that starts the process: both get the signal, as from a terminal. */
  readonly isGroup: boolean;
  readonly signal: 'SIGINT' | 'SIGTERM';
  /** 'pipe': the caller reads what it writes. Default: it goes to our stderr, our stdout is for results. */
  readonly stdout?: 'pipe';
}

export class StartedProcess {
  readonly child: ChildProcess;
  /** Resolves when it is gone. */
  readonly exited: Promise<void>;
  readonly #start: ProcessStart;
  #killed = false;

  constructor(start: ProcessStart) {
    const [program, ...args] = start.command;
    this.#start = start;
    this.child = spawn(program, args, {
      stdio: start.stdout === 'pipe' ? ['ignore', 'pipe', 2] : ['inherit', 2, 2],
      detached: start.isGroup,
    });
    const { pid } = this.child;
    if (pid !== undefined) this.child.once('exit', killAtExit(start.isGroup ? -pid : pid));
    this.exited = new Promise((resolve) => {
      this.child.once('exit', () => resolve());
      this.child.once('error', () => resolve());
    });
  }

  /** Rejects with IO_ERROR where the program cannot be started. */
  async started(): Promise<number> {
    const { child } = this;
    if (child.pid !== undefined) return child.pid;
    return new Promise((_resolve, reject) => {
      child.once('error', (cause) => {
        const message = `${this.#start.command[0]} could not be started: ${cause.message}.`;
        reject(new RingwireError('IO_ERROR', message, { cause }));
      });
    });
  }

  get isRunning(): boolean {
    return this.child.pid !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Whether it had to be killed. Idempotent. */
  async stop(): Promise<boolean> {
    if (this.isRunning) {
      this.#signal(this.#start.signal);
      const grace = new AbortController();
      const timer = delay(exitGraceMs, undefined, { signal: grace.signal, ref: false }).then(
        () => {
          this.#killed = true;
          this.#signal('SIGKILL');
        },
        () => undefined,
      );
      await this.exited;
      grace.abort();
      await timer;
    }
    return this.#killed;
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.child;
    if (pid === undefined) return;
    try {
      process.kill(this.#start.isGroup ? -pid : pid, signal);
    } catch {
      // It ended by itself meanwhile.
    }
  }
}

/** Starts a measured server below a profiler and waits for its address. */
export async function startServerUnder(
  runner: readonly string[],
  { command, folder }: ServerCommand,
): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const server = new StartedProcess({
    command: [...runner, ...command] as [string, ...string[]],
    isGroup: true,
    signal: 'SIGINT',
    stdout: 'pipe',
  });
  const stop = async (): Promise<void> => {
    await server.stop();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  };
  const url = new Promise<string>((resolve, reject) => {
    const { stdout } = server.child;
    if (stdout !== null)
      createInterface({ input: stdout }).on('line', (line) => {
        const message = messageOf(line);
        if (message?.kind === 'ready') resolve(message.url);
        if (message?.kind === 'failed') reject(new RingwireError('CHILD_EXITED', message.message));
      });
    void server.exited.then(() =>
      reject(new RingwireError('CHILD_EXITED', 'The measured server ended before it told its address.')),
    );
  });
  try {
    await server.started();
    return { url: await url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Profilers write to the same stdout. */
function messageOf(line: string): FromServer | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as FromServer;
  } catch {
    return undefined;
  }
}

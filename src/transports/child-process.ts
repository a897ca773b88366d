/** A child process of its own group, and how it is ended: with its whole group, and never leaving a zombie. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { RingwireError } from '../errors.js';
import type { ChildEndpoint } from './endpoint.js';

/** What a child inherits; everything else (tokens, cloud credentials) it gets only if it is named in `env`. */
const inheritedVariables = ['PATH', 'HOME', 'USER', 'LANG', 'TERM', 'SHELL', 'TMPDIR', 'LOGNAME'];

export interface ChildExit {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** stdin and stdout are streams of ours unless descriptors were given for them. */
export type Child = ChildProcessByStdio<Writable | null, Readable | null, Readable>;

/** Groups to kill when this process exits without having closed them. */
const living = new Set<ChildGroup>();

function killLiving(): void {
  for (const group of living) group.signal('SIGKILL');
}

export class ChildGroup {
  readonly process: Child;
  readonly pid: number;
  /** Resolves when the child itself is gone; its descendants may live on. */
  readonly exited: Promise<ChildExit>;
  exit: ChildExit | undefined;

  constructor(child: Child, pid: number) {
    this.process = child;
    this.pid = pid;
    this.exited = new Promise((resolve) => {
      child.once('exit', (exitCode, signal) => {
        this.exit = { exitCode, signal };
        resolve(this.exit);
      });
    });
    if (living.size === 0) process.on('exit', killLiving);
    living.add(this);
  }

  /** Signals the whole group; a group that is gone is no error. */
  signal(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.pid, signal);
    } catch {
      // ESRCH: nobody left. EPERM: what is left is no longer ours.
    }
  }

  /** SIGTERM, then SIGKILL to the group; resolves when the child is gone. */
  async terminate(graceMs: number): Promise<void> {
    if (await this.exitsWithin(graceMs)) return;
    this.signal('SIGTERM');
    if (await this.exitsWithin(graceMs)) return;
    this.signal('SIGKILL');
    await this.exited;
  }

  /** Kills what is left of the group and forgets it. */
  reap(): void {
    this.signal('SIGKILL');
    living.delete(this);
    if (living.size === 0) process.removeListener('exit', killLiving);
  }

  exitsWithin(timeoutMs: number): Promise<boolean> {
    if (this.exit !== undefined) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs, false);
      void this.exited.then(() => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }
}

/** Starts the child without a shell, in a group of its own, on pipes or on descriptors that the caller closes. */
export function spawnChild(
  endpoint: ChildEndpoint,
  [stdin, stdout]: readonly [number | 'pipe', number | 'pipe'] = ['pipe', 'pipe'],
): Promise<ChildGroup> {
  const child = spawn(endpoint.command, endpoint.args, {
    cwd: endpoint.cwd,
    env: childEnvironment(endpoint.env),
    stdio: [stdin, stdout, 'pipe'],
    detached: true,
    shell: false,
  }) as Child;
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy();
      reject(spawnError(error, endpoint));
    });
    child.once('spawn', () => resolve(new ChildGroup(child, child.pid!)));
  });
}

function childEnvironment(given: Readonly<Record<string, string>> = {}): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const name of inheritedVariables) {
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  return { ...environment, ...given };
}

function spawnError(cause: NodeJS.ErrnoException, { command, cwd }: ChildEndpoint): RingwireError {
  if (cwd !== undefined && !existsSync(cwd)) {
    return new RingwireError(
      'CONFIG_INVALID',
      `The working directory "${cwd}" of "${command}" does not exist.`,
      { cause },
    );
  }
  if (cause.code === 'ENOENT') {
    const where = command.includes('/') ? 'does not exist' : 'was not found on PATH';
    return new RingwireError('CONFIG_INVALID', `The command "${command}" ${where}.`, { cause });
  }
  if (cause.code === 'EACCES') {
    return new RingwireError('CONFIG_INVALID', `The command "${command}" is not executable.`, { cause });
  }
  return new RingwireError('IO_ERROR', `The command "${command}" could not be started: ${cause.message}.`, {
    cause,
  });
}

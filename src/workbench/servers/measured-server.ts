/** Starts servers to be measured, each in a process of its own, with the same subjects on every transport. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../../binding/package-root.js';
import { type ErrorCode, errorKinds, RingwireError } from '../../errors.js';
import type { LoadTarget } from '../load/load-plan.js';
import type {
  FromServer,
  MeasuredServerOptions,
  MeasuredTransport,
  ServerAssignment,
  ServerUsage,
  ToServer,
} from './protocol.js';

export {
  type MeasuredServerOptions,
  type MeasuredTransport,
  measuredTransports,
  type ServerUsage,
} from './protocol.js';

/** A server that wanted to end and did not is killed after this. */
const exitGraceMs = 2_000;

export interface MeasuredServer {
  readonly transport: MeasuredTransport;
  /** What a load generator is given. Of stdio it is a command: whoever connects starts the process. */
  readonly target: LoadTarget;
  /** Undefined on stdio. */
  readonly pid: number | undefined;
  /** What the process used; undefined on stdio, where it is not ours. Rejects with CHILD_EXITED where it is gone. */
  usage(): Promise<ServerUsage | undefined>;
  /** Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts a server with the subjects of measuredSubjects(). It ends with this process at the latest. Rejects with
 * CONFIG_INVALID for a combination that cannot be, ADDON_UNAVAILABLE or ENGINE_UNAVAILABLE where what was asked for is
 * not there, CHILD_EXITED where the process died.
 */
export async function startMeasuredServer(options: MeasuredServerOptions): Promise<MeasuredServer> {
  const { transport } = options;
  const start = await measuredServerCommand(options);
  if (transport === 'stdio') return onStdio(start.command);
  const child = new ServerProcess(start, options.core);
  try {
    const url = await child.ready;
    const target: LoadTarget = transport === 'http2' ? { url, http2: true } : { url };
    return { transport, target, pid: child.pid, usage: () => child.usage(), stop: () => child.stop() };
  } catch (error) {
    await child.stop();
    throw error;
  }
}

export interface ServerCommand {
  readonly command: readonly [string, ...string[]];
  /** To be removed when the process has ended. */
  readonly folder?: string;
}

/**
 * The command that startMeasuredServer() runs, for whoever has to start it in another way. Without an IPC channel the
 * server writes what it has to say to stdout, a line of JSON each, and ends by SIGTERM alone.
 */
export async function measuredServerCommand(options: MeasuredServerOptions): Promise<ServerCommand> {
  check(options);
  const { transport, implementation, engine, profile, encodings, nodeFlags = [] } = options;
  const folder = transport === 'unix' ? await mkdtemp(join(tmpdir(), 'ringwire-bench-')) : undefined;
  const assignment: ServerAssignment = {
    url: listenUrl(transport, folder),
    implementation,
    engine: transport === 'http2' ? 'node' : engine,
    profile,
    encodings,
    ...(transport === 'http2' ? { http2: true } : {}),
    ...(folder === undefined ? {} : { folder }),
  };
  const script = fileURLToPath(new URL('dist/workbench/servers/server-child.js', packageRoot));
  const command = [process.execPath, ...nodeFlags, script, JSON.stringify(assignment)] as const;
  return { command, ...(folder === undefined ? {} : { folder }) };
}

function check({ transport, engine }: MeasuredServerOptions): void {
  if (engine === undefined || engine === 'auto') return;
  if (transport === 'http2' && engine === 'uws')
    throw new RingwireError('CONFIG_INVALID', 'The engine "uws" serves no HTTP/2; "node" does.');
  if (transport !== 'http' && transport !== 'http2' && transport !== 'ws')
    throw new RingwireError(
      'CONFIG_INVALID',
      `${transport} has no HTTP engine; "engine" goes with http, http2 and ws.`,
    );
}

function listenUrl(transport: MeasuredTransport, folder: string | undefined): string {
  if (transport === 'stdio') return 'stdio:';
  if (transport === 'tcp') return 'tcp://127.0.0.1:0';
  if (transport === 'unix') return `unix:${join(folder ?? '', 'bench.sock')}`;
  return `${transport === 'ws' ? 'ws' : 'http'}://127.0.0.1:0/mcp`;
}

function onStdio(command: readonly string[]): MeasuredServer {
  return {
    transport: 'stdio',
    target: { command },
    pid: undefined,
    usage: () => Promise.resolve(undefined),
    stop: () => Promise.resolve(),
  };
}

/** `taskset -c CORE` before the command, where it can be had. */
function pinned(
  command: readonly [string, ...string[]],
  core: number | undefined,
): readonly [string, ...string[]] {
  if (core === undefined || process.platform !== 'linux') return command;
  const found = (process.env.PATH ?? '')
    .split(delimiter)
    .some((folder) => folder !== '' && existsSync(join(folder, 'taskset')));
  return found ? ['taskset', '-c', String(core), ...command] : command;
}

class ServerProcess {
  readonly ready: Promise<string>;
  readonly #child: ChildProcess;
  readonly #folder: string | undefined;
  readonly #exited: Promise<void>;
  readonly #asked = new Map<number, (usage: ServerUsage) => void>();
  #nextId = 0;
  #stopping: Promise<void> | undefined;

  constructor(start: ServerCommand, core: number | undefined) {
    const [command, ...args] = pinned(start.command, core);
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#child = child;
    this.#folder = start.folder;
    this.#exited = new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
    this.ready = new Promise((resolve, reject) => {
      child.on('message', (message: FromServer) => {
        if (message.kind === 'usage') this.#asked.get(message.id)?.(message.usage);
        else if (message.kind === 'ready') resolve(message.url);
        else reject(failure(message.code, message.message));
      });
      child.once('error', (cause) =>
        reject(new RingwireError('IO_ERROR', 'The measured server could not be started.', { cause })),
      );
      child.once('exit', (code, signal) => reject(ended(signal ?? `exit code ${code}`)));
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  async usage(): Promise<ServerUsage> {
    const id = this.#nextId++;
    const gone = this.#exited.then((): never => {
      throw ended('it is gone');
    });
    try {
      return await Promise.race([gone, this.#ask(id)]);
    } finally {
      this.#asked.delete(id);
    }
  }

  #ask(id: number): Promise<ServerUsage> {
    return new Promise((resolve) => {
      this.#asked.set(id, resolve);
      const question: ToServer = { kind: 'usage', id };
      // A channel that is closed is told of by 'exit'.
      this.#child.send(question, () => {});
    });
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const child = this.#child;
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), exitGraceMs);
    await this.#exited;
    clearTimeout(timer);
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }
}

function ended(how: string): RingwireError {
  return new RingwireError('CHILD_EXITED', `The measured server ended early (${how}).`);
}

function failure(code: string, message: string): RingwireError {
  return new RingwireError(Object.hasOwn(errorKinds, code) ? (code as ErrorCode) : 'INTERNAL', message);
}

/** Starts what is analyzed: an echo server behind any transport, in a process of its own wherever there can be one. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../../binding/package-root.js';
import { RingwireError } from '../../errors.js';
import type { ChildCommand } from '../../transports/endpoint.js';
import { freePort } from '../../transports/http/uws/bind.js';
import type { EchoAssignment, FromEcho } from './echo-protocol.js';
import { listenSink } from './echo-sink.js';
import { echoServer } from './echo-subjects.js';
import type { AnalyzedTransport } from './transports.js';

/** A server that wanted to end and did not is killed after this. */
const exitGraceMs = 2_000;

export const echoScript = fileURLToPath(new URL('dist/workbench/analyzer/echo-child.js', packageRoot));

export interface EchoServerOptions {
  readonly implementation?: EchoAssignment['implementation'];
  readonly role?: EchoAssignment['role'];
  readonly readBytesPerSecond?: number;
  /** Of Node. */
  readonly execArgv?: readonly string[];
}

export interface EchoServer {
  readonly transport: AnalyzedTransport;
  /** What connect() is given. Of stdio it is a command: each connection is a process of its own. */
  readonly target: string | ChildCommand;
  /** Undefined on stdio and in memory, where nothing was started. */
  readonly pid: number | undefined;
  /** Undefined on stdio and in memory. Resolves when the process is gone. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** As kill(), for signals that do not end the process. */
  signal(signal: NodeJS.Signals): void;
  /** Starts the process again, at the same address, after it has ended. */
  start(): Promise<void>;
  /** Idempotent. */
  stop(): Promise<void>;
}

let memoryServers = 0;

/** Rejects with CHILD_EXITED where the process died before it was ready. */
export async function startEchoServer(
  transport: AnalyzedTransport,
  { role = 'echo', execArgv = [], ...more }: EchoServerOptions = {},
): Promise<EchoServer> {
  if (transport === 'memory') return inMemory({ url: `memory:analyzer-${memoryServers++}`, role, ...more });
  if (transport === 'stdio') return onStdio({ url: 'stdio:', role, ...more }, execArgv);
  const folder = transport === 'unix' ? await mkdtemp(join(tmpdir(), 'ringwire-')) : undefined;
  const server = new EchoProcess(
    transport,
    { url: await urlOf(transport, folder), role, ...more },
    execArgv,
    folder,
  );
  try {
    await server.start();
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function urlOf(transport: 'tcp' | 'unix' | 'http' | 'ws', folder: string | undefined): Promise<string> {
  if (transport === 'unix') return `unix:${join(folder ?? '', 'echo.sock')}`;
  if (transport === 'tcp') return 'tcp://127.0.0.1:0';
  // uWebSockets.js sets SO_REUSEADDR for ports that are named only: one the kernel chose could not be bound again by a
  // server that is restarted while its old connections are in TIME_WAIT.
  const url = `${transport}://127.0.0.1`;
  return `${url}:${await freePort('127.0.0.1', 0, url)}/mcp`;
}

const nothing = {
  pid: undefined,
  kill: () => Promise.resolve(),
  signal: () => {},
  start: () => Promise.resolve(),
};

function onStdio(assignment: EchoAssignment, execArgv: readonly string[]): EchoServer {
  const target = { command: process.execPath, args: [...execArgv, echoScript, JSON.stringify(assignment)] };
  return { transport: 'stdio', target, ...nothing, stop: () => Promise.resolve() };
}

async function inMemory(assignment: EchoAssignment): Promise<EchoServer> {
  const { url } = assignment;
  if (assignment.role === 'sink') {
    const sink = await listenSink(assignment);
    return { transport: 'memory', target: url, ...nothing, stop: () => sink.close() };
  }
  const server = echoServer();
  await server.listen(url);
  return { transport: 'memory', target: url, ...nothing, stop: () => server.close({ drainTimeoutMs: 0 }) };
}

class EchoProcess implements EchoServer {
  readonly transport: AnalyzedTransport;
  #target: string;
  #assignment: EchoAssignment;
  readonly #execArgv: readonly string[];
  readonly #folder: string | undefined;
  #child: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();

  constructor(
    transport: AnalyzedTransport,
    assignment: EchoAssignment,
    execArgv: readonly string[],
    folder: string | undefined,
  ) {
    this.transport = transport;
    this.#assignment = assignment;
    this.#target = assignment.url;
    this.#execArgv = execArgv;
    this.#folder = folder;
  }

  get target(): string {
    return this.#target;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  async start(): Promise<void> {
    const child = spawn(process.execPath, [...this.#execArgv, echoScript, JSON.stringify(this.#assignment)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#child = child;
    this.#exited = new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
    this.#target = await readiness(child);
    // Whoever starts it again finds it at the port it had.
    this.#assignment = { ...this.#assignment, url: this.#target };
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    this.#child?.kill(signal);
    await this.#exited;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child !== undefined) {
      // One that was stopped does not hear SIGTERM before it goes on.
      child.kill('SIGCONT');
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), exitGraceMs);
      await this.#exited;
      clearTimeout(timer);
    }
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }
}

function readiness(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const died = (how: string): RingwireError =>
      new RingwireError('CHILD_EXITED', `The analyzed server ended before it was ready (${how}).`);
    child.once('error', ({ message }) => reject(died(message)));
    child.once('exit', (code, signal) => reject(died(signal ?? `exit code ${code}`)));
    child.once('message', (message: FromEcho) => {
      if (message.kind === 'ready') resolve(message.url);
      else reject(new RingwireError('IO_ERROR', `The analyzed server did not start: ${message.message}`));
    });
  });
}

/** Linux perf: native and kernel frames beside those of JavaScript, with next to no cost for the process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { PerfMap } from '../../analysis/flame/perf-map.js';
import { type MappedName, PerfScriptParser } from '../../analysis/flame/perf-script.js';
import { RingwireError } from '../../errors.js';
import { killAtExit } from '../kill-at-exit.js';
import type { Collected, Engine, EngineOptions } from './engine.js';
import { endOf, findProgram, runLines, type ToolEnd } from './run-tool.js';

/** V8 tells perf the names of what it compiles, in a file for each process. */
const nodeFlags = [
  '--perf-basic-prof',
  '--interpreted-frames-native-stack',
  // The second flag also writes V8's own log, which nobody reads: into a file that has no name.
  '--no-logfile-per-isolate',
  '--logfile=+',
];

/** It attaches first and samples when it is told to, so that the recording has its beginning where it is wanted. */
const [controlPipe, answerPipe] = [3, 4];
const controlled = ['-D', '-1', '--control', `fd:${controlPipe},${answerPipe}`];

export function perfMap(pid: number): string {
  return `/tmp/perf-${pid}.map`;
}

function paranoia(): string {
  try {
    return readFileSync('/proc/sys/kernel/perf_event_paranoid', 'latin1').trim();
  } catch {
    return 'unknown';
  }
}

/** Why perf cannot record here, with what would change it; undefined where it can. */
export async function perfProblem(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'perf is of Linux alone';
  const program = findProgram('perf');
  if (program === undefined) return 'perf is not installed (Debian: apt install linux-perf)';
  const folder = await mkdtemp(join(tmpdir(), 'ringwire-perf-'));
  try {
    const args = ['record', '-q', '-g', '-N', '-o', join(folder, 'perf.data'), ...controlled, '--', 'true'];
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'] });
    (child.stdio[answerPipe] as Readable).resume();
    const { code, errors } = await endOf(child, 'perf');
    if (code === 0) return undefined;
    const level = paranoia();
    if (Number(level) > 2)
      return `kernel.perf_event_paranoid is ${level}; sudo sysctl kernel.perf_event_paranoid=1`;
    return `perf record fails: ${errors.split('\n')[0] || `exit code ${code}`}`;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Reads each map once. */
function mappedNames(): MappedName {
  const maps = new Map<string, PerfMap | undefined>();
  return (path, address) => {
    if (!maps.has(path)) maps.set(path, readMap(path));
    return maps.get(path)?.nameAt(address);
  };
}

function readMap(path: string): PerfMap | undefined {
  try {
    return new PerfMap(readFileSync(path, 'utf8'));
  } catch {
    // Gone, or of somebody else: perf names what it can.
    return undefined;
  }
}

export class PerfEngine implements Engine {
  readonly name = 'perf';
  readonly nodeFlags = nodeFlags;
  readonly #data: string;
  readonly #record: readonly string[];
  #perf: ChildProcess | undefined;
  #end: Promise<ToolEnd> | undefined;
  #pid: number | undefined;
  readonly #ownsProcess: boolean;

  /** `ownsProcess`: it was started for us, with our flags, and its leftovers are ours to remove. */
  constructor({ folder, hertz }: EngineOptions, ownsProcess: boolean) {
    this.#data = join(folder, 'perf.data');
    // -N: it would copy every binary, node's 120 MB first of all, below ~/.debug.
    this.#record = ['record', '-q', '-g', '-N', '-F', String(hertz), '-o', this.#data];
    this.#ownsProcess = ownsProcess;
  }

  /** As late as can be: of pages that become executable between this and 'enable' perf is told nothing. */
  async #attach(pid: number): Promise<void> {
    this.#pid = pid;
    // A group of its own: Ctrl-C is for us, who end the recording in order.
    const perf = spawn(findProgram('perf') ?? 'perf', [...this.#record, ...controlled, '-p', String(pid)], {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
      detached: true,
    });
    this.#perf = perf;
    if (perf.pid !== undefined) perf.once('exit', killAtExit(perf.pid));
    this.#end = endOf(perf, 'perf');
    // A perf that is gone is told by its end.
    perf.stdio[controlPipe]?.on('error', () => {});
    (perf.stdio[answerPipe] as Readable).resume();
    // Once it answers it is attached.
    await this.#tell('ping');
  }

  async start(pid: number | undefined): Promise<void> {
    if (pid === undefined) return;
    await this.#attach(pid);
    await this.#tell('enable');
  }

  /** Resolves when perf has done it. */
  async #tell(word: 'ping' | 'enable'): Promise<void> {
    const { stdio } = this.#perf as ChildProcess;
    const done = once(stdio[answerPipe] as Readable, 'data');
    (stdio[controlPipe] as Writable).write(`${word}\n`);
    const early = this.#end?.then(({ code, errors }) => {
      throw failed(code, errors);
    });
    await Promise.race([early, done]);
  }

  async stop(): Promise<void> {
    this.#perf?.kill('SIGINT');
    await this.#end;
  }

  async collect(): Promise<Collected> {
    if (!existsSync(this.#data)) throw failed(null, 'it left no data');
    const parser = new PerfScriptParser(mappedNames());
    await runLines([findProgram('perf') ?? 'perf', 'script', '--no-inline', '-i', this.#data], (line) =>
      parser.line(line),
    );
    const recording = parser.finish();
    if (this.#ownsProcess && this.#pid !== undefined) await rm(perfMap(this.#pid), { force: true });
    const notes: string[] = [];
    const seesKernel = recording.stacks.some(({ frames }) => frames.some(({ kind }) => kind === 'kernel'));
    if (!seesKernel)
      notes.push(
        `Frames of the kernel are missing: kernel.perf_event_paranoid is ${paranoia()}; sudo sysctl kernel.perf_event_paranoid=1 shows them.`,
      );
    if (!this.#ownsProcess && this.#pid !== undefined && !existsSync(perfMap(this.#pid)))
      notes.push(
        'Functions of JavaScript have no names: the process was started without --perf-basic-prof --interpreted-frames-native-stack.',
      );
    return { recording, files: ['perf.data'], notes };
  }
}

function failed(code: number | null, errors: string): RingwireError {
  const why = errors.split('\n').find((line) => line.trim() !== '') ?? `exit code ${code}`;
  return new RingwireError('INTERNAL', `perf record failed: ${why}`);
}

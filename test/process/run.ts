/** Child processes for tests: what they printed, how they ended, and that none outlives its test. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach } from 'vitest';

export const root = fileURLToPath(new URL('../../', import.meta.url));
export const cli = join(root, 'dist/cli/main.js');
export const demo = join(root, 'examples/demo/main.mjs');

const children = new Set<Running>();
const folders = new Set<string>();

afterEach(async () => {
  for (const child of children) child.process.kill('SIGKILL');
  await Promise.all([...children].map((child) => child.ended));
  children.clear();
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
  folders.clear();
});

export interface Ended {
  /** Exit code, or the signal that ended the process. */
  readonly code: number | NodeJS.Signals;
  readonly stdout: string;
  readonly stderr: string;
}

export class Running {
  readonly process: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Ended>;
  #output = { stdout: '', stderr: '' };
  #onOutput = new Set<() => void>();

  constructor(args: readonly string[], options: { env?: Record<string, string>; cwd?: string } = {}) {
    this.process = spawn(process.execPath, args, {
      cwd: options.cwd ?? root,
      env: { ...process.env, NO_COLOR: '1', ...options.env },
    });
    children.add(this);
    for (const name of ['stdout', 'stderr'] as const) {
      this.process[name].setEncoding('utf8').on('data', (text: string) => {
        this.#output[name] += text;
        for (const check of this.#onOutput) check();
      });
    }
    this.process.stdin.on('error', () => {}); // the child may end before it has read
    this.ended = once(this.process, 'close').then(([code, signal]) => ({
      code: signal ?? code,
      ...this.#output,
    }));
  }

  get stdout(): string {
    return this.#output.stdout;
  }

  /** The first match in what the child printed so far or will print; rejects when it ends before. */
  match(name: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpMatchArray> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        const found = pattern.exec(this.#output[name]);
        if (found === null) return;
        this.#onOutput.delete(check);
        resolve(found);
      };
      this.#onOutput.add(check);
      this.ended.then((ended) => reject(new Error(`ended before ${pattern}: ${JSON.stringify(ended)}`)));
      check();
    });
  }

  /** The n-th line of stdout, counted from 0. */
  async line(index: number): Promise<string> {
    await this.match('stdout', new RegExp(`^(?:[^\\n]*\\n){${index + 1}}`));
    return this.stdout.split('\n')[index];
  }
}

export interface RunOptions {
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  readonly input?: string;
}

/** Runs `ringwire ARGS` to its end. */
export function ringwire(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const child = new Running([cli, ...args], options);
  child.process.stdin.end(options.input ?? '');
  return child.ended;
}

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ringwire-process-'));
  folders.add(folder);
  return folder;
}

/** A module in a folder of its own. It can import 'ringwire' through an absolute path: see importRingwire. */
export async function temporaryModule(source: string, name = 'server.mjs'): Promise<string> {
  const path = join(await temporaryFolder(), name);
  await writeFile(path, source);
  return path;
}

/** For sources of temporary modules, which cannot resolve the package by name. */
export const importRingwire = `import * as ringwire from ${JSON.stringify(pathToFileURL(join(root, 'dist/index.js')).href)};`;

/** `ringwire serve MODULE --listen URL`, once it listens; resolves with the address as bound. */
export async function serveModule(
  source: string,
  listen = 'tcp://127.0.0.1:0',
): Promise<{ child: Running; url: string }> {
  const path = await temporaryModule(`${importRingwire}\n${source}`);
  const child = new Running([cli, 'serve', path, '--listen', listen, '--json']);
  const line = await child.line(0);
  const { listening } = JSON.parse(line) as { listening: string[] };
  return { child, url: listening[0] };
}

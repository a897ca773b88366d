/** A server in a process of its own that tells the memory it holds. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** What every server of ./peers tells. */
export interface HeldMemory {
  /** The most it ever held, garbage left out. */
  readonly heldBytes: number;
  readonly connections: number;
}

export class MemoryServer<Usage extends HeldMemory = HeldMemory> {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess, lines: AsyncIterator<string>, port: number) {
    this.#child = child;
    this.#lines = lines;
    this.port = port;
  }

  /** Starts a program of ./peers. */
  static async start<Usage extends HeldMemory>(
    program: string,
    args: readonly string[],
  ): Promise<MemoryServer<Usage>> {
    const file = fileURLToPath(new URL(`peers/${program}`, import.meta.url));
    const child = spawn(process.execPath, ['--expose-gc', file, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
      // glibc gives large blocks back as soon as they are free, instead of learning to keep them.
      env: { ...process.env, MALLOC_MMAP_THRESHOLD_: '65536', MALLOC_ARENA_MAX: '1' },
    });
    const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
    const { port } = (await next(lines)) as { port: number };
    return new MemoryServer(child, lines, port);
  }

  async usage(): Promise<Usage> {
    this.#child.stdin!.write('\n');
    return (await next(this.#lines)) as Usage;
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#child.on('exit', () => resolve());
      this.#child.stdin!.end();
    });
  }
}

async function next(lines: AsyncIterator<string>): Promise<unknown> {
  const { value, done } = await lines.next();
  if (done === true) throw new Error('The server ended.');
  return JSON.parse(value);
}

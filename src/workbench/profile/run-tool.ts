/** Runs tools that record and convert, and says in one line why one failed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { RingwireError } from '../../errors.js';

/** Path of a program; undefined where PATH has none. */
export function findProgram(name: string): string | undefined {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    if (folder === '') continue;
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // The next folder.
    }
  }
  return undefined;
}

export interface ToolEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The end of what it wrote to stderr. */
  readonly errors: string;
}

const keptErrorCharacters = 4_000;

/** Collects what a process says on stderr, and waits for its end. Rejects with IO_ERROR where it cannot be started. */
export function endOf(child: ChildProcess, name: string): Promise<ToolEnd> {
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-keptErrorCharacters);
  });
  return new Promise((resolve, reject) => {
    child.once('error', (cause) =>
      reject(new RingwireError('IO_ERROR', `${name} could not be started: ${cause.message}.`, { cause })),
    );
    child.once('close', (code, signal) => resolve({ code, signal, errors: errors.trim() }));
  });
}

/** Lines of stdout, one by one: profiles are larger than strings may be. Rejects with INTERNAL where the tool fails. */
export async function runLines(
  command: readonly [string, ...string[]],
  onLine: (line: string) => void,
): Promise<void> {
  const [program, ...args] = command;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const end = endOf(child, program);
  const lines = createInterface({ input: child.stdout, crlfDelay: Number.POSITIVE_INFINITY });
  lines.on('line', onLine);
  const { code, signal, errors } = await end;
  if (code === 0) return;
  const why = errors.split('\n').at(-1) ?? '';
  throw new RingwireError(
    'INTERNAL',
    `${[program, ...args.slice(0, 1)].join(' ')} failed (${signal ?? `exit code ${code}`}): ${why}`,
  );
}

/** Where the generator in C++ is, bench/loadgen in a clone: much faster than a server in JavaScript, on Linux only. */
import { accessSync, chmodSync, constants, copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { platformKey } from '../../binding/addon.js';
import { packageRoot } from '../../binding/package-root.js';

/** What is built here wins over what came with the package, as for the addon. */
export function nativePrograms(): readonly string[] {
  return ['bench/loadgen/build/loadgen', `prebuilds/${platformKey()}/loadgen`].map((path) =>
    fileURLToPath(new URL(path, packageRoot)),
  );
}

export type NativeProgram = { readonly path: string } | { readonly problem: string };

let found: NativeProgram | undefined;

/** The program, or why there is none and what would help. Looks once per process. */
export function nativeProgram(): NativeProgram {
  found ??= find(nativePrograms());
  return found;
}

function find(candidates: readonly string[]): NativeProgram {
  if (process.platform !== 'linux')
    return { problem: `the native load generator needs Linux (epoll), this is ${process.platform}` };
  for (const path of candidates)
    if (existsSync(path)) {
      const problem = makeExecutable(path);
      if (problem === undefined) return { path };
      const copy = executableCopy(path);
      return copy === undefined ? { problem } : { path: copy };
    }
  return {
    problem: `there is no native load generator for ${platformKey()}; in a clone, make -C bench/loadgen builds it (make and a C++17 compiler: apt-get install make g++)`,
  };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Archives can lose the mode of a file. Returns what is wrong where it cannot be given back. */
function makeExecutable(path: string): string | undefined {
  if (isExecutable(path)) return undefined;
  try {
    chmodSync(path, 0o755);
    if (isExecutable(path)) return undefined;
  } catch {
    // Installed by somebody else, or read-only.
  }
  return `${path} is not executable: chmod +x ${path}`;
}

/** Where the file itself must stay as it is. The copy goes with the process. */
function executableCopy(path: string): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'ringwire-loadgen-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const copy = join(folder, 'loadgen');
  copyFileSync(path, copy);
  chmodSync(copy, 0o755);
  return isExecutable(copy) ? copy : undefined;
}

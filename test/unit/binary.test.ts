/** The Linux binary asks the system for nothing newer than Node 20's own binaries do. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const built = fileURLToPath(new URL('../../build/Release/ringwire.node', import.meta.url));

/** Highest versions in the official Linux binary of Node 20: what runs Node runs the addon. */
const allowed: Readonly<Record<string, readonly number[]>> = {
  GLIBC: [2, 28],
  GLIBCXX: [3, 4, 21],
  CXXABI: [1, 3, 9],
  GCC: [4, 2, 0],
};

function isNewer(version: readonly number[], limit: readonly number[]): boolean {
  for (let index = 0; index < Math.max(version.length, limit.length); index++) {
    const difference = (version[index] ?? 0) - (limit[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}

const checkable = existsSync(built) && spawnSync('objdump', ['--version']).status === 0;
// CI has both, and may not pass by having neither.
const skipped = process.platform !== 'linux' || (!checkable && !process.env.CI);

describe.skipIf(skipped)('the Linux binary', () => {
  it('compares versions by number', () => {
    expect(isNewer([2, 34], [2, 28])).toBe(true);
    expect(isNewer([2, 2, 5], [2, 28])).toBe(false);
    expect(isNewer([3, 4, 21], [3, 4, 21])).toBe(false);
    expect(isNewer([3, 4, 21, 1], [3, 4, 21])).toBe(true);
  });

  it('needs no newer symbol than Node itself', () => {
    const table = execFileSync('objdump', ['-T', built], { encoding: 'utf8' });
    const needed = table.split('\n').filter((line) => line.includes('*UND*'));
    const wrong: string[] = [];
    for (const line of needed) {
      const [, family, numbers, symbol] = /\((\w+?)_([\d.]+)\)\s+(\S+)/.exec(line) ?? [];
      if (family === undefined) continue;
      if (allowed[family] === undefined || isNewer(numbers.split('.').map(Number), allowed[family]))
        wrong.push(`${symbol} needs ${family}_${numbers}`);
    }
    expect(needed.length).toBeGreaterThan(20);
    expect(wrong).toEqual([]);
  });

  it('shows its entry points and nothing else', () => {
    const table = execFileSync('objdump', ['-T', built], { encoding: 'utf8' });
    const shown = table
      .split('\n')
      .filter((line) => / \.(text|data|bss|rodata)\s/.test(line))
      .map((line) => line.trim().split(/\s+/).at(-1) as string);
    expect(
      shown.filter((name) => !/^(napi_register_module_v1|node_api_module_get_api_version_v1)$/.test(name)),
    ).toEqual([]);
    expect(shown).toContain('napi_register_module_v1');
  });

  it('refers only to libraries that node itself needs', () => {
    const headers = execFileSync('objdump', ['-p', built], { encoding: 'utf8' });
    const libraries = [...headers.matchAll(/NEEDED\s+(\S+)/g)].map(([, name]) => name);
    const known =
      /^(libc|libm|libdl|libpthread|libgcc_s|libstdc\+\+|ld-linux-x86-64|ld-linux-aarch64)\.so\.\d+$/;
    expect(libraries.filter((name) => !known.test(name))).toEqual([]);
  });
});

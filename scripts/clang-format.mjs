// Formats the C++ sources in place, or with --check fails and names the files that are not formatted.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';

const candidates = ['clang-format-14', 'clang-format'];
const program = candidates.find((name) => spawnSync(name, ['--version']).status === 0);
if (program === undefined) {
  console.error('clang-format is not installed: apt-get install clang-format-14');
  process.exit(process.env.CI ? 1 : 0);
}
const files = [];
for (const folder of ['native', 'bench'].filter((name) => existsSync(name)))
  for (const entry of readdirSync(folder, { recursive: true }))
    if (/\.(cc|h)$/.test(entry) && !/generated|build\//.test(entry)) files.push(`${folder}/${entry}`);
const mode = process.argv.includes('--check') ? ['--dry-run', '--Werror'] : ['-i'];
const result =
  files.length === 0 ? { status: 0 } : spawnSync(program, [...mode, ...files], { stdio: 'inherit' });
process.exit(result.status ?? 1);

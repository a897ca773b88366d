// Fails unless prebuilds holds a binary for every platform we publish for, with a load generator on Linux, and this
// machine's ones load and run.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { prebuildFolder } from './build/platform.mjs';

process.chdir(fileURLToPath(new URL('../', import.meta.url)));

const platforms = [
  'linux-x64',
  'linux-arm64',
  'linux-x64-musl',
  'linux-arm64-musl',
  'darwin-x64',
  'darwin-arm64',
  'win32-x64',
];
const files = platforms.flatMap((platform) =>
  ['ringwire.node', ...(platform.startsWith('linux-') ? ['loadgen'] : [])].map(
    (file) => `${platform}/${file}`,
  ),
);
const missing = files.filter((file) => !existsSync(`prebuilds/${file}`));
if (missing.length > 0) {
  console.error(`prebuilds lacks ${missing.join(', ')}`);
  process.exit(1);
}
const binary = `${process.cwd()}/${prebuildFolder()}/ringwire.node`;
const { simd, compiler } = createRequire(import.meta.url)(binary).buildInfo();
const generator = `${process.cwd()}/${prebuildFolder()}/loadgen`;
if (process.platform === 'linux') execFileSync(generator, ['--help']);
console.log(`${platforms.length} binaries; ${binary} loads (${simd}, compiler ${compiler})`);

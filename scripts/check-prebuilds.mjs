// Fails unless prebuilds holds a binary for every platform we publish for, and this machine's one loads.
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
const missing = platforms.filter((platform) => !existsSync(`prebuilds/${platform}/ringwire.node`));
if (missing.length > 0) {
  console.error(`no binary for ${missing.join(', ')}`);
  process.exit(1);
}
const binary = `${process.cwd()}/${prebuildFolder()}/ringwire.node`;
const { simd, compiler } = createRequire(import.meta.url)(binary).buildInfo();
console.log(`${platforms.length} binaries; ${binary} loads (${simd}, compiler ${compiler})`);

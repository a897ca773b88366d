// Builds everything a clone needs: generated constants, the addon (node-gyp), the load generator (make), TypeScript
// (tsc, esbuild).
// A step whose inputs have not changed is skipped, so this runs before every start, test and bench.
//   --quiet      print only what takes long and what fails
//   --prebuild   also copy the addon and the load generator to prebuilds/<platform>-<arch>[-musl]/ for npm pack
//   --sanitize   build only a second addon, build/sanitize/build/Release/ringwire.node, with ASan and UBSan
// Without a compiler the TypeScript implementations serve: what could not be compiled is reported, not fatal,
// except with --prebuild and --sanitize.
import { copyFileSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildAddon } from './build/addon.mjs';
import { buildLoadgen, hasLoadgen, loadgen } from './build/loadgen.mjs';
import { acquireLock } from './build/lock.mjs';
import { prebuildFolder } from './build/platform.mjs';
import { buildTypeScript } from './build/typescript.mjs';
import { generateConstants } from './generate-constants.mjs';

// Every path below is relative to the clone.
process.chdir(fileURLToPath(new URL('../', import.meta.url)));

const known = new Set(['--quiet', '--prebuild', '--sanitize']);
const options = new Set(process.argv.slice(2));
for (const option of options) {
  if (known.has(option)) continue;
  process.stderr.write(`build: unknown option ${option}; known are ${[...known].join(', ')}\n`);
  process.exit(2);
}
const quiet = options.has('--quiet');

async function build() {
  generateConstants();
  if (options.has('--sanitize')) return buildAddon({ quiet, sanitize: true });
  const addonBuilt = buildAddon({ quiet, sanitize: false });
  const loadgenBuilt = hasLoadgen && buildLoadgen({ quiet });
  if (options.has('--prebuild') && !(addonBuilt && (loadgenBuilt || !hasLoadgen))) return false;
  if (!(await buildTypeScript({ quiet }))) return false;
  if (options.has('--prebuild')) {
    mkdirSync(prebuildFolder(), { recursive: true });
    copyFileSync('build/Release/ringwire.node', `${prebuildFolder()}/ringwire.node`);
    if (hasLoadgen) copyFileSync(loadgen, `${prebuildFolder()}/loadgen`);
  }
  return true;
}

const release = acquireLock({ quiet });
let succeeded = false;
try {
  succeeded = await build();
} finally {
  release();
}
process.exitCode = succeeded ? 0 : 1;

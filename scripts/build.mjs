// Builds everything a clone needs: generated constants, the addon (node-gyp), TypeScript (tsc).
//   --quiet      print only failures
//   --prebuild   also copy the addon to prebuilds/<platform>-<arch>[-musl]/ringwire.node for npm pack
// Without a working compiler the TypeScript twins serve: the addon's failure is reported, not fatal,
// except with --prebuild.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const require = createRequire(import.meta.url);
const options = new Set(process.argv.slice(2));
const quiet = options.has('--quiet');

function run(label, command, args) {
  const started = performance.now();
  if (!quiet) process.stderr.write(`build: ${label}…\n`);
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (result.status === 0) {
    if (!quiet)
      process.stderr.write(`build: ${label} done in ${Math.round(performance.now() - started)} ms\n`);
    return true;
  }
  process.stderr.write(
    `build: ${label} failed\n${result.stdout ?? ''}${result.stderr ?? result.error ?? ''}\n`,
  );
  return false;
}

function buildAddon() {
  const nodeGyp = require.resolve('node-gyp/bin/node-gyp.js');
  if (!existsSync(`${root}build/Makefile`) && !existsSync(`${root}build/binding.sln`)) {
    if (quiet) process.stderr.write('build: compiling the native addon, once (about a minute)…\n');
    if (!run('configure', process.execPath, [nodeGyp, 'configure', '--silent'])) return false;
  }
  const jobs = String(Math.min(availableParallelism(), 4));
  return run('addon', process.execPath, [nodeGyp, 'build', '--silent', '-j', jobs]);
}

function prebuildFolder() {
  const glibc = process.report?.getReport().header.glibcVersionRuntime;
  const musl = process.platform === 'linux' && glibc === undefined ? '-musl' : '';
  return `${root}prebuilds/${process.platform}-${process.arch}${musl}`;
}

if (!run('constants', process.execPath, [`${root}scripts/generate-constants.mjs`])) process.exit(1);
const addonBuilt = buildAddon();
if (!addonBuilt) {
  process.stderr.write('build: no native addon; the slower TypeScript implementations will serve\n');
  if (options.has('--prebuild')) process.exit(1);
}
if (!run('typescript', process.execPath, [`${root}node_modules/typescript/bin/tsc`, '-p', 'tsconfig.json']))
  process.exit(1);
if (options.has('--prebuild')) {
  mkdirSync(prebuildFolder(), { recursive: true });
  copyFileSync(`${root}build/Release/ringwire.node`, `${prebuildFolder()}/ringwire.node`);
}

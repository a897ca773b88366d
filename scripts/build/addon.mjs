// native/src/**/*.cc to build/Release/ringwire.node, by node-gyp.
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { headersPrefix } from './platform.mjs';
import { filesBelow, fingerprint, isCurrent, run, writeStamp } from './steps.mjs';

const nodeGyp = 'node_modules/node-gyp/bin/node-gyp.js';
/** node-gyp names the build folder itself; a second build therefore lives in a second root. */
const sanitizeRoot = 'build/sanitize';

/** What node-gyp needs, as [what to look for, the Debian package that brings it]. */
function missingTools() {
  if (process.platform === 'win32') return []; // node-gyp finds Visual Studio itself and says what is missing.
  const python = process.env.npm_config_python ?? process.env.PYTHON ?? 'python3';
  const needed = [
    [process.env.CXX?.split(' ')[0] ?? 'c++', 'g++'],
    ['make', 'make'],
    [python, 'python3'],
  ];
  return needed.filter(([program]) => spawnSync(program, ['--version'], { stdio: 'ignore' }).status !== 0);
}

/** A root of its own for the sanitized build: the same binding.gyp over the same files. */
function prepareSanitizeRoot() {
  mkdirSync(sanitizeRoot, { recursive: true });
  for (const name of ['native', 'node_modules', 'scripts', 'package.json']) {
    rmSync(`${sanitizeRoot}/${name}`, { force: true });
    symlinkSync(`../../${name}`, `${sanitizeRoot}/${name}`);
  }
  copyFileSync('binding.gyp', `${sanitizeRoot}/binding.gyp`);
  // simdjson is not sanitized and takes most of a minute: what the ordinary build made of it serves here too.
  const copied = { recursive: true, preserveTimestamps: true, force: false };
  for (const part of ['simdjson.a', 'obj.target/simdjson', '.deps/Release/obj.target/simdjson'])
    if (existsSync(`build/Release/${part}`))
      cpSync(`build/Release/${part}`, `${sanitizeRoot}/build/Release/${part}`, copied);
}

function explainFailure(output) {
  if (existsSync(output))
    process.stderr.write('build: the addon was not built; the one of the build before it stays in use\n');
  else process.stderr.write('build: no native addon; the slower TypeScript implementations will serve\n');
}

/** Runs node-gyp configure when the list of sources or anything it reads has changed. */
function configure(root, sanitize, { quiet }) {
  const stamp = `${root}/build/.configure-stamp`;
  const sources = filesBelow('native/src').filter((file) => file.endsWith('.cc'));
  const headers = headersPrefix();
  const facts = { sources, headers, node: process.version, tools: [process.env.CXX, process.env.CC] };
  const digest = fingerprint(facts, [
    'binding.gyp',
    'scripts/native-sources.mjs',
    'node_modules/node-addon-api/package.json',
    'node_modules/node-gyp/package.json',
  ]);
  if (isCurrent(stamp, digest)) return true;
  const args = ['configure', '-C', root];
  if (headers !== undefined) args.push('--nodedir', headers);
  if (sanitize) args.push('--', '-Dsanitize=1');
  if (!run('configuring the addon', nodeGyp, args, { quiet })) return false;
  writeStamp(stamp, digest);
  return true;
}

/** Returns whether the addon is up to date. */
export function buildAddon({ quiet, sanitize }) {
  const root = sanitize ? sanitizeRoot : '.';
  const output = `${root}/build/Release/ringwire.node`;
  const stamp = `${root}/build/.addon-stamp`;
  const digest = fingerprint({ node: process.version, arch: process.arch }, [
    'binding.gyp',
    'native/exports.map',
    'node_modules/@nozbe/simdjson/package.json',
    ...filesBelow('native/src'),
  ]);
  if (existsSync(output) && isCurrent(stamp, digest)) return true;
  const missing = missingTools();
  if (missing.length > 0) {
    const programs = missing.map(([program]) => program).join(', ');
    const packages = missing.map(([, name]) => name).join(' ');
    process.stderr.write(`build: ${programs} not found; on Debian or Ubuntu: apt-get install ${packages}\n`);
    explainFailure(output);
    return false;
  }
  if (quiet && !existsSync(output))
    process.stderr.write('build: compiling the native addon, once (about a minute)…\n');
  if (sanitize) prepareSanitizeRoot();
  const jobs = String(Math.min(availableParallelism(), 4));
  const built =
    configure(root, sanitize, { quiet }) &&
    run('compiling the addon', nodeGyp, ['build', '-C', root, '-j', jobs], { quiet });
  if (built) writeStamp(stamp, digest);
  else explainFailure(output);
  return built;
}

// src to dist: types checked and declared by tsc, file by file; JavaScript bundled by esbuild, because loading a hundred
// small modules costs more than everything else a server does before its first answer.
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { build } from 'esbuild';
import { bundleBrowser } from './browser.mjs';
import { bundled } from './bundled.mjs';
import { companions } from './companions.mjs';
import { filesBelow, fingerprint, isCurrent, run, writeStamp } from './steps.mjs';

const stamp = 'dist/.stamp';
/** Built aside and moved into place, so that dist is never there in part. */
const next = 'build/dist-next';

/** What is loaded by name: the package's exports, its commands, and what benchmarks and child processes of tests import. */
const entryPoints = [
  'src/index.ts',
  'src/mcp/index.ts',
  'src/workbench/index.ts',
  'src/cli/main.ts',
  'src/workbench/servers/server-child.ts',
  'src/workbench/load/javascript/load-child.ts',
  'src/workbench/analyzer/echo-child.ts',
  'src/binding/addon.ts',
  'src/binding/constants.generated.ts',
  'src/buffers/ring-buffer.ts',
  'src/serialization/envelope-scanner.ts',
  'src/rpc/json-text.ts',
  'src/transports/open.ts',
];

/** Dependencies stay outside (see bundled.mjs); modules that entry points share become chunks, so that a class exists once. */
async function bundle() {
  const { outputFiles } = await build({
    entryPoints,
    outbase: 'src',
    // Sources in the maps are relative to where a file ends up, not to where it is written first.
    outdir: 'dist',
    write: false,
    bundle: true,
    splitting: true,
    // Two folders below the package's root like every entry point, so that paths relative to it hold: see packageRoot.
    chunkNames: 'chunks/[name]-[hash]',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: true,
    sourcesContent: false,
    logLevel: 'warning',
    plugins: [bundled(), companions()],
  });
  for (const { path, contents } of outputFiles) {
    const file = join(next, relative(resolve('dist'), path));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, contents);
  }
}

/** Returns whether dist is up to date. */
export async function buildTypeScript({ quiet }) {
  const { version } = JSON.parse(readFileSync('node_modules/typescript/package.json', 'utf8'));
  const digest = fingerprint({ version }, [
    'tsconfig.json',
    'scripts/build/typescript.mjs',
    'scripts/build/companions.mjs',
    'scripts/build/bundled.mjs',
    'scripts/build/browser.mjs',
    ...filesBelow('src'),
  ]);
  if (isCurrent(stamp, digest)) return true;
  rmSync(next, { recursive: true, force: true });
  const declarations = ['-p', 'tsconfig.json', '--emitDeclarationOnly', '--outDir', next];
  if (!run('typescript', 'node_modules/typescript/bin/tsc', declarations, { quiet })) return false;
  await bundle();
  await bundleBrowser(next);
  // npm does this when it installs a package; in a clone nobody else does.
  chmodSync(`${next}/cli/main.js`, 0o755);
  rmSync('dist', { recursive: true, force: true });
  renameSync(next, 'dist');
  writeStamp(stamp, digest);
  return true;
}

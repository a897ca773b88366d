// src/*.ts to dist, by tsc.
import { chmodSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { filesBelow, fingerprint, isCurrent, run, writeStamp } from './steps.mjs';

const stamp = 'dist/.stamp';

/** Deletes what tsc once made from a source file that is gone: npm pack would publish it. */
function pruneOutputs() {
  for (const file of filesBelow('dist')) {
    const source = /^dist\/(.+?)\.(?:d\.ts|js|js\.map)$/.exec(file)?.[1];
    if (source !== undefined && !existsSync(`src/${source}.ts`)) rmSync(file);
  }
}

/** Returns whether dist is up to date. */
export function buildTypeScript({ quiet }) {
  const { version } = JSON.parse(readFileSync('node_modules/typescript/package.json', 'utf8'));
  const digest = fingerprint({ version }, ['tsconfig.json', ...filesBelow('src')]);
  if (isCurrent(stamp, digest)) return true;
  // tsc trusts its record of what it emitted, and would leave holes in a folder that was deleted in part.
  if (!existsSync(stamp)) rmSync('dist', { recursive: true, force: true });
  if (!run('typescript', 'node_modules/typescript/bin/tsc', ['-p', 'tsconfig.json'], { quiet })) return false;
  pruneOutputs();
  // npm does this when it installs a package; in a clone nobody else does.
  chmodSync('dist/cli/main.js', 0o755);
  writeStamp(stamp, digest);
  return true;
}

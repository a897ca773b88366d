/** The one place that loads the addon, and says why where it could not. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { RingwireError } from '../errors.js';
import type { Addon } from './native.js';

const require = createRequire(import.meta.url);

/** One place the loader looked at, and what it found there. */
export interface LoadAttempt {
  readonly path: string;
  readonly problem: string;
}

export interface LoadReport {
  readonly loaded: boolean;
  /** The file that was loaded. */
  readonly path?: string;
  readonly attempts: readonly LoadAttempt[];
  /** One sentence for people: what was tried, found and required. */
  readonly summary: string;
}

/** `<platform>-<arch>`, with `-musl` on Linux without glibc: the folder of the prebuilt binary. */
export function platformKey(): string {
  if (process.platform !== 'linux') return `${process.platform}-${process.arch}`;
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined;
  return `linux-${process.arch}${report?.header?.glibcVersionRuntime === undefined ? '-musl' : ''}`;
}

/** A build in a clone wins over a prebuilt binary: whoever compiles wants to run what was compiled. */
function candidates(): string[] {
  const root = new URL('../../', import.meta.url);
  return [
    fileURLToPath(new URL('build/Release/ringwire.node', root)),
    fileURLToPath(new URL(`prebuilds/${platformKey()}/ringwire.node`, root)),
  ];
}

function load(): { addon?: Addon; report: LoadReport } {
  const attempts: LoadAttempt[] = [];
  if (process.env.RINGWIRE_NO_ADDON === '1') {
    const summary = 'The native addon is switched off by RINGWIRE_NO_ADDON=1; TypeScript serves.';
    return { report: { loaded: false, attempts, summary } };
  }
  for (const path of candidates()) {
    if (!existsSync(path)) {
      attempts.push({ path, problem: 'no such file' });
      continue;
    }
    try {
      const addon = require(path) as Addon;
      return { addon, report: { loaded: true, path, attempts, summary: `Loaded ${path}.` } };
    } catch (error) {
      attempts.push({ path, problem: error instanceof Error ? error.message : String(error) });
    }
  }
  const tried = attempts.map(({ path, problem }) => `${path}: ${problem}`).join('; ');
  const summary =
    `No native addon for ${platformKey()}, Node ${process.version}; TypeScript serves, slower. Tried ${tried}. ` +
    'Prebuilt binaries need Node-API 9 (Node 20 or newer) and, on Linux, glibc 2.28 or musl 1.2.';
  return { report: { loaded: false, attempts, summary } };
}

let outcome: ReturnType<typeof load> | undefined;

/** The addon, or undefined where it cannot load; loadReport() then says why. Loads once per thread. */
export function addon(): Addon | undefined {
  outcome ??= load();
  return outcome.addon;
}

export function loadReport(): LoadReport {
  outcome ??= load();
  return outcome.report;
}

/** The addon, or RingwireError ADDON_UNAVAILABLE with the diagnosis. */
export function requireAddon(): Addon {
  const loaded = addon();
  if (loaded === undefined) throw new RingwireError('ADDON_UNAVAILABLE', loadReport().summary);
  return loaded;
}

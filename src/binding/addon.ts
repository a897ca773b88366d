/** The one place that loads the addon, and says why where it could not. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RingwireError } from '../errors.js';
import { elfProblem } from './elf.js';
import { type Addon, addonExports } from './native.js';
import { packageRoot } from './package-root.js';

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

/** The dynamic loader's name for the architectures there are musl binaries for. */
const muslArchitectures: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

/**
 * Whether Node runs on musl. The loader file says no at once almost everywhere; where it exists (musl can be
 * installed beside glibc) the diagnostic report decides, which costs milliseconds at every start.
 */
function isMusl(): boolean {
  const architecture = muslArchitectures[process.arch];
  if (process.platform !== 'linux' || architecture === undefined) return false;
  if (!existsSync(`/lib/ld-musl-${architecture}.so.1`)) return false;
  const report = process.report as typeof process.report & { excludeNetwork?: boolean };
  // Listing the network interfaces resolves their names, which takes seconds without a name server.
  report.excludeNetwork = true;
  const { header } = report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime === undefined;
}

/** `<platform>-<arch>`, with `-musl` on Linux without glibc: the folder of the prebuilt binary. */
export function platformKey(): string {
  return `${process.platform}-${process.arch}${isMusl() ? '-musl' : ''}`;
}

/**
 * A build in a clone wins over a prebuilt binary: whoever compiles wants to run what was compiled.
 * RINGWIRE_ADDON_PATH names the one binary to load instead, for instance a sanitized build.
 */
function candidates(): string[] {
  const asked = process.env.RINGWIRE_ADDON_PATH;
  if (asked) return [resolve(asked)];
  return [
    fileURLToPath(new URL('build/Release/ringwire.node', packageRoot)),
    fileURLToPath(new URL(`prebuilds/${platformKey()}/ringwire.node`, packageRoot)),
  ];
}

/** Loads one file; throws an Error whose message is the diagnosis. */
function loadFile(path: string): Addon {
  if (!existsSync(path)) throw new Error('no such file');
  const broken = process.platform === 'linux' ? elfProblem(path) : undefined;
  if (broken !== undefined) throw new Error(broken);
  const loaded = require(path) as Addon;
  const missing = addonExports.filter((name) => !(name in loaded));
  if (missing.length > 0)
    throw new Error(`built from other sources, lacks ${missing.join(', ')}: npm run build`);
  return loaded;
}

function load(): { addon?: Addon; report: LoadReport } {
  const attempts: LoadAttempt[] = [];
  if (process.env.RINGWIRE_NO_ADDON === '1') {
    const summary = 'The native addon is switched off by RINGWIRE_NO_ADDON=1; TypeScript serves.';
    return { report: { loaded: false, attempts, summary } };
  }
  for (const path of candidates()) {
    try {
      const loaded = loadFile(path);
      return { addon: loaded, report: { loaded: true, path, attempts, summary: `Loaded ${path}.` } };
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

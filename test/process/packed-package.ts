/** Packs ringwire as npm publishes it and installs it where no compiler is; brings other versions of Node. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** npm's own program, which runs under any PATH. */
function npmProgram(): string {
  const asked = process.env.npm_execpath;
  if (asked?.endsWith('npm-cli.js')) return asked;
  const beside = join(dirname(process.execPath), 'npm');
  if (existsSync(beside)) return realpathSync(beside);
  throw new Error(`npm-cli.js not found beside ${process.execPath}; run the tests with npm test`);
}

/** A folder for PATH with node in it and nothing else. */
function pathWithNodeOnly(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ringwire-path-'));
  symlinkSync(process.execPath, join(folder, 'node'));
  return folder;
}

export interface Packed {
  readonly tarball: string;
  readonly bytes: number;
  readonly files: readonly string[];
}

interface PackReport {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

/** `npm pack` of this clone, which builds first. */
export function pack(destination: string): Packed {
  const output = execFileSync(
    process.execPath,
    [npmProgram(), 'pack', '--json', '--silent', '--pack-destination', destination],
    { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
  );
  // The build that prepack runs may print before the report.
  const report = JSON.parse(output.slice(output.search(/^[[{]/m))) as
    | PackReport[]
    | Record<string, PackReport>;
  const [{ filename, size, files }] = Object.values(report);
  return { tarball: join(destination, filename), bytes: size, files: files.map(({ path }) => path) };
}

/** Installs the tarball into an empty folder, with no compiler to be found. Returns what npm printed. */
export function install(tarball: string, folder: string): string {
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'consumer', private: true, type: 'module' }),
  );
  const args = [npmProgram(), 'install', '--prefer-offline', '--no-audit', '--no-fund', tarball];
  const result = spawnSync(process.execPath, args, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, PATH: pathWithNodeOnly() },
  });
  const output = `${result.stdout}${result.stderr}`;
  if (result.status !== 0) throw new Error(`npm install failed:\n${output}`);
  return output;
}

export interface InstalledPackage {
  readonly path: string;
  readonly optional: boolean;
  readonly hasInstallScript: boolean;
}

/** What npm put into node_modules. */
export function installedPackages(folder: string): InstalledPackage[] {
  const lock = JSON.parse(readFileSync(join(folder, 'node_modules/.package-lock.json'), 'utf8')) as {
    packages: Record<string, { optional?: boolean; hasInstallScript?: boolean }>;
  };
  return Object.entries(lock.packages).map(([path, { optional = false, hasInstallScript = false }]) => ({
    path,
    optional,
    hasInstallScript,
  }));
}

/** The major versions to test: RINGWIRE_NODE_VERSIONS ("20,22"), else none but the running one. */
export function nodeVersions(): string[] {
  return (process.env.RINGWIRE_NODE_VERSIONS ?? '').split(',').filter((version) => version !== '');
}

/** The node program of a major version, installed once per clone from npm's package of its binary. */
export function nodeProgram(major: string): string {
  const folder = join(root, `node_modules/.cache/ringwire/node-${major}`);
  const program = join(folder, 'node_modules/node/bin/node');
  if (!existsSync(program)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{"private":true}');
    const binary = `node@npm:node-${process.platform}-${process.arch}@${major}`;
    execFileSync(process.execPath, [npmProgram(), 'install', '--no-audit', '--no-fund', binary], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  }
  return program;
}

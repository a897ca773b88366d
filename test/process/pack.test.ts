/**
 * The published package: no compiler, no script, few packages, one binary for every supported Node.
 * `npm test` runs it under the running Node, `npm run test:pack` under 20, 22, 24 and 26.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { platformKey } from '../../src/binding/addon.js';
import { errorKinds } from '../../src/errors.js';
import {
  install,
  installedPackages,
  nodeProgram,
  nodeVersions,
  type Packed,
  pack,
  root,
} from './packed-package.js';

const maxPackages = 10;
const maxInstalledBytes = 15_000_000;
const binary = `prebuilds/${platformKey()}/ringwire.node`;
const generator = `prebuilds/${platformKey()}/loadgen`;

/** Serves a tool and calls it over TCP, as a user's first program would; prints what it found as JSON. */
const program = `
import { connect, createServer } from 'ringwire';
const server = createServer({ name: 'packed', version: '1.0.0' });
server.tool(
  'add',
  { inputSchema: { type: 'object', properties: { a: { type: 'number' }, b: { type: 'number' } }, required: ['a', 'b'] } },
  ({ a, b }) => String(a + b),
);
const listener = await server.listen('tcp://127.0.0.1:0');
const client = await connect(listener.url);
const { content } = await client.callTool('add', { a: 2, b: 3 });
await client.close();
await server.close();
console.log(JSON.stringify({ text: content[0].text, node: process.versions.node }));
`;

let workspace: string;
let consumer: string;
let packed: Packed;

function bytesBelow(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return files.reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

/** Runs node in the consumer's folder; fails with what it printed where it does not exit with 0. */
function run(node: string, args: readonly string[], cwd = consumer): string {
  const result = spawnSync(node, args, { cwd, encoding: 'utf8', timeout: 20_000 });
  if (result.status !== 0)
    throw new Error(
      `${node} ${args.join(' ')}: ${result.status ?? result.signal}\n${result.stdout}${result.stderr}`,
    );
  return result.stdout;
}

const doctor = 'node_modules/ringwire/dist/cli/main.js';

beforeAll(() => {
  workspace = mkdtempSync(join(tmpdir(), 'ringwire-pack-'));
  consumer = mkdtempSync(join(workspace, 'consumer-'));
  packed = pack(workspace);
  install(packed.tarball, consumer);
  writeFileSync(join(consumer, 'program.js'), program);
}, 240_000);

afterAll(() => rmSync(workspace, { recursive: true, force: true }));

describe('the tarball', () => {
  it('carries the program and its binary, and nothing to build from', () => {
    expect(packed.files).toEqual(
      expect.arrayContaining(['dist/index.js', 'dist/index.d.ts', 'LICENSE', 'NOTICE', binary]),
    );
    const unwanted = packed.files.filter((file) =>
      /(^|\/)(binding\.gyp|.*\.tsbuildinfo|\.stamp)$|^(native|test|bench|scripts|examples|src|\.)|\.map$/.test(
        file,
      ),
    );
    expect(unwanted).toEqual([]);
  });

  it('has no script that runs on install', () => {
    const manifest = JSON.parse(readFileSync(join(consumer, 'node_modules/ringwire/package.json'), 'utf8'));
    for (const script of ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish'])
      expect(manifest.scripts).not.toHaveProperty(script);
    expect(manifest.gypfile).toBe(false);
  });
});

describe('an installation', () => {
  it('is few packages, none of which must run a script, and small', () => {
    const packages = installedPackages(consumer);
    const required = packages.filter(({ optional }) => !optional);
    expect(required.length).toBeLessThanOrEqual(maxPackages);
    expect(required.filter(({ hasInstallScript }) => hasInstallScript)).toEqual([]);
    expect(bytesBelow(join(consumer, 'node_modules'))).toBeLessThanOrEqual(maxInstalledBytes);
  });

  it('compiled nothing', () => {
    expect(readdirSync(join(consumer, 'node_modules/ringwire'))).not.toContain('build');
  });
});

describe.runIf(process.platform === 'linux')('the load generator', () => {
  /** Loads a listener of its own with the generator that the package brought, and prints what came of it. */
  const load = `
import { createServer } from 'ringwire';
import { runLoad } from 'ringwire/analysis';
const server = createServer({ name: 'packed', version: '1.0.0' });
server.tool('echo', { inputSchema: { type: 'object' } }, () => 'echo');
const listener = await server.listen('tcp://127.0.0.1:0');
const operations = [{ name: 'call', weight: 1, method: 'tools/call', params: { name: 'echo', arguments: {} } }];
const plan = { target: { url: listener.url }, era: 'modern', operations, connections: 2, warmupSeconds: 0, seconds: 0.2 };
const { generator, messages, errors } = await runLoad({ ...plan, generator: process.argv[2] });
await server.close();
console.log(JSON.stringify({ generator, isLoaded: messages > 0, errors }));
`;

  it('came with the package and runs', () => {
    writeFileSync(join(consumer, 'load.js'), load);
    const loaded = { generator: 'native', isLoaded: true, errors: 0 };
    expect(JSON.parse(run(process.execPath, ['load.js', 'auto']))).toEqual(loaded);
  });

  it('is made executable where an archive lost that', () => {
    const path = join(consumer, 'node_modules/ringwire', generator);
    chmodSync(path, 0o644);
    expect(JSON.parse(run(process.execPath, ['load.js', 'native']))).toMatchObject({ errors: 0 });
  });

  it('names nothing of the machine that built it', () => {
    expect(readFileSync(join(consumer, 'node_modules/ringwire', generator)).includes(root)).toBe(false);
  });
});

describe('the types', () => {
  /** The error expected keeps the inference from falling back to any. */
  const typed = `
import { createServer, RingwireError } from 'ringwire';
import { modernVersions } from 'ringwire/mcp';
const server = createServer({ name: 'typed', version: '1.0.0' });
server.tool(
  'add',
  { inputSchema: { type: 'object', properties: { a: { type: 'number' }, b: { type: 'string' } }, required: ['a'] } },
  ({ a, b }) => {
    const n: number = a;
    const s: string | undefined = b;
    // @ts-expect-error a is a number
    const wrong: string = a;
    return [n, s, wrong, modernVersions, RingwireError].join();
  },
);
`;

  it('stand alone, and infer the arguments of a handler from its schema', () => {
    writeFileSync(join(consumer, 'typed.mts'), typed);
    const options = ['--strict', '--noEmit', '--target', 'es2022', '--module', 'nodenext', '--types', 'node'];
    const roots = ['--typeRoots', join(root, 'node_modules/@types')];
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    expect(run(process.execPath, [tsc, ...options, ...roots, 'typed.mts'])).toBe('');
  });
});

describe.each(nodeVersions().length > 0 ? nodeVersions() : ['running'])('under Node %s', (version) => {
  let node: string;
  beforeAll(() => {
    node = version === 'running' ? process.execPath : nodeProgram(version);
  }, 240_000);

  it('serves and calls a tool', () => {
    const result = JSON.parse(run(node, ['program.js']));
    expect(result.text).toBe('5');
    if (version !== 'running') expect(result.node.split('.')[0]).toBe(version);
  });

  it('loads the addon of the package', () => {
    const report = `import { loadReport } from './node_modules/ringwire/dist/binding/addon.js'; console.log(JSON.stringify(loadReport()));`;
    const { loaded, path } = JSON.parse(run(node, ['--input-type=module', '-e', report]));
    expect(loaded).toBe(true);
    expect(path.replaceAll('\\', '/')).toContain(`node_modules/ringwire/${binary}`);
  });

  it('says so in doctor', () => {
    expect(run(node, [doctor, 'doctor'])).toContain(binary);
  });
});

describe('a broken binary', () => {
  let broken: string;
  beforeAll(() => {
    broken = mkdtempSync(join(workspace, 'broken-'));
    install(packed.tarball, broken);
    writeFileSync(join(broken, 'program.js'), program);
    truncateSync(join(broken, 'node_modules/ringwire', binary), 5_000);
  }, 120_000);

  it('is diagnosed by doctor', () => {
    const { stdout } = spawnSync(process.execPath, [doctor, 'doctor'], { cwd: broken, encoding: 'utf8' });
    expect(stdout).toContain('cut short: 5000 of at least');
  });

  it('leaves the TypeScript implementations serving', () => {
    expect(JSON.parse(run(process.execPath, ['program.js'], broken)).text).toBe('5');
  });

  it('names the error where the addon is required', () => {
    const text = `import { requireAddon } from './node_modules/ringwire/dist/binding/addon.js'; try { requireAddon(); } catch (error) { console.log(error.code); }`;
    const code = run(process.execPath, ['--input-type=module', '-e', text], broken).trim();
    expect(code).toBe('ADDON_UNAVAILABLE');
    expect(errorKinds).toHaveProperty(code);
  });
});

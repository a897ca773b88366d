/** The README does what it says: its programs and commands run as they are typed. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as limits from '../../src/limits.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');

/** Fenced blocks by their language; the name stands after it. */
function blocks(language: string): { name: string; text: string }[] {
  const pattern = new RegExp(`^\`\`\`${language}(?: (\\S+))?\\n([\\s\\S]*?)^\`\`\`$`, 'gm');
  return [...readme.matchAll(pattern)].map(([, name = '', text]) => ({ name, text }));
}

/** A port nobody listens on, so that the example's fixed one cannot be taken. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return port;
}

let folder: string;
let port: number;
let server: ChildProcess | undefined;

const typed = (text: string) => text.replaceAll('127.0.0.1:4000', `127.0.0.1:${port}`);

/** A folder in which `npm install ringwire` was run: the clone stands in for the package. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ringwire-readme-'));
  port = await freePort();
  mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true });
  symlinkSync(root, join(folder, 'node_modules/ringwire'));
  symlinkSync(
    join(root, 'node_modules/@modelcontextprotocol'),
    join(folder, 'node_modules/@modelcontextprotocol'),
  );
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    bin: { ringwire: string };
  };
  symlinkSync(join(root, manifest.bin.ringwire), join(folder, 'node_modules/.bin/ringwire'));
  writeFileSync(join(folder, 'package.json'), '{"private":true}');
  for (const { name, text } of blocks('js')) writeFileSync(join(folder, name), typed(text));
  server = spawn(process.execPath, ['calculator.mjs'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(server.stdout as NodeJS.ReadableStream, 'data');
  expect(String(line)).toBe(`calculator listens on http://127.0.0.1:${port}/mcp\n`);
});

afterAll(async () => {
  if (server !== undefined && server.exitCode === null) {
    server.kill();
    await once(server, 'exit');
  }
  rmSync(folder, { recursive: true, force: true });
});

describe('the programs of the README', () => {
  const programs = blocks('js').filter(({ name }) => name !== 'calculator.mjs');

  it('are all named', () => {
    expect(programs.map(({ name }) => name)).toEqual(['client.mjs', 'sdk-client.mjs', 'rpc.mjs', 'sdk.mjs']);
  });

  it.each(programs)('$name prints what its comment says', ({ name, text }) => {
    const expected = [...text.matchAll(/^console\.log\(.*\); \/\/ (.*)$/gm)].map(([, line]) => line);
    expect(expected.length).toBeGreaterThan(0);
    const result = spawnSync(process.execPath, [name], { cwd: folder, encoding: 'utf8', timeout: 20_000 });
    expect(result.stderr).toBe('');
    expect(result.stdout.trim().split('\n')).toEqual(expected);
    expect(result.status).toBe(0);
  });
});

describe('the commands of the README', () => {
  const lines = blocks('sh')
    .filter(({ name }) => name === '')
    .flatMap(({ text }) => text.trim().split('\n'));
  const runnable = lines.filter((line) => line.startsWith('npx ringwire'));

  it('are those of package.json or of ringwire', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const others = lines.filter((line) => !runnable.includes(line));
    expect(others).toEqual(['npm ci && npm start', 'npm ci && npm test', 'npm install ringwire']);
    expect(scripts).toMatchObject({ start: expect.any(String), test: expect.any(String) });
    expect(runnable.length).toBeGreaterThan(2);
  });

  it('include one for curl', () => {
    const [{ text }] = blocks('sh').filter(({ name }) => name === 'curl.sh');
    const result = spawnSync('sh', ['-c', typed(text)], { encoding: 'utf8', timeout: 20_000 });
    expect(result.status, result.stderr).toBe(0);
    expect(JSON.parse(result.stdout).result.content).toEqual([{ type: 'text', text: '5' }]);
  });

  it.each(runnable)('%s', (line) => {
    // npx finds the program in node_modules/.bin and downloads nothing.
    const result = spawnSync('sh', ['-c', typed(line)], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 25_000,
      env: { ...process.env, npm_config_yes: 'false', npm_config_offline: 'true' },
    });
    expect(result.status, result.stdout + result.stderr).toBe(0);
    if (line.includes(' call ')) expect(result.stdout).toBe('5\n');
    if (line.includes(' tools ')) expect(result.stdout).toContain('add');
    if (line.includes(' doctor')) expect(result.stdout).toContain(process.versions.node);
    if (line.endsWith(' help')) expect(result.stdout).toContain('serve');
  });
});

describe('the links and figures of the documents', () => {
  const pages = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'docs/README.md', 'docs/decisions/README.md'];

  it.each(pages)('%s links to files that exist', (page) => {
    const text = readFileSync(join(root, page), 'utf8');
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, link]) => link);
    expect(links.filter((link) => !existsSync(join(root, dirname(page), link)))).toEqual([]);
  });

  it.each(['docs', 'docs/decisions'])('%s has every page in its index', (folder) => {
    const index = readFileSync(join(root, folder, 'README.md'), 'utf8');
    const pages = readdirSync(join(root, folder)).filter(
      (name) => name.endsWith('.md') && name !== 'README.md',
    );
    expect(pages.filter((page) => !index.includes(`](${page})`))).toEqual([]);
  });

  it('names the defaults as they are', () => {
    expect(readme).toContain(`messages up to ${limits.maxFrameBytes / 1024 / 1024} MiB`);
    expect(readme).toContain(`${limits.maxDepth} levels of nesting`);
    expect(readme).toContain(`${limits.maxConnections.toLocaleString('en')} connections`);
    expect(readme).toContain(`${limits.maxInFlight.toLocaleString('en')} calls in flight`);
  });

  it('names only scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    for (const page of pages) {
      const text = readFileSync(join(root, page), 'utf8');
      for (const [, name] of text.matchAll(/npm run ([a-z:]+)/g))
        expect(scripts, page).toHaveProperty([name]);
    }
  });
});

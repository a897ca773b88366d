/** The regression gate: green between equal builds, red where the path of a call was made slower, clear where it cannot judge. */
import { execFileSync } from 'node:child_process';
import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { type Ended, Running, root, temporaryFolder } from './run.js';

const timeoutMs = 120_000;

function gate(args: readonly string[], script = join(root, 'bench/gate.mjs')): Promise<Ended> {
  const child = new Running([script, ...args], {});
  child.process.stdin.end();
  return child.ended;
}

/** A copy of dist beside what it needs of the package; `patch` may change the text of a file. */
async function copyOfDist(patch: (text: string) => string): Promise<{ dist: string; patched: number }> {
  const folder = await temporaryFolder();
  const dist = join(folder, 'dist');
  await cp(join(root, 'dist'), dist, { recursive: true, filter: (file) => !file.endsWith('.map') });
  for (const name of ['build', 'prebuilds', 'node_modules', 'package.json'])
    await symlink(join(root, name), join(folder, name));
  let patched = 0;
  for (const name of await readdir(join(dist, 'chunks'))) {
    const file = join(dist, 'chunks', name);
    const text = await readFile(file, 'utf8');
    const changed = patch(text);
    if (changed === text) continue;
    patched += 1;
    await writeFile(file, changed);
  }
  return { dist, patched };
}

// One request in flight on each connection: what waits in front of a slow server is answered within the time measured.
const quick = ['--quick', '--scenarios', 'tcp-32x1'];

beforeAll(() => {
  execFileSync('make', ['-s', '-C', join(root, 'bench/loadgen')]);
}, timeoutMs);

test('a busy loop in the path of a tool call turns it red', {
  timeout: timeoutMs,
}, async () => {
  const slow = await copyOfDist((text) =>
    text.replace(
      /(\n {2}serve\(input, call\) \{\n {4}const tool = this\.#tool;\n)/,
      '$1    for (let spent = 0; spent < 150_000; spent += 1) globalThis.ringwireSpent = spent;\n',
    ),
  );
  expect(slow.patched).toBe(1);
  const { code, stdout, stderr } = await gate([
    ...quick,
    '--base-dist',
    join(root, 'dist'),
    '--head-dist',
    slow.dist,
  ]);
  expect(stderr).toMatch(/tcp-32x1: (CPU per message|rate).* would be red; measured again with 4 rounds/);
  expect(stderr).toMatch(
    /tcp-32x1: (CPU per message|rate) is [\d.]+ % worse than the base; the budget allows 8 %/,
  );
  expect(stdout).toMatch(/tcp-32x1\s+(CPU per message|rate) .* RED/);
  expect(code).toBe(1);
});

test('a build against itself is green', { timeout: timeoutMs }, async () => {
  const { code, stdout, stderr } = await gate([...quick, '--json', '--base-dist', join(root, 'dist')]);
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringMatching(/gate: green/) });
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(rows.map(({ scenario, name }) => `${scenario} ${name}`)).toEqual([
    'tcp-32x1 CPU per message',
    'tcp-32x1 rate',
  ]);
  expect(rows[1]).toMatchObject({ a: expect.any(Number), rounds: { a: 4, b: 4 } });
  for (const row of rows) {
    expect(row).toMatchObject({ isRed: false, limit: 0.08 });
    expect(row.noise).toBeGreaterThanOrEqual(0);
  }
});

test('says that nothing was compared where the clone has no base', { timeout: timeoutMs }, async () => {
  const folder = await temporaryFolder();
  await cp(join(root, 'bench'), join(folder, 'bench'), {
    recursive: true,
    filter: (file) => !/[\\/](peers|results)[\\/]/.test(file),
  });
  await mkdir(join(folder, 'src'));
  const environment = {
    ...process.env,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CEILING_DIRECTORIES: join(folder, '..'),
  };
  const git = (...args: string[]): void => {
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@localhost', ...args], {
      cwd: folder,
      env: environment,
    });
  };
  git('init', '-q', '-b', 'main');
  git('add', 'bench/gate.mjs');
  git('commit', '-q', '-m', 'first');
  const { code, stdout, stderr } = await gate([], join(folder, 'bench/gate.mjs'));
  expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
  expect(stderr).toMatch(
    /NOT COMPARED: HEAD is the first commit\. Nothing was measured; this is no verdict\./,
  );
});

test.each([
  [['--scenarios', 'tcp-9x9'], /unknown scenario "tcp-9x9"; known are tcp-32x64/],
  [['--rounds', '0'], /--rounds 0: expected a positive whole number/],
  [['--base', 'nowhere', '--scenarios', 'tcp-32x1'], /--base nowhere: there is no such commit in this clone/],
  [['--base', 'HEAD', '--base-dist', 'dist'], /--base and --base-dist exclude each other/],
  [['--head-dist', 'nowhere', '--base-dist', 'dist'], /nowhere\/index\.js is missing/],
  [['--budget', 'nowhere.json'], /cannot read the budget nowhere\.json/],
  [['--colour'], /Unknown option '--colour'/],
])('%j is wrong usage', async (args, message) => {
  const { code, stderr } = await gate(args);
  expect(stderr).toMatch(message);
  expect(code).toBe(2);
});

/** ringwire profile: every engine finds what burns, whatever ends it nothing is lost, and its pages open in a browser. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { perfProblem } from '../../src/workbench/profile/perf.js';
import type { KeptProfile } from '../../src/workbench/profile/sessions.js';
import { zeroXProblem } from '../../src/workbench/profile/zero-x.js';
import { chromium, chromiumMissing, openPage } from './chromium.js';
import { cli, Running } from './run.js';

const hog = fileURLToPath(new URL('hog.mjs', import.meta.url));
let state = '';

beforeAll(async () => {
  state = await mkdtemp(join(tmpdir(), 'ringwire-profile-'));
});
afterAll(() => rm(state, { recursive: true, force: true }));

function start(args: readonly string[]): Running {
  return new Running([cli, 'profile', ...args], { env: { RINGWIRE_STATE: state } });
}

async function run(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await start(args).ended;
  expect(stderr).not.toMatch(/ringwire:/);
  expect(code).toBe(0);
  return stdout;
}

async function record(args: readonly string[]): Promise<KeptProfile> {
  const [own, command] = args.includes('--')
    ? [args.slice(0, args.indexOf('--')), args.slice(args.indexOf('--'))]
    : [args, []];
  return JSON.parse(await run([...own, '--json', ...command])) as KeptProfile;
}

const burning = /^burnProcessor .*hog\.mjs/;

const engines = [
  { engine: 'perf', problem: await perfProblem() },
  { engine: '0x', problem: zeroXProblem() },
  { engine: 'cpu-prof', problem: undefined },
].map((each) => ({ ...each, name: each.problem === undefined ? '' : ` (skipped: ${each.problem})` }));

describe('a command', () => {
  for (const { engine, problem, name } of engines)
    it.skipIf(problem !== undefined)(`is recorded by ${engine}${name}`, { timeout: 60_000 }, async () => {
      const profile = await record(['--engine', engine, '--', 'node', hog, '600']);
      expect(profile).toMatchObject({ engine, unit: 'samples', wasInterrupted: false });
      expect(profile.self[0].title).toMatch(burning);
      expect(profile.self[0].layer).toBe('handler');
      expect(profile.layers.handler).toBeGreaterThan(0.4);
      const folded = readFileSync(join(profile.folder, 'stacks.folded'), 'utf8');
      expect(folded).toMatch(/;[*~^]?burnProcessor [^;]*hog\.mjs[^;]* \d+$/m);
    });

  it('is written when it is interrupted, and ended', { timeout: 60_000 }, async () => {
    const child = start(['--engine', 'cpu-prof', '--json', '--', 'node', hog, '600000']);
    await child.match('stderr', /ready/);
    const profileFile = child.match('stdout', /"id"/);
    child.process.kill('SIGINT');
    await profileFile;
    const { code, stdout } = await child.ended;
    expect(code).toBe(130);
    const profile = JSON.parse(stdout) as KeptProfile;
    expect(profile.wasInterrupted).toBe(true);
    expect(profile.total).toBeGreaterThan(0);
    expect(readFileSync(join(profile.folder, 'flame.html'), 'utf8')).toContain('report-data');
  });
});

describe('a running process', () => {
  it('is recorded through its inspector, which closes again', { timeout: 60_000 }, async () => {
    const running = new Running(['--inspect-port=127.0.0.1:0', hog, '600000']);
    await running.match('stdout', /ready/);
    const pid = String(running.process.pid);
    const profile = await record(['--pid', pid, '--engine', 'inspector', '--seconds', '0.5']);
    expect(profile.self[0].title).toMatch(burning);
    await running.match('stderr', /Debugger ending/);
    expect(running.process.exitCode).toBeNull();
  });

  it('shows what it allocates', { timeout: 60_000 }, async () => {
    const running = new Running(['--inspect-port=127.0.0.1:0', hog, '600000', 'allocate']);
    await running.match('stdout', /ready/);
    const profile = await record(['--pid', String(running.process.pid), '--allocations', '--seconds', '0.5']);
    expect(profile).toMatchObject({ unit: 'bytes', subject: 'allocations', engine: 'inspector' });
    expect(profile.inclusive.map(({ title }) => title).join('\n')).toContain('allocateMuch');
  });
});

describe('a scenario', () => {
  it.each(['tcp', 'stdio'])(
    'is recorded over %s while it is loaded',
    { timeout: 60_000 },
    async (transport) => {
      const args = [
        'quick',
        '--transport',
        transport,
        '--engine',
        'cpu-prof',
        '--seconds',
        '0.5',
        '--warmup',
        '0.2',
      ];
      const profile = await record(args);
      expect(profile.load?.messages).toBeGreaterThan(0);
      expect(profile.load?.errors).toBe(0);
      const shares = Object.values(profile.layers);
      expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1);
      expect(profile.layers.dispatch).toBeGreaterThan(0);
    },
  );
});

describe('kept profiles', () => {
  it('are listed, compared and removed', { timeout: 60_000 }, async () => {
    const [first, second] = await Promise.all([
      record(['--engine', 'cpu-prof', '--', 'node', hog, '300']),
      record(['--engine', 'cpu-prof', '--', 'node', hog, '300', 'both']),
    ]);
    expect(await run(['list'])).toMatch(new RegExp(`^${second.id} .*cpu-prof`, 'm'));
    const page = join(state, 'diff.html');
    const { frames } = JSON.parse(await run(['diff', first.id, second.folder, '--html', page, '--json'])) as {
      readonly frames: readonly { readonly title: string; readonly change: number }[];
    };
    const change = (name: string): number => frames.find(({ title }) => title.startsWith(name))?.change ?? 0;
    expect(change('burnMore')).toBeGreaterThan(0.2);
    expect(change('burnProcessor')).toBeLessThan(-0.2);
    expect(readFileSync(page, 'utf8')).toContain('burnMore');
    expect(await run(['remove', first.id])).toBe(`removed ${first.id}\n`);
    const left = JSON.parse(await run(['list', '--json'])) as readonly KeptProfile[];
    expect(left.map(({ id }) => id)).not.toContain(first.id);
    expect(left.map(({ id }) => id)).toContain(second.id);
  });
});

describe('the page', () => {
  it.skipIf(chromium === undefined)(
    `shows frames, finds them and zooms, with hostile names as text${chromiumMissing}`,
    { timeout: 60_000 },
    async () => {
      const { renderFlamegraph } = await import('../../src/analysis/flame/render-flamegraph.js');
      const { parseFolded } = await import('../../src/analysis/flame/folded.js');
      const { browserAsset } = await import('../../src/workbench/report/browser-asset.js');
      const text =
        'main [app];*needle a.js:1:1 60\nmain [app];<img src=x onerror=window.hit=1> [</script>] 40\n';
      const file = join(state, 'page.html');
      await writeFile(
        file,
        renderFlamegraph(parseFolded(text), { title: 'a <b>page</b>' }, browserAsset('flame')),
      );
      const page = await openPage(file);
      try {
        const frames = "[...document.querySelectorAll('#flame g.frame')]";
        expect(await page.evaluate(`${frames}.length`)).toBe(4);
        expect(
          await page.evaluate(
            `${frames}.map((g) => g.querySelector('rect').getBoundingClientRect().width > 0)`,
          ),
        ).toEqual([true, true, true, true]);
        await page.evaluate(
          "document.getElementById('flame-search').value = 'NEEDLE'; document.getElementById('flame-bar').requestSubmit()",
        );
        expect(await page.evaluate("document.getElementById('flame-details').textContent")).toBe(
          '1 frames found, together 60.00 %',
        );
        expect(
          await page.evaluate(
            `${frames}.filter((g) => g.querySelector('rect').getAttribute('fill') === '#e23bd8').length`,
          ),
        ).toBe(1);
        await page.evaluate(
          `${frames}.find((g) => g.getAttribute('name').includes('needle')).dispatchEvent(new MouseEvent('click', { bubbles: true }))`,
        );
        // Zooming ends within a frame or two, not within the click.
        const widths = await page.evaluate<number[]>(
          `new Promise((done) => {
            const check = (left) => {
              const widths = ${frames}.filter((g) => /needle|main/.test(g.getAttribute('name'))).map((g) => Math.round(g.querySelector('rect').getBoundingClientRect().width));
              if (widths[0] === widths[1] || left === 0) done(widths);
              else requestAnimationFrame(() => check(left - 1));
            };
            check(120);
          })`,
        );
        expect(widths).toHaveLength(2);
        expect(widths[0]).toBe(widths[1]);
        expect(await page.evaluate('window.hit')).toBeUndefined();
        expect(page.errors).toEqual([]);
        expect(page.requests).toEqual([]);
      } finally {
        await page.close();
      }
    },
  );
});

describe('the command line', () => {
  it.each([
    [['--pid', '1', '--', 'node', 'x.mjs'], /--pid and a command/],
    [['remove', 'nobody'], /There is no profile "nobody"/],
    [['diff', 'a.folded', 'b.folded'], /There is no file a\.folded/],
    [['--pid', '1', '--engine', 'cpu-prof'], /must start the process itself/],
  ])('%j is refused', async (args, message) => {
    const { code, stdout, stderr } = await start(args).ended;
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
    expect(stdout).toBe('');
  });
});

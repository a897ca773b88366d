/** bench compare, bench trend and capacity as programs: what they print, write and end with. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ringwire, root, serveModule, temporaryFolder, temporaryModule } from './run.js';

const timeoutMs = 60_000;

/** A JSON-RPC server on stdin and stdout that spends `microseconds` of its processor on each call. */
const lineServer = (
  text: string,
  microseconds = 0,
): string => `import { createInterface } from 'node:readline';
  createInterface({ input: process.stdin }).on('line', (line) => {
    const { id } = JSON.parse(line);
    const until = performance.now() + ${microseconds / 1000};
    while (performance.now() < until);
    process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result: { text: ${JSON.stringify(text)} } }) + '\\n');
  });`;

const commandOf = async (source: string): Promise<string> =>
  `'${process.execPath}' '${await temporaryModule(source)}'`;

const short = ['--rounds', '4', '--seconds', '0.1', '--warmup', '0.05', '--era', 'none', '--method', 'echo'];

describe('bench compare', () => {
  test('finds the slower of two commands, and fails beyond the budget', { timeout: timeoutMs }, async () => {
    const [a, b] = [await commandOf(lineServer('x')), await commandOf(lineServer('another', 2000))];
    const html = join(await temporaryFolder(), 'pages', 'compare.html');
    const { code, stdout, stderr } = await ringwire([
      'bench',
      'compare',
      a,
      b,
      ...short,
      '--depth',
      '4',
      '--budget',
      '50',
      '--any-answer',
      '--json',
      '--html',
      html,
    ]);
    expect(stderr).toMatch(/rate of B is 0\.\d+ times that of A; the budget is 50 %/);
    expect(code).toBe(1);
    const { metrics, reports } = JSON.parse(stdout);
    expect(metrics[0]).toMatchObject({ name: 'rate', verdict: 'worse', rounds: { a: 4, b: 4 } });
    expect(metrics[0].high).toBeLessThan(0.5);
    expect(reports.a).toHaveLength(4);
    expect(await readFile(html, 'utf8')).toContain('B compared with A');
  });

  test('refuses servers that answer differently', { timeout: timeoutMs }, async () => {
    const [a, b] = [await commandOf(lineServer('one')), await commandOf(lineServer('other'))];
    const refused = await ringwire(['bench', 'compare', a, b, ...short]);
    expect(refused.stderr).toMatch(/answer "echo" differently.*A: \{"text":"one"\}; B: \{"text":"other"\}/);
    expect(refused.code).toBe(2);
  });

  test('compares an address with another transport of the same server', { timeout: timeoutMs }, async () => {
    const source = `export default ringwire.createServer({ name: 's', version: '1' })
      .tool('echo', { inputSchema: { type: 'object', properties: { text: { type: 'string' } } } }, ({ text }) => String(text));`;
    const [tcp, ws] = [await serveModule(source), await serveModule(source, 'ws://127.0.0.1:0/mcp')];
    const load = [
      '--rounds',
      '4',
      '--seconds',
      '0.1',
      '--warmup',
      '0.05',
      '--connections',
      '2',
      '--depth',
      '2',
    ];
    const pid = ['--pid-a', String(tcp.child.process.pid), '--pid-b', String(ws.child.process.pid)];
    const { code, stdout, stderr } = await ringwire(['bench', 'compare', tcp.url, ws.url, ...load, ...pid]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^tcp and ws, 2x2\n/);
    expect(stdout).not.toMatch(/errors/);
  });

  test('compares files of results without a run', async () => {
    const file = join(root, 'bench/results/tcp.jsonl');
    const { code, stdout, stderr } = await ringwire(['bench', 'compare', file, file, '--budget', '0']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^rate .* \+0\.0 % .*no difference$/m);
    expect(stdout).toMatch(/Compared as recorded/);
  });
});

describe('bench trend', () => {
  test('reads the results of the state folder and of another, and draws a chart', async () => {
    const state = await temporaryFolder();
    const env = { RINGWIRE_STATE: state };
    const none = await ringwire(['bench', 'trend'], { env });
    expect(none.stderr).toMatch(/There are no results in .*results/);
    expect(none.code).toBe(2);
    const lines = Array.from({ length: 14 }, (_, at) =>
      JSON.stringify({
        scenario: 'load',
        contender: 'mine',
        transport: 'tcp',
        connections: 8,
        depth: 16,
        rate: (at < 7 ? 1000 : 700) + at,
        p50us: 5,
        p99us: 50,
        errors: 0,
        commit: `commit${at}`,
        date: `2026-01-${String(at + 1).padStart(2, '0')}T00:00:00Z`,
      }),
    );
    await mkdir(join(state, 'results'));
    await writeFile(join(state, 'results', 'load.jsonl'), `${lines.join('\n')}\n`);
    const html = join(state, 'trend.html');
    const { code, stdout, stderr } = await ringwire(['bench', 'trend', '--html', html], { env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      /load: mine, tcp, 8x16 {2}rate .*[▁▂▃▄▅▆▇█]{14}.*rate -29\.\d % .* since commit7, 2026-01-08: worse/,
    );
    expect(await readFile(html, 'utf8')).toContain('Trend of measurements');
    const json = await ringwire(['bench', 'trend', 'load', '--metric', 'rate', '--json'], { env });
    expect(JSON.parse(json.stdout)).toMatchObject([{ metric: { field: 'rate' }, changes: [{ index: 7 }] }]);
    const other = await ringwire(['bench', 'trend', 'laod'], { env });
    expect(other.stderr).toMatch(/no results of "laod"[\s\S]*Did you mean load\?/);
  });

  test('reads what the repository has recorded', async () => {
    const { code, stdout } = await ringwire([
      'bench',
      'trend',
      'tcp',
      '--results',
      join(root, 'bench/results'),
    ]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/tcp: ringwire-native, tcp, 32x64 /);
  });
});

describe('capacity', () => {
  const run = join(root, 'test/fixtures/scaling-run.jsonl');

  test('fits, predicts and plans', async () => {
    const html = join(await temporaryFolder(), 'capacity.html');
    const { code, stdout, stderr } = await ringwire(['capacity', run, '--rate', '500000', '--html', html]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/connections {2}measured\/s {2}fitted\/s/);
    expect(stdout).toMatch(
      /Without the measurement at 64 connections the law predicts [\d,]+ per second there/,
    );
    expect(stdout).toMatch(/500,000 per second need \d+ nodes like the measured one, with 30 % left free/);
    expect(await readFile(html, 'utf8')).toContain('Universal Scalability Law');
    const json = JSON.parse((await ringwire(['capacity', run, '--json'])).stdout);
    expect(json).toMatchObject([{ curve: { unit: 'connections' }, heldOut: { n: 64 } }]);
  });
});

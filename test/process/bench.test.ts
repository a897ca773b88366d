/** The benchmarks: that they run, check what they measure, record it, and say what is wrong. */
import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { type Ended, Running, root, temporaryFolder, temporaryModule } from './run.js';

const timeoutMs = 120_000;
const runScript = join(root, 'bench/run.mjs');
const renderScript = join(root, 'bench/render.mjs');
const loadgen = join(root, 'bench/loadgen/build/loadgen');

function script(path: string, args: readonly string[], env?: Record<string, string>): Promise<Ended> {
  const child = new Running([path, ...args], { env });
  child.process.stdin.end();
  return child.ended;
}

const bench = (...args: string[]): Promise<Ended> => script(runScript, args);

const records = (lines: string): Record<string, unknown>[] =>
  lines
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

/** Loads a stdio server of our own; the generator is spawned by a line of JavaScript to share Running's care. */
async function load(server: string, ...args: string[]): Promise<Ended> {
  const source = `import { spawnSync } from 'node:child_process';
    const [file, ...args] = ${JSON.stringify([loadgen, ...args, '--', process.execPath, await temporaryModule(server)])};
    const { status } = spawnSync(file, args, { stdio: 'inherit' });
    process.exitCode = status;`;
  return script(await temporaryModule(source, 'load.mjs'), []);
}

const lineServer = (reply: string): string => `import { createInterface } from 'node:readline';
  let count = 0;
  createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, params } = JSON.parse(line);
    count += 1;
    const text = params.arguments.text;
    ${reply}
  });
  function answer(id, text) {
    process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text }] } }) + '\\n');
  }`;

beforeAll(() => {
  execFileSync('make', ['-s', '-C', join(root, 'bench/loadgen')]);
}, timeoutMs);

test('tcp --json prints a line per contender and configuration, and records the same', {
  timeout: timeoutMs,
}, async () => {
  const results = await temporaryFolder();
  const names = ['node-batched', 'epoll-cpp'];
  const options = ['--rounds', '2', '--seconds', '0.1', '--contenders', names.join()];
  const { code, stdout, stderr } = await bench('tcp', '--json', '--quick', ...options, '--results', results);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const printed = records(stdout);
  const kind = ({ contender, connections, depth, payload, text }: Record<string, unknown>): string =>
    `${contender} ${connections}x${depth} ${payload} ${text}`;
  expect(new Set(printed.map(kind)).size).toBe(printed.length);
  for (const name of names) {
    expect(printed.map(kind)).toEqual(
      expect.arrayContaining([
        `${name} 32x64 tool ascii`,
        `${name} 32x64 tool utf8`,
        `${name} 32x1 tool ascii`,
        `${name} 32x64 resource ascii`,
      ]),
    );
  }
  for (const record of printed) {
    expect(record).toMatchObject({ scenario: 'tcp', transport: 'tcp', rounds: 2, errors: 0, quick: true });
    expect(record).toMatchObject({ commit: expect.any(String), node: process.versions.node });
    expect(record.machine).toMatchObject({ cores: expect.any(Number), kernel: expect.any(String) });
    for (const field of ['rate', 'p50us', 'p99us', 'p999us', 'generatorCpu', 'rssMb', 'messages'])
      expect(record[field], field).toBeGreaterThan(0);
    expect(record.cpuUsPerMsg).toBeGreaterThanOrEqual(0);
    expect(Number(record.p50us)).toBeLessThanOrEqual(Number(record.p99us));
    expect(record.rates).toHaveLength(2);
  }
  expect(await readFile(join(results, 'tcp.jsonl'), 'utf8')).toBe(stdout);
});

test('the generator matches replies by id in whatever order they come', { timeout: timeoutMs }, async () => {
  const server = lineServer(`
    // Two at a time, the later one first; the first call comes alone.
    if (count === 1) return answer(id, text);
    if (count % 2 === 0) globalThis.held = id;
    else { answer(id, text); answer(globalThis.held, text); }`);
  const { code, stdout } = await load(
    server,
    'run',
    '--depth',
    '8',
    '--warmup',
    '0',
    '--seconds',
    '60',
    '--messages',
    '4000',
  );
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ messages: 4000, errors: 0, extraFrames: 0 });
});

test('the generator counts wrong, missing and foreign replies', { timeout: timeoutMs }, async () => {
  const limits = ['--depth', '4', '--warmup', '0', '--seconds', '60', '--messages', '100'];
  const wrong = await load(lineServer("answer(id, count === 20 ? 'hello xorld' : text);"), 'run', ...limits);
  expect(JSON.parse(wrong.stdout)).toMatchObject({
    errors: 1,
    firstError: expect.stringContaining('hello xorld'),
  });
  const twice = await load(
    lineServer('answer(id, text); if (count === 20) answer(id, text);'),
    'run',
    ...limits,
  );
  expect(JSON.parse(twice.stdout)).toMatchObject({
    errors: 1,
    firstError: expect.stringContaining('not in flight'),
  });
  const gone = await load(
    lineServer('if (count === 20) process.exit(); answer(id, text);'),
    'run',
    ...limits,
  );
  expect(JSON.parse(gone.stdout)).toMatchObject({ errors: 1, firstError: expect.stringContaining('closed') });
});

test('the open loop counts the wait of requests that were due while the server stood still', {
  timeout: timeoutMs,
}, async () => {
  const stall = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500)';
  const server = lineServer(`if (count === 300) ${stall}; answer(id, text);`);
  const { stdout } = await load(server, 'run', '--rate', '1000', '--warmup', '0', '--seconds', '1.2');
  const report = JSON.parse(stdout);
  expect(report).toMatchObject({ mode: 'open', targetRate: 1000, errors: 0 });
  // 500 requests fell due in the half second. Timed from their sending, only those in flight would show it.
  expect(report.p90us).toBeGreaterThan(200_000);
});

test('a refused call ends the run with the reply as the reason', { timeout: timeoutMs }, async () => {
  const server = lineServer(
    "process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32601, message: 'no such tool' } }) + '\\n');",
  );
  const { code, stderr } = await load(server, 'run');
  expect(code).toBe(1);
  expect(stderr).toContain('first call: not a result');
  expect(stderr).toContain('no such tool');
});

test('wrong usage says what would be right', async () => {
  const cases = [
    [[], 'which scenario? Known are tcp'],
    [['tpc'], 'unknown scenario "tpc"; known are tcp'],
    [['tcp', '--rounds', '0'], '--rounds 0: expected a positive whole number'],
    [['tcp', '--contenders', 'deno'], 'unknown contender "deno"; known are ringwire-native'],
    [['tcp', '--contenders', 'sdk1'], 'sdk1 has no part in tcp'],
    [['tcp', '--fast'], "Unknown option '--fast'"],
  ] as const;
  for (const [args, message] of cases) {
    const { code, stderr } = await bench(...args);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(message) });
  }
  const help = await bench('--help');
  expect(help).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('usage: npm run bench -- SCENARIO'),
  });
});

test('without a compiler it says what to install', async () => {
  const { code, stderr } = await script(runScript, ['tcp', '--quick'], { PATH: await temporaryFolder() });
  expect(code).toBe(1);
  expect(stderr).toContain('cannot build the load generator: make was not found');
  expect(stderr).toContain('apt-get install make g++');
});

test('render writes the newest whole run between the markers, and --check sees a stale document', async () => {
  const folder = await temporaryFolder();
  const machine = { cpu: 'test', cores: 2, kernel: '6' };
  const record = {
    scenario: 'tcp',
    contender: 'node-batched',
    connections: 32,
    depth: 64,
    payload: 'tool',
    text: 'ascii',
    rounds: 5,
    requestBytes: 293,
    replyBytes: 115,
    cpuUsPerMsg: 3,
    p99us: 1500,
    rssMb: 50,
    commit: 'abc',
    node: '20',
    machine,
  };
  const lines = [
    { ...record, rate: 100_000, date: '2026-01-01T00:00:00Z' },
    { ...record, rate: 300_000, date: '2026-01-02T00:00:00Z' },
    { ...record, rate: 900_000, date: '2026-01-03T00:00:00Z', chosen: true },
    { ...record, rate: 800_000, date: '2026-01-04T00:00:00Z', quick: true },
  ];
  await writeFile(join(folder, 'tcp.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const document = join(folder, 'page.md');
  await writeFile(document, 'before\n<!-- bench:tcp -->\nold\n<!-- /bench:tcp -->\nafter\n');
  const render = (...args: string[]): Promise<Ended> =>
    script(renderScript, ['--results', folder, ...args, document]);
  expect(await render('--check')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is not what bench/results says'),
  });
  expect(await render()).toMatchObject({ code: 0 });
  const text = await readFile(document, 'utf8');
  expect(text).toMatch(/^before\n<!-- bench:tcp -->\n\| msg\/s \|/);
  expect(text).toContain('| node-batched | 300 k (1.0x) | 3.00 | 122 | 1.50 | 50 |');
  expect(text).toMatch(/<!-- \/bench:tcp -->\nafter\n$/);
  expect(await render('--check')).toMatchObject({ code: 0 });
  await writeFile(document, '<!-- bench:latency -->\n<!-- /bench:latency -->\n');
  expect(await render()).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('unknown table "latency"'),
  });
});

/** `ringwire bench` as it is typed: scenarios, addresses, commands, records, reports and exit codes. */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  cli,
  importRingwire,
  Running,
  ringwire,
  serveModule,
  temporaryFolder,
  temporaryModule,
} from './run.js';

interface Report {
  readonly messages: number;
  readonly errors: number;
  readonly generator: string;
  readonly targetRate?: number;
  readonly serverCpu?: number;
  readonly intervals: readonly unknown[];
  readonly operations: readonly { readonly name: string; readonly messages: number }[];
}

interface Run {
  readonly transport: string;
  readonly contender: string;
  readonly connections: number;
  readonly report?: Report;
  readonly error?: { readonly code: string };
  readonly verdicts: readonly { readonly criterion: { readonly metric: string }; readonly verdict: string }[];
}

interface Result {
  readonly scenario: string;
  readonly form?: string;
  readonly passed: boolean;
  readonly wasInterrupted: boolean;
  readonly runs: readonly Run[];
  readonly breakingPoints: readonly { readonly rate: number; readonly reason: string }[];
  readonly origin: { readonly machine: { readonly fingerprint: string }; readonly ringwire: string };
}

let state: string;

/** A folder of results for each test, so that none sees another's. */
async function bench(args: readonly string[], options: { readonly expected?: number } = {}) {
  const ended = await ringwire(['bench', ...args], { env: { RINGWIRE_STATE: state } });
  expect(ended.code, ended.stdout + ended.stderr).toBe(options.expected ?? 0);
  return ended;
}

async function benchJson(args: readonly string[], options: { readonly expected?: number } = {}) {
  return JSON.parse((await bench(['--json', ...args], options)).stdout) as Result;
}

const short = ['--seconds', '0.3', '--warmup', '0.1'];
const javascript = ['--generator', 'javascript'];

const echoServer = `let served = 0;
  export default ringwire.createServer({ name: 'echo', version: '1.0.0' })
  .tool('echo', { inputSchema: { type: 'object', properties: { text: { type: 'string' } } } }, ({ text }) => text)
  .tool('add', { inputSchema: { type: 'object' } }, ({ a, b }) => String(a + b))
  .tool('tiring', () => { if (++served > 20) throw new Error('out of paper'); return 'printed'; });`;

beforeAll(async () => {
  state = await temporaryFolder();
});

describe('scenarios of ringwire bench', () => {
  it('are listed', async () => {
    const { stdout } = await bench(['list']);
    for (const name of ['10k', 'peak', 'quick', 'scaling', 'sizes', 'soak', 'stress'])
      expect(stdout).toMatch(new RegExp(`^${name} `, 'm'));
  });

  it('run on every transport, and judge what they saw', async () => {
    const result = await benchJson(['10k', '--quick']);
    expect(result).toMatchObject({ scenario: '10k', form: 'quick', passed: true, wasInterrupted: false });
    expect(result.runs.map(({ transport }) => transport)).toEqual(['stdio', 'tcp', 'unix', 'http', 'ws']);
    for (const { transport, report, verdicts } of result.runs) {
      expect(report?.messages, transport).toBeGreaterThan(50);
      expect(report, transport).toMatchObject({ errors: 0, targetRate: 1000 });
      expect(report?.serverCpu, transport).toBeGreaterThan(0);
      expect(report?.operations.map(({ name }) => name).sort(), transport).toEqual([
        'call',
        'read',
        'subscribe',
      ]);
      expect(verdicts.find(({ criterion }) => criterion.metric === 'errors')?.verdict).toBe('met');
    }
    expect(result.origin.machine.fingerprint).toMatch(/^[0-9a-f]{16}$/);
  });

  it('run over HTTP/2, on an engine and an implementation of choice, with the generator in JavaScript', async () => {
    const web = await benchJson([
      'quick',
      '-t',
      'http2',
      '-t',
      'http',
      '--engine',
      'node',
      ...short,
      ...javascript,
    ]);
    expect(web.runs.map(({ contender }) => contender)).toEqual(['ringwire-node', 'ringwire-node']);
    const twin = await benchJson(['quick', '--implementation', 'twin', ...short, ...javascript]);
    expect(twin.runs[0]).toMatchObject({ contender: 'ringwire-twin', report: { generator: 'javascript' } });
  });

  it('vary what a file says, and take a file by its path', async () => {
    const file = join(await temporaryFolder(), 'mine.yaml');
    await writeFile(
      file,
      'load: { seconds: 0.2, warmup: 0.1, mix: echo }\nvary: { connections: [1, 2], payload: [16, 5000] }\ncriteria: { p50: < 10 min }\n',
    );
    const wrong = await bench([file], { expected: 2 });
    expect(wrong.stderr).toContain(`${file}:3:18: `);
    await writeFile(
      file,
      'load: { seconds: 0.2, warmup: 0.1, mix: echo }\nvary: { connections: [1, 2], payload: [16, 5000] }\ncriteria: { p50: < 60 s }\n',
    );
    const { runs } = await benchJson([file]);
    expect(runs.map(({ connections }) => connections)).toEqual([1, 2, 1, 2]);
    const { stdout } = await bench([file, '--connections', '3']);
    expect(stdout).toMatch(/^tcp, 16 B +[\d,]+\/s/m);
    expect(stdout).toMatch(/^tcp, 4\.9 KiB +[\d,]+\/s/m);
  });

  it('rise until something breaks, and say what', async () => {
    const slow = await serveModule(
      `export default ringwire.createServer({ name: 'slow', version: '1.0.0' })
        .tool('echo', async ({ text }) => { await new Promise((resolve) => setTimeout(resolve, 300)); return text; });`,
    );
    const result = await benchJson(
      ['stress', slow.url, '--tool', 'echo', '--rate', '1', '--seconds', '1', '--warmup', '0'],
      {
        expected: 1,
      },
    );
    expect(result.breakingPoints).toMatchObject([
      { rate: 0, reason: expect.stringContaining('wanted < 100 ms') },
    ]);
    const held = await benchJson([
      'stress',
      '-t',
      'tcp',
      '--quick',
      '--criterion',
      'p99 < 60 s',
      '--criterion',
      'rateReached > 1 %',
    ]);
    expect(held.breakingPoints).toMatchObject([
      { rate: 1000, reason: expect.stringContaining('held at every rate') },
    ]);
  });
});

describe('what ringwire bench measures', () => {
  it('is a tool, a method or the mix of a server at an address', async () => {
    const { url } = await serveModule(echoServer, 'http://127.0.0.1:0/mcp');
    const tool = await benchJson([url, '--tool', 'add', '--arguments', '{"a":1,"b":2}', ...short]);
    expect(tool.runs).toMatchObject([
      { contender: url, transport: 'http', mix: 'call add', report: { errors: 0 } },
    ]);
    const method = await benchJson([url, '--method', 'tools/list', '--rate', '100', ...short]);
    expect(method.runs).toMatchObject([{ report: { targetRate: 100, errors: 0 } }]);
  });

  it('is a command', async () => {
    const path = await temporaryModule(`${importRingwire}\n${echoServer}`);
    const command = [process.execPath, cli, 'serve', path, '--stdio'];
    const { runs } = await benchJson(['--mix', 'echo', ...short, '--', ...command]);
    expect(runs).toMatchObject([{ transport: 'stdio', connections: 1, report: { errors: 0 } }]);
    expect(runs[0].report?.serverCpu).toBeGreaterThan(0);
  });

  it('is plain JSON-RPC of a server that knows nothing of MCP', async () => {
    const { url } = await serveModule(
      `export default ringwire.createRpcServer().method('double', ({ n }) => ({ twice: 2 * n }));`,
    );
    const { runs } = await benchJson([url, '--method', 'double', '--params', '{"n":4}', ...short]);
    expect(runs).toMatchObject([{ mix: 'double', report: { errors: 0 } }]);
  });
});

describe('what ringwire bench leaves', () => {
  it('is a line for each run, with the machine, in the state folder', async () => {
    const { stderr } = await bench(['quick', ...short]);
    const file = join(state, 'results/quick.jsonl');
    expect(stderr).toContain(`recorded in ${file}`);
    const line = readFileSync(file, 'utf8').trimEnd().split('\n').at(-1) as string;
    expect(JSON.parse(line)).toMatchObject({
      scenario: 'quick',
      transport: 'tcp',
      connections: 8,
      depth: 16,
      mix: 'echo',
      errors: 0,
      node: process.versions.node,
      machine: { cores: expect.any(Number), fingerprint: expect.any(String) },
    });
  });

  it('is in another folder, or nothing, where that is asked for, and nothing of quick forms', async () => {
    const folder = await temporaryFolder();
    await bench(['quick', ...short, '--results', folder]);
    expect(readFileSync(join(folder, 'quick.jsonl'), 'utf8').split('\n')).toHaveLength(2);
    const before = readFileSync(join(state, 'results/quick.jsonl'), 'utf8');
    await bench(['quick', ...short, '--results', 'none']);
    await bench(['quick', '--quick']);
    expect(readFileSync(join(state, 'results/quick.jsonl'), 'utf8')).toBe(before);
  });

  it('is a report of one file', async () => {
    const file = join(await temporaryFolder(), 'deep/report.html');
    await bench(['10k', '-t', 'tcp', '--quick', '--html', file]);
    const html = readFileSync(file, 'utf8');
    for (const id of ['percentiles', 'rate', 'p99', 'cpu']) expect(html).toContain(`id="chart-${id}"`);
    expect(html).toContain('Every call was answered.');
    expect(html).not.toMatch(/<(?:script|link)[^>]+(?:src|href)="(?:https?:)?\/\//);
  });
});

describe('the exit code of ringwire bench', () => {
  it('is 1 where a criterion is missed', async () => {
    const { stdout } = await bench(['quick', ...short, '--criterion', 'p50 < 1 ns'], { expected: 2 });
    expect(stdout).toBe('');
    const missed = await bench(['quick', ...short, '--criterion', 'p50 < 0.001 us'], { expected: 1 });
    expect(missed.stdout).toMatch(/^criteria .*p50 < 0\.001 us\ntcp .*✗ \d/m);
  });

  it('is 1 where calls fail, and the first failure is shown', async () => {
    const { url } = await serveModule(echoServer);
    const { stdout } = await bench([url, '--tool', 'tiring', ...short], { expected: 1 });
    expect(stdout).toContain('out of paper');
  });

  it('is 3 where nobody listens', async () => {
    const { stderr } = await bench(['tcp://127.0.0.1:1', '--mix', 'echo'], { expected: 3 });
    expect(stderr).toContain('CONNECTION_REFUSED');
  });

  it('is 2 where the command line is wrong', async () => {
    const { stderr, stdout } = await bench(['quick', '--mix', 'ecko'], { expected: 2 });
    expect(stderr).toContain('Did you mean "echo"?');
    expect(stdout).toBe('');
  });

  it('is 130 after Ctrl-C, which ends the load, reports what was measured and runs nothing more', async () => {
    const { child: server, url } = await serveModule(
      `let calls = 0;
      export default ringwire.createServer({ name: 'echo', version: '1.0.0' })
        .tool('echo', ({ text }) => { calls += 1; if (calls === 50) process.stderr.write('loaded\\n'); return text ?? ''; });`,
    );
    const file = join(await temporaryFolder(), 'two.yaml');
    await writeFile(file, 'load: { seconds: 60, warmup: 0, rate: 100 }\nvary: { connections: [1, 2] }\n');
    const child = new Running([cli, 'bench', file, url, '--tool', 'echo', '--json'], {
      env: { RINGWIRE_STATE: state },
    });
    await server.match('stderr', /loaded/);
    child.process.kill('SIGINT');
    const { code, stdout, stderr } = await child.ended;
    expect(code, stderr).toBe(130);
    const result = JSON.parse(stdout) as Result;
    expect(result.wasInterrupted).toBe(true);
    expect(result.runs.map(({ connections }) => connections)).toEqual([1]);
    expect(result.runs[0].report?.messages).toBeGreaterThan(0);
  });
});

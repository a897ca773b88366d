/**
 * docs/benchmarking.md does what it says. Its commands are read as they are typed; with RINGWIRE_RUN_DOCS=1 they also
 * run, each in its short form, as .ci/run has it.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { criteriaOption, formOption, loadOptions, transportsOption } from '../../src/cli/bench/options.js';
import { readSubject } from '../../src/cli/bench/subject.js';
import { commandWords, loadCommand } from '../../src/cli/help.js';
import { parseInput } from '../../src/cli/parse-input.js';
import { expand } from '../../src/workbench/scenarios/expand.js';
import { measuredTransports } from '../../src/workbench/servers/measured-server.js';
import { cli, root } from './run.js';

const page = readFileSync(join(root, 'docs/benchmarking.md'), 'utf8');
const address = '127.0.0.1:8080';

/** Fenced blocks by their language; the name stands after it. */
function blocks(language: string): { name: string; text: string }[] {
  const pattern = new RegExp(`^\`\`\`${language}(?: (\\S+))?\\n([\\s\\S]*?)^\`\`\`$`, 'gm');
  return [...page.matchAll(pattern)].map(([, name = '', text]) => ({ name, text }));
}

const files = [...blocks('js'), ...blocks('yaml')];
const lines = blocks('sh').flatMap(({ text }) => text.trim().split('\n'));
const commands = lines.filter((line) => line.startsWith('npx ringwire ') && !line.endsWith(' &'));

/** The words of a command line of the page, which quotes nothing but whole words. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain).slice(2);
}

let folder: string;

/** A folder in which `npm install ringwire` was run: the clone stands in for the package. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringwire-benchmarking-'));
  mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true });
  symlinkSync(root, join(folder, 'node_modules/ringwire'));
  symlinkSync(cli, join(folder, 'node_modules/.bin/ringwire'));
  writeFileSync(join(folder, 'package.json'), '{"private":true}');
  for (const { name, text } of files) writeFileSync(join(folder, name), text);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the commands of docs/benchmarking.md', () => {
  it('are those of ringwire and of package.json', () => {
    expect(commands.length).toBeGreaterThan(15);
    const others = lines.filter((line) => !line.startsWith('npx ringwire '));
    expect(others).toEqual([
      'npm ci && npm run build',
      'npm run bench:gate',
      'npm run bench:gate -- --base HEAD~5 --scenarios tcp-32x64,http-64',
      'npm run bench -- tcp',
      'npm run bench -- http --quick',
      'npm run bench -- --help',
    ]);
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(scripts).toMatchObject({ build: expect.any(String), bench: expect.any(String) });
  });

  it('name every scenario that npm run bench has, and .ci/run runs each', () => {
    const run = readFileSync(join(root, '.ci/run'), 'utf8');
    for (const name of ['tcp', 'unix', 'stdio', 'http', 'ws', 'openloop', 'idle', 'large', 'ring', 'scan'])
      expect(run).toMatch(new RegExp(`for scenario in .*\\b${name}\\b`));
  });

  it.each(commands)('%s can be read', async (line) => {
    const words = wordsOf(line);
    const name = commandWords(words);
    const command = await loadCommand(name);
    const input = parseInput(command, words.slice(name.split(' ').length));
    if (name !== 'bench' || input.positionals[0] === 'list') return;
    const paths = input.positionals.map((word) => word.replace(/^\.\//, `${folder}/`));
    const { scenario, target } = await readSubject(paths, input.rest, input.options);
    const options = input.options as Parameters<typeof formOption>[0];
    const transports = transportsOption(options.transport) ?? scenario.transports;
    expect(measuredTransports).toEqual(expect.arrayContaining([...transports]));
    criteriaOption(options.criterion);
    for (const transport of target === undefined ? transports : [undefined])
      expect(
        expand(scenario, transport, loadOptions(input.options), formOption(options)).loads.length,
      ).toBeGreaterThan(0);
  });

  it('come with a program that prints what its comment says', () => {
    const text = files.find(({ name }) => name === 'scenario.mjs')?.text ?? '';
    const expected = /^console\.log\(.*\); \/\/ (.*)$/m.exec(text)?.[1];
    const { stdout, stderr } = spawnSync(process.execPath, ['scenario.mjs'], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect(stdout, stderr).toBe(`${expected}\n`);
  });

  it('explain every option of ringwire bench that decides what is measured', async () => {
    const { options } = await loadCommand('bench');
    const silent = Object.keys(options).filter((name) => !page.includes(`--${name}`));
    expect(silent).toEqual([]);
  });
});

/** The same command with less of everything. */
function short(line: string): string {
  const brief = line.replace(/ --(?:short|long)\b/, '').replace(/ --seconds \d+/, '');
  // Of quick runs nothing would be recorded.
  if (/ bench (?:list|trend|quick --results)/.test(line)) return line;
  if (line.includes(' bench scaling ')) return `${line} --seconds 0.2 --warmup 0.1`;
  if (line.includes(' bench compare ')) return `${brief} --rounds 4 --seconds 0.1 --warmup 0.1`;
  if (line.includes(' bench ')) return brief.replace(/ bench/, ' bench --quick');
  if (line.includes(' profile ')) return `${brief} --seconds 1 --warmup 0.2 --rate 500`;
  return line;
}

describe.skipIf(process.env.RINGWIRE_RUN_DOCS !== '1')('the commands of docs/benchmarking.md, run', () => {
  let server: ChildProcess;
  let port: number;
  const typed = (line: string): string => line.replaceAll(address, `127.0.0.1:${port}`);

  beforeAll(async () => {
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    port = (probe.address() as { port: number }).port;
    probe.close();
    await once(probe, 'close');
    const line = lines.find((each) => each.endsWith(' &')) as string;
    const words = wordsOf(typed(line.slice(0, -' &'.length)));
    server = spawn(process.execPath, [cli, ...words, '--json'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(server.stdout as NodeJS.ReadableStream, 'data');
  });

  afterAll(async () => {
    server.kill();
    if (server.exitCode === null) await once(server, 'exit');
  });

  it.each(commands)(
    '%s',
    (line) => {
      // npx finds the program in node_modules/.bin and downloads nothing.
      const { status, stdout, stderr } = spawnSync('sh', ['-c', typed(short(line))], {
        cwd: folder,
        encoding: 'utf8',
        timeout: 110_000,
        env: {
          ...process.env,
          RINGWIRE_STATE: join(folder, 'state'),
          npm_config_yes: 'false',
          npm_config_offline: 'true',
        },
      });
      // What a report finds is its content: 1 says that something critical is in it.
      const codes = line.includes(' analyze ') ? [0, 1] : [0];
      expect(codes, stdout + stderr).toContain(status);
      expect(stdout).not.toBe('');
      const html = / --html (\S+)/.exec(line)?.[1];
      if (html !== undefined) expect(existsSync(join(folder, html))).toBe(true);
    },
    120_000,
  );
});

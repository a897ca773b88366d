// Runs the official suite and reads what its checks found.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suiteProgram } from './sets.mjs';

const suiteNode = 24;
const scenarioTimeoutMs = 60_000;

let nodeProgram;

// The suite needs Node 22 or newer; where this one is older npm brings another.
function nodeForSuite() {
  if (nodeProgram !== undefined) return nodeProgram;
  if (Number.parseInt(process.versions.node, 10) >= 22) nodeProgram = process.execPath;
  else {
    const args = ['exec', '--yes', `--package=node@${suiteNode}`, '--', 'node', '-p', 'process.execPath'];
    const npm = process.env.npm_execpath?.endsWith('npm-cli.js')
      ? [process.execPath, [process.env.npm_execpath, ...args]]
      : ['npm', args];
    nodeProgram = execFileSync(...npm, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  }
  return nodeProgram;
}

const running = new Set();
const folders = new Set();

// For the end of the script: nothing it started or made stays.
export function cleanUp() {
  for (const child of running) killGroup(child);
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}

// A group of its own: the suite starts the client through a shell, which would outlive it.
function killGroup(child) {
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

function runSuite(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(nodeForSuite(), [suiteProgram, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, NO_COLOR: '1' },
    });
    running.add(child);
    let output = '';
    let timedOut = false;
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    const timer = setTimeout(() => {
      timedOut = true;
      killGroup(child);
    }, scenarioTimeoutMs);
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      running.delete(child);
      killGroup(child);
      resolve({ code, output, timedOut });
    });
  });
}

function checksIn(folder) {
  const [result] = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('checks.json'));
  return result === undefined ? [] : JSON.parse(readFileSync(join(folder, result), 'utf8'));
}

function describe({ id, name, errorMessage }) {
  return `${id} (${name}): ${errorMessage ?? 'no reason given'}`;
}

// What the checks of one scenario say. A warning is a failure: what "should" hold holds here. `end` is how the suite
// itself ended.
export function judge(checks, end) {
  const of = (status) => checks.filter((check) => check.status === status);
  const problems = [...of('FAILURE'), ...of('WARNING')].map(describe);
  if (end.timedOut) problems.push(`no verdict within ${scenarioTimeoutMs} ms`);
  else if (of('SUCCESS').length === 0 && problems.length === 0) problems.push('nothing was checked');
  else if (end.code !== 0 && problems.length === 0) problems.push(`the suite ended with ${end.code}`);
  return {
    passed: of('SUCCESS').length,
    failed: of('FAILURE').length,
    warnings: of('WARNING').length,
    skipped: of('SKIPPED').length,
    ok: problems.length === 0,
    problems,
  };
}

// What one scenario found. `target` is ['--url', URL] for a server, ['--command', COMMAND] for a client.
export async function runScenario(side, target, [scenario, revision]) {
  const folder = mkdtempSync(join(tmpdir(), 'ringwire-conformance-'));
  folders.add(folder);
  const startedAt = performance.now();
  try {
    const selection = ['--scenario', scenario, '--spec-version', revision, '-o', folder];
    const end = await runSuite([side, ...target, ...selection]);
    const ms = Math.round(performance.now() - startedAt);
    return { scenario, revision, ...judge(checksIn(folder), end), ms, output: end.output };
  } finally {
    rmSync(folder, { recursive: true, force: true });
    folders.delete(folder);
  }
}

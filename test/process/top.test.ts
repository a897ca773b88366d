import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { parseSamples } from '../../src/workbench/monitor/sample-file.js';
import { cli, importRingwire, Running, ringwire, serveModule, temporaryModule } from './run.js';

const serverSource = `export default ringwire.createRpcServer().method('ping', () => 'pong');`;
const hasScript = spawnSync('script', ['--version']).status === 0;

async function serveHealth(): Promise<string> {
  const module = await temporaryModule(`${importRingwire}\n${serverSource}`);
  const child = new Running([cli, 'serve', module, '--listen', 'http://127.0.0.1:0', '--health', '--json']);
  return (JSON.parse(await child.line(0)) as { listening: string[] }).listening[0];
}

describe('ringwire top', () => {
  it('prints a line, or JSON, for each interval', async () => {
    const url = await serveHealth();
    const asJson = await ringwire(['top', url, '--interval', '100', '--count', '2', '--json']);
    expect(asJson).toMatchObject({ code: 0, stderr: '' });
    const samples = parseSamples(asJson.stdout, 'stdout');
    expect(samples).toHaveLength(2);
    expect(samples[0].calls?.calls).toBe(0);
    const plain = await ringwire(['top', url, '--interval', '100', '--count', '1']);
    expect(plain.stdout).toMatch(/^ +0\.\d s {2}0 calls\/s .*descriptors\n$/);
  });

  it.runIf(process.platform === 'linux')('watches a process, and ends with it', async () => {
    const child = new Running(['-e', 'setTimeout(() => {}, 60_000)']);
    const top = new Running([cli, 'top', String(child.process.pid), '--interval', '50']);
    await top.line(0);
    child.process.kill('SIGKILL');
    expect(await top.ended).toMatchObject({ code: 0, stderr: 'What was watched has ended.\n' });
  });

  it('says what cannot be watched', async () => {
    const { url } = await serveModule(serverSource, 'http://127.0.0.1:0');
    const noStats = await ringwire(['top', url]);
    expect(noStats.code).toBe(2);
    expect(noStats.stderr).toContain('--health');
    expect((await ringwire(['top', 'server.js'])).stderr).toContain('neither an http URL nor the number');
    expect((await ringwire(['top'])).code).toBe(2);
    expect((await ringwire(['top', '99999999'])).stderr).toContain('There is no process 99999999');
    expect((await ringwire(['top', url, '--attach'])).stderr).toContain('--attach needs');
    expect((await ringwire(['top', url, '--interval', '1'])).stderr).toContain('--interval must be');
  });

  it.runIf(hasScript)('takes a terminal, and gives it back', async () => {
    const url = await serveHealth();
    const command = [process.execPath, cli, 'top', url, '--interval', '50'].join(' ');
    const terminal = spawn('script', ['-qec', command, '/dev/null'], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { ...process.env, TERM: 'xterm' },
    });
    let output = '';
    let frames = 0;
    terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      frames = output.split('\u001b[?2026h').length - 1;
      if (frames >= 3 && terminal.stdin.writable) terminal.stdin.end('q');
    });
    const [code] = (await once(terminal, 'close')) as [number];
    expect(code).toBe(0);
    expect(output.indexOf('\u001b[?1049h')).toBeGreaterThanOrEqual(0);
    expect(output).toContain('calls');
    expect(output.trimEnd().endsWith('\u001b[?1049l')).toBe(true);
  });
});

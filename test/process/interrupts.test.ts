/** Signals, and readers that leave: what was opened in other processes is closed, what was started has ended. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { cli, Running, temporaryFolder, temporaryModule } from './run.js';

const onLinux = it.runIf(process.platform === 'linux');
const patience = { timeout: 20_000, interval: 25 };

/** Others look into processes at 9229 meanwhile. */
const anyPort = ['--inspect-port=127.0.0.1:0'];
/** Works a little, for ever. */
const idler = `setInterval(() => { for (let i = 0; i < 1e5; i++) Math.sqrt(i); }, 5); console.log('up');`;

/** Sockets of a process that listen. */
function listening(pid: number): number {
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return '';
    }
  });
  return readFileSync(`/proc/${pid}/net/tcp`, 'latin1')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === '0A' && links.includes(`socket:[${fields[9]}]`)).length;
}

/** Runs ringwire on a process of ours; `end` is called once its inspector is open, which must be closed at the end. */
async function watched(
  words: (pid: string) => readonly string[],
  end: (running: Running) => unknown,
): Promise<number | NodeJS.Signals> {
  const target = new Running([...anyPort, '-e', idler]);
  await target.line(0);
  const pid = target.process.pid as number;
  const running = new Running([cli, ...words(String(pid))], {
    env: { RINGWIRE_STATE: await temporaryFolder() },
  });
  await vi.waitFor(() => expect(listening(pid)).toBe(1), patience);
  await end(running);
  const { code } = await running.ended;
  await vi.waitFor(() => expect(listening(pid)).toBe(0), patience);
  expect(target.process.exitCode).toBe(null);
  return code;
}

describe('what ends ringwire while it looks into another process', { timeout: 60_000 }, () => {
  const top = (pid: string): string[] => ['top', pid, '--attach', '--interval', '50'];

  onLinux('closes the inspector that top opened, whatever the signal is', async () => {
    const codes = await Promise.all(
      (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((signal) =>
        watched(top, async (running) => {
          await running.line(0);
          running.process.kill(signal);
        }),
      ),
    );
    expect(codes).toEqual([0, 0, 0]);
  });

  onLinux('closes it where nobody reads the output any more', async () => {
    const code = await watched(top, async (running) => {
      await running.line(0);
      running.process.stdout.destroy();
    });
    expect(code).toBe(0);
  });

  onLinux('writes what was recorded until a SIGTERM', async () => {
    const profile = (pid: string): string[] => ['profile', '--pid', pid, '--engine', 'inspector', '--json'];
    let summary: unknown;
    const code = await watched(profile, async (running) => {
      running.process.kill('SIGTERM');
      summary = JSON.parse((await running.ended).stdout || '{}');
    });
    expect(code).toBe(130);
    expect(summary).toMatchObject({ engine: 'inspector', wasInterrupted: true });
  });
});

describe('a process that ends while it is looked into', { timeout: 60_000 }, () => {
  const ending = `${idler} process.stdin.once('data', () => process.exit(7));`;

  onLinux('is no failure of top, which does not hold it up', async () => {
    const target = new Running([...anyPort, '-e', ending]);
    await target.line(0);
    const running = new Running([cli, 'top', String(target.process.pid), '--attach', '--interval', '50']);
    await running.line(0);
    target.process.stdin.write('now\n');
    expect(await target.ended).toMatchObject({ code: 7 });
    expect(await running.ended).toMatchObject({ code: 0, stderr: 'What was watched has ended.\n' });
  });

  it('leaves its profile, by the inspector too', async () => {
    const app = await temporaryModule(
      `function burn() { for (let i = 0; i < 3e6; i++) globalThis.sum = Math.sqrt(i); }
       const ends = Date.now() + 600;
       setInterval(() => { burn(); if (Date.now() > ends) process.exit(0); }, 1);`,
      'burner.mjs',
    );
    const output = join(await temporaryFolder(), 'profile');
    const words = ['profile', '--engine', 'inspector', '--json', '--output', output, '--', 'node', app];
    const { code, stdout, stderr } = await new Running([cli, ...words]).ended;
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    const { self } = JSON.parse(stdout) as { self: readonly { readonly title: string }[] };
    expect(self[0].title).toContain('burn');
  });
});

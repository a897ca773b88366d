/** The processes of a measurement end with whoever started them, also before they were up. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './run.js';

describe('a process whose parent is gone before it is up', () => {
  it.each([
    ['a measured server', 'dist/workbench/servers/server-child.js'],
    ['a load generator', 'dist/workbench/load/javascript/load-child.js'],
  ])('%s leaves nothing', async (_who, script) => {
    const folder = mkdtempSync(join(tmpdir(), 'ringwire-measured-'));
    const assignment = JSON.stringify({ url: `unix:${folder}/bench.sock`, folder });
    const child = spawn(process.execPath, [join(root, script), assignment], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let errors = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    child.disconnect();
    const [code] = await once(child, 'exit');
    expect({ code, errors }).toEqual({ code: 0, errors: '' });
    if (script.includes('server-child')) expect(existsSync(folder)).toBe(false);
    rmSync(folder, { recursive: true, force: true });
  });
});

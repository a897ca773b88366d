/** Results and profiles of commands under test go to a folder of their own, not to that of whoever runs the tests. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'ringwire-state-'));
  process.env.RINGWIRE_STATE = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}

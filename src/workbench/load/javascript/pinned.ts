/** Commands on one core, through taskset. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { RingwireError } from '../../../errors.js';

function tasksetExists(): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, 'taskset'), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** The command as it runs on that core alone. Throws CONFIG_INVALID where nothing can pin it. */
export function pinned(command: readonly string[], core: number): string[] {
  if (!tasksetExists()) {
    const text =
      'Pinning a process to a core needs taskset (Linux, package util-linux). Install it, or leave "cores" out.';
    throw new RingwireError('CONFIG_INVALID', text);
  }
  return ['taskset', '-c', String(core), ...command];
}

/** Where the workbench keeps what should outlive a run: results, profiles, reports. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/**
 * RINGWIRE_STATE where it is set, else `ringwire` below XDG_STATE_HOME (https://specifications.freedesktop.org/basedir),
 * whose default is ~/.local/state. Not created here.
 */
export function stateFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const { RINGWIRE_STATE: own, XDG_STATE_HOME: shared } = environment;
  if (own !== undefined && own !== '') return resolve(own);
  // The specification has relative values ignored.
  const base = shared?.startsWith('/') === true ? shared : join(homedir(), '.local', 'state');
  return join(base, 'ringwire');
}

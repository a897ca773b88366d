/** A Unix socket's file outlives a process that was killed; this tells such a file from a living server's. */
import { lstatSync, type Stats, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { RingwireError } from '../errors.js';
import { formatEndpoint, type UnixEndpoint } from './endpoint.js';
import { addressInUse, listenError } from './system-errors.js';

function lookAt(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/**
 * Removes a socket file nobody listens on.
 * @throws RingwireError ADDRESS_IN_USE if a server answers, ADDRESS_INVALID if the file is no socket or its directory is missing.
 */
export async function removeStaleSocket(endpoint: UnixEndpoint): Promise<void> {
  const { path } = endpoint;
  const url = formatEndpoint(endpoint);
  const before = statOrThrow(path, url);
  if (before === undefined) {
    requireDirectory(path, url);
    return;
  }
  if (!before.isSocket()) {
    throw new RingwireError(
      'ADDRESS_INVALID',
      `At ${url} stands a file that is not a socket; it is left alone.`,
    );
  }
  if (await answers(path)) throw addressInUse(url);
  // Another server may have replaced the stale file meanwhile; only the file that was probed may go.
  const now = lookAt(path);
  if (now !== undefined && now.ino === before.ino && now.ctimeMs === before.ctimeMs) unlinkSync(path);
}

/** libuv reports a missing directory as "permission denied", which would send people the wrong way. */
function requireDirectory(path: string, url: string): void {
  if (lookAt(dirname(path)) !== undefined) return;
  throw new RingwireError('ADDRESS_INVALID', `The directory of ${url} does not exist.`);
}

function statOrThrow(path: string, url: string): Stats | undefined {
  try {
    return lookAt(path);
  } catch (error) {
    throw listenError(error, url);
  }
}

/** Whether a server accepts. Anything but a refusal counts as alive: a file we may not probe is not ours to remove. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT');
    });
  });
}

/** Turns libuv's negative error numbers into RingwireError. */
import { getSystemErrorName } from 'node:util';
import type { RingwireError } from '../../errors.js';
import { connectError, connectionError, listenError } from '../system-errors.js';

/** The error Node itself would have raised for the status. */
export function systemError(status: number): NodeJS.ErrnoException {
  let code = `status ${status}`;
  try {
    code = getSystemErrorName(status);
  } catch {
    // A number this Node does not know keeps its digits.
  }
  return Object.assign(new Error(code), { code, errno: status });
}

/** An error on an established connection. */
export function streamError(status: number, url: string): RingwireError {
  return connectionError(systemError(status), url);
}

export function listenFailure(status: number, url: string): RingwireError {
  return listenError(systemError(status), url);
}

export function connectFailure(status: number, url: string): RingwireError {
  return connectError(systemError(status), url);
}

/** Turns what the operating system says into RingwireError, naming the endpoint and what to do. */
import { RingwireError } from '../errors.js';

const resets = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ECONNABORTED', 'EHOSTUNREACH', 'ENETUNREACH']);

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : 'unknown';
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** An error on an established connection. */
export function connectionError(cause: unknown, url: string): RingwireError {
  const code = codeOf(cause);
  return resets.has(code)
    ? new RingwireError('CONNECTION_RESET', `The connection with ${url} was cut (${code}).`, { cause })
    : new RingwireError('IO_ERROR', `The connection with ${url} failed: ${textOf(cause)}.`, { cause });
}

/** Connecting failed. */
export function connectError(cause: unknown, url: string): RingwireError {
  const code = codeOf(cause);
  // With several addresses for one name Node reports an AggregateError that carries the first one's code.
  if (code === 'ECONNREFUSED') {
    return new RingwireError(
      'CONNECTION_REFUSED',
      `Nothing listens at ${url}. Start the server or correct the address.`,
      { cause },
    );
  }
  if (code === 'ENOENT') {
    return new RingwireError(
      'CONNECTION_REFUSED',
      `There is no socket at ${url}. Start the server or correct the path.`,
      { cause },
    );
  }
  if (code === 'ENOTSOCK') {
    return new RingwireError('ADDRESS_INVALID', `The file at ${url} is not a socket.`, { cause });
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return new RingwireError('IO_ERROR', `The host name of ${url} could not be resolved (${code}).`, {
      cause,
    });
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new RingwireError('IO_ERROR', `Connecting to ${url} is not permitted (${code}).`, {
      cause,
      retryable: false,
    });
  }
  if (resets.has(code)) {
    return new RingwireError('CONNECTION_RESET', `Connecting to ${url} failed (${code}).`, { cause });
  }
  return new RingwireError('IO_ERROR', `Connecting to ${url} failed: ${textOf(cause)}.`, { cause });
}

/** Listening failed. */
export function listenError(cause: unknown, url: string): RingwireError {
  const code = codeOf(cause);
  if (code === 'EADDRINUSE') return addressInUse(url, cause);
  if (code === 'EADDRNOTAVAIL') {
    return new RingwireError('ADDRESS_INVALID', `${url} is not an address of this machine.`, { cause });
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new RingwireError(
      'IO_ERROR',
      `Listening on ${url} is not permitted (${code}). Ports below 1024 and foreign directories need rights.`,
      { cause, retryable: false },
    );
  }
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new RingwireError('ADDRESS_INVALID', `The directory of ${url} does not exist.`, { cause });
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return new RingwireError('ADDRESS_INVALID', `The host name of ${url} could not be resolved (${code}).`, {
      cause,
    });
  }
  return new RingwireError('IO_ERROR', `Listening on ${url} failed: ${textOf(cause)}.`, { cause });
}

export function addressInUse(url: string, cause?: unknown): RingwireError {
  const advice = url.startsWith('tcp:')
    ? 'Stop what listens there, or take another port (port 0 picks a free one)'
    : 'Stop what listens there, or take another address';
  return new RingwireError('ADDRESS_IN_USE', `${url} is in use. ${advice}.`, { cause });
}

export function aborted(what: string, signal: AbortSignal): RingwireError {
  return new RingwireError('CANCELLED', `${what} was aborted.`, { cause: signal.reason });
}

/** close() could not send everything. */
export function dropped(bytes: number, closeTimeoutMs: number): RingwireError {
  return new RingwireError(
    'CONNECTION_CLOSED',
    `close() dropped ${bytes} bytes: the peer did not read them within closeTimeoutMs (${closeTimeoutMs}).`,
  );
}

export function alreadyStarted(): RingwireError {
  return new RingwireError(
    'CONFIG_INVALID',
    'start() of a transport is called once; it has handlers already.',
  );
}

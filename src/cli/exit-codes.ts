import type { ErrorCode, RingwireError } from '../errors.js';

/** What the process ends with; the table stands in docs/cli.md and in `ringwire help`. */
export const ExitCode = {
  Ok: 0,
  /** Something went wrong that none of the others names. */
  Failure: 1,
  /** The command line is wrong: nothing was sent or started. */
  Usage: 2,
  /** The address cannot be reached or bound, or the connection was lost. */
  Unavailable: 3,
  /** The peer answered with an error, or its tool reported one. */
  Remote: 4,
  /** No answer within --timeout. */
  Timeout: 5,
  /** Ctrl-C: 128 + SIGINT, as shells count. */
  Interrupted: 130,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

const byErrorCode: Partial<Record<ErrorCode, ExitCode>> = {
  ADDRESS_INVALID: ExitCode.Usage,
  CONFIG_INVALID: ExitCode.Usage,
  CANCELLED: ExitCode.Interrupted,
  ADDRESS_IN_USE: ExitCode.Unavailable,
  CHILD_EXITED: ExitCode.Unavailable,
  CONNECTION_CLOSED: ExitCode.Unavailable,
  CONNECTION_LIMIT: ExitCode.Unavailable,
  CONNECTION_REFUSED: ExitCode.Unavailable,
  CONNECTION_RESET: ExitCode.Unavailable,
  IO_ERROR: ExitCode.Unavailable,
  SESSION_ENDED: ExitCode.Unavailable,
  TLS_FAILED: ExitCode.Unavailable,
  DEADLINE_EXCEEDED: ExitCode.Timeout,
  HTTP_STATUS: ExitCode.Remote,
  RPC_ERROR: ExitCode.Remote,
  UNAUTHORIZED: ExitCode.Remote,
};

export function exitCodeOf(error: RingwireError): ExitCode {
  return byErrorCode[error.code] ?? ExitCode.Failure;
}

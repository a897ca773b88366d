/**
 * Every error ringwire raises, in one place. `code` is the contract, `message` is for people, `cause` keeps the
 * chain, `retryable` says whether the same call may succeed if sent again. Each code has a line in docs/errors.md;
 * test/unit/errors.test.ts compares both ways.
 */

/** What a code means and whether a call that failed with it may be sent again. */
interface ErrorKind {
  readonly retryable: boolean;
  readonly meaning: string;
}

export const errorKinds = {
  ADDON_UNAVAILABLE: { retryable: false, meaning: 'The native addon was required and could not be loaded.' },
  ADDRESS_IN_USE: { retryable: false, meaning: 'Another process already listens on this address.' },
  ADDRESS_INVALID: { retryable: false, meaning: 'An endpoint URL is malformed or its scheme is not served.' },
  CANCELLED: { retryable: false, meaning: 'The caller cancelled the call.' },
  CAPABILITY_MISSING: {
    retryable: false,
    meaning: 'The peer did not declare the MCP capability this needs.',
  },
  CHILD_EXITED: { retryable: true, meaning: 'The child process behind a stdio transport exited.' },
  CONFIG_INVALID: { retryable: false, meaning: 'An option or a configuration value is not acceptable.' },
  CONNECTION_CLOSED: { retryable: true, meaning: 'The connection ended before the call was answered.' },
  CONNECTION_LIMIT: { retryable: true, meaning: 'The listener serves its maximum number of connections.' },
  CONNECTION_REFUSED: { retryable: true, meaning: 'Nothing listens at the address.' },
  CONNECTION_RESET: { retryable: true, meaning: 'The peer or the network cut the connection.' },
  DEADLINE_EXCEEDED: { retryable: true, meaning: 'The call was not answered before its deadline.' },
  ENGINE_UNAVAILABLE: {
    retryable: false,
    meaning: 'The HTTP engine that was asked for cannot be used here.',
  },
  FRAME_INVALID: { retryable: false, meaning: 'A frame is not a valid JSON-RPC 2.0 message.' },
  FRAME_TOO_LARGE: { retryable: false, meaning: 'A frame is larger than maxFrameBytes.' },
  HTTP_STATUS: {
    retryable: false,
    meaning: 'An HTTP server answered with a status or body that is no answer to a call.',
  },
  INTERNAL: { retryable: false, meaning: 'A defect in ringwire; please report it.' },
  IO_ERROR: { retryable: true, meaning: 'The operating system refused a socket, pipe or file operation.' },
  OVERLOADED: { retryable: true, meaning: 'A limit on calls in flight or queued bytes is reached.' },
  PROTOCOL_VERSION: { retryable: false, meaning: 'The peer speaks no protocol version that we speak.' },
  RING_BUSY: { retryable: true, meaning: 'Another living process holds this side of the ring buffer.' },
  RING_CLOSED: { retryable: false, meaning: 'The ring buffer is closed.' },
  RING_CORRUPT: {
    retryable: false,
    meaning: 'The memory is not a ring buffer, or the other side broke its layout.',
  },
  RING_FRAME_TOO_LARGE: { retryable: false, meaning: 'The message does not fit into the ring buffer.' },
  RPC_ERROR: { retryable: false, meaning: 'The peer answered with a JSON-RPC error.' },
  SCHEMA_INVALID: { retryable: false, meaning: 'A JSON Schema or a value checked against one is not valid.' },
  SESSION_ENDED: {
    retryable: true,
    meaning: 'The server ended the session and did not look at the call.',
  },
  TLS_FAILED: { retryable: false, meaning: 'A TLS handshake or the check of a certificate failed.' },
  UNAUTHORIZED: { retryable: false, meaning: 'The server wants an authorization that the request lacks.' },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorKinds;

/** The one error class of ringwire. Test `error.code`, never the message. */
export class RingwireError extends Error {
  override readonly name: string = 'RingwireError';
  readonly code: ErrorCode;
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; retryable?: boolean } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? errorKinds[code].retryable;
  }
}

/** JSON-RPC 2.0 error codes (https://www.jsonrpc.org/specification#error_object) and those MCP adds. */
export const RpcErrorCode = {
  ParseError: -32700,
  InvalidRequest: -32600,
  MethodNotFound: -32601,
  InvalidParams: -32602,
  InternalError: -32603,
  /** MCP 2026-07-28: a header differs from the body. */
  HeaderMismatch: -32020,
  /** MCP 2026-07-28: the request needs a capability its client did not declare. */
  MissingRequiredClientCapability: -32021,
  /** MCP 2026-07-28: data.supported lists the versions the server speaks. */
  UnsupportedProtocolVersion: -32022,
} as const;

/**
 * An error object of JSON-RPC 2.0. Thrown by a handler it is sent to the caller as it is; on the calling side a
 * call rejects with it when the peer answered with an error.
 */
export class RpcError extends RingwireError {
  override readonly name = 'RpcError';
  /** The number in `error.code` on the wire. */
  readonly rpcCode: number;
  readonly data: unknown;

  constructor(
    rpcCode: number,
    message: string,
    data?: unknown,
    options: { cause?: unknown; retryable?: boolean } = {},
  ) {
    super('RPC_ERROR', message, options);
    this.rpcCode = rpcCode;
    this.data = data;
  }
}

/** What a server said in WWW-Authenticate (RFC 6750, section 3; RFC 9728, section 5.1). */
export interface AuthChallenge {
  /** 'Bearer', for instance. */
  readonly scheme: string;
  /** Where the metadata of the protected resource is. */
  readonly resourceMetadata?: string;
  /** The scopes a token needs, separated by spaces. */
  readonly scope?: string;
  /** 'invalid_token' or 'insufficient_scope', for instance. */
  readonly error?: string;
  readonly errorDescription?: string;
}

/** What an HTTP server answered instead of a message: HTTP_STATUS, UNAUTHORIZED (401, 403) or OVERLOADED (429, 503). */
export class HttpError extends RingwireError {
  override readonly name = 'HttpError';
  readonly status: number;
  /** From Retry-After; undefined where the server does not say. */
  readonly retryAfterMs: number | undefined;
  /** From WWW-Authenticate; undefined where there is none. */
  readonly challenge: AuthChallenge | undefined;

  constructor(
    code: 'HTTP_STATUS' | 'UNAUTHORIZED' | 'OVERLOADED',
    message: string,
    facts: {
      readonly status: number;
      readonly retryAfterMs?: number;
      readonly challenge?: AuthChallenge;
      readonly retryable?: boolean;
    },
  ) {
    super(code, message, facts.retryable === undefined ? {} : { retryable: facts.retryable });
    this.status = facts.status;
    this.retryAfterMs = facts.retryAfterMs;
    this.challenge = facts.challenge;
  }
}

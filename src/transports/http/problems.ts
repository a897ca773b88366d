/** What every engine says of the same fault: clients see one server, whichever engine serves it. */
import { RingwireError } from '../../errors.js';

export const tooManyFields = (most: number): string => `The request has more than ${most} header fields.`;

export const headTooLarge = (most: number): string => `The head of the request is larger than ${most} bytes.`;

export const headTooSlow = (timeoutMs: number): string =>
  `The head of the request did not arrive within ${timeoutMs} ms.`;

export const hostMissing = 'A request must have one Host field (RFC 9112, section 3.2).';

export const expectationUnknown = 'Nothing but "100-continue" can be expected (RFC 9110, section 10.1.1).';

export const codingUnknown = (coding: string): string =>
  `The transfer coding "${coding.slice(0, 50)}" is not served; known is "chunked".`;

/** Tells the operator what an application threw, which it must not: the client hears serverFailed alone. */
export function warnOfThrown(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error), { code: 'RINGWIRE_APPLICATION_THREW' });
}

/** Of an application that threw, whose reasons are not the client's. */
export const serverFailed = 'The server failed while it answered. The request may be sent again.';

export function bodyTooLarge(maxBytes: number): RingwireError {
  return new RingwireError('FRAME_TOO_LARGE', `The body is larger than the limit of ${maxBytes} bytes.`);
}

export function bodyTooSlow(minBodyBytesPerSecond: number): RingwireError {
  return new RingwireError(
    'DEADLINE_EXCEEDED',
    `The body arrives slower than ${minBodyBytesPerSecond} bytes per second.`,
  );
}

/** What ends a WebSocket, in our words. */
import { RingwireError } from '../../errors.js';
import { connectionError } from '../system-errors.js';

/** A message the peer sent and ws refused, or a failure of the socket. */
export function messageError(cause: Error): RingwireError {
  const { code = '' } = cause as NodeJS.ErrnoException;
  if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' || code === 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH') {
    return new RingwireError('FRAME_TOO_LARGE', 'The peer sent a WebSocket message over the limit.', {
      cause,
    });
  }
  if (code.startsWith('WS_ERR_')) {
    return new RingwireError('FRAME_INVALID', `The peer broke the WebSocket protocol: ${cause.message}.`, {
      cause,
    });
  }
  return connectionError(cause, 'the WebSocket peer');
}

/** How the peer ended it; undefined where that was in good order. */
export function closeError(code: number, reason: string): RingwireError | undefined {
  // 1005: a close frame without a code.
  if (code === 1000 || code === 1001 || code === 1005) return undefined;
  if (code === 1006) {
    return new RingwireError('CONNECTION_RESET', 'The WebSocket was cut without a close frame.');
  }
  const because = reason === '' ? '' : `: ${reason}`;
  if (code === 1009) {
    return new RingwireError('FRAME_TOO_LARGE', `The peer refused a message as too large (1009)${because}.`);
  }
  return new RingwireError('CONNECTION_CLOSED', `The peer closed the WebSocket with ${code}${because}.`);
}

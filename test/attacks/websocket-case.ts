/** What a WebSocket peer sends once the handshake is done, and what it gets. */
import type { Step } from './websocket-raw.js';

export interface WebSocketVerdict {
  /**
   * What is answered, in order: an id for the result of that call, a negative number for the code of an error. Default:
   * nothing.
   */
  readonly answers?: readonly number[];
  /** Payloads of the pongs, in order. */
  readonly pongs?: readonly string[];
  /** Calls that reached the handler. Default: as many as were answered with a result. */
  readonly calls?: number;
  /** What stands behind the mark in the last result. Default: not looked at. */
  readonly echo?: string;
  /**
   * The code of the server's close frame, 1005 for one without; 'cut' where the connection ends without. Undefined: the
   * connection goes on, and a further call is answered.
   */
  readonly closes?: number | 'cut';
}

export interface WebSocketCase {
  readonly name: string;
  /** `call` makes the text of a call that is counted for this case; it is answered with the mark and `suffix`. */
  readonly send: (call: (id: number, suffix?: string) => string) => readonly Step[];
  readonly verdict: WebSocketVerdict;
  /** Where an engine does otherwise, and why it may. */
  readonly onUws?: { readonly verdict: WebSocketVerdict; readonly because: string };
  readonly onNode?: { readonly verdict: WebSocketVerdict; readonly because: string };
}

/** Violations end the connection in either engine. */
export const cutByUws =
  'uWebSockets.js ends a connection that breaks the protocol at once, without a close frame';

/** The peer broke the protocol: the connection ends with this code. Answers are those to what came before. */
export function refused(
  name: string,
  code: number,
  send: WebSocketCase['send'],
  verdict: WebSocketVerdict = {},
): WebSocketCase {
  return {
    name,
    send,
    verdict: { ...verdict, closes: code },
    onUws: { verdict: { ...verdict, closes: 'cut' }, because: cutByUws },
  };
}

/** What either engine takes, and answers alike. */
export function taken(
  name: string,
  send: WebSocketCase['send'],
  verdict: WebSocketVerdict = {},
): WebSocketCase {
  return { name, send, verdict };
}

/** One connection of the generator, whatever the wire: requests go out, messages come back as text. */
import type { RingwireError } from '../../../errors.js';
import type { Message } from './message.js';

/**
 * Texts have one character for each byte (latin1): a load compares and cuts them, and decodes only what it has to show.
 */
export interface LinkEvents {
  /** One message. `id` is that of the request whose answer brought it, where the wire tells: HTTP does. */
  onMessage(text: string, id: number | undefined): void;
  /** HTTP: `id` got no message. `isAnswer` where the server answered all the same, with a status or with nothing. */
  onFailed(id: number, reason: string, isAnswer: boolean): void;
  /** What was read at once was handed over, or there is room to send again. */
  onTurn(): void;
  /** The connection is gone, and with it what was in flight. Told once; not of HTTP, whose requests fail one by one. */
  onLost(error: RingwireError): void;
}

export interface Link {
  /** Whoever the connection belongs to at present. */
  events: LinkEvents;
  /** Whether what was sent before still waits here; onTurn tells when it does not. */
  readonly isFull: boolean;
  /** Of the process at the other end, where we started it. */
  readonly pid?: number;
  /** `id` takes its place in the message; a notification has none on the wire, but over HTTP it is answered. */
  send(message: Message, id: number): void;
  /** Sends what may still be gathered. */
  flush(): void;
  /** Takes a request back that will not be answered by itself. */
  cancel(id: number): void;
  /** Tells the server's answer to a request of its own. Where the wire has no way for it, nothing happens. */
  reply(text: string): void;
  /** HTTP: the revision that initialize settled, for the header fields of what follows. */
  settle(protocolVersion: string): void;
  /** Ends it at once; nothing is told any more. Resolves when a process it started is gone. */
  close(): Promise<void>;
}

export const noEvents: LinkEvents = {
  onMessage: () => {},
  onFailed: () => {},
  onTurn: () => {},
  onLost: () => {},
};

/** Bytes that wait to be sent on one connection before no more are put behind them. */
export const maxWaitingBytes = 4 * 1024 * 1024;

/** A longer message ends the connection: it has to fit into one string, several times over. */
export const maxMessageBytes = 128 * 1024 * 1024;

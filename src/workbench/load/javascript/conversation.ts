/** A few requests on a connection, one after the other: handshakes, and finding out about a server. */
import { RingwireError } from '../../../errors.js';
import { defaultTimeoutMs } from '../../../limits.js';
import { legacyVersions } from '../../../mcp/protocol.js';
import { aborted } from '../../../transports/system-errors.js';
import { type JsonRpc, parseMessage, problemOf } from './answers.js';
import { type Link, type LinkEvents, noEvents } from './link.js';
import { excerpt, initializeMessage, type Message, notificationMessage } from './message.js';

/** Ids of a conversation lie below those of the load. */
let nextId = 1;

/** The answer to a request, or what came in its place over HTTP. */
export type Answer = { readonly message: JsonRpc } | { readonly refusal: string };

interface Waiting {
  readonly id: number;
  settle(answer: Answer | RingwireError): void;
}

export class Conversation implements LinkEvents {
  readonly link: Link;
  #waiting: Waiting | undefined;
  #lost: RingwireError | undefined;
  /** What came and was no message: the end of a server that prints to stdout is explained by it. */
  #garbage: string | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => {
    this.#lost = aborted('The load', this.#signal as AbortSignal);
    this.#waiting?.settle(this.#lost);
  };

  /** An abort of the signal ends what is asked and all that follows with CANCELLED. */
  constructor(link: Link, signal?: AbortSignal) {
    this.link = link;
    this.#signal = signal;
    link.events = this;
    if (signal?.aborted) this.#onAbort();
    else signal?.addEventListener('abort', this.#onAbort);
  }

  /**
   * Sends the message and waits for its answer; a notification is sent, and over HTTP it is waited for, too.
   * @throws RingwireError DEADLINE_EXCEEDED, and what ended the connection.
   */
  ask(message: Message, timeoutMs = defaultTimeoutMs): Promise<Answer> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    const id = nextId++;
    return new Promise((resolve, reject) => {
      const settle = (answer: Answer | RingwireError): void => {
        clearTimeout(timer);
        this.#waiting = undefined;
        if (answer instanceof RingwireError) reject(answer);
        else resolve(answer);
      };
      const timer = setTimeout(() => {
        const instead = this.#garbage === undefined ? '' : ` It wrote: ${this.#garbage}`;
        const text = `The server did not answer "${message.method}" within ${timeoutMs} ms.${instead}`;
        settle(new RingwireError('DEADLINE_EXCEEDED', text));
      }, timeoutMs);
      this.#waiting = { id, settle };
      this.link.send(message, id);
      this.link.flush();
    });
  }

  /** Tells the server something. Over HTTP resolves when it heard it. */
  async notify(message: Message, isHttp: boolean): Promise<void> {
    if (isHttp) await this.ask(message);
    else {
      this.link.send(message, 0);
      this.link.flush();
    }
  }

  /** Hands the connection over, open as it is. */
  release(): void {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.link.events = noEvents;
  }

  async close(): Promise<void> {
    this.release();
    await this.link.close();
  }

  onMessage(text: string, id: number | undefined): void {
    const message = parseMessage(text);
    if (message === undefined) {
      this.#garbage ??= excerpt(text);
      if (id !== undefined && this.#waiting?.id === id)
        this.#waiting.settle({ refusal: `no JSON-RPC message but ${excerpt(text)}` });
      return;
    }
    if (message.method === undefined && (message.id === this.#waiting?.id || isAnswerToNobody(message, id)))
      this.#waiting?.settle({ message });
  }

  onFailed(id: number, reason: string, isAnswer: boolean): void {
    if (this.#waiting?.id !== id) return;
    if (isAnswer) this.#waiting.settle({ refusal: reason });
    else this.#waiting.settle(new RingwireError('CONNECTION_RESET', reason));
  }

  onTurn(): void {}

  onLost(error: RingwireError): void {
    const instead = this.#garbage === undefined ? '' : ` It wrote: ${this.#garbage}`;
    this.#lost = new RingwireError(error.code, `${error.message}${instead}`, { cause: error });
    this.#waiting?.settle(this.#lost);
  }
}

/** Some servers refuse what they do not understand with the id null; over HTTP it is plain whom they mean. */
function isAnswerToNobody(message: JsonRpc, id: number | undefined): boolean {
  return (
    (message.id === null || message.id === undefined) && (id !== undefined || message.error !== undefined)
  );
}

/** What initialize settled. */
export interface Greeting {
  readonly protocolVersion: string;
  readonly serverInfo: unknown;
  readonly capabilities: Readonly<Record<string, unknown>>;
}

/** Why a server has no session. */
export interface Refusal {
  readonly problem: string;
  /** Whether it said so in JSON-RPC. */
  readonly isRpc: boolean;
}

/** Opens a session of an older revision. */
export async function initialize(
  conversation: Conversation,
  isHttp: boolean,
  timeoutMs?: number,
): Promise<Greeting | Refusal> {
  const answer = await conversation.ask(initializeMessage(legacyVersions[0]), timeoutMs);
  if ('refusal' in answer) return { problem: answer.refusal, isRpc: false };
  const { result } = answer.message;
  const { protocolVersion, serverInfo, capabilities } = (result ?? {}) as Partial<Greeting>;
  if (typeof protocolVersion !== 'string') {
    const problem = problemOf(answer.message) ?? 'a result without protocolVersion';
    return { problem, isRpc: true };
  }
  conversation.link.settle(protocolVersion);
  await conversation.notify(notificationMessage('notifications/initialized'), isHttp);
  return { protocolVersion, serverInfo, capabilities: capabilities ?? {} };
}

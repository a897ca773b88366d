/** One HTTP answer: the messages of a JSON body or of an event stream, or why it has none. */
import { createParser, type EventSourceParser } from 'eventsource-parser';
import type { LinkEvents } from './link.js';
import { maxMessageBytes } from './link.js';
import { excerpt } from './message.js';

export class HttpAnswerText {
  readonly #id: number;
  readonly #isNotification: boolean;
  #status = 0;
  #body = '';
  #events: EventSourceParser | undefined;
  #endsWithReturn = false;
  #messages = 0;

  constructor(id: number, isNotification: boolean) {
    this.#id = id;
    this.#isNotification = isNotification;
  }

  head(status: number, contentType: string, events: LinkEvents): void {
    this.#status = status;
    if (!/^\s*text\/event-stream\b/i.test(contentType)) return;
    this.#events = createParser({
      onEvent: ({ data }) => {
        if (data === '') return; // What only names an event to go on from.
        this.#messages += 1;
        events.onMessage(data, this.#id);
      },
    });
  }

  data(chunk: Buffer, events: LinkEvents): void {
    const text = chunk.toString('latin1');
    if (this.#events !== undefined) this.#events.feed(this.#withoutReturns(text));
    else this.#body += text;
    if (this.#body.length <= maxMessageBytes) return;
    this.#body = '';
    events.onFailed(this.#id, `an answer of over ${maxMessageBytes} bytes`, true);
  }

  end(events: LinkEvents): void {
    if (this.#events !== undefined) {
      if (this.#messages === 0) events.onFailed(this.#id, 'an event stream without a message', true);
      return;
    }
    const isError = this.#status < 200 || this.#status >= 300;
    // The body of an error status may be the server's answer, or a page of whoever stands in front of it.
    if (isError && !this.#body.includes('"jsonrpc"'))
      events.onFailed(this.#id, `HTTP ${this.#status}: ${excerpt(this.#body)}`, true);
    else if (this.#body !== '') events.onMessage(this.#body, this.#id);
    else {
      const reason = this.#isNotification ? '' : `HTTP ${this.#status} with an empty body`;
      events.onFailed(this.#id, reason, true);
    }
  }

  /** Lines may end with CR, LF or both; the parser is quick with LF alone. */
  #withoutReturns(text: string): string {
    const rest = this.#endsWithReturn && text.startsWith('\n') ? text.slice(1) : text;
    this.#endsWithReturn = text.endsWith('\r');
    return rest.includes('\r') ? rest.replace(/\r\n?/g, '\n') : rest;
  }
}

/** The header fields that stand on every request of a connection: the target's own, and those of its session. */
export class SessionFields {
  readonly #given: Readonly<Record<string, string>>;
  #session: Record<string, string> = {};

  constructor(given: Readonly<Record<string, string>>) {
    const fields: Record<string, string> = {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    };
    for (const [name, value] of Object.entries(given)) fields[name.toLowerCase()] = value;
    this.#given = fields;
  }

  settle(protocolVersion: string): void {
    this.#session = { ...this.#session, 'mcp-protocol-version': protocolVersion };
  }

  /** A server that opens a session names it with its answer to initialize. */
  session(id: string): void {
    this.#session = { ...this.#session, 'mcp-session-id': id };
  }

  with(fields: Readonly<Record<string, string>>): Record<string, string> {
    return { ...this.#given, ...fields, ...this.#session };
  }
}

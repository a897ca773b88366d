/** Server-sent events from bytes (HTML standard, "Server-sent events"), with a bound on what one event may hold. */
import { createParser, type EventSourceParser } from 'eventsource-parser';
import { RingwireError } from '../../../errors.js';

export interface EventSink {
  /** One event. `type` is 'message' where the server names none; `id` undefined where this event has none. */
  onEvent(type: string, data: string, id: string | undefined): void;
  onRetry(retryMs: number): void;
}

export class EventReader {
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });
  readonly #parser: EventSourceParser;
  #tooLarge: RingwireError | undefined;
  #endedWithReturn = false;

  constructor(sink: EventSink, maxFrameBytes: number) {
    this.#parser = createParser({
      onEvent: ({ event, data, id }) => sink.onEvent(event ?? 'message', data, id),
      onRetry: (retryMs) => sink.onRetry(retryMs),
      maxBufferSize: maxFrameBytes,
      onError: ({ type }) => {
        if (type !== 'max-buffer-size-exceeded') return;
        const text = `An event of the stream is longer than maxFrameBytes (${maxFrameBytes}).`;
        this.#tooLarge = new RingwireError('FRAME_TOO_LARGE', text);
      },
    });
  }

  /** Throws FRAME_TOO_LARGE and FRAME_INVALID (no UTF-8), after which the stream is of no more use. */
  read(chunk: Buffer): void {
    let text: string;
    try {
      text = this.#decoder.decode(chunk, { stream: true });
    } catch (cause) {
      throw new RingwireError('FRAME_INVALID', 'The event stream is not valid UTF-8.', { cause });
    }
    this.#parser.feed(this.#withoutReturns(text));
    if (this.#tooLarge !== undefined) throw this.#tooLarge;
  }
  /** Lines may end with CR, LF or both. The parser looks for the next LF at every CR, to the end of what it has. */
  #withoutReturns(text: string): string {
    if (text === '') return text;
    const rest = this.#endedWithReturn && text.startsWith('\n') ? text.slice(1) : text;
    this.#endedWithReturn = text.endsWith('\r');
    return rest.includes('\r') ? rest.replace(/\r\n?/g, '\n') : rest;
  }
}

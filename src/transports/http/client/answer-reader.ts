/** Reads one HTTP answer as frames: a JSON body is one, an event stream any number; everything else is refused. */
import { type AuthChallenge, HttpError, RingwireError } from '../../../errors.js';
import { maxRefusalBytes } from '../../../limits.js';
import { EventReader } from './event-reader.js';
import { type AnswerHeaders, type HttpAnswer, headerOf } from './http-client.js';

/** Gets what an answer holds. The last call is onEnd, onRefused or onFail; only one of them, once. */
export interface FrameSink {
  /** The answer began and will hold frames (or nothing, where it is empty). */
  onOpen(status: number, headers: AnswerHeaders, isStream: boolean): void;
  /** A JSON body (also of an error status), or the data of one event. The view is borrowed. */
  onFrame(frame: Buffer): void;
  /** An event of another type than 'message'. */
  onNamedEvent?(type: string, data: string): void;
  /** '' where there is no event to go on from: the server named none, or one that no header field can carry. */
  onEventId?(id: string): void;
  onRetry?(retryMs: number): void;
  /** Everything was read. */
  onEnd(): void;
  /** A status or content type that holds no frame. */
  onRefused(error: HttpError): void;
  onFail(error: RingwireError): void;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about.
const unsendable = /[\x00-\x08\x0a-\x1f\x7f]/;

type Mode = 'head' | 'json' | 'events' | 'empty' | 'refused' | 'over';

export class AnswerReader implements HttpAnswer {
  /** Gives the request up; set by who sent it. */
  abort: () => void = () => {};
  readonly #sink: FrameSink;
  readonly #url: string;
  readonly #maxFrameBytes: number;
  #mode: Mode = 'head';
  #status = 0;
  #headers: AnswerHeaders = {};
  #events: EventReader | undefined;
  /** The body so far, with room behind it. */
  #kept: Buffer = Buffer.alloc(0);
  #bytes = 0;

  /** @param url for messages. */
  constructor(sink: FrameSink, url: string, maxFrameBytes: number) {
    this.#sink = sink;
    this.#url = url;
    this.#maxFrameBytes = maxFrameBytes;
  }

  onHead(status: number, headers: AnswerHeaders): void {
    this.#status = status;
    this.#headers = headers;
    const type = mediaType(headerOf(headers, 'content-type'));
    const isOk = status >= 200 && status < 300;
    if (type === 'application/json' && !isRefusal(status)) this.#mode = 'json';
    else if (isOk && type === 'text/event-stream') this.#mode = 'events';
    // A 200 without a type may still prove to be empty, as some servers answer notifications.
    else if (status === 202 || status === 204) this.#mode = 'empty';
    else this.#mode = 'refused';
    const coding = headerOf(headers, 'content-encoding');
    if ((this.#mode === 'json' || this.#mode === 'events') && coding !== '' && coding !== 'identity') {
      const text = `${this.#url} answered with the content coding "${coding}", which was not asked for.`;
      this.#stop(new RingwireError('FRAME_INVALID', text));
      return;
    }
    if (this.#mode === 'events') {
      this.#events = new EventReader(
        {
          onEvent: (event, data, id) => this.#onEvent(event, data, id),
          onRetry: (retryMs) => this.#sink.onRetry?.(retryMs),
        },
        this.#maxFrameBytes,
      );
    }
    if (this.#mode === 'json' && Number(headerOf(headers, 'content-length')) > this.#maxFrameBytes) {
      this.#stop(this.#tooLarge());
      return;
    }
    if (this.#mode !== 'refused') this.#sink.onOpen(status, headers, this.#mode === 'events');
  }

  onData(chunk: Buffer): void {
    switch (this.#mode) {
      case 'events':
        try {
          this.#events?.read(chunk);
        } catch (error) {
          this.#stop(error as RingwireError);
        }
        break;
      case 'json':
        this.#collect(chunk, this.#maxFrameBytes);
        if (this.#bytes > this.#maxFrameBytes) this.#stop(this.#tooLarge());
        break;
      case 'refused':
        this.#collect(chunk, maxRefusalBytes);
        if (this.#bytes > maxRefusalBytes) {
          this.abort();
          this.#refuse();
        }
    }
  }

  onEnd(): void {
    const mode = this.#mode;
    if (mode === 'refused' && this.#bytes === 0 && this.#status < 300) {
      this.#sink.onOpen(this.#status, this.#headers, false);
    } else if (mode === 'refused') {
      this.#refuse();
      return;
    }
    if (mode === 'over') return;
    if (mode === 'json' && this.#bytes > 0) this.#sink.onFrame(this.#body());
    this.#mode = 'over';
    this.#sink.onEnd();
  }

  onFail(error: RingwireError): void {
    if (this.#mode === 'over') return;
    this.#mode = 'over';
    this.#sink.onFail(error);
  }

  #onEvent(type: string, data: string, id: string | undefined): void {
    if (this.#mode !== 'events') return;
    if (id !== undefined) this.#sink.onEventId?.(unsendable.test(id) ? '' : id);
    if (type !== 'message') this.#sink.onNamedEvent?.(type, data);
    // Servers open resumable streams with an event that has an id and no data.
    else if (data !== '') this.#sink.onFrame(Buffer.from(data));
  }

  #collect(chunk: Buffer, maxBytes: number): void {
    const bytes = this.#bytes;
    this.#bytes += chunk.length;
    // Beyond the limit nothing is kept: the count alone tells.
    if (bytes > maxBytes) return;
    if (bytes === 0) {
      // A chunk is borrowed.
      this.#kept = Buffer.from(chunk);
      return;
    }
    // One buffer that grows: a list of chunks of one byte each would take a hundred times what they hold.
    if (this.#bytes > this.#kept.length) {
      const larger = Buffer.allocUnsafe(2 * this.#bytes);
      this.#kept.copy(larger, 0, 0, bytes);
      this.#kept = larger;
    }
    chunk.copy(this.#kept, bytes);
  }

  #body(): Buffer {
    return this.#kept.subarray(0, this.#bytes);
  }

  #stop(error: RingwireError): void {
    this.abort();
    this.onFail(error);
  }

  #tooLarge(): RingwireError {
    const text = `The answer of ${this.#url} is longer than maxFrameBytes (${this.#maxFrameBytes}).`;
    return new RingwireError('FRAME_TOO_LARGE', text);
  }

  #refuse(): void {
    this.#mode = 'over';
    this.#sink.onRefused(statusError(this.#url, this.#status, this.#headers, this.#body()));
  }
}

/** 'application/json' of 'Application/JSON; charset=utf-8'. */
function mediaType(value: string): string {
  return value.split(';', 1)[0].trim().toLowerCase();
}

function isRedirect(status: number): boolean {
  return status >= 300 && status < 400;
}

/** Statuses that are no server's answer to a call, whatever the body: it may be a proxy's. */
function isRefusal(status: number): boolean {
  return isRedirect(status) || status === 401 || status === 403 || status === 429 || status === 503;
}

/** How much of a body stands in a message. */
const shownCharacters = 200;

/** What to make of an answer that is no message. `body` may be cut. */
export function statusError(url: string, status: number, headers: AnswerHeaders, body: Buffer): HttpError {
  const type = headerOf(headers, 'content-type');
  const text = body.toString('utf8', 0, shownCharacters * 4).slice(0, shownCharacters);
  const shown = text.replace(/[\p{Cc}\s]+/gu, ' ').trim();
  const said = shown === '' ? 'an empty body' : `${type === '' ? 'no content type' : type}: ${shown}`;
  const retryAfterMs = retryAfter(headerOf(headers, 'retry-after'));
  const base = { status, ...(retryAfterMs !== undefined && { retryAfterMs }) };
  if (status === 401 || status === 403) {
    const challenge = parseChallenge(headerOf(headers, 'www-authenticate'));
    const wants = status === 401 ? 'asks for authorization' : 'does not permit this';
    const scope = challenge?.scope === undefined ? '' : ` It names the scope "${challenge.scope}".`;
    const message = `${url} ${wants} (${status}, ${said}).${scope}`;
    return new HttpError('UNAUTHORIZED', message, { ...base, ...(challenge && { challenge }) });
  }
  if (status === 429 || status === 503) {
    const when = retryAfterMs === undefined ? '' : ` It asks to wait ${retryAfterMs} ms.`;
    return new HttpError('OVERLOADED', `${url} takes no request now (${status}, ${said}).${when}`, base);
  }
  if (isRedirect(status)) {
    const to = headerOf(headers, 'location');
    const message = `${url} redirects (${status}) to ${to === '' ? 'nowhere' : withoutQuery(to)}, which is not followed. Connect to the right address.`;
    return new HttpError('HTTP_STATUS', message, base);
  }
  return new HttpError('HTTP_STATUS', `${url} answered ${status} with ${said}.`, {
    ...base,
    retryable: status === 502 || status === 504,
  });
}

/** Queries may hold secrets. */
function withoutQuery(location: string): string {
  return location.split(/[?#]/, 1)[0];
}

/** Retry-After in milliseconds: seconds or a date (RFC 9110, section 10.2.3). */
function retryAfter(value: string): number | undefined {
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

/** The first challenge of WWW-Authenticate (RFC 9110, section 11.6.1); undefined where there is none. */
export function parseChallenge(value: string): AuthChallenge | undefined {
  const scheme = /^\s*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)(?:\s+|$)/.exec(value);
  if (scheme === null) return undefined;
  const found: Record<string, string> = {};
  const parameter = /([!#$%&'*+\-.^_`|~0-9A-Za-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g;
  for (const [, name, quoted, token] of value.slice(scheme[0].length).matchAll(parameter))
    found[name.toLowerCase()] ??= quoted === undefined ? token : quoted.replace(/\\(.)/g, '$1');
  return {
    scheme: scheme[1],
    ...(found.resource_metadata !== undefined && { resourceMetadata: found.resource_metadata }),
    ...(found.scope !== undefined && { scope: found.scope }),
    ...(found.error !== undefined && { error: found.error }),
    ...(found.error_description !== undefined && { errorDescription: found.error_description }),
  };
}

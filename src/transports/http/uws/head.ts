/** The heads of requests and answers, as uWebSockets.js hands them over and takes them. */
import type { HttpRequest } from 'uWebSockets.js';
import { RingwireError } from '../../../errors.js';
import type { HeaderList } from '../http-server.js';

/**
 * The fields of the request that is being read. One object serves a listener: a request is read to its end before
 * the next begins, and who needs the fields longer takes a copy.
 */
export class HeadReader {
  names: string[] = [];
  values: string[] = [];
  count = 0;
  bytes = 0;
  contentLength = '';
  contentLengths = 0;
  transferEncoding = '';
  transferEncodings = 0;
  host = '';
  hosts = 0;
  acceptEncoding = '';
  contentEncoding = '';
  connection = '';
  expect = '';
  /** Whose fields these are. */
  owner: object | undefined = undefined;
  readonly #visit = (name: string, value: string): void => {
    const at = this.count++;
    this.names[at] = name;
    this.values[at] = value;
    this.bytes += name.length + value.length + 4;
    switch (name.length) {
      case 4:
        if (name === 'host') {
          this.host = value;
          this.hosts++;
        }
        break;
      case 6:
        if (name === 'expect') this.expect = this.expect === '' ? value : `${this.expect}, ${value}`;
        break;
      case 10:
        if (name === 'connection')
          this.connection = this.connection === '' ? value : `${this.connection}, ${value}`;
        break;
      case 14:
        if (name === 'content-length') {
          this.contentLength = value;
          this.contentLengths++;
        }
        break;
      case 15:
        if (name === 'accept-encoding') this.acceptEncoding = value;
        break;
      case 16:
        if (name === 'content-encoding') this.contentEncoding = value;
        break;
      case 17:
        if (name === 'transfer-encoding') {
          this.transferEncoding = value;
          this.transferEncodings++;
        }
    }
  };

  /** Reading each field by its name costs the same from eight fields on, and sees one of two equal names alone. */
  read(request: HttpRequest): void {
    this.count = 0;
    this.bytes = 0;
    this.contentLength = '';
    this.contentLengths = 0;
    this.transferEncoding = '';
    this.transferEncodings = 0;
    this.host = '';
    this.hosts = 0;
    this.acceptEncoding = '';
    this.contentEncoding = '';
    this.connection = '';
    this.expect = '';
    request.forEach(this.#visit);
  }

  header(name: string): string {
    return lookUp(this.names, this.values, this.count, name);
  }
}

/** A copy of the fields of one request. */
export class KeptHead {
  readonly #names: readonly string[];
  readonly #values: readonly string[];

  constructor(head: HeadReader) {
    this.#names = head.names.slice(0, head.count);
    this.#values = head.values.slice(0, head.count);
  }

  get count(): number {
    return this.#names.length;
  }

  get names(): readonly string[] {
    return this.#names;
  }

  get values(): readonly string[] {
    return this.#values;
  }

  header(name: string): string {
    return lookUp(this.#names, this.#values, this.#names.length, name);
  }
}

function lookUp(names: readonly string[], values: readonly string[], count: number, name: string): string {
  for (let index = 0; index < count; index++) {
    if (names[index] !== name) continue;
    let value = values[index];
    while (++index < count) if (names[index] === name) value += `, ${values[index]}`;
    return value;
  }
  return '';
}

/** RFC 9110, section 5.6.2. */
export const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

const reasons: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  204: 'No Content',
  301: 'Moved Permanently',
  302: 'Found',
  304: 'Not Modified',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  408: 'Request Timeout',
  409: 'Conflict',
  410: 'Gone',
  411: 'Length Required',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  417: 'Expectation Failed',
  421: 'Misdirected Request',
  422: 'Unprocessable Content',
  426: 'Upgrade Required',
  428: 'Precondition Required',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
};

/** Heads of answers as one text, for one call instead of one for each field. */
export class HeadTexts {
  #lastHead: HeaderList | undefined = undefined;
  #lastStatus = 0;
  #lastText = '';
  readonly #texts = new WeakMap<HeaderList, Map<number, string>>();

  /** Status and fields without the last line break. Throws INTERNAL for what would break out of its line. */
  get(status: number, head: HeaderList): string {
    if (head === this.#lastHead && status === this.#lastStatus) return this.#lastText;
    let texts = this.#texts.get(head);
    if (texts === undefined) {
      texts = new Map();
      this.#texts.set(head, texts);
    }
    let text = texts.get(status);
    if (text === undefined) {
      text = headText(status, head);
      texts.set(status, text);
    }
    this.#lastHead = head;
    this.#lastStatus = status;
    this.#lastText = text;
    return text;
  }
}

function headText(status: number, head: HeaderList): string {
  let text = `${status} ${reasons[status] ?? 'Status'}`;
  for (let index = 0; index + 1 < head.length; index += 2) {
    const name = head[index];
    const value = head[index + 1];
    if (!token.test(name) || /[^\t\x20-\x7e\x80-\xff]/.test(value)) {
      throw new RingwireError('INTERNAL', `The header field ${JSON.stringify(name)} cannot be sent.`);
    }
    text += `\r\n${name}: ${value}`;
  }
  return text;
}

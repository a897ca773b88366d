/** HTTP/1.1 by hand: a connection that sends bytes as they are, and reads answers exactly, one after the other. */
import { connect, type Socket } from 'node:net';

export interface RawAnswer {
  readonly status: number;
  /** Name in lower case and value, in the order of the wire. */
  readonly fields: readonly (readonly [string, string])[];
  readonly body: string;
}

export function fieldOf(answer: RawAnswer, name: string): string | undefined {
  return answer.fields.find(([each]) => each === name)?.[1];
}

export class RawConnection {
  readonly socket: Socket;
  /** Final answers; those of the 100s are in `interim`. */
  readonly answers: RawAnswer[] = [];
  readonly interim: number[] = [];
  isClosed = false;
  /** Bytes that begin an answer which is not complete, or are none. */
  rest = '';
  /** Answers to HEAD have no body whatever their fields say. */
  readonly #isHead: boolean;
  #waiters: { readonly done: () => boolean; readonly resolve: () => void }[] = [];

  constructor(port: number, { isHead = false, onConnect }: RawOptions = {}) {
    this.#isHead = isHead;
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }, onConnect);
    this.socket.setNoDelay(true);
    this.socket.on('data', (bytes) => {
      this.rest += bytes.toString('latin1');
      while (this.#takeAnswer());
      this.#check();
    });
    this.socket.on('error', () => {});
    // The server's end of the connection: whatever we would still send, nobody reads.
    const close = (): void => {
      if (this.isClosed) return;
      this.#takeLast();
      this.isClosed = true;
      this.socket.destroy();
      this.#check();
    };
    this.socket.on('end', close);
    this.socket.on('close', close);
  }

  /** Text goes out as Latin-1: one byte for each character. */
  write(bytes: string | Uint8Array): this {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
    return this;
  }

  /** Resolves once the condition holds or the server ended the connection. */
  until(done: () => boolean): Promise<void> {
    if (done() || this.isClosed) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ done, resolve }));
  }

  closed(): Promise<void> {
    return this.until(() => this.isClosed);
  }

  answered(count: number): Promise<void> {
    return this.until(() => this.answers.length >= count);
  }

  destroy(): void {
    this.socket.destroy();
  }

  #check(): void {
    this.#waiters = this.#waiters.filter(({ done, resolve }) => {
      if (!done() && !this.isClosed) return true;
      resolve();
      return false;
    });
  }

  #takeAnswer(): boolean {
    const end = this.rest.indexOf('\r\n\r\n');
    const match = /^HTTP\/1\.1 (\d{3}) [^\r\n]*\r\n/.exec(this.rest);
    if (end < 0 || match === null) return false;
    const status = Number(match[1]);
    const fields = this.rest
      .slice(match[0].length, Math.max(end, match[0].length))
      .split('\r\n')
      .filter((line) => line !== '')
      .map((line): [string, string] => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
      });
    const at = end + 4;
    if (status < 200) {
      this.interim.push(status);
      this.rest = this.rest.slice(at);
      return true;
    }
    const body = this.#bodyAt(at, status, new Map(fields));
    if (body === undefined) return false;
    this.answers.push({ status, fields, body: body.text });
    this.rest = this.rest.slice(body.end);
    return true;
  }

  /** An answer without a length ends with its connection. */
  #takeLast(): void {
    const match = /^HTTP\/1\.1 (\d{3}) [^\r\n]*\r\nConnection: close\r\n\r\n(.*)$/is.exec(this.rest);
    if (match === null) return;
    this.answers.push({ status: Number(match[1]), fields: [['connection', 'close']], body: match[2] });
    this.rest = '';
  }

  #bodyAt(
    at: number,
    status: number,
    fields: ReadonlyMap<string, string>,
  ): { text: string; end: number } | undefined {
    if (this.#isHead || status === 204 || status === 304) return { text: '', end: at };
    if (fields.get('transfer-encoding') === 'chunked') return this.#chunksAt(at);
    const told = fields.get('content-length');
    if (told === undefined) return undefined;
    const end = at + Number(told);
    return this.rest.length < end ? undefined : { text: this.rest.slice(at, end), end };
  }

  #chunksAt(start: number): { text: string; end: number } | undefined {
    let text = '';
    for (let at = start; ; ) {
      const line = this.rest.indexOf('\r\n', at);
      if (line < 0) return undefined;
      const size = Number.parseInt(this.rest.slice(at, line), 16);
      const next = line + 2 + size + 2;
      if (this.rest.length < next) return undefined;
      if (size === 0) return { text, end: next };
      text += this.rest.slice(line + 2, line + 2 + size);
      at = next;
    }
  }
}

export interface RawOptions {
  readonly isHead?: boolean;
  readonly onConnect?: () => void;
}

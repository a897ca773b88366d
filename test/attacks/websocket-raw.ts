/** A WebSocket client that sends bytes as they are, and notes every frame it gets. */
import { connect, type Socket } from 'node:net';
import { close, Opcode, type ReadFrame, readFrame, text } from './websocket-frames.js';

export interface HandshakeParts {
  readonly line?: string;
  /** Replaces a field of the handshake, or takes it away where it is undefined. */
  readonly fields?: Readonly<Record<string, string | undefined>>;
  /** Lines behind the fields, each with its line end. */
  readonly more?: string;
}

export const sampleKey = 'dGhlIHNhbXBsZSBub25jZQ==';

/** The text of a handshake; what is not said is right. */
export function handshake({
  line = 'GET /rpc HTTP/1.1',
  fields = {},
  more = '',
}: HandshakeParts = {}): string {
  const all: Record<string, string | undefined> = {
    Host: '127.0.0.1',
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Key': sampleKey,
    'Sec-WebSocket-Version': '13',
    ...fields,
  };
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}\r\n`],
  );
  return `${line}\r\n${lines.join('')}${more}\r\n`;
}

/** What a case does, one after the other: bytes of a TCP segment of their own, or what happens to the connection. */
export type Step = Uint8Array | 'end' | 'reset' | 'turn';

export class RawWebSocket {
  readonly socket: Socket;
  status = 0;
  /** The answer's head, or all of an answer that is no 101. */
  head = '';
  readonly frames: ReadFrame[] = [];
  /** The server's end of the connection is closed; after a reset, or all of it. */
  isClosed = false;
  #rest: Buffer = Buffer.alloc(0);
  #waiters: { readonly done: () => boolean; readonly resolve: () => void }[] = [];

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    this.socket.setNoDelay(true);
    this.socket.on('data', (bytes) => this.#read(bytes));
    this.socket.on('error', () => {});
    const ended = (): void => {
      this.isClosed = true;
      this.socket.destroy();
      this.#check();
    };
    this.socket.on('end', ended);
    this.socket.on('close', ended);
  }

  /** Opens a WebSocket; throws where the server refuses. */
  static async open(port: number, parts?: HandshakeParts): Promise<RawWebSocket> {
    const client = new RawWebSocket(port);
    client.socket.write(handshake(parts));
    await client.until(() => client.status !== 0);
    if (client.status !== 101) throw new Error(`The server answered ${client.status}.`);
    return client;
  }

  get texts(): string[] {
    return this.frames.filter(({ opcode }) => opcode === Opcode.text).map(({ payload }) => String(payload));
  }

  get pongs(): string[] {
    return this.frames
      .filter(({ opcode }) => opcode === Opcode.pong)
      .map(({ payload }) => payload.toString('latin1'));
  }

  /** The code of the close frame; 1005 for one without, undefined where none came. */
  get closeCode(): number | undefined {
    const payload = this.frames.find(({ opcode }) => opcode === Opcode.close)?.payload;
    if (payload === undefined) return undefined;
    return payload.length < 2 ? 1005 : payload.readUInt16BE(0);
  }

  get hasClosed(): boolean {
    return this.isClosed || this.closeCode !== undefined;
  }

  async step(step: Step): Promise<void> {
    if (step === 'end') this.socket.end();
    else if (step === 'reset') this.socket.resetAndDestroy();
    else if (step !== 'turn') this.socket.write(step);
    // The server shares our loop: it reads this before the next.
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  send(payload: string): void {
    this.socket.write(text(payload));
  }

  /** Resolves once the condition holds or the server ended the connection. */
  until(done: () => boolean): Promise<void> {
    if (done() || this.isClosed) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ done, resolve }));
  }

  /** Closes in good order and waits for the server to end the connection. */
  async leave(): Promise<void> {
    this.socket.write(close(1000));
    await this.until(() => this.isClosed);
  }

  #check(): void {
    this.#waiters = this.#waiters.filter(({ done, resolve }) => {
      if (!done() && !this.isClosed) return true;
      resolve();
      return false;
    });
  }

  #read(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    if (this.status === 0) this.#readHead();
    if (this.status === 101) {
      for (let read = readFrame(this.#rest); read !== undefined; read = readFrame(this.#rest)) {
        this.frames.push(read);
        this.#rest = this.#rest.subarray(read.bytes);
      }
    } else {
      this.head += this.#rest.toString('latin1');
      this.#rest = Buffer.alloc(0);
    }
    this.#check();
  }

  #readHead(): void {
    const all = this.#rest.toString('latin1');
    const end = all.indexOf('\r\n\r\n');
    if (end < 0) return;
    this.status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(all)?.[1]);
    this.head = all.slice(0, end + 4);
    this.#rest = this.#rest.subarray(end + 4);
  }
}

/** The value of a field of an answer's head. */
export function headField(head: string, name: string): string | undefined {
  return new RegExp(`^${name}: *(.*)\\r$`, 'im').exec(head)?.[1];
}

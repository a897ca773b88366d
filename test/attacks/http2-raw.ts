/** HTTP/2 by hand: frames as RFC 9113 writes them, fields as literals of HPACK (RFC 7541) without compression. */
import { connect, type Socket } from 'node:net';
import { callBody } from './attack-server.js';

export const FrameType = {
  Data: 0,
  Headers: 1,
  Priority: 2,
  RstStream: 3,
  Settings: 4,
  PushPromise: 5,
  Ping: 6,
  Goaway: 7,
  WindowUpdate: 8,
  Continuation: 9,
} as const;
export const Flag = { EndStream: 1, Ack: 1, EndHeaders: 4, Padded: 8, Priority: 32 } as const;

/** RFC 9113, section 7. */
export const Code = {
  No: 0,
  Protocol: 1,
  Internal: 2,
  FlowControl: 3,
  StreamClosed: 5,
  FrameSize: 6,
  RefusedStream: 7,
  Cancel: 8,
  Compression: 9,
  Calm: 11,
} as const;

export type Field = readonly [name: string, value: string];

export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

export function setting(id: number, value: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUInt16BE(id);
  bytes.writeUInt32BE(value >>> 0, 2);
  return bytes;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  const length: number[] = [];
  if (bytes.length < 127) length.push(bytes.length);
  else {
    length.push(127);
    let rest = bytes.length - 127;
    for (; rest >= 128; rest >>= 7) length.push((rest & 127) | 128);
    length.push(rest);
  }
  return Buffer.concat([Buffer.from(length), bytes]);
}

/** Literals that are not indexed (RFC 7541, section 6.2.2), as Latin-1. */
export function block(fields: readonly Field[]): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]));
}

/** A literal that enters the dynamic table (RFC 7541, section 6.2.1). */
export function indexed(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([0x40]), text(name), text(value)]);
}

export const magic = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
export const opening = Buffer.concat([magic, frame(FrameType.Settings, 0, 0)]);

/** The fields of a good call; `replaced` names those that are otherwise, or that are not there (undefined). */
export function callFields(replaced: Readonly<Record<string, string | undefined>> = {}): Field[] {
  const fields: Record<string, string | undefined> = {
    ':method': 'POST',
    ':scheme': 'http',
    ':authority': '127.0.0.1',
    ':path': '/mcp',
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/call',
    'mcp-name': 'mark',
    ...replaced,
  };
  return Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined);
}

/** The two frames of a call. */
export function call(
  stream: number,
  mark: string,
  fields: readonly Field[] = callFields(),
  tool = 'mark',
): Buffer {
  return Buffer.concat([
    frame(FrameType.Headers, Flag.EndHeaders, stream, block(fields)),
    frame(FrameType.Data, Flag.EndStream, stream, Buffer.from(callBody(mark, tool))),
  ]);
}

export interface ReadFrame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export class Http2Raw {
  readonly socket: Socket;
  readonly frames: ReadFrame[] = [];
  isClosed = false;
  #rest = Buffer.alloc(0);
  #waiters: { readonly done: () => boolean; readonly resolve: () => void }[] = [];

  /** Sends the preface and empty settings, unless told what to send instead. */
  constructor(port: number, first: Uint8Array = opening) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.setNoDelay(true);
    this.socket.on('data', (bytes) => this.#read(bytes));
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.isClosed = true;
      this.#check();
    });
    this.socket.write(first);
  }

  write(...bytes: readonly Uint8Array[]): this {
    for (const each of bytes) this.socket.write(each);
    return this;
  }

  /** Resolves once the condition holds or the connection ended. */
  until(done: () => boolean): Promise<void> {
    if (done() || this.isClosed) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ done, resolve }));
  }

  closed(): Promise<void> {
    return this.until(() => this.isClosed);
  }

  /** Resolves once the server ended the stream or took it back. */
  ended(stream: number): Promise<void> {
    return this.until(() => this.hasEnded(stream));
  }

  hasEnded(stream: number): boolean {
    return this.frames.some(
      ({ type, flags, stream: of }) =>
        of === stream &&
        (type === FrameType.RstStream || (type <= FrameType.Headers && (flags & Flag.EndStream) !== 0)),
    );
  }

  /** The code of the GOAWAY; undefined where none came. */
  get goaway(): number | undefined {
    return this.frames.findLast(({ type }) => type === FrameType.Goaway)?.payload.readUInt32BE(4);
  }

  resetOf(stream: number): number | undefined {
    return this.frames
      .find(({ type, stream: of }) => type === FrameType.RstStream && of === stream)
      ?.payload.readUInt32BE(0);
  }

  /** Of the first answer on this connection: later ones may name it by its place in a table. */
  statusOf(stream: number): number | undefined {
    const head = this.frames.find(({ type, stream: of }) => type === FrameType.Headers && of === stream);
    return head === undefined ? undefined : statusIn(head.payload);
  }

  bodyOf(stream: number): string {
    const parts = this.frames.filter(({ type, stream: of }) => type === FrameType.Data && of === stream);
    return Buffer.concat(parts.map(({ payload }) => payload)).toString();
  }

  count(type: number, flags = 0): number {
    return this.frames.filter((each) => each.type === type && (each.flags & flags) === flags).length;
  }

  destroy(): void {
    this.socket.destroy();
  }

  #read(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    for (;;) {
      const rest = this.#rest;
      if (rest.length < 9) break;
      const end = 9 + rest.readUIntBE(0, 3);
      if (rest.length < end) break;
      this.frames.push({
        type: rest[3],
        flags: rest[4],
        stream: rest.readUInt32BE(5) & 0x7fffffff,
        payload: rest.subarray(9, end),
      });
      this.#rest = rest.subarray(end);
    }
    this.#check();
  }

  #check(): void {
    this.#waiters = this.#waiters.filter(({ done, resolve }) => {
      if (!done() && !this.isClosed) return true;
      resolve();
      return false;
    });
  }
}

/** RFC 7541, appendix A: the statuses the static table has. */
const statuses = [200, 204, 206, 304, 400, 404, 500];

/** The status, which stands first: from the static table, or a literal whose digits are plain or Huffman-coded. */
function statusIn(bytes: Buffer): number | undefined {
  let at = 0;
  // Sizes of the dynamic table.
  while ((bytes[at] & 0xe0) === 0x20) at++;
  const first = bytes[at];
  if (first >= 0x88 && first <= 0x8e) return statuses[first - 0x88];
  if (first !== 0x48 && first !== 0x08 && first !== 0x18) return undefined;
  const length = bytes[at + 1] & 0x7f;
  const value = bytes.subarray(at + 2, at + 2 + length);
  return Number((bytes[at + 1] & 0x80) === 0 ? value.toString() : digits(value));
}

/** RFC 7541, appendix B: 0 to 2 have five bits, 3 to 9 six. */
function digits(bytes: Buffer): string {
  let bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  let found = '';
  while (bits.length >= 5 && found.length < 3) {
    const short = Number.parseInt(bits.slice(0, 5), 2);
    const isShort = short <= 2;
    found += isShort ? short : Number.parseInt(bits.slice(0, 6), 2) - 0x19 + 3;
    bits = bits.slice(isShort ? 5 : 6);
  }
  return found;
}

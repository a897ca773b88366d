/** WebSocket frames by hand (RFC 6455, section 5.2): every field as it is asked for, right or wrong. */

export const Opcode = {
  continuation: 0,
  text: 1,
  binary: 2,
  close: 8,
  ping: 9,
  pong: 10,
} as const;

export interface FrameFields {
  readonly opcode?: number;
  /** Default true. */
  readonly fin?: boolean;
  /** The three reserved bits, RSV1 being 4. Default 0. */
  readonly rsv?: number;
  /** Four bytes; undefined sends the payload unmasked. */
  readonly mask?: Uint8Array | undefined;
  readonly payload?: Uint8Array | string;
  /** How the length is written. Default: as short as it can be. */
  readonly lengthBits?: 7 | 16 | 64;
  /** The length that is said, where it is not the payload's. */
  readonly saysLength?: bigint;
}

export const defaultMask = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d);

/** A frame as a client sends it: masked, unless `mask` is given as undefined. */
export function frame(fields: FrameFields = {}): Buffer {
  const { opcode = Opcode.text, fin = true, rsv = 0 } = fields;
  const mask = 'mask' in fields ? fields.mask : defaultMask;
  const payload = Buffer.from(fields.payload ?? '');
  const length = fields.saysLength ?? BigInt(payload.length);
  const bits = fields.lengthBits ?? (length < 126n ? 7 : length < 65_536n ? 16 : 64);
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  const masked = mask === undefined ? 0 : 0x80;
  const head: Buffer[] = [
    Buffer.from([first, masked | (bits === 7 ? Number(length) : bits === 16 ? 126 : 127)]),
  ];
  if (bits !== 7) head.push(lengthField(length, bits));
  if (mask === undefined) return Buffer.concat([...head, payload]);
  const covered = Buffer.from(payload);
  for (let index = 0; index < covered.length; index++) covered[index] ^= mask[index & 3];
  return Buffer.concat([...head, mask, covered]);
}

function lengthField(length: bigint, bits: 16 | 64): Buffer {
  const field = Buffer.alloc(bits / 8);
  if (bits === 16) field.writeUInt16BE(Number(length));
  else field.writeBigUInt64BE(length);
  return field;
}

export function text(payload: Uint8Array | string, fields: FrameFields = {}): Buffer {
  return frame({ payload, ...fields });
}

export function ping(payload: Uint8Array | string = '', fields: FrameFields = {}): Buffer {
  return frame({ opcode: Opcode.ping, payload, ...fields });
}

export function pong(payload: Uint8Array | string = '', fields: FrameFields = {}): Buffer {
  return frame({ opcode: Opcode.pong, payload, ...fields });
}

/** A close frame; without a code its payload is empty. */
export function close(code?: number, reason: Uint8Array | string = ''): Buffer {
  if (code === undefined) return frame({ opcode: Opcode.close });
  return frame({ opcode: Opcode.close, payload: Buffer.concat([codeBytes(code), Buffer.from(reason)]) });
}

export function codeBytes(code: number): Buffer {
  return Buffer.of(code >> 8, code & 0xff);
}

/** A message in pieces: a frame each, the last of which has FIN. */
export function fragments(pieces: readonly (Uint8Array | string)[], opcode: number = Opcode.text): Buffer[] {
  return pieces.map((payload, index) =>
    frame({
      opcode: index === 0 ? opcode : Opcode.continuation,
      fin: index === pieces.length - 1,
      payload,
    }),
  );
}

/** So many pieces, of as equal length as can be. */
export function pieces(whole: string, count: number): Buffer[] {
  const bytes = Buffer.from(whole);
  return Array.from({ length: count }, (_, index) =>
    bytes.subarray(
      Math.floor((index * bytes.length) / count),
      Math.floor(((index + 1) * bytes.length) / count),
    ),
  );
}

export interface ReadFrame {
  readonly opcode: number;
  readonly fin: boolean;
  readonly rsv: number;
  readonly isMasked: boolean;
  readonly payload: Buffer;
  /** Bytes of the whole frame. */
  readonly bytes: number;
}

/** The frame that begins with these bytes; undefined where there is more to come. */
export function readFrame(bytes: Buffer): ReadFrame | undefined {
  if (bytes.length < 2) return undefined;
  const short = bytes[1] & 0x7f;
  const isMasked = (bytes[1] & 0x80) !== 0;
  const start = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0) + (isMasked ? 4 : 0);
  if (bytes.length < start) return undefined;
  const length =
    short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
  if (bytes.length < start + length) return undefined;
  const payload = Buffer.from(bytes.subarray(start, start + length));
  if (isMasked) for (let index = 0; index < length; index++) payload[index] ^= bytes[start - 4 + (index & 3)];
  return {
    opcode: bytes[0] & 0x0f,
    fin: (bytes[0] & 0x80) !== 0,
    rsv: (bytes[0] >> 4) & 7,
    isMasked,
    payload,
    bytes: start + length,
  };
}

/**
 * The memory of a ring as JavaScript sees it. native/src/ring/ring_layout.h draws the same layout for C++; both
 * take their numbers from native/constants.json.
 */
import { RingClosed, RingField, RingFormat, RingKind } from '../binding/constants.generated.js';
import { RingwireError } from '../errors.js';

/** 'spsc': one writing thread. 'mpsc': any number of writing threads. One reading thread in both. */
export type RingBufferKind = 'spsc' | 'mpsc';

/** Views over one checked ring. The sizes are copies: the other side cannot change them under us. */
export interface RingMemory {
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
  /** The header; index it with RingField. */
  readonly words: Int32Array;
  /** The data area: as bytes, as marks of records, as units. */
  readonly bytes: Uint8Array;
  readonly marks: Int32Array;
  readonly units: Float64Array;
  readonly kind: RingBufferKind;
  readonly capacityBytes: number;
  readonly capacityUnits: number;
  readonly maxFrameBytes: number;
}

const { HeaderBytes, UnitBytes, RecordHeaderBytes, MinCapacityBytes, MaxCapacityBytes } = RingFormat;

/** The bytes of memory a ring of this capacity takes. */
export function ringMemoryBytes(capacityBytes: number): number {
  return HeaderBytes + capacityBytes;
}

/** TypeError unless it is a power of two that a ring can have. */
export function checkCapacity(capacityBytes: number): void {
  if (
    !Number.isInteger(capacityBytes) ||
    capacityBytes < MinCapacityBytes ||
    capacityBytes > MaxCapacityBytes ||
    (capacityBytes & (capacityBytes - 1)) !== 0
  )
    throw new TypeError(
      `"capacityBytes" must be a power of two between ${MinCapacityBytes} and ${MaxCapacityBytes}; got ${String(capacityBytes)}`,
    );
}

export function checkKind(kind: RingBufferKind): void {
  if (kind !== 'spsc' && kind !== 'mpsc')
    throw new TypeError(`"kind" must be 'spsc' or 'mpsc'; got ${String(kind)}`);
}

function viewsOf(
  buffer: ArrayBuffer | SharedArrayBuffer,
  kind: RingBufferKind,
  capacityBytes: number,
): RingMemory {
  return {
    buffer,
    words: new Int32Array(buffer, 0, HeaderBytes / 4),
    bytes: new Uint8Array(buffer, HeaderBytes, capacityBytes),
    marks: new Int32Array(buffer, HeaderBytes, capacityBytes / 4),
    units: new Float64Array(buffer, HeaderBytes, capacityBytes / UnitBytes),
    kind,
    capacityBytes,
    capacityUnits: capacityBytes / UnitBytes,
    maxFrameBytes: capacityBytes / 2 - RecordHeaderBytes,
  };
}

/** Makes an empty ring in zeroed memory of at least ringMemoryBytes(capacityBytes). */
export function formatRing(
  buffer: ArrayBuffer | SharedArrayBuffer,
  kind: RingBufferKind,
  capacityBytes: number,
): RingMemory {
  const memory = viewsOf(buffer, kind, capacityBytes);
  const { words } = memory;
  words[RingField.Version] = RingFormat.Version;
  words[RingField.Kind] = kind === 'spsc' ? RingKind.Spsc : RingKind.Mpsc;
  words[RingField.CapacityBytes] = capacityBytes;
  words[RingField.Generation] = 1 + Math.floor(Math.random() * 0x7ffffffe);
  // Last: whoever sees the magic sees the rest of the header.
  Atomics.store(words, RingField.Magic, RingFormat.Magic);
  return memory;
}

/** Views over memory in which another side made a ring. RING_CORRUPT where it is none. */
export function openRing(buffer: ArrayBuffer | SharedArrayBuffer): RingMemory {
  if (buffer.byteLength < HeaderBytes)
    throw notARing(`it has ${buffer.byteLength} bytes, less than a header`);
  const words = new Int32Array(buffer, 0, HeaderBytes / 4);
  if (Atomics.load(words, RingField.Magic) !== RingFormat.Magic)
    throw notARing('the magic number is missing');
  const version = words[RingField.Version];
  if (version !== RingFormat.Version)
    throw notARing(`its layout has version ${version}, ours is ${RingFormat.Version}`);
  const kind = words[RingField.Kind];
  if (kind !== RingKind.Spsc && kind !== RingKind.Mpsc) throw notARing(`its kind is ${kind}`);
  const capacityBytes = words[RingField.CapacityBytes];
  try {
    checkCapacity(capacityBytes);
  } catch (cause) {
    throw notARing(`its capacity is ${capacityBytes} bytes`, cause);
  }
  if (ringMemoryBytes(capacityBytes) > buffer.byteLength)
    throw notARing(`it claims ${capacityBytes} bytes of capacity in ${buffer.byteLength} bytes of memory`);
  const memory = viewsOf(buffer, kind === RingKind.Spsc ? 'spsc' : 'mpsc', capacityBytes);
  readableUnits(memory);
  return memory;
}

function notARing(problem: string, cause?: unknown): RingwireError {
  return new RingwireError('RING_CORRUPT', `This memory is not a ring buffer: ${problem}`, { cause });
}

/** What is said when positions or lengths in the shared memory are impossible. */
export function corrupt(problem: string): RingwireError {
  return new RingwireError('RING_CORRUPT', `The ring buffer is damaged: ${problem}`);
}

export function isClosed(memory: RingMemory): boolean {
  return Atomics.load(memory.words, RingField.Closed) !== RingClosed.Open;
}

/** Units between head and tail, record headers and skips included; exact on either side, a bound elsewhere. */
export function readableUnits({ words, capacityUnits }: RingMemory): number {
  // Tail first, as in ring_readable_bytes: for a third thread the reader may overtake it in between.
  const tail = Atomics.load(words, RingField.Tail);
  const used = (tail - Atomics.load(words, RingField.Head)) | 0;
  if (used > capacityUnits || used < -capacityUnits)
    throw corrupt(`head and tail lie ${used * UnitBytes} bytes apart`);
  return Math.max(used, 0);
}
